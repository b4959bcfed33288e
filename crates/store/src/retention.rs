//! Trims the history of monitors, in small steps (X49). System work over all organizations.

use domain::id::MonitorId;
use domain::plan::Tier;
use domain::time::{Day, Timestamp};

use crate::{Conn, Result, Tx};

/// A monitor whose history is to be trimmed; deleted ones too.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TrimmedMonitor {
    pub id: MonitorId,
    pub tier: Tier,
    /// The organization is about to be purged: nothing of the history has to stay.
    pub is_condemned: bool,
}

/// Monitors in the order of their ids, those after `after`. `condemned_before`: organizations that were deleted
/// earlier are purged next.
pub async fn list_monitors(
    conn: &mut Conn,
    after: MonitorId,
    condemned_before: Timestamp,
    limit: i64,
) -> Result<Vec<TrimmedMonitor>> {
    fetch_all!(
        conn,
        "SELECT m.id, o.tier, COALESCE(o.deleted_at < $2, FALSE) AS is_condemned
           FROM monitors m JOIN organizations o ON o.id = m.organization_id
          WHERE m.id > $1 ORDER BY m.id LIMIT $3",
        after,
        condemned_before,
        limit
    )
}

/// Removes single results from before the hour of `before`.
pub async fn trim_results(tx: &mut Tx, monitor: MonitorId, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM check_results WHERE monitor_id = $1 AND hour < $2", monitor, before.hour())
}

/// Removes roll-ups and finished state intervals from before `before`.
pub async fn trim_history(tx: &mut Tx, monitor: MonitorId, before: Day) -> Result<u64> {
    let start = before.start();
    let hours = execute!(
        tx,
        "DELETE FROM hourly_rollups WHERE monitor_id = $1 AND hour < $2",
        monitor,
        start.hour()
    )?;
    let days = execute!(tx, "DELETE FROM daily_rollups WHERE monitor_id = $1 AND day < $2", monitor, before)?;
    let spans =
        execute!(tx, "DELETE FROM state_intervals WHERE monitor_id = $1 AND ended_at < $2", monitor, start)?;
    Ok(hours + days + spans)
}

/// Removes monitors that were deleted before `before`, with what is left of their history.
pub async fn purge_monitors(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM monitors WHERE deleted_at < $1", before)
}
