//! Samples of signing up and logging in.

use super::{Sample, Words};
use web::view::auth::{
    ButtonPage, ForgotPage, InvitationPage, LogInPage, NoticePage, ResetPage, SecondFactorPage, SignUpPage,
    WayIn,
};
use web::view::{Errors, Site};

pub(crate) fn site() -> Site {
    Site { base: ".".into(), csrf: "csrf-token".into() }
}

pub(super) fn add(samples: &mut Vec<Sample>, words: &Words) {
    let plain = SignUpPage { site: site(), email: String::new(), errors: Errors::default() };
    super::add(samples, words, "sign-up", &plain);
    let errors = Errors::default()
        .with("email", words.text("Email already registered"))
        .with("password", words.text("This password is in lists of leaked ones."));
    super::add(
        samples,
        words,
        "sign-up-errors",
        &SignUpPage { site: site(), email: words.text("a@b"), errors },
    );
    let log_in = LogInPage {
        site: site(),
        email: words.text("alice@example.com"),
        next: words.text("/orgs/acme"),
        notice: Some(words.text("You are logged out.")),
        errors: Errors::general(words.text("Invalid credentials")),
    };
    super::add(samples, words, "log-in", &log_in);
    let errors = Errors::default().with("code", words.text("This code is not the current one."));
    let second =
        SecondFactorPage { site: site(), challenge: words.text("ch"), next: words.text("/orgs"), errors };
    super::add(samples, words, "second-factor", &second);
    let forgot =
        ForgotPage { site: site(), email: words.text("alice@example.com"), errors: Errors::default() };
    super::add(samples, words, "forgot", &forgot);
    let errors = Errors::default().with("password", words.text("Too short."));
    super::add(samples, words, "reset", &ResetPage { site: site(), token: "token".into(), errors });
    super::add(samples, words, "verify", &ButtonPage::verify(site(), "token"));
    super::add(samples, words, "invitation-accept", &invitation(words, WayIn::Accept));
    let mut new = invitation(words, WayIn::NewAccount);
    new.display_name = words.text("Bob");
    super::add(samples, words, "invitation-new", &new);
    super::add(samples, words, "invitation-log-in", &invitation(words, WayIn::LogIn));
    super::add(samples, words, "notice-reset", &NoticePage::reset_sent(site()));
    super::add(samples, words, "notice-verified", &NoticePage::verified(site()));
    super::add(samples, words, "notice-expired", &NoticePage::link_expired(site()));
    super::add(samples, words, "notice-invitation", &NoticePage::invitation_gone(site()));
    super::add(samples, words, "notice-deleted", &NoticePage::account_deleted(site()));
}

fn invitation(words: &Words, way: WayIn) -> InvitationPage {
    InvitationPage {
        site: site(),
        token: "token".into(),
        organization: words.text("Acme"),
        inviter: words.text("Alice"),
        email: words.text("bob@example.com"),
        role: "admin".into(),
        way,
        display_name: String::new(),
        errors: Errors::default(),
    }
}
