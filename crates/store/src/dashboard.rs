//! What the dashboard shows of an organization, each in one statement (S54).

use domain::incident::Incident;
use domain::monitor::MonitorState;

use crate::{Conn, OrgScope, Result};

/// How much of each limit is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Usage {
    pub status_pages: i64,
    /// Placements on the fullest page (D4).
    pub services_per_page: i64,
    /// Monitors of the service that has most.
    pub monitors_per_service: i64,
    /// Confirmed ones only (X57).
    pub subscribers: i64,
}

/// How many monitors are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct StateCount {
    pub state: MonitorState,
    /// `false`: paused.
    pub is_active: bool,
    pub count: i64,
}

pub async fn count_usage(conn: &mut Conn, scope: OrgScope) -> Result<Usage> {
    fetch_one!(
        conn,
        "SELECT (SELECT COUNT(*) FROM status_pages WHERE organization_id = $1 AND deleted_at IS NULL) AS status_pages,
                CAST(COALESCE((SELECT MAX(n) FROM (
                    SELECT COUNT(*) AS n FROM placements l
                      JOIN status_pages p ON p.organization_id = l.organization_id AND p.id = l.status_page_id
                     WHERE l.organization_id = $1 AND p.deleted_at IS NULL GROUP BY l.status_page_id) AS per_page), 0)
                    AS BIGINT) AS services_per_page,
                CAST(COALESCE((SELECT MAX(n) FROM (
                    SELECT COUNT(*) AS n FROM monitors
                     WHERE organization_id = $1 AND deleted_at IS NULL GROUP BY service_id) AS per_service), 0)
                    AS BIGINT) AS monitors_per_service,
                (SELECT COUNT(*) FROM subscribers WHERE organization_id = $1 AND is_confirmed = TRUE) AS subscribers",
        scope.organization_id()
    )
}

pub async fn count_monitors(conn: &mut Conn, scope: OrgScope) -> Result<Vec<StateCount>> {
    fetch_all!(
        conn,
        "SELECT state, is_active, COUNT(*) AS count FROM monitors
          WHERE organization_id = $1 AND deleted_at IS NULL GROUP BY state, is_active ORDER BY state, is_active",
        scope.organization_id()
    )
}

/// The incidents that are not resolved, newest first, at most 50.
pub async fn list_open_incidents(conn: &mut Conn, scope: OrgScope) -> Result<Vec<Incident>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, title, status, impact, started_at, resolved_at, origin, is_edited, created_at,
                updated_at
           FROM incidents WHERE organization_id = $1 AND resolved_at IS NULL
          ORDER BY started_at DESC, id DESC LIMIT 50",
        scope.organization_id()
    )
}
