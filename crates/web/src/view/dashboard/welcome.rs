//! The first minute: one field, and what the first check saw.

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

/// One phase of the check.
#[derive(Debug, Clone)]
pub struct Phase {
    /// "DNS", "TCP connect", "TLS handshake", "First byte".
    pub name: &'static str,
    pub outcome: Reached,
}

/// How far a phase came.
#[derive(Debug, Clone)]
pub enum Reached {
    /// Milliseconds.
    Took(u32),
    /// Why it failed: "certificate expired 2 days ago".
    Failed(String),
    /// Not needed (no TLS) or after the failed one.
    Skipped,
}

/// A phase as drawn: a bar that begins where the one before it ended.
struct Drawn<'a> {
    name: &'static str,
    /// `None`: it failed or was skipped.
    bar: Option<Bar>,
    failed: Option<&'a str>,
    /// For a phase that did not happen.
    why_not: &'static str,
}

struct Bar {
    /// In percent of the whole.
    x: String,
    width: String,
    ms: u32,
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
        let took = |phase: &Phase| if let Reached::Took(ms) = phase.outcome { u64::from(ms) } else { 0 };
        let total = self.phases.iter().map(took).sum::<u64>().max(1);
        let mut before = 0;
        let mut why_not = "not needed";
        self.phases
            .iter()
            .map(|phase| {
                let (bar, failed) = match &phase.outcome {
                    Reached::Took(ms) => {
                        let width = (u64::from(*ms) * 1000 / total).max(10);
                        let bar = Bar { x: percent(before * 1000 / total), width: percent(width), ms: *ms };
                        before += u64::from(*ms);
                        (Some(bar), None)
                    }
                    Reached::Failed(why) => {
                        why_not = "not reached";
                        (None, Some(why.as_str()))
                    }
                    Reached::Skipped => (None, None),
                };
                Drawn { name: phase.name, bar, failed, why_not }
            })
            .collect()
    }
}

fn percent(permille: u64) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}
