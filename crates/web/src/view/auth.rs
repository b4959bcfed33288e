//! Signing up, logging in, and the links that come by mail.

use super::{Errors, Site};
use askama::Template;

/// `GET /signup`; `POST` sends `csrf`, `email`, `password`. The organization's name is derived.
#[derive(Debug, Clone, Template)]
#[template(path = "auth/sign_up.html")]
pub struct SignUpPage {
    pub site: Site,
    pub email: String,
    pub errors: Errors,
}

/// `GET /login?next=`; `POST` sends `csrf`, `email`, `password`, `next`.
#[derive(Debug, Clone, Template)]
#[template(path = "auth/log_in.html")]
pub struct LogInPage {
    pub site: Site,
    pub email: String,
    /// A path of our own to go to afterwards; empty: the overview.
    pub next: String,
    /// "You are logged out.", "Your password is changed."
    pub notice: Option<String>,
    pub errors: Errors,
}

/// After a right password of an account with a second factor; `POST /login/code` sends `csrf`, `challenge`, `code`, `next`.
#[derive(Debug, Clone, Template)]
#[template(path = "auth/second_factor.html")]
pub struct SecondFactorPage {
    pub site: Site,
    pub challenge: String,
    pub next: String,
    pub errors: Errors,
}

/// `GET /forgot`; `POST` sends `csrf`, `email`.
#[derive(Debug, Clone, Template)]
#[template(path = "auth/forgot.html")]
pub struct ForgotPage {
    pub site: Site,
    pub email: String,
    pub errors: Errors,
}

/// `GET /reset?token=`; `POST /reset/{token}` sends `csrf`, `password`.
#[derive(Debug, Clone, Template)]
#[template(path = "auth/reset.html")]
pub struct ResetPage {
    pub site: Site,
    pub token: String,
    pub errors: Errors,
}

/// How the person who opened an invitation can accept it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayIn {
    /// Logged in with the invited address.
    Accept,
    /// Nobody has this address yet: `POST` also sends `display_name` and `password`.
    NewAccount,
    /// The address has an account and nobody, or somebody else, is logged in.
    LogIn,
}

/// `GET /invite?token=`; `POST /invite/{token}` accepts.
#[derive(Debug, Clone, Template)]
#[template(path = "auth/invitation.html")]
pub struct InvitationPage {
    pub site: Site,
    pub token: String,
    pub organization: String,
    pub inviter: String,
    /// The invited address.
    pub email: String,
    /// "admin", as words.
    pub role: String,
    pub way: WayIn,
    /// As typed.
    pub display_name: String,
    pub errors: Errors,
}

/// A link from a mail whose button does the thing (X55).
#[derive(Debug, Clone, Template)]
#[template(path = "auth/button.html")]
pub struct ButtonPage {
    site: Site,
    title: &'static str,
    text: String,
    button: &'static str,
    path: String,
    errors: Errors,
}

impl ButtonPage {
    /// `GET /verify?token=`: of the address given at sign-up.
    pub fn verify(site: Site, token: &str) -> Self {
        Self {
            site,
            title: "Verify your address",
            text: "Press the button to show that this mailbox is yours.".into(),
            button: "Verify",
            path: format!("verify/{token}"),
            errors: Errors::default(),
        }
    }

    /// `GET /change-email?token=`: of the address an account is to move to.
    pub fn change_email(site: Site, token: &str) -> Self {
        Self {
            site,
            title: "Confirm your new address",
            text: "Press the button to move your account to this address. The old one is told.".into(),
            button: "Confirm",
            path: format!("change-email/{token}"),
            errors: Errors::default(),
        }
    }
}

/// An answer in one sentence, with a way on.
#[derive(Debug, Clone, Template)]
#[template(path = "auth/notice.html")]
pub struct NoticePage {
    site: Site,
    title: &'static str,
    text: String,
    /// Path below the base, and words.
    link: (&'static str, &'static str),
}

impl NoticePage {
    /// After `POST /forgot`, for known and unknown addresses alike (D1).
    pub fn reset_sent(site: Site) -> Self {
        let text = "If this address has an account, a mail with a link is on its way. The link works for 30 minutes.";
        Self {
            site,
            title: "Look into your mailbox",
            text: text.into(),
            link: ("/login", "Back to the log-in"),
        }
    }

    /// After `POST /verify/{token}`.
    pub fn verified(site: Site) -> Self {
        let text = "Your address is verified. Mail to subscribers, invitations and search engines are open to you now.";
        Self { site, title: "Thank you", text: text.into(), link: ("/", "Go on") }
    }

    /// After `POST /change-email/{token}`.
    pub fn email_changed(site: Site) -> Self {
        let text = "Your account has its new address. From now on you log in with it.";
        Self { site, title: "Your address is changed", text: text.into(), link: ("/", "Go on") }
    }

    /// A token that was used, is too old, or never existed.
    pub fn link_expired(site: Site) -> Self {
        let text = "It was used already, it is too old, or it is incomplete. Ask for a new one.";
        Self {
            site,
            title: "This link no longer works",
            text: text.into(),
            link: ("/login", "To the log-in"),
        }
    }

    /// The invitation was for another address, was taken back, or has expired.
    pub fn invitation_gone(site: Site) -> Self {
        let text = "It was accepted already, taken back, or is older than seven days. Ask for a new one.";
        Self {
            site,
            title: "This invitation no longer works",
            text: text.into(),
            link: ("/login", "To the log-in"),
        }
    }

    /// After the account was deleted.
    pub fn account_deleted(site: Site) -> Self {
        let text = "You are logged out everywhere. For 30 days whoever runs this installation can bring the account back; then it is removed for good.";
        Self { site, title: "Your account is deleted", text: text.into(), link: ("/", "To the start page") }
    }
}
