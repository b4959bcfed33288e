//! The organization itself: settings, plan, a new one, a deleted one.

use super::Shell;
use crate::view::plan::{TierTable, Usage};
use crate::view::{Errors, Site};
use askama::Template;

/// `GET /orgs/{org}/settings`; the answer to a `POST` with errors.
///
/// `POST …/settings` sends `csrf`, `version`, `support_url`, `support_email`, `footer_text`; `…/name` sends `version`,
/// `name`; `…/slug` sends `slug`; `…/leave` only `csrf`; `…/delete`
/// sends `confirm`, which has to be the slug.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/settings.html")]
pub struct SettingsPage {
    pub shell: Shell,
    pub version: String,
    pub name: String,
    pub slug: String,
    /// The slug as stored, which has to be typed to delete.
    pub stored_slug: String,
    /// Absolute address up to the slug: `https://status.example.com/p/`.
    pub prefix: String,
    pub support_url: String,
    pub support_email: String,
    pub footer_text: String,
    pub errors: Errors,
}

/// `GET /orgs/{org}` and everything below it while a deleted organization can still be brought back by its owner.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/deleted.html")]
pub struct DeletedPage {
    pub site: Site,
    pub organization: DeletedRow,
}

/// A deleted organization that its owner can bring back.
#[derive(Debug, Clone)]
pub struct DeletedRow {
    /// `{base}/orgs/{slug}`; `POST …/settings/restore` sends only `csrf`.
    pub root: String,
    pub name: String,
    /// "23 December 2026".
    pub until: String,
}

/// `GET /organizations/new`; `POST` sends `csrf`, `name`. Also the way on for a person without any organization (X20).
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/new_organization.html")]
pub struct NewPage {
    pub site: Site,
    pub name: String,
    /// Set when nothing can be made: "You own two free organisations already. …"
    pub blocked: Option<String>,
    /// The one deleted last first.
    pub deleted: Vec<DeletedRow>,
    pub errors: Errors,
}

/// `GET /orgs/{org}/plan`.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/plan.html")]
pub struct PlanPage {
    pub shell: Shell,
    /// "Free, $0 a month."
    pub sentence: String,
    pub usage: Vec<Usage>,
    pub tiers: TierTable,
    /// How one moves to another tier on this installation.
    pub way: String,
    /// What to type for it; may be empty.
    pub command: String,
}

impl PlanPage {
    /// `way` of an installation without payments.
    pub const WAY_BY_OPERATOR: &str = "The operator of this installation moves an organisation to another tier, with this command on the server:";

    /// `command` of an installation without payments.
    pub fn command_of_operator(slug: &str) -> String {
        format!("indie-status org set-tier {slug} pro")
    }
}
