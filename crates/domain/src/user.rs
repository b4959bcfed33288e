//! People, their sessions and the one-time secrets that are mailed to them (S18, D2, T-12).

use crate::id::{OrgId, SessionId, TokenId, UserId};
use crate::time::Timestamp;

/// How long a session lives, seconds: the 72 hours of S25.
pub const SESSION_SECONDS: i64 = 72 * 3600;

/// A person with an account. Carries no tenant data.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct User {
    pub id: UserId,
    /// Canonical, lower case; unique (X3).
    pub email: String,
    /// As the person typed it.
    pub email_display: String,
    /// Argon2id, PHC string.
    pub password_hash: String,
    pub display_name: Option<String>,
    pub is_email_verified: bool,
    /// The sealed TOTP secret. `None`: two-factor log-in was never set up.
    pub totp_secret: Option<Vec<u8>>,
    /// `None` while the person has not yet proved the secret with a code: log-in asks for none.
    pub totp_confirmed_at: Option<Timestamp>,
    /// The newest 30-second step a code was accepted for; a code works once.
    pub totp_last_step: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl User {
    pub const fn has_totp(&self) -> bool {
        self.totp_confirmed_at.is_some()
    }
}

// Written out so that no log line can carry a hash or a secret (T-22).
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One log-in on one device. Alive while not expired and not deleted.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    /// The organization of requests that name none (D3). `None`: the last one used.
    pub organization_id: Option<OrgId>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What a one-time secret may be spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum TokenPurpose {
    /// Proves the address of the account. 24 hours (X6).
    VerifyEmail,
    /// Sets a new password. 30 minutes (T-12).
    ResetPassword,
    /// Moves the account to the address in the row. 24 hours.
    ChangeEmail,
    /// The password was right, the second factor is still due. 5 minutes, 5 tries (T-15).
    TotpChallenge,
}

impl TokenPurpose {
    pub const fn lifetime_s(self) -> i64 {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => 24 * 3600,
            Self::ResetPassword => 30 * 60,
            Self::TotpChallenge => 5 * 60,
        }
    }
}

/// A one-time secret; only its SHA-256 is stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Token {
    pub id: TokenId,
    pub user_id: UserId,
    pub purpose: TokenPurpose,
    /// The address the secret was mailed to; it proves this one and no other.
    pub address: String,
    pub attempts: i32,
    pub expires_at: Timestamp,
}
