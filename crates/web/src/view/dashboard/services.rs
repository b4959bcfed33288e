//! Services: the list and the form.

use super::incidents::SuggestionRow;
use super::{Room, Shell};
use crate::view::{Choice, Errors, State};
use askama::Template;

/// A service in the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub name: String,
    /// "Core"; may be empty.
    pub group: String,
    pub state: State,
    /// "Set by hand", "hidden"; may be empty.
    pub note: String,
    /// "Main, Partners".
    pub pages: String,
    /// "2 monitors".
    pub monitors: String,
}

/// `GET /orgs/{org}/services`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/services.html")]
pub struct ListPage {
    pub shell: Shell,
    pub rows: Vec<Row>,
    pub room: Room,
}

/// Where a service stands, on its form.
#[derive(Debug, Clone)]
pub struct Placement {
    pub page_id: String,
    pub page_title: String,
    /// The public page, with base.
    pub page_path: String,
    /// Its name, group and position there, in words.
    pub text: String,
}

/// `GET /orgs/{org}/services/new` and `/services/{id}`; the answer to a `POST` with errors.
///
/// `POST /services` and `POST /services/{id}` send `csrf`, `version`, `name`, `slug`, `description`, `group_name`,
/// `position`, `is_visible` (`true` or absent), `manual_status` (a wire word or empty), `incident_mode`, and
/// for a new one `status_page_id`. `POST /services/{id}/placements` sends `status_page_id`, `POST
/// /services/{id}/placements/{page}/delete` nothing but `csrf`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/service.html")]
pub struct FormPage {
    pub shell: Shell,
    /// `None`: a new one.
    pub id: Option<String>,
    /// Of what the form was filled from; a different one on arrival is a 412.
    pub version: String,
    pub name: String,
    pub slug: String,
    pub description: String,
    pub group_name: String,
    pub position: String,
    pub is_visible: bool,
    /// First the empty value "Follow the monitors and incidents", then the five states.
    pub manual_status: Vec<Choice>,
    /// What a confirmed outage does.
    pub incident_mode: Vec<Choice>,
    /// What waits for a word about this service.
    pub suggestions: Vec<SuggestionRow>,
    /// New: the page it goes to. Existing: pages where it does not stand yet.
    pub pages: Vec<Choice>,
    pub placements: Vec<Placement>,
    /// Its monitors as `(id, host and path, state)`.
    pub monitors: Vec<(String, String, State)>,
    pub errors: Errors,
}
