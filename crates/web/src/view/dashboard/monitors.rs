//! Monitors: the list, one with its last checks, and the form.

use super::{Room, Shell};
use crate::view::{Choice, Errors, State};
use askama::Template;

/// A monitor in the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    /// Host and path.
    pub name: String,
    /// "API".
    pub service: String,
    pub state: State,
    /// "Answers", "Status 503 instead of 200", "Paused".
    pub words: String,
    /// "60 s".
    pub interval: String,
    /// "186 ms"; may be empty.
    pub response_time: String,
    /// "12 s ago", "never".
    pub checked: String,
}

/// `GET /orgs/{org}/monitors`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/monitors.html")]
pub struct ListPage {
    pub shell: Shell,
    pub rows: Vec<Row>,
    pub room: Room,
}

/// One check in the table.
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// "23 Nov, 10:30:02".
    pub at: String,
    pub state: State,
    /// "200", "503, expected 200", "Certificate not valid".
    pub words: String,
    /// "126 ms".
    pub total: String,
}

/// `GET /orgs/{org}/monitors/{id}`. Its buttons post to `…/check`, `…/pause`, `…/resume` and `…/delete`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/monitor.html")]
pub struct ShowPage {
    pub shell: Shell,
    pub id: String,
    /// Host and path.
    pub name: String,
    pub url: String,
    pub state: State,
    /// "Down for 39 min", "Answers since 21 Nov, 09:12", "Paused".
    pub words: String,
    /// "Flapping since 21 Nov, 09:12"; empty when it does not.
    pub flapping: String,
    pub is_active: bool,
    /// `(id, name)`.
    pub service: (String, String),
    /// "60 s"; when the tier runs it less often than asked for, that too.
    pub interval: String,
    /// Facts as `(label, value, unit)`: "Uptime, 90 days" "99.966" "%".
    pub figures: Vec<(String, String, String)>,
    /// Settings as `(label, value)`: "Down when" "2 checks in a row fail".
    pub rules: Vec<(String, String)>,
    /// Newest first.
    pub checks: Vec<CheckRow>,
}

/// `GET /orgs/{org}/monitors/new?service_id=` and `/monitors/{id}/edit`; the answer to a `POST` with errors.
///
/// `POST /monitors` and `POST /monitors/{id}/edit` send `csrf`, `version`, `service_id` (new only), `url`, `method`,
/// `expected_status`, `interval_seconds`, `timeout_seconds`, `failures_to_open`, `successes_to_close`,
/// `min_outage_seconds`, `degraded_above_ms` (or empty), `parent_id` (or empty) and `is_active` (`true` or absent).
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/monitor_form.html")]
pub struct FormPage {
    pub shell: Shell,
    /// `None`: a new one.
    pub id: Option<String>,
    pub version: String,
    pub services: Vec<Choice>,
    pub url: String,
    pub methods: Vec<Choice>,
    pub expected_status: String,
    /// "300", …; shorter ones than the tier allows are not offered.
    pub intervals: Vec<Choice>,
    /// "Team checks every 30 s."; empty when nothing shorter exists.
    pub interval_hint: String,
    pub timeout_seconds: String,
    pub failures_to_open: String,
    pub successes_to_close: String,
    pub min_outage_seconds: String,
    pub degraded_above_ms: String,
    /// "Nothing" and the other monitors.
    pub parents: Vec<Choice>,
    pub is_active: bool,
    pub errors: Errors,
}
