//! Status pages and the placement of services on them (S21, D4, X17, X22, X24).

use crate::id::{OrgId, PageId, ServiceId};
use crate::time::Timestamp;
use crate::uptime::Rule;
use crate::zone::Zone;

/// A page that visitors read.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StatusPage {
    pub id: PageId,
    pub organization_id: OrgId,
    /// Unique within the organization.
    pub slug: String,
    pub title: String,
    /// `false`: the page answers like one that does not exist, on every surface (X22).
    pub is_public: bool,
    /// The page of `/p/{org}`; exactly one per organization that has pages (X24).
    pub is_default: bool,
    /// Where the days of its bars begin, and what its times are told in (X37).
    #[sqlx(try_from = "String")]
    pub time_zone: Zone,
    /// What its percentages count (D8).
    #[sqlx(flatten)]
    pub rule: Rule,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A service standing on a page. Empty fields fall back to the service's own.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Placement {
    pub organization_id: OrgId,
    pub status_page_id: PageId,
    pub service_id: ServiceId,
    pub public_name: Option<String>,
    pub group_name: Option<String>,
    pub position: Option<i32>,
    /// Shown when this and the service's own `is_visible` hold.
    pub is_visible: bool,
}
