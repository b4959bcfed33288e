//! Accounts: sign up, log in, prove an address, change and recover a password, second factor, sessions, deletion.
//! Nothing here tells a stranger whether an address has an account, except sign-up (D1).

mod change_email;
mod log_in;
mod operator;
mod organization_name;
mod password;
mod profile;
pub(crate) mod register;
mod sessions;
mod two_factor;
mod verify;

use domain::id::{OrgId, SessionId, TokenId, UserId};
use domain::notification::Message;
use domain::text::Email;
use domain::time::{HOUR_MS, Timestamp};
use domain::user::{SESSION_SECONDS, Session, Token, TokenPurpose, User};
use store::Tx;

pub use change_email::{change_email, confirm_email};
pub use log_in::{complete_totp, log_in, log_out};
pub use operator::{create_by_operator, restore_by_operator, set_password_by_operator};
pub use password::{change_password, forgot_password, reset_password};
pub use profile::{delete, purge, update_profile, why_not_delete};
pub use register::{Registration, SIGN_UP_IS_CLOSED, SignedUp, register};
pub use sessions::{SEEN_EVERY_MS, end_other_sessions, end_session, touch_session};
pub use two_factor::{confirm_totp, disable_totp, pending_totp, renew_recovery_codes, start_totp};
pub use verify::{resend_verification, verify_email};

pub use crate::throttle::Client;
pub use crate::totp::NewSecret;

use crate::secrets::{FreshSecret, token_hash};
use crate::{Context, Error, Result, notifications, throttle};

/// The longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 255;

/// A session that was just begun.
pub struct NewSession {
    pub session: Session,
    /// The value of the cookie; only its hash is stored.
    pub secret: String,
}

// The secret is as good as a password (T-22).
impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Begins a session with an id and a secret of its own, so that one known before is worth nothing (T-08).
pub(crate) async fn begin_session(
    ctx: &Context,
    tx: &mut Tx,
    client: &Client,
    user: UserId,
    organization: Option<OrgId>,
    now: Timestamp,
) -> Result<NewSession> {
    let fresh = FreshSecret::new(&ctx.ids.secret());
    let session = Session {
        id: SessionId::new(ctx.uuid(now)),
        user_id: user,
        organization_id: organization,
        ip: client.ip.clone(),
        user_agent: client.user_agent.as_ref().map(|text| text.chars().take(MAX_USER_AGENT).collect()),
        created_at: now,
        last_seen_at: now,
        expires_at: now.plus_s(SESSION_SECONDS),
    };
    store::sessions::insert(tx, &session, &fresh.hash).await?;
    Ok(NewSession { session, secret: fresh.text })
}

/// Stores a one-time secret for `address` in place of earlier ones of its kind, and gives its text.
async fn issue_token(
    ctx: &Context,
    tx: &mut Tx,
    user: UserId,
    purpose: TokenPurpose,
    address: &str,
    now: Timestamp,
) -> Result<(TokenId, String)> {
    store::tokens::burn(tx, user, purpose, now).await?;
    let fresh = FreshSecret::new(&ctx.ids.secret());
    let token = Token {
        id: TokenId::new(ctx.uuid(now)),
        user_id: user,
        purpose,
        address: address.to_owned(),
        attempts: 0,
        expires_at: now.plus_s(purpose.lifetime_s()),
    };
    store::tokens::insert(tx, &token, &fresh.hash, now).await?;
    Ok((token.id, fresh.text))
}

/// Mails a link with a fresh secret to `recipient`; the secret is bound to that address (T-12).
async fn mail_token(
    ctx: &Context,
    tx: &mut Tx,
    user: UserId,
    purpose: TokenPurpose,
    recipient: &Email,
    now: Timestamp,
) -> Result<()> {
    let (id, secret) = issue_token(ctx, tx, user, purpose, recipient.display(), now).await?;
    // Only ever from the configuration, never from what a request says about its host (T-04).
    let link = |path: &str| format!("{}/{path}?token={secret}", ctx.policy.public_url);
    let message = match purpose {
        TokenPurpose::VerifyEmail => Message::VerifyEmail { link: link("verify") },
        TokenPurpose::ResetPassword => Message::ResetPassword { link: link("reset") },
        TokenPurpose::ChangeEmail => {
            Message::ChangeEmail { link: link("change-email"), new_address: recipient.display().to_owned() }
        }
        TokenPurpose::TotpChallenge => return Err(Error::Internal("a challenge is not mailed")),
    };
    let key = format!("token:{}", id.uuid());
    notifications::enqueue(ctx, tx, None, &key, recipient.display(), &message, now).await
}

/// As many writes as [`mail_token`] makes, for an address that gets no mail: the time of the answer tells
/// nothing (D1).
async fn mail_nothing(tx: &mut Tx, email: &Email, now: Timestamp) -> Result<()> {
    for action in ["nothing.1", "nothing.2", "nothing.3"] {
        store::throttles::count(tx, action, &token_hash(email.canonical()), HOUR_MS, now).await?;
    }
    Ok(())
}

/// Tells a person about a change of the account.
async fn mail_notice(
    ctx: &Context,
    tx: &mut Tx,
    recipient: &str,
    message: &Message,
    now: Timestamp,
) -> Result<()> {
    let key = format!("notice:{}", ctx.uuid(now));
    notifications::enqueue(ctx, tx, None, &key, recipient, message, now).await
}

/// The hash of a one-time secret as it came from outside. Nothing that we never gave out reaches the database, least
/// of all an empty text (H-23).
pub(crate) fn presented(token: &str) -> Result<Vec<u8>> {
    let token = token.trim();
    if is_token(token) { Ok(token_hash(token)) } else { Err(Error::InvalidToken) }
}

/// Whether this has the form of a secret that we give out.
pub fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The person behind a session, after the password was given again. `field` is where the form has it.
async fn require_password(ctx: &Context, user: UserId, field: &'static str, password: &str) -> Result<User> {
    let subject = user.to_string();
    let limits = throttle::confirmation(&subject);
    throttle::count(ctx, &limits).await?;
    let found = store::users::find(&mut ctx.db.read().await?, user).await?.ok_or(Error::Unauthorized)?;
    if !ctx.passwords.verify(password, Some(&found.password_hash)).await? {
        return Err(Error::field(field, "wrong_password", "This is not your password."));
    }
    let mut tx = ctx.db.write().await?;
    throttle::give_back(&mut tx, &limits).await?;
    tx.commit().await?;
    Ok(found)
}

fn address_of(user: &User) -> Result<Email> {
    Email::parse(&user.email_display).map_err(|_| Error::Internal("a stored address cannot be read"))
}

pub(crate) fn email_taken() -> Error {
    // D15: the plan's wording.
    Error::Conflict { code: "email_taken", message: "Email already registered".into() }
}

fn email_conflict(error: store::Error) -> Error {
    match error {
        store::Error::Conflict(key) if key == "users.email" => email_taken(),
        other => other.into(),
    }
}
