//! What members see: the shell around every page of an organization, and the pages by noun.

pub mod account;
pub mod chart;
pub mod fields;
pub mod incidents;
pub mod members;
pub mod monitors;
pub mod organization;
pub mod overview;
pub mod services;
pub mod staircase;
pub mod status_pages;
pub mod subscribers;
pub mod welcome;

use super::Site;
use domain::organization::Role;

/// What surrounds every dashboard page.
#[derive(Debug, Clone)]
pub struct Shell {
    pub site: Site,
    /// `{base}/orgs/{slug}`; empty for a person without any organization, who sees only their account (X20).
    pub root: String,
    /// The organization's name, or ours where there is none.
    pub organization: String,
    /// "Free".
    pub tier: String,
    /// Of the person in this organization; decides which buttons are shown. Actions decide for themselves.
    pub role: Role,
    /// The person's other organizations as `(slug, name)`.
    pub organizations: Vec<(String, String)>,
    /// The person's address.
    pub email: String,
    pub is_verified: bool,
    pub open_incidents: u32,
    pub failing_monitors: u32,
    /// What the request before this one did: "The service is saved."
    pub flash: Option<String>,
}

impl Shell {
    /// Around the account of somebody who is in no organization (X20).
    pub fn without_organization(site: Site, email: String, is_verified: bool, flash: Option<String>) -> Self {
        Self {
            site,
            root: String::new(),
            organization: "Indie Status Page".into(),
            tier: String::new(),
            role: Role::Viewer,
            organizations: Vec::new(),
            email,
            is_verified,
            open_incidents: 0,
            failing_monitors: 0,
            flash,
        }
    }

    pub fn has_organization(&self) -> bool {
        !self.root.is_empty()
    }

    /// The first letter of the name, for the square beside it.
    pub fn initial(&self) -> String {
        self.organization.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }
}

/// How much of a limit is used, and why there is no more room.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// "4 of 5 services on this page", or "4 services" without a limit.
    pub used: String,
    /// Set when nothing more fits: "A sixth service needs Pro, $9 a month." The button then leads to the plan.
    pub blocked: Option<String>,
}
