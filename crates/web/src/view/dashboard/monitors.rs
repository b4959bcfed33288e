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
    pub tags: Vec<String>,
    /// "Snoozed until 21 Nov 2026, 09:12 UTC"; empty when it is not.
    pub snoozed: String,
    pub day: DayBar,
}

/// The last 24 hours of a monitor as a bar.
#[derive(Debug, Clone, Default)]
pub struct DayBar {
    /// Runs of hours of one state, oldest first: first hour (0 to 23), number of hours, state.
    pub runs: Vec<(usize, usize, State)>,
    /// "Down in 2 of the last 24 hours".
    pub label: String,
}

/// A tag above the list.
#[derive(Debug, Clone)]
pub struct Chip {
    pub tag: String,
    /// Of all monitors of the organization.
    pub count: usize,
    /// The list with this tag, or without it when it is chosen.
    pub path: String,
    pub is_chosen: bool,
}

/// What the list is narrowed down to.
#[derive(Debug, Clone, Default)]
pub struct FilterForm {
    pub text: String,
    pub states: Vec<Choice>,
    pub kinds: Vec<Choice>,
    /// Empty: any.
    pub tag: String,
}

/// `GET /orgs/{org}/monitors?q=&state=&kind=&tag=&cursor=`.
///
/// `POST /monitors/bulk` sends `csrf`, `ids` once for each ticked monitor, `action` (`pause`, `resume`, `snooze`,
/// `unsnooze`), `minutes` for `snooze` and `back`, the query of this list.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/monitors.html")]
pub struct ListPage {
    pub shell: Shell,
    /// Why the change of many was refused.
    pub errors: Errors,
    /// There is none at all, whatever the filter.
    pub is_empty: bool,
    pub filter: FilterForm,
    pub chips: Vec<Chip>,
    pub rows: Vec<Row>,
    /// "1 to 50 of 10,000"; empty when all are shown.
    pub part: String,
    /// The query of this list, without `?`.
    pub query: String,
    /// Queries of the next part and of the first one, without `?`.
    pub next: Option<String>,
    pub first: Option<String>,
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
    /// "Snoozed until 21 Nov, 09:12"; empty when it is not.
    pub snoozed: String,
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
/// `min_outage_seconds`, `degraded_above_ms` (or empty), `parent_id` (or empty), `tags` and `is_active` (`true` or absent).
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
    /// With commas between them.
    pub tags: String,
    pub is_active: bool,
    pub errors: Errors,
}
