//! Spans of confirmed states: what uptime is computed from (D8). The verdict says how they change; this applies it.

use domain::id::{MonitorId, ServiceId};
use domain::monitor::MonitorState;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::{Conn, OrgScope, Result, Tx, dialect};

/// A span of one state. `ended_at` `None`: still so, as far as the last check tells.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StateInterval {
    pub monitor_id: MonitorId,
    /// The service the monitor belonged to at that time.
    pub service_id: ServiceId,
    pub state: MonitorState,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// Spans of one monitor that reach into the time after `since`, in order.
pub async fn list(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    since: Timestamp,
) -> Result<Vec<StateInterval>> {
    fetch_all!(
        conn,
        "SELECT monitor_id, service_id, state, started_at, ended_at FROM state_intervals
          WHERE organization_id = $1 AND monitor_id = $2 AND (ended_at IS NULL OR ended_at > $3)
          ORDER BY started_at",
        scope.organization_id(),
        monitor,
        since
    )
}

/// Like [`list`], for several monitors in one statement.
pub async fn list_of(
    conn: &mut Conn,
    scope: OrgScope,
    monitors: &[MonitorId],
    since: Timestamp,
) -> Result<Vec<StateInterval>> {
    let ids: Vec<Uuid> = monitors.iter().map(|id| id.uuid()).collect();
    dialect::list_intervals_of(conn, scope.organization_id(), &dialect::json(&ids), since).await
}

/// The newest spans of one monitor as states and starts, newest first.
pub async fn list_newest(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    limit: i64,
) -> Result<Vec<(MonitorState, Timestamp)>> {
    fetch_all!(
        conn,
        "SELECT state, started_at FROM state_intervals WHERE organization_id = $1 AND monitor_id = $2
          ORDER BY started_at DESC LIMIT $3",
        scope.organization_id(),
        monitor,
        limit
    )
}

/// Ends the open span of the monitor at `at`, or where it began if that is later.
pub async fn close(tx: &mut Tx, scope: OrgScope, monitor: MonitorId, at: Timestamp) -> Result<()> {
    execute!(
        tx,
        "UPDATE state_intervals SET ended_at = CASE WHEN started_at > $3 THEN started_at ELSE $3 END
          WHERE organization_id = $1 AND monitor_id = $2 AND ended_at IS NULL",
        scope.organization_id(),
        monitor,
        at
    )?;
    Ok(())
}

/// Forgets what was recorded after `at`: spans that began later go, the others end there at the latest.
pub async fn rewind(tx: &mut Tx, scope: OrgScope, monitor: MonitorId, at: Timestamp) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM state_intervals WHERE organization_id = $1 AND monitor_id = $2 AND started_at >= $3",
        scope.organization_id(),
        monitor,
        at
    )?;
    execute!(
        tx,
        "UPDATE state_intervals SET ended_at = $3
          WHERE organization_id = $1 AND monitor_id = $2 AND (ended_at IS NULL OR ended_at > $3)",
        scope.organization_id(),
        monitor,
        at
    )?;
    Ok(())
}

/// Begins an open span; it replaces one that began at the same instant.
pub async fn open(
    tx: &mut Tx,
    scope: OrgScope,
    monitor: MonitorId,
    service: ServiceId,
    state: MonitorState,
    at: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO state_intervals (organization_id, monitor_id, service_id, state, started_at, ended_at)
         VALUES ($1, $2, $3, $4, $5, NULL)
         ON CONFLICT (monitor_id, started_at)
         DO UPDATE SET service_id = excluded.service_id, state = excluded.state, ended_at = NULL",
        scope.organization_id(),
        monitor,
        service,
        state,
        at
    )?;
    Ok(())
}
