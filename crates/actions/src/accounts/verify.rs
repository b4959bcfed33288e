//! Proving that a person reads the mail of the account's address (S57, X6).

use domain::text::Email;
use domain::user::TokenPurpose;

use super::{Client, address_of, mail_nothing, mail_token, presented};
use crate::throttle::{self, Mail};
use crate::{Context, Error, Result};

/// Spends the secret of the mail.
pub async fn verify_email(ctx: &Context, token: &str) -> Result<()> {
    let hash = presented(token)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let token = store::tokens::spend(&mut tx, &hash, TokenPurpose::VerifyEmail, now)
        .await?
        .ok_or(Error::InvalidToken)?;
    // The address may have changed since; the secret proves the one it was mailed to and no other.
    let address = token.address.to_ascii_lowercase();
    if !store::users::update_verified(&mut tx, token.user_id, &address, now).await? {
        return Err(Error::InvalidToken);
    }
    tx.commit().await?;
    Ok(())
}

/// Mails the link again, if the address has an account that is not verified yet. The answer is always the same.
pub async fn resend_verification(ctx: &Context, client: &Client, email: &str) -> Result<()> {
    let email =
        Email::parse(email).map_err(|error| Error::field("email", error.code(), error.to_string()))?;
    throttle::count(ctx, &throttle::mail(client, Mail::Verify, email.canonical())).await?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    match store::users::find_by_email(&mut tx, email.canonical()).await? {
        Some(user) if !user.is_email_verified => {
            mail_token(ctx, &mut tx, user.id, TokenPurpose::VerifyEmail, &address_of(&user)?, now).await?;
        }
        _ => mail_nothing(&mut tx, &email, now).await?,
    }
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(())
}
