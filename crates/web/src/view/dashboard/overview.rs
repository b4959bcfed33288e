//! The overview: its heading is the answer to "is anything broken?".

use super::Shell;
use super::incidents::SuggestionRow;
use crate::view::State;
use askama::Template;

/// A monitor that fails or is slow now.
#[derive(Debug, Clone)]
pub struct Broken {
    pub monitor_id: String,
    /// Host and path of its URL.
    pub name: String,
    pub state: State,
    /// "Status 503 instead of 200."
    pub seen: String,
    /// "39 checks in a row."
    pub note: String,
    /// "09:51".
    pub since: String,
    /// "39 min".
    pub lasting: String,
}

/// An open incident in a list.
#[derive(Debug, Clone)]
pub struct IncidentRow {
    pub id: String,
    pub title: String,
    /// "API, Webhooks"; may be empty.
    pub services: String,
    pub state: State,
    /// "Identified".
    pub status: String,
    /// "10:15" or "21 Nov".
    pub updated: String,
    /// "15 min ago".
    pub note: String,
}

/// A service with its state now.
#[derive(Debug, Clone)]
pub struct ServiceRow {
    pub id: String,
    pub name: String,
    pub state: State,
    /// "99.966 %", "–" without data.
    pub uptime: String,
}

/// One line of the checklist.
#[derive(Debug, Clone)]
pub struct Step {
    pub is_done: bool,
    pub text: String,
    /// Below the organization's root, without a slash at its start. `None`: nothing to click.
    pub path: Option<String>,
    /// "Needs Pro", "about a minute"; may be empty.
    pub note: String,
}

/// `GET /orgs/{org}`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/overview.html")]
pub struct OverviewPage {
    pub shell: Shell,
    /// "All 3 monitors answer", "1 of 3 monitors is failing", "Nothing is watched yet".
    pub title: String,
    /// "The first failed at 09:51, 39 min ago. Last check 3 s ago."
    pub sentence: String,
    /// Shows the field for the first address instead of the tables.
    pub is_empty: bool,
    pub broken: Vec<Broken>,
    pub suggestions: Vec<SuggestionRow>,
    pub incidents: Vec<IncidentRow>,
    pub services: Vec<ServiceRow>,
    /// Public pages as `(title, path with base)`.
    pub pages: Vec<(String, String)>,
    /// Empty: everything is done or the person wants no list.
    pub steps: Vec<Step>,
}

impl OverviewPage {
    fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.is_done).count()
    }
}
