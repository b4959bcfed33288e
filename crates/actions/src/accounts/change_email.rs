//! Moving an account to another address: the password starts it, mail to the new address confirms it, the old
//! address is told.

use domain::id::UserId;
use domain::notification::Message;
use domain::text::Email;
use domain::user::TokenPurpose;

use super::{email_conflict, email_taken, mail_notice, mail_token, presented, require_password};
use crate::{Context, Error, Result, throttle};

/// Mails a link to the new address; nothing changes before it is used.
pub async fn change_email(ctx: &Context, user: UserId, password: &str, new: &str) -> Result<()> {
    let new =
        Email::parse(new).map_err(|error| Error::field("new_email", error.code(), error.to_string()))?;
    let user = require_password(ctx, user, "password", password).await?;
    throttle::count(ctx, &throttle::change_email(&user.id.to_string())).await?;
    if new.display() == user.email_display {
        return Err(Error::field("new_email", "unchanged", "This is your address already."));
    }
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    if new.canonical() != user.email && store::users::is_email_taken(&mut tx, new.canonical()).await? {
        return Err(email_taken());
    }
    mail_token(ctx, &mut tx, user.id, TokenPurpose::ChangeEmail, &new, now).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(())
}

/// Spends the secret of the mail to the new address. Links mailed to the old one stop working.
pub async fn confirm_email(ctx: &Context, token: &str) -> Result<()> {
    let hash = presented(token)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let token = store::tokens::spend(&mut tx, &hash, TokenPurpose::ChangeEmail, now)
        .await?
        .ok_or(Error::InvalidToken)?;
    let user = store::users::lock(&mut tx, token.user_id).await?.ok_or(Error::InvalidToken)?;
    let new = Email::parse(&token.address).map_err(|_| Error::Internal("a stored address cannot be read"))?;
    store::users::update_email(&mut tx, user.id, new.canonical(), new.display(), now)
        .await
        .map_err(email_conflict)?;
    store::tokens::burn_all(&mut tx, user.id, now).await?;
    let notice = Message::EmailChanged { new_address: new.display().to_owned() };
    mail_notice(ctx, &mut tx, &user.email_display, &notice, now).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(())
}
