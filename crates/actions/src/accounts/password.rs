//! Changing a password and getting back in without it (X5).

use domain::id::{SessionId, UserId};
use domain::notification::Message;
use domain::text::{Email, Password};
use domain::user::{TokenPurpose, User};

use super::{
    Client, address_of, mail_nothing, mail_notice, mail_token, presented, require_password, two_factor,
};
use crate::throttle::{self, Mail};
use crate::{Context, Error, Result};

/// Mails a link to set a new password, if the address has an account. The answer is always the same (D1).
pub async fn forgot_password(ctx: &Context, client: &Client, email: &str) -> Result<()> {
    let email =
        Email::parse(email).map_err(|error| Error::field("email", error.code(), error.to_string()))?;
    throttle::count(ctx, &throttle::mail(client, Mail::Reset, email.canonical())).await?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    match store::users::find_by_email(&mut tx, email.canonical()).await? {
        Some(user) => {
            let address = address_of(&user)?;
            mail_token(ctx, &mut tx, user.id, TokenPurpose::ResetPassword, &address, now).await?;
        }
        None => mail_nothing(&mut tx, &email, now).await?,
    }
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(())
}

/// Spends the secret of the mail: sets the password and ends every session and every other secret (T-12).
/// Who reads the mail has proved the address as well. If nobody had before, a second factor is a stranger's and goes.
pub async fn reset_password(ctx: &Context, token: &str, password: &str) -> Result<()> {
    let hash = presented(token)?;
    let now = ctx.now();
    let purpose = TokenPurpose::ResetPassword;
    let mut conn = ctx.db.read().await?;
    let token =
        store::tokens::find_alive(&mut conn, &hash, purpose, now).await?.ok_or(Error::InvalidToken)?;
    let user = store::users::find(&mut conn, token.user_id).await?.ok_or(Error::InvalidToken)?;
    drop(conn);
    let password_hash = hash_new(ctx, &user, "password", password).await?;

    let mut tx = ctx.db.write().await?;
    let user = store::users::lock(&mut tx, user.id).await?.ok_or(Error::InvalidToken)?;
    store::tokens::spend(&mut tx, &hash, purpose, now).await?.ok_or(Error::InvalidToken)?;
    if !store::users::update_verified(&mut tx, user.id, &token.address.to_ascii_lowercase(), now).await? {
        return Err(Error::InvalidToken);
    }
    store::users::update_password(&mut tx, user.id, &password_hash, now).await?;
    if !user.is_email_verified {
        two_factor::clear(&mut tx, user.id, now).await?;
    }
    store::tokens::burn_all(&mut tx, user.id, now).await?;
    store::sessions::delete_all(&mut tx, user.id).await?;
    throttle::forget_log_ins(&mut tx, &user.email).await?;
    mail_notice(ctx, &mut tx, &user.email_display, &Message::PasswordChanged {}, now).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(())
}

/// Changes the password of somebody who knows it, and ends the sessions on other devices (H-10).
pub async fn change_password(
    ctx: &Context,
    user: UserId,
    present: SessionId,
    current: &str,
    new: &str,
) -> Result<()> {
    let user = require_password(ctx, user, "current_password", current).await?;
    let password_hash = hash_new(ctx, &user, "new_password", new).await?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let locked = store::users::lock(&mut tx, user.id).await?.ok_or(Error::Unauthorized)?;
    if locked.password_hash != user.password_hash {
        return Err(Error::Stale);
    }
    store::users::update_password(&mut tx, user.id, &password_hash, now).await?;
    store::tokens::burn_all(&mut tx, user.id, now).await?;
    store::sessions::delete_others(&mut tx, user.id, present).await?;
    mail_notice(ctx, &mut tx, &user.email_display, &Message::PasswordChanged {}, now).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(())
}

/// Checks and hashes a new password for `user`.
pub(super) async fn hash_new(
    ctx: &Context,
    user: &User,
    field: &'static str,
    password: &str,
) -> Result<String> {
    let password = Password::parse(password, &address_of(user)?)
        .map_err(|error| Error::field(field, error.code(), error.to_string()))?;
    ctx.passwords.hash(password.expose(), &ctx.ids.secret()).await
}
