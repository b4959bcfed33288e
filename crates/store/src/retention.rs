//! Trims the history of monitors, in small steps (X49). System work over all organizations.
//!
//! How far a night has come is written in the transaction of each step: whoever goes on after a stop begins where the
//! last step that was committed ended.

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

/// One night's work.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Night {
    pub night: Day,
    pub started_at: Timestamp,
    /// `None`: under way, or stopped in the middle.
    pub finished_at: Option<Timestamp>,
    /// Monitors are trimmed in the order of their ids; all up to this one are done.
    pub after_monitor: MonitorId,
    pub monitors: i64,
    /// Rows of packed results, one for an hour of a monitor, and how long these were.
    pub hours: i64,
    pub bytes: i64,
    /// Roll-ups and state intervals.
    pub history_rows: i64,
    /// Transactions, the time in them and the longest of them, as far as noted with the next one.
    pub slices: i64,
    pub busy_ms: i64,
    pub longest_slice_ms: i64,
}

/// Notes that the night began; one that is there already stays.
pub async fn insert_night(tx: &mut Tx, night: Day, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO retention_nights (night, started_at, finished_at, after_monitor, monitors, hours, bytes,
                                       history_rows, slices, busy_ms, longest_slice_ms)
         VALUES ($1, $2, NULL, $3, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT (night) DO NOTHING",
        night,
        now,
        MonitorId::new(uuid::Uuid::nil())
    )?;
    Ok(())
}

/// How far this night has come, locked: of two processes one waits for the other's step. `None`: it is finished, or did
/// not begin.
pub async fn lock_night(tx: &mut Tx, night: Day) -> Result<Option<Night>> {
    fetch_optional!(
        tx,
        "UPDATE retention_nights SET slices = slices + 1 WHERE night = $1 AND finished_at IS NULL
         RETURNING night, started_at, finished_at, after_monitor, monitors, hours, bytes, history_rows, slices, busy_ms,
                   longest_slice_ms",
        night
    )
}

/// Writes how far it has come.
pub async fn update_night(tx: &mut Tx, night: &Night) -> Result<()> {
    execute!(
        tx,
        "UPDATE retention_nights
            SET finished_at = $2, after_monitor = $3, monitors = $4, hours = $5, bytes = $6, history_rows = $7,
                slices = $8, busy_ms = $9, longest_slice_ms = $10
          WHERE night = $1",
        night.night,
        night.finished_at,
        night.after_monitor,
        night.monitors,
        night.hours,
        night.bytes,
        night.history_rows,
        night.slices,
        night.busy_ms,
        night.longest_slice_ms
    )?;
    Ok(())
}

/// The night that ended last. `None`: none did.
pub async fn find_last_night(conn: &mut Conn) -> Result<Option<Night>> {
    fetch_optional!(
        conn,
        "SELECT night, started_at, finished_at, after_monitor, monitors, hours, bytes, history_rows, slices, busy_ms,
                longest_slice_ms
           FROM retention_nights WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, night DESC LIMIT 1"
    )
}

/// Whether the work of this night is finished.
pub async fn is_finished(conn: &mut Conn, night: Day) -> Result<bool> {
    let count: i64 = fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM retention_nights WHERE night = $1 AND finished_at IS NOT NULL",
        night
    )?;
    Ok(count > 0)
}

/// Forgets nights before this one.
pub async fn purge_nights(tx: &mut Tx, before: Day) -> Result<u64> {
    execute!(tx, "DELETE FROM retention_nights WHERE night < $1", before)
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

/// Removes single results from before the hour of `before`, the oldest `limit` rows at most; gives the length of each row
/// in bytes.
pub async fn trim_results(
    tx: &mut Tx,
    monitor: MonitorId,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> = fetch_all!(
        tx,
        "DELETE FROM check_results
          WHERE monitor_id = $1
            AND hour IN (SELECT hour FROM check_results WHERE monitor_id = $1 AND hour < $2 ORDER BY hour LIMIT $3)
         RETURNING CAST(LENGTH(results) AS BIGINT)",
        monitor,
        before.hour(),
        limit
    )?;
    Ok(rows.into_iter().map(|(length,)| length).collect())
}

/// Removes roll-ups and finished state intervals from before `before`, the oldest `limit` rows of each kind at most; gives
/// their number.
pub async fn trim_history(tx: &mut Tx, monitor: MonitorId, before: Day, limit: i64) -> Result<u64> {
    let start = before.start();
    let hours = execute!(
        tx,
        "DELETE FROM hourly_rollups
          WHERE monitor_id = $1
            AND hour IN (SELECT hour FROM hourly_rollups WHERE monitor_id = $1 AND hour < $2 ORDER BY hour LIMIT $3)",
        monitor,
        start.hour(),
        limit
    )?;
    let days = execute!(
        tx,
        "DELETE FROM daily_rollups
          WHERE monitor_id = $1
            AND day IN (SELECT day FROM daily_rollups WHERE monitor_id = $1 AND day < $2 ORDER BY day LIMIT $3)",
        monitor,
        before,
        limit
    )?;
    let spans = execute!(
        tx,
        "DELETE FROM state_intervals
          WHERE monitor_id = $1
            AND started_at IN (SELECT started_at FROM state_intervals
                                WHERE monitor_id = $1 AND ended_at < $2 ORDER BY started_at LIMIT $3)",
        monitor,
        start,
        limit
    )?;
    Ok(hours + days + spans)
}

/// Removes monitors that were deleted before `before`, with what is left of their history.
pub async fn purge_monitors(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM monitors WHERE deleted_at < $1", before)
}
