//! The first minute: one field, and what the first check saw.

use super::staircase::{self, Drawn, Phase};
use crate::view::{Errors, Site};
use askama::Template;

/// `GET /orgs/{org}/welcome`; the answer to a `POST` with errors.
///
/// `POST …/welcome` sends `csrf`, `url`; it makes service and monitor, runs the first check and answers with a redirect
/// to itself with the result, shown by [`ResultPage`].
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/welcome.html")]
pub struct WelcomePage {
    pub site: Site,
    /// `{base}/orgs/{slug}`.
    pub root: String,
    /// As typed, or guessed from the address of the person; empty: no guess.
    pub url: String,
    pub is_guess: bool,
    pub errors: Errors,
}

/// The result of the first check.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/result.html")]
pub struct ResultPage {
    pub site: Site,
    pub root: String,
    pub url: String,
    pub phases: Vec<Phase>,
    pub is_up: bool,
    /// "Status 200", "Status 503 instead of 200", "No answer".
    pub words: String,
    /// "191 ms" or "–".
    pub total: String,
    /// For a failure: what it means and what can be done. Empty when it is up.
    pub advice: String,
    /// "We look again every 5 min. You can change that later."
    pub rhythm: String,
    /// Where the monitor can be edited or deleted, with base.
    pub monitor_path: String,
    /// The public page, with base.
    pub page_path: String,
    /// The public page, absolute.
    pub page_url: String,
}

impl ResultPage {
    fn drawn(&self) -> Vec<Drawn<'_>> {
        staircase::drawn(&self.phases)
    }
}
