//! Incidents: the list, opening one, and one with its line of updates and the next one to write.

use super::Shell;
use super::overview::IncidentRow;
use crate::view::{Choice, Errors, Moment, State, Update};
use askama::Template;

/// `GET /orgs/{org}/incidents?cursor=`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/incidents.html")]
pub struct ListPage {
    pub shell: Shell,
    pub open: Vec<IncidentRow>,
    pub resolved: Vec<IncidentRow>,
    /// Path of the next older part, with base. `None`: these are all.
    pub older: Option<String>,
    /// "Incidents older than 30 days are kept and shown again with Pro."; may be empty.
    pub hidden: String,
}

/// What an incident does to one service: a field `service_{id}` with a wire word, empty for "not affected".
#[derive(Debug, Clone)]
pub struct Effect {
    pub service_id: String,
    pub name: String,
    /// What it is now.
    pub state: State,
    pub choices: Vec<Choice>,
}

/// `GET /orgs/{org}/incidents/new`; the answer to a `POST /incidents` with errors.
///
/// Sends `csrf`, `title`, `status`, `body`, one `service_{id}` for each service.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/incident_form.html")]
pub struct FormPage {
    pub shell: Shell,
    pub title: String,
    /// The four statuses.
    pub statuses: Vec<Choice>,
    pub body: String,
    pub effects: Vec<Effect>,
    /// "12 subscribers will be told."
    pub told: String,
    pub errors: Errors,
}

/// `GET /orgs/{org}/incidents/{id}`; the answer to a `POST` with errors.
///
/// `POST …/updates` sends `csrf`, `status`, `body`, `service_{id}`; `POST …/{id}` sends `csrf`, `version`, `title`;
/// `POST …/delete` only `csrf`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/incident.html")]
pub struct ShowPage {
    pub shell: Shell,
    pub id: String,
    pub version: String,
    pub title: String,
    /// Worst effect now.
    pub state: State,
    /// "Identified".
    pub status: String,
    pub is_resolved: bool,
    pub began: Moment,
    /// "39 min".
    pub lasting: String,
    /// The permalinks on public pages as `(title, path with base)`.
    pub pages: Vec<(String, String)>,
    /// Newest first.
    pub updates: Vec<Update>,
    pub statuses: Vec<Choice>,
    /// The next update as typed so far.
    pub body: String,
    pub effects: Vec<Effect>,
    /// "12 subscribers will be told."
    pub told: String,
    pub errors: Errors,
    /// Always `None` here; the line of updates is shared with the public page.
    pub next_update: Option<String>,
}

impl ShowPage {
    fn pill(&self) -> State {
        if self.is_resolved { State::Operational } else { self.state }
    }

    fn class(&self) -> &'static str {
        if self.is_resolved { "done" } else { self.state.class() }
    }
}
