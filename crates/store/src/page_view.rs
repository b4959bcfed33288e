//! The few reads behind a public page. Everything is filtered by placement: a service that does not stand visibly on
//! the page does not exist here (X21, H-20).

use domain::id::{IncidentId, IncidentUpdateId, PageId, ServiceId};
use domain::incident::{Impact, IncidentStatus};
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::service::{Service, ServiceStatus};
use domain::status_page::StatusPage;
use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result};

/// A page that a stranger may read, with what the organization says on it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PublicPage {
    #[sqlx(flatten)]
    pub page: StatusPage,
    pub organization_slug: String,
    pub tier: Tier,
    /// `false`: search engines are asked to stay away (D13).
    pub is_owner_verified: bool,
    pub support_url: Option<String>,
    pub support_email: Option<String>,
    pub footer_text: Option<String>,
}

impl PublicPage {
    pub fn scope(&self) -> OrgScope {
        OrgScope::proven(self.page.organization_id)
    }
}

/// A service as it stands on the page: names and groups of the placement before those of the service.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlacedService {
    pub id: ServiceId,
    pub name: String,
    pub description: Option<String>,
    pub group_name: Option<String>,
    pub manual_status: Option<ServiceStatus>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// As it stands without a page.
impl From<Service> for PlacedService {
    fn from(service: Service) -> Self {
        Self {
            id: service.id,
            name: service.name,
            description: service.description,
            group_name: service.group_name,
            manual_status: service.manual_status,
            created_at: service.created_at,
            updated_at: service.updated_at,
        }
    }
}

/// What the page needs of a monitor.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlacedMonitor {
    pub service_id: ServiceId,
    pub is_active: bool,
    pub state: MonitorState,
    pub interval_seconds: i32,
    pub planned_interval_seconds: i32,
    pub timeout_seconds: i32,
    pub last_checked_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// A monitor that is gone says nothing any more; while it was there, its silence was missing data.
    pub deleted_at: Option<Timestamp>,
}

/// A span of one confirmed state. `ended_at` `None`: still so, as far as the last check tells.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlacedInterval {
    pub service_id: ServiceId,
    pub state: MonitorState,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Of the monitor: cuts an open span when checks stopped coming.
    pub last_checked_at: Option<Timestamp>,
    pub interval_seconds: i32,
    pub planned_interval_seconds: i32,
    pub timeout_seconds: i32,
}

/// One incident and what it does to one of the page's services; an incident has a row per service.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlacedIncident {
    pub id: IncidentId,
    pub title: String,
    pub status: IncidentStatus,
    pub impact: Impact,
    pub started_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub service_id: ServiceId,
    pub service_name: String,
    pub service_status: ServiceStatus,
}

/// An update of an incident, without who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlacedUpdate {
    pub id: IncidentUpdateId,
    pub incident_id: IncidentId,
    pub status: IncidentStatus,
    pub body: String,
    pub created_at: Timestamp,
}

/// The public page at these slugs; `page_slug` `None`: the organization's default page (X24). `None` for pages that
/// do not exist, are not public (X22) or are deleted: one answer for all.
pub async fn find_public_page(
    conn: &mut Conn,
    organization_slug: &str,
    page_slug: Option<&str>,
) -> Result<Option<PublicPage>> {
    fetch_optional!(
        conn,
        "SELECT p.id, p.organization_id, p.slug, p.title, p.is_public, p.is_default, p.time_zone,
                p.partial_outage_percent, p.degraded_percent, p.maintenance_rule, p.created_at, p.updated_at,
                o.slug AS organization_slug, o.tier,
                EXISTS (SELECT 1 FROM organization_members m JOIN users u ON u.id = m.user_id
                         WHERE m.organization_id = o.id AND m.role = 'owner' AND u.is_email_verified = TRUE)
                    AS is_owner_verified,
                (SELECT value FROM site_settings s WHERE s.organization_id = o.id AND s.key = 'support_url')
                    AS support_url,
                (SELECT value FROM site_settings s WHERE s.organization_id = o.id AND s.key = 'support_email')
                    AS support_email,
                (SELECT value FROM site_settings s WHERE s.organization_id = o.id AND s.key = 'footer_text')
                    AS footer_text
           FROM status_pages p JOIN organizations o ON o.id = p.organization_id
          WHERE o.slug = $1 AND (p.slug = $2 OR ($2 IS NULL AND p.is_default = TRUE))
            AND p.is_public = TRUE AND p.deleted_at IS NULL AND o.deleted_at IS NULL",
        organization_slug,
        page_slug
    )
}

/// The slug of the organization that had this one before (X1); `None` when nobody did, or too long ago, or when a stranger
/// may not see the page there: the way to a page tells no more than the page (D12).
pub async fn find_moved_page(
    conn: &mut Conn,
    old_slug: &str,
    page_slug: Option<&str>,
    now: Timestamp,
) -> Result<Option<String>> {
    let found: Option<(String,)> = fetch_optional!(
        conn,
        "SELECT o.slug FROM slug_redirects r
           JOIN organizations o ON o.id = r.organization_id
           JOIN status_pages p ON p.organization_id = o.id
          WHERE r.slug = $1 AND (p.slug = $2 OR ($2 IS NULL AND p.is_default = TRUE)) AND r.expires_at > $3
            AND p.is_public = TRUE AND p.deleted_at IS NULL AND o.deleted_at IS NULL",
        old_slug,
        page_slug,
        now
    )?;
    Ok(found.map(|(slug,)| slug))
}

/// Visible services of the page by position, then name (S27, S28).
pub async fn list_services(conn: &mut Conn, scope: OrgScope, page: PageId) -> Result<Vec<PlacedService>> {
    fetch_all!(
        conn,
        "SELECT s.id, COALESCE(p.public_name, s.name) AS name, s.description,
                COALESCE(p.group_name, s.group_name) AS group_name, s.manual_status, s.created_at, s.updated_at
           FROM placements p JOIN services s ON s.organization_id = p.organization_id AND s.id = p.service_id
          WHERE p.organization_id = $1 AND p.status_page_id = $2 AND p.is_visible = TRUE AND s.is_visible = TRUE
            AND s.deleted_at IS NULL
          ORDER BY COALESCE(p.position, s.position), COALESCE(p.public_name, s.name), s.id",
        scope.organization_id(),
        page
    )
}

/// Monitors of all visible services of the page, paused and deleted ones included.
pub async fn list_monitors(conn: &mut Conn, scope: OrgScope, page: PageId) -> Result<Vec<PlacedMonitor>> {
    fetch_all!(
        conn,
        "SELECT m.service_id, m.is_active, m.state, m.interval_seconds, m.planned_interval_seconds,
                m.timeout_seconds, m.last_checked_at, m.created_at, m.deleted_at
           FROM placements p
           JOIN services s ON s.organization_id = p.organization_id AND s.id = p.service_id
           JOIN monitors m ON m.organization_id = p.organization_id AND m.service_id = p.service_id
          WHERE p.organization_id = $1 AND p.status_page_id = $2 AND p.is_visible = TRUE AND s.is_visible = TRUE
            AND s.deleted_at IS NULL",
        scope.organization_id(),
        page
    )
}

/// Spans of monitor states that reach into the time after `since`, also of monitors that are gone by now.
pub async fn list_intervals(
    conn: &mut Conn,
    scope: OrgScope,
    page: PageId,
    since: Timestamp,
) -> Result<Vec<PlacedInterval>> {
    fetch_all!(
        conn,
        "SELECT i.service_id, i.state, i.started_at, i.ended_at, m.last_checked_at, m.interval_seconds,
                m.planned_interval_seconds, m.timeout_seconds
           FROM placements p
           JOIN services s ON s.organization_id = p.organization_id AND s.id = p.service_id
           JOIN state_intervals i ON i.organization_id = p.organization_id AND i.service_id = p.service_id
           JOIN monitors m ON m.organization_id = i.organization_id AND m.id = i.monitor_id
          WHERE p.organization_id = $1 AND p.status_page_id = $2 AND p.is_visible = TRUE AND s.is_visible = TRUE
            AND s.deleted_at IS NULL AND (i.ended_at IS NULL OR i.ended_at > $3)
          ORDER BY i.started_at",
        scope.organization_id(),
        page,
        since
    )
}

/// Incidents that touch a visible service of the page and are open or were resolved after `since`; newest first.
pub async fn list_incidents(
    conn: &mut Conn,
    scope: OrgScope,
    page: PageId,
    since: Timestamp,
) -> Result<Vec<PlacedIncident>> {
    fetch_all!(
        conn,
        "SELECT i.id, i.title, i.status, i.impact, i.started_at, i.resolved_at, x.service_id,
                COALESCE(p.public_name, s.name) AS service_name, x.status AS service_status
           FROM placements p
           JOIN services s ON s.organization_id = p.organization_id AND s.id = p.service_id
           JOIN incident_services x ON x.organization_id = p.organization_id AND x.service_id = p.service_id
           JOIN incidents i ON i.organization_id = x.organization_id AND i.id = x.incident_id
          WHERE p.organization_id = $1 AND p.status_page_id = $2 AND p.is_visible = TRUE AND s.is_visible = TRUE
            AND s.deleted_at IS NULL AND (i.resolved_at IS NULL OR i.resolved_at > $3)
          ORDER BY i.started_at DESC, i.id, service_name",
        scope.organization_id(),
        page,
        since
    )
}

/// Updates of the incidents that [`list_incidents`] gives for `since`; newest first.
pub async fn list_updates(
    conn: &mut Conn,
    scope: OrgScope,
    page: PageId,
    since: Timestamp,
) -> Result<Vec<PlacedUpdate>> {
    fetch_all!(
        conn,
        "SELECT u.id, u.incident_id, u.status, u.body, u.created_at
           FROM incident_updates u
           JOIN incidents i ON i.organization_id = u.organization_id AND i.id = u.incident_id
          WHERE u.organization_id = $1 AND (i.resolved_at IS NULL OR i.resolved_at > $3)
            AND EXISTS (SELECT 1 FROM incident_services x
                          JOIN placements p ON p.organization_id = x.organization_id AND p.service_id = x.service_id
                          JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
                         WHERE x.organization_id = $1 AND x.incident_id = i.id AND p.status_page_id = $2
                           AND p.is_visible = TRUE AND s.is_visible = TRUE AND s.deleted_at IS NULL)
          ORDER BY u.created_at DESC, u.id DESC",
        scope.organization_id(),
        page,
        since
    )
}

/// One incident of [`list_incidents`]: a row for each visible service of the page that it touches. None: it does not exist
/// for visitors of this page, or was resolved before `since`.
pub async fn find_incident(
    conn: &mut Conn,
    scope: OrgScope,
    page: PageId,
    incident: IncidentId,
    since: Timestamp,
) -> Result<Vec<PlacedIncident>> {
    fetch_all!(
        conn,
        "SELECT i.id, i.title, i.status, i.impact, i.started_at, i.resolved_at, x.service_id,
                COALESCE(p.public_name, s.name) AS service_name, x.status AS service_status
           FROM incidents i
           JOIN incident_services x ON x.organization_id = i.organization_id AND x.incident_id = i.id
           JOIN placements p ON p.organization_id = x.organization_id AND p.service_id = x.service_id
           JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
          WHERE i.organization_id = $1 AND p.status_page_id = $2 AND i.id = $3 AND p.is_visible = TRUE
            AND s.is_visible = TRUE AND s.deleted_at IS NULL AND (i.resolved_at IS NULL OR i.resolved_at > $4)
          ORDER BY service_name",
        scope.organization_id(),
        page,
        incident,
        since
    )
}

/// Updates of an incident that [`find_incident`] gave; newest first.
pub async fn list_updates_of(
    conn: &mut Conn,
    scope: OrgScope,
    incident: IncidentId,
) -> Result<Vec<PlacedUpdate>> {
    fetch_all!(
        conn,
        "SELECT id, incident_id, status, body, created_at FROM incident_updates
          WHERE organization_id = $1 AND incident_id = $2 ORDER BY created_at DESC, id DESC",
        scope.organization_id(),
        incident
    )
}

/// The slugs of the organization and of its public page that shows this incident, for the plan's old permalink (S28, X23);
/// the default page first. Also by a slug that the organization left (X1).
pub async fn find_page_of_incident(
    conn: &mut Conn,
    organization_slug: &str,
    incident: IncidentId,
    now: Timestamp,
) -> Result<Option<(String, String)>> {
    fetch_optional!(
        conn,
        "SELECT o.slug, p.slug
           FROM organizations o
           JOIN incident_services x ON x.organization_id = o.id
           JOIN services s ON s.organization_id = o.id AND s.id = x.service_id
           JOIN placements l ON l.organization_id = o.id AND l.service_id = x.service_id
           JOIN status_pages p ON p.organization_id = o.id AND p.id = l.status_page_id
          WHERE (o.slug = $1 OR EXISTS (SELECT 1 FROM slug_redirects r
                                         WHERE r.organization_id = o.id AND r.slug = $1 AND r.expires_at > $3))
            AND x.incident_id = $2 AND o.deleted_at IS NULL AND p.deleted_at IS NULL
            AND p.is_public = TRUE AND l.is_visible = TRUE AND s.is_visible = TRUE AND s.deleted_at IS NULL
          ORDER BY p.is_default DESC, p.slug LIMIT 1",
        organization_slug,
        incident,
        now
    )
}
