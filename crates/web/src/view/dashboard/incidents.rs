//! Incidents: the list, opening one, and one with its line of updates and the next one to write.

use super::Shell;
use super::overview::IncidentRow;
use crate::view::{Choice, Errors, Moment, State, Update};
use askama::Template;

/// What the engine suggests and nobody has answered yet.
#[derive(Debug, Clone)]
pub struct SuggestionRow {
    pub id: String,
    /// "API is down since 09:51, 3 min. No incident says so."
    pub text: String,
    /// The incident to resolve. `None`: one is to be opened.
    pub incident_id: Option<String>,
    pub state: State,
}

/// `GET /orgs/{org}/incidents?cursor=`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/incidents.html")]
pub struct ListPage {
    pub shell: Shell,
    pub suggestions: Vec<SuggestionRow>,
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

/// `GET /orgs/{org}/incidents/new` and `GET /orgs/{org}/suggestions/{id}`; the answer to a `POST` of either with errors.
///
/// `POST /incidents` and `POST /suggestions/{id}/accept` send `csrf`, `title`, `status`, `body`, one `service_{id}` for each service.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/incident_form.html")]
pub struct FormPage {
    pub shell: Shell,
    /// What was suggested and is now written. `None`: a new one.
    pub suggestion: Option<String>,
    /// "Since 09:51. Nothing is published yet."; may be empty.
    pub note: String,
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
    /// "Opened automatically"; empty for one that a person opened.
    pub origin: String,
    /// What waits for a word about it.
    pub suggestions: Vec<SuggestionRow>,
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
