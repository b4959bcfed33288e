//! The few reads over all services of an organization at once, placed or not, for the dashboard.

use domain::id::PageId;
use domain::time::Timestamp;

use crate::page_view::{PlacedIncident, PlacedInterval, PlacedMonitor};
use crate::{Conn, OrgScope, Result};

/// What asks for attention now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Trouble {
    pub open_incidents: i64,
    /// Active monitors that are confirmed down.
    pub failing_monitors: i64,
}

pub async fn count_trouble(conn: &mut Conn, scope: OrgScope) -> Result<Trouble> {
    fetch_one!(
        conn,
        "SELECT (SELECT COUNT(*) FROM incidents WHERE organization_id = $1 AND resolved_at IS NULL)
                    AS open_incidents,
                (SELECT COUNT(*) FROM monitors
                  WHERE organization_id = $1 AND is_active = TRUE AND state = 'down' AND deleted_at IS NULL)
                    AS failing_monitors",
        scope.organization_id()
    )
}

/// How much stands on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct PageCount {
    pub status_page_id: PageId,
    pub services: i64,
    /// Confirmed ones only (X57).
    pub subscribers: i64,
}

/// A row for every page that is not deleted.
pub async fn count_by_page(conn: &mut Conn, scope: OrgScope) -> Result<Vec<PageCount>> {
    fetch_all!(
        conn,
        "SELECT p.id AS status_page_id,
                (SELECT COUNT(*) FROM placements l
                  WHERE l.organization_id = $1 AND l.status_page_id = p.id) AS services,
                (SELECT COUNT(*) FROM subscribers x
                  WHERE x.organization_id = $1 AND x.status_page_id = p.id AND x.is_confirmed = TRUE) AS subscribers
           FROM status_pages p WHERE p.organization_id = $1 AND p.deleted_at IS NULL",
        scope.organization_id()
    )
}

/// Every monitor as a page would see it, deleted ones included.
pub async fn list_monitors(conn: &mut Conn, scope: OrgScope) -> Result<Vec<PlacedMonitor>> {
    fetch_all!(
        conn,
        "SELECT service_id, is_active, state, interval_seconds, planned_interval_seconds, timeout_seconds,
                last_checked_at, created_at, deleted_at
           FROM monitors WHERE organization_id = $1",
        scope.organization_id()
    )
}

/// Spans of monitor states that reach into the time after `since`, also of monitors that are gone by now.
pub async fn list_intervals(
    conn: &mut Conn,
    scope: OrgScope,
    since: Timestamp,
) -> Result<Vec<PlacedInterval>> {
    fetch_all!(
        conn,
        "SELECT i.service_id, i.state, i.started_at, i.ended_at, m.last_checked_at, m.interval_seconds,
                m.planned_interval_seconds, m.timeout_seconds
           FROM state_intervals i
           JOIN monitors m ON m.organization_id = i.organization_id AND m.id = i.monitor_id
          WHERE i.organization_id = $1 AND (i.ended_at IS NULL OR i.ended_at > $2)
          ORDER BY i.started_at",
        scope.organization_id(),
        since
    )
}

/// What incidents did to services that still exist: those open or resolved after `since`, newest first, a row per
/// service.
pub async fn list_effects(conn: &mut Conn, scope: OrgScope, since: Timestamp) -> Result<Vec<PlacedIncident>> {
    fetch_all!(
        conn,
        "SELECT i.id, i.title, i.status, i.impact, i.started_at, i.resolved_at, x.service_id,
                s.name AS service_name, x.status AS service_status
           FROM incidents i
           JOIN incident_services x ON x.organization_id = i.organization_id AND x.incident_id = i.id
           JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
          WHERE i.organization_id = $1 AND s.deleted_at IS NULL AND (i.resolved_at IS NULL OR i.resolved_at > $2)
          ORDER BY i.started_at DESC, i.id, s.name",
        scope.organization_id(),
        since
    )
}
