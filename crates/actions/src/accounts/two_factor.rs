//! Two-factor log-in: on, off, and the recovery codes.

use domain::id::UserId;
use domain::time::Timestamp;
use domain::user::User;
use store::Tx;

use super::log_in::spend_code;
use super::require_password;
use crate::totp::{self, NewSecret, RECOVERY_CODES};
use crate::{Context, Error, Result, throttle};

/// Makes a secret for the person's app. Log-in asks for no code before [`confirm_totp`]. Needs the password and a
/// proved address: whoever signed up with somebody else's must not lock that person out for good.
pub async fn start_totp(ctx: &Context, user: UserId, password: &str) -> Result<NewSecret> {
    let found = require_password(ctx, user, "password", password).await?;
    require_proved_address(&found)?;
    let sealed = totp::new_secret(ctx, user)?;
    let mut tx = ctx.db.write().await?;
    if !store::users::update_totp_secret(&mut tx, user, &sealed, ctx.now()).await? {
        return Err(is_on());
    }
    tx.commit().await?;
    totp::shown(ctx, user, &found.email_display, &sealed)
}

/// The secret that was made and not confirmed yet, to show it again.
pub async fn pending_totp(ctx: &Context, user: UserId) -> Result<Option<NewSecret>> {
    let found = store::users::find(&mut ctx.db.read().await?, user).await?.ok_or(Error::Unauthorized)?;
    match &found.totp_secret {
        Some(sealed) if !found.has_totp() => totp::shown(ctx, user, &found.email_display, sealed).map(Some),
        _ => Ok(None),
    }
}

/// Turns two-factor log-in on when the app shows the right code. Gives the recovery codes; they are not shown again.
pub async fn confirm_totp(ctx: &Context, user: UserId, code: &str) -> Result<Vec<String>> {
    throttle::count(ctx, &throttle::confirmation(&user.to_string())).await?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let found = store::users::lock(&mut tx, user).await?.ok_or(Error::Unauthorized)?;
    require_proved_address(&found)?;
    if found.has_totp() {
        return Err(is_on());
    }
    let sealed = found.totp_secret.ok_or(Error::Conflict {
        code: "totp_not_started",
        message:
            "Two-factor log-in has no secret yet. Start it, add the secret to your app, then send a code."
                .into(),
    })?;
    let step = totp::check(ctx, user, &sealed, code, now)?.ok_or_else(wrong_code)?;
    if !store::users::advance_totp(&mut tx, user, step).await?
        || !store::users::confirm_totp(&mut tx, user, now).await?
    {
        return Err(wrong_code());
    }
    let codes = replace_recovery_codes(ctx, &mut tx, user).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Turns two-factor log-in off. Needs the password and a code of the app or a recovery code.
pub async fn disable_totp(ctx: &Context, user: UserId, password: &str, code: &str) -> Result<()> {
    require_password(ctx, user, "password", password).await?;
    throttle::count(ctx, &throttle::confirmation(&user.to_string())).await?;
    let mut tx = ctx.db.write().await?;
    let found = store::users::lock(&mut tx, user).await?.ok_or(Error::Unauthorized)?;
    if !found.has_totp() {
        return Err(is_off());
    }
    if !spend_code(ctx, &mut tx, &found, code).await? {
        return Err(wrong_code());
    }
    clear(&mut tx, user, ctx.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives ten new recovery codes for a code of the app or one of the old ones; the old ones stop working.
pub async fn renew_recovery_codes(ctx: &Context, user: UserId, code: &str) -> Result<Vec<String>> {
    throttle::count(ctx, &throttle::confirmation(&user.to_string())).await?;
    let mut tx = ctx.db.write().await?;
    let found = store::users::lock(&mut tx, user).await?.ok_or(Error::Unauthorized)?;
    if !found.has_totp() {
        return Err(is_off());
    }
    if !spend_code(ctx, &mut tx, &found, code).await? {
        return Err(wrong_code());
    }
    let codes = replace_recovery_codes(ctx, &mut tx, user).await?;
    tx.commit().await?;
    Ok(codes)
}

fn require_proved_address(user: &User) -> Result<()> {
    if user.is_email_verified {
        return Ok(());
    }
    Err(Error::Forbidden("Verify your e-mail address before you set up two-factor log-in."))
}

/// Log-in asks for the password alone from now on.
pub(super) async fn clear(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<()> {
    store::users::clear_totp(tx, user, now).await?;
    store::recovery_codes::delete_all(tx, user).await?;
    Ok(())
}

async fn replace_recovery_codes(ctx: &Context, tx: &mut Tx, user: UserId) -> Result<Vec<String>> {
    store::recovery_codes::delete_all(tx, user).await?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = totp::recovery_code(&ctx.ids.secret());
        store::recovery_codes::insert(tx, user, &totp::recovery_hash(&code)).await?;
        codes.push(code);
    }
    Ok(codes)
}

fn wrong_code() -> Error {
    Error::field("code", "wrong_code", "This code is wrong or was used before. Wait for the next one.")
}

fn is_on() -> Error {
    Error::Conflict {
        code: "totp_is_on",
        message: "Two-factor log-in is on already. Turn it off before you set it up anew.".into(),
    }
}

fn is_off() -> Error {
    Error::Conflict { code: "totp_is_off", message: "Two-factor log-in is off. Turn it on first.".into() }
}
