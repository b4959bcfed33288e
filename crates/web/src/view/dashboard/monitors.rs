//! Monitors: the list, one with its last checks, and the form.

use super::chart::Chart;
use super::fields::{Control, Group, Part};
use super::staircase::{self, Drawn, Phase};
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

/// One check in the table; a phase that it did not have is "–".
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// "23 Nov, 10:30:02".
    pub at: String,
    pub state: State,
    /// "200", "503, expected 200", "Certificate not valid".
    pub words: String,
    /// DNS, connect, TLS and first byte in milliseconds, without unit.
    pub phases: [String; 4],
    /// "126 ms".
    pub total: String,
    /// The phases as a bar: class, left end and width in pixels.
    pub bar: Vec<(&'static str, u32, u32)>,
}

/// A time in which it was down, slow or not watched.
#[derive(Debug, Clone)]
pub struct Spell {
    pub state: State,
    /// "Down", "Degraded", "Not watched".
    pub words: &'static str,
    /// "23 Nov 2026, 09:51 UTC".
    pub began: String,
    /// "39 min", "39 min so far".
    pub lasting: String,
}

/// One of the ranges of time that can be looked at.
#[derive(Debug, Clone)]
pub struct RangeLink {
    /// Value of `?range=`.
    pub key: &'static str,
    /// "24 h".
    pub label: &'static str,
    pub is_chosen: bool,
}

/// `GET /orgs/{org}/monitors/{id}?range=`. Its buttons post to `…/check`, `…/pause`, `…/resume` and `…/delete`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/monitor.html")]
pub struct ShowPage {
    pub shell: Shell,
    pub id: String,
    /// What it is called.
    pub name: String,
    pub state: State,
    /// "Down for 39 min", "Answers since 21 Nov, 09:12", "Paused".
    pub words: String,
    /// "Flapping since 21 Nov, 09:12"; empty when it does not.
    pub flapping: String,
    /// "Snoozed until 21 Nov, 09:12"; empty when it is not.
    pub snoozed: String,
    pub is_active: bool,
    /// Something can be asked, so that it can be checked by hand.
    pub is_asked: bool,
    /// `(id, name)`.
    pub service: (String, String),
    /// "60 s"; when the tier runs it less often than asked for, that too. Empty: nothing is asked.
    pub interval: String,
    /// Facts as `(label, value, unit)`: "Uptime, 90 days" "99.966" "%".
    pub figures: Vec<(String, String, String)>,
    pub ranges: Vec<RangeLink>,
    /// "last 24 hours".
    pub range: &'static str,
    /// `None`: nothing answered in that time.
    pub chart: Option<Chart>,
    /// Newest first.
    pub spells: Vec<Spell>,
    /// Newest first.
    pub checks: Vec<CheckRow>,
    /// Settings as `(label, value)`: "Address" "example.com".
    pub settings: Vec<(String, String)>,
    pub tags: Vec<String>,
    /// Rules as `(label, value)`: "Down when" "2 checks in a row fail".
    pub rules: Vec<(String, String)>,
}

/// A kind of monitor and what it is for; a link to its form.
#[derive(Debug, Clone)]
pub struct KindLink {
    /// "kind=tcp".
    pub query: String,
    pub label: String,
    pub sentence: String,
    pub is_chosen: bool,
}

/// What a check of unsaved settings saw.
#[derive(Debug, Clone)]
pub struct Trial {
    pub state: State,
    /// "It answers".
    pub title: String,
    /// "Status 200.", "The server answered 503 instead of 200."
    pub words: String,
    /// "191 ms" or "–".
    pub total: String,
    /// "Its certificate ends in 23 days, 20 Dec 2026."; may be empty.
    pub certificate: String,
    pub phases: Vec<Phase>,
}

impl Trial {
    fn drawn(&self) -> Vec<Drawn<'_>> {
        staircase::drawn(&self.phases)
    }
}

/// `GET /orgs/{org}/monitors/new?kind=&service_id=` and `/monitors/{id}/edit`; the answer to a `POST` with errors.
///
/// `POST /monitors` and `POST /monitors/{id}/edit` send `csrf`, `version`, `kind`, `carried` and the fields of `main` and
/// `groups`; with `more`, the name of a list, they answer with the form and more empty rows in it. `POST /monitors/test`
/// and `/monitors/{id}/test` send the same, check it and save nothing.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/monitor_form.html")]
pub struct FormPage {
    pub shell: Shell,
    /// `None`: a new one.
    pub id: Option<String>,
    pub version: String,
    /// "tcp".
    pub kind: String,
    /// "TCP port".
    pub kind_label: String,
    /// Empty: the kind is fixed.
    pub kinds: Vec<KindLink>,
    /// What everybody sees.
    pub main: Vec<Part>,
    pub groups: Vec<Group>,
    pub is_active: bool,
    /// There is something to ask, so that it can be tried.
    pub is_tried: bool,
    pub trial: Option<Trial>,
    /// Secrets that were typed, sealed; empty: none.
    pub carried: String,
    pub errors: Errors,
}
