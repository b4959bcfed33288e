//! Status pages: the list and the form.

use super::{Room, Shell};
use crate::view::{Choice, Errors};
use askama::Template;

/// A page in the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub title: String,
    /// The public page, with base.
    pub path: String,
    pub is_default: bool,
    pub is_public: bool,
    /// "7 services".
    pub services: String,
    /// "12 subscribers".
    pub subscribers: String,
}

/// `GET /orgs/{org}/pages`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/status_pages.html")]
pub struct ListPage {
    pub shell: Shell,
    pub rows: Vec<Row>,
    pub room: Room,
}

/// `GET /orgs/{org}/pages/new` and `/pages/{id}`; the answer to a `POST` with errors.
///
/// `POST /pages` and `POST /pages/{id}` send `csrf`, `version`, `title`, `slug`, `is_public`, `is_default` (both `true`
/// or absent), `time_zone`, `partial_outage_percent`, `degraded_percent`, `maintenance_rule`. `POST /pages/{id}/delete` also sends `default_page_id` when another page has to take over (X24).
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/status_page.html")]
pub struct FormPage {
    pub shell: Shell,
    /// `None`: a new one.
    pub id: Option<String>,
    pub version: String,
    pub title: String,
    pub slug: String,
    pub is_public: bool,
    pub is_default: bool,
    /// A name of the IANA database, and all of them to choose from.
    pub time_zone: String,
    pub time_zones: Vec<String>,
    /// Whole numbers as typed.
    pub partial_outage_percent: String,
    pub degraded_percent: String,
    pub maintenance_rules: Vec<Choice>,
    /// The public page, with base; empty for a new one.
    pub path: String,
    /// Absolute, for copying; empty for a new one.
    pub public_url: String,
    /// Services in the order of the page as `(id, name, group)`.
    pub services: Vec<(String, String, String)>,
    /// Set for the default page when others exist: who takes over when it is deleted.
    pub successors: Vec<Choice>,
    pub errors: Errors,
}
