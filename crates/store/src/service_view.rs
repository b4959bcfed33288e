//! The few reads behind the figures of one service, in the shape in which a page reads those of all (D8): what gives a
//! percentage here gives the same one there.

use domain::id::ServiceId;
use domain::time::Timestamp;

use crate::page_view::{PlacedIncident, PlacedInterval, PlacedMonitor};
use crate::{Conn, OrgScope, Result};

/// Monitors of the service, paused and deleted ones included.
pub async fn list_monitors(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
) -> Result<Vec<PlacedMonitor>> {
    fetch_all!(
        conn,
        "SELECT service_id, is_active, state, interval_seconds, planned_interval_seconds, timeout_seconds,
                last_checked_at, created_at, deleted_at
           FROM monitors WHERE organization_id = $1 AND service_id = $2",
        scope.organization_id(),
        service
    )
}

/// Spans of monitor states that reach into the time after `since` and began before `until`, also of monitors that are
/// gone by now.
pub async fn list_intervals(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<PlacedInterval>> {
    fetch_all!(
        conn,
        "SELECT i.service_id, i.state, i.started_at, i.ended_at, m.last_checked_at, m.interval_seconds,
                m.planned_interval_seconds, m.timeout_seconds
           FROM state_intervals i
           JOIN monitors m ON m.organization_id = i.organization_id AND m.id = i.monitor_id
          WHERE i.organization_id = $1 AND i.service_id = $2 AND (i.ended_at IS NULL OR i.ended_at > $3)
            AND i.started_at < $4
          ORDER BY i.started_at",
        scope.organization_id(),
        service,
        since,
        until
    )
}

/// What incidents did to the service: those open or resolved after `since`, newest first.
pub async fn list_effects(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
    since: Timestamp,
) -> Result<Vec<PlacedIncident>> {
    fetch_all!(
        conn,
        "SELECT i.id, i.title, i.status, i.impact, i.started_at, i.resolved_at, x.service_id,
                s.name AS service_name, x.status AS service_status
           FROM incidents i
           JOIN incident_services x ON x.organization_id = i.organization_id AND x.incident_id = i.id
           JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
          WHERE i.organization_id = $1 AND x.service_id = $2 AND (i.resolved_at IS NULL OR i.resolved_at > $3)
          ORDER BY i.started_at DESC, i.id",
        scope.organization_id(),
        service,
        since
    )
}
