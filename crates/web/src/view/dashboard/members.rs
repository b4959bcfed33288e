//! Members and invitations.

use super::{Room, Shell};
use crate::view::{Choice, Errors};
use askama::Template;

/// A member in the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub user_id: String,
    /// Display name, or the address again.
    pub name: String,
    pub email: String,
    /// "Owner".
    pub role: String,
    /// "since 21 Nov 2026".
    pub since: String,
    pub is_you: bool,
    /// Roles the viewer may give to this member; empty: none.
    pub roles: Vec<Choice>,
    pub may_remove: bool,
    pub may_become_owner: bool,
}

/// A pending invitation.
#[derive(Debug, Clone)]
pub struct Invited {
    pub id: String,
    pub email: String,
    /// "Admin".
    pub role: String,
    /// "until 28 Nov 2026".
    pub until: String,
}

/// `GET /orgs/{org}/members`; the answer to a `POST` with errors.
///
/// `POST /invitations` sends `csrf`, `email`, `role`; `POST /invitations/{id}/resend` and `/revoke` only `csrf`;
/// `POST /members/{user}/role` sends `role`; `POST /members/{user}/remove` and `/transfer` only `csrf`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/members.html")]
pub struct ListPage {
    pub shell: Shell,
    pub rows: Vec<Row>,
    pub invited: Vec<Invited>,
    pub room: Room,
    /// Roles an invitation can give; empty: the viewer may not invite.
    pub roles: Vec<Choice>,
    /// The address to invite, as typed.
    pub email: String,
    pub errors: Errors,
}
