//! Subscribers of an organization's pages.

use super::{Room, Shell};
use crate::view::{Choice, Errors};
use askama::Template;

/// A subscriber in the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub email: String,
    /// Title of the page.
    pub page: String,
    pub is_confirmed: bool,
    /// "since 21 Nov 2026", "asked 2 h ago".
    pub since: String,
}

/// `GET /orgs/{org}/subscribers?page=&cursor=`.
///
/// `POST /subscribers` sends `csrf`, `email`, `status_page_id`; the address gets a mail to confirm.
/// `POST /subscribers/{id}/delete` only `csrf`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/subscribers.html")]
pub struct ListPage {
    pub shell: Shell,
    pub rows: Vec<Row>,
    pub room: Room,
    pub pages: Vec<Choice>,
    /// The address to add, as typed.
    pub email: String,
    /// Path of the next part, with base.
    pub more: Option<String>,
    pub errors: Errors,
}
