//! The person's own account: it belongs to no organization.

use super::Shell;
use crate::view::Errors;
use askama::Template;

/// One log-in on one device.
#[derive(Debug, Clone)]
pub struct SessionRow {
    pub id: String,
    /// "Firefox on Linux", "Unknown device".
    pub device: String,
    /// "203.0.113.7".
    pub address: String,
    /// "last seen 3 min ago, since 21 Nov".
    pub seen: String,
    pub is_this: bool,
}

/// `GET /account`; the answer to a `POST` with errors.
///
/// `POST /account/name` sends `csrf`, `display_name`; `/password` sends `current_password`, `new_password`; `/email`
/// sends `email`, `email_password`; `/sessions/{id}/end` and `/sessions/end-others` only `csrf`; `/two-factor/disable`
/// sends `disable_password`, `code`; `/recovery-codes` sends `recovery_code`, a code of the authenticator; `/delete` sends
/// `delete_password`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/account.html")]
pub struct AccountPage {
    pub shell: Shell,
    pub display_name: String,
    /// An address that waits for its confirmation.
    pub pending_email: Option<String>,
    /// The new address, as typed.
    pub email: String,
    pub sessions: Vec<SessionRow>,
    pub has_two_factor: bool,
    /// How many recovery codes are unused.
    pub recovery_codes: usize,
    /// Set when the account cannot be deleted now: "You are the only owner of Acme, which has other members. …"
    pub delete_blocked: Option<String>,
    pub errors: Errors,
}

/// `POST /account/two-factor/start` sends `csrf`, `totp_password` and leads to `GET /account/two-factor`; its `POST` sends `csrf`, `code` and answers with [`RecoveryCodesPage`].
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/two_factor.html")]
pub struct TwoFactorPage {
    pub shell: Shell,
    /// Base 32, in groups of four.
    pub secret: String,
    /// `otpauth://totp/…`, made by us.
    pub link: String,
    pub errors: Errors,
}

impl TwoFactorPage {
    /// A link of any other scheme is not shown.
    fn safe_link(&self) -> Option<&str> {
        self.link.starts_with("otpauth://totp/").then_some(self.link.as_str())
    }
}

/// The recovery codes, shown once.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/recovery_codes.html")]
pub struct RecoveryCodesPage {
    pub shell: Shell,
    pub codes: Vec<String>,
}
