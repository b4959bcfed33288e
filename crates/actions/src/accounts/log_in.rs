//! Logging in, with and without a second factor, and out.

use domain::id::{SessionId, UserId};
use domain::text::Email;
use domain::user::{TokenPurpose, User};
use store::Tx;

use super::{Client, NewSession, begin_session, issue_token, presented};
use crate::{Context, Error, Result, throttle, totp};

/// Tries per challenge; afterwards the password is due again (T-15).
const TRIES_PER_CHALLENGE: i32 = 5;

/// Begins a session, or answers `SecondFactor` with the challenge for [`complete_totp`]. Wrong password and unknown
/// address get the same answer after the same work (X2).
pub async fn log_in(ctx: &Context, client: &Client, email: &str, password: &str) -> Result<NewSession> {
    // What is no address has no account: it is counted and hashed like any other, but not looked up, since it can hold
    // characters that no database takes.
    let address = Email::parse(email).ok();
    let counted = address
        .as_ref()
        .map_or_else(|| email.trim().to_lowercase(), |address| address.canonical().to_owned());
    let limits = throttle::log_in(client, &counted);
    throttle::count(ctx, &limits).await?;
    let found = match &address {
        Some(address) => store::users::find_by_email(&mut ctx.db.read().await?, address.canonical()).await?,
        None => None,
    };
    let stored = found.as_ref().map(|user| user.password_hash.as_str());
    let is_right = ctx.passwords.verify(password, stored).await?;
    let Some(user) = found.filter(|_| is_right) else { return Err(Error::Unauthorized) };
    let rehashed = if ctx.passwords.is_outdated(&user.password_hash) {
        Some(ctx.passwords.hash(password, &ctx.ids.secret()).await?)
    } else {
        None
    };

    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    // The password may have been changed since it was checked.
    let current = store::users::lock(&mut tx, user.id).await?.ok_or(Error::Unauthorized)?;
    if current.password_hash != user.password_hash {
        return Err(Error::Unauthorized);
    }
    if let Some(hash) = rehashed {
        store::users::update_password(&mut tx, user.id, &hash, now).await?;
    }
    if current.has_totp() {
        let (_, challenge) =
            issue_token(ctx, &mut tx, user.id, TokenPurpose::TotpChallenge, &user.email, now).await?;
        tx.commit().await?;
        return Err(Error::SecondFactor { challenge });
    }
    throttle::give_back(&mut tx, &limits).await?;
    let session = begin_session(ctx, &mut tx, client, user.id, None, now).await?;
    tx.commit().await?;
    Ok(session)
}

/// The second step of a log-in: a code of the app or a recovery code, each accepted once. `InvalidToken`: the
/// challenge is over, log in again.
pub async fn complete_totp(
    ctx: &Context,
    client: &Client,
    challenge: &str,
    code: &str,
) -> Result<NewSession> {
    let hash = presented(challenge)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let counted = store::tokens::count_attempt(&mut tx, &hash, TokenPurpose::TotpChallenge, now).await?;
    tx.commit().await?;
    let challenge =
        counted.filter(|challenge| challenge.attempts <= TRIES_PER_CHALLENGE).ok_or(Error::InvalidToken)?;

    let mut tx = ctx.db.write().await?;
    let user = store::users::lock(&mut tx, challenge.user_id).await?.ok_or(Error::InvalidToken)?;
    if !spend_code(ctx, &mut tx, &user, code).await? {
        return Err(Error::Unauthorized);
    }
    store::tokens::spend(&mut tx, &hash, TokenPurpose::TotpChallenge, now)
        .await?
        .ok_or(Error::InvalidToken)?;
    throttle::give_back(&mut tx, &throttle::log_in(client, &user.email)).await?;
    let session = begin_session(ctx, &mut tx, client, user.id, None, now).await?;
    tx.commit().await?;
    Ok(session)
}

/// Accepts a code of the app for its time step, or a recovery code; `false` for a wrong or used one.
pub(super) async fn spend_code(ctx: &Context, tx: &mut Tx, user: &User, code: &str) -> Result<bool> {
    let Some(sealed) = user.totp_secret.as_ref().filter(|_| user.has_totp()) else { return Ok(false) };
    let now = ctx.now();
    if !totp::is_app_code(code) {
        return Ok(store::recovery_codes::spend(tx, user.id, &totp::recovery_hash(code), now).await?);
    }
    match totp::check(ctx, user.id, sealed, code, now)? {
        Some(step) => Ok(store::users::advance_totp(tx, user.id, step).await?),
        None => Ok(false),
    }
}

/// Ends the caller's own session; ending it twice is no error.
pub async fn log_out(ctx: &Context, user: UserId, session: SessionId) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    store::sessions::delete(&mut tx, user, session).await?;
    tx.commit().await?;
    Ok(())
}
