//! Single check results (S5, X49). They are kept packed, a row for each hour of a monitor, and the newest ones beside
//! the monitor itself: a check then writes the one row that it has to write anyway.

use std::collections::BTreeMap;

use domain::check::CheckResult;
use domain::id::MonitorId;
use domain::packed;
use domain::time::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::{Conn, OrgScope, Result, Tx, dialect, rollups};

/// Rows that one look fetches.
const HOURS_AT_ONCE: i64 = 12;

/// One packed hour.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct PackedHour {
    pub(crate) monitor_id: MonitorId,
    pub(crate) hour: i64,
    pub(crate) results: Vec<u8>,
}

/// Newest first, older than `before` when it is given.
pub async fn list(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    before: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<CheckResult>> {
    let before = before.unwrap_or(Timestamp::from_ms(i64::MAX));
    let limit = usize::try_from(limit).unwrap_or(0);
    let mut found = packed::unpack(&find_recent(conn, scope, monitor).await?, monitor);
    found.retain(|result| result.checked_at < before);
    let mut hour = before.hour();
    while found.len() < limit {
        let hours = list_hours(conn, scope, monitor, hour, HOURS_AT_ONCE).await?;
        let Some(last) = hours.last() else { break };
        hour = last.hour - 1;
        let older = hours.iter().flat_map(|hour| packed::unpack(&hour.results, monitor));
        found.extend(older.filter(|result| result.checked_at < before));
    }
    found.sort_by_key(|result| std::cmp::Reverse(result.checked_at));
    found.truncate(limit);
    Ok(found)
}

/// Packed hours up to `hour`, the newest first.
async fn list_hours(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    hour: i64,
    limit: i64,
) -> Result<Vec<PackedHour>> {
    fetch_all!(
        conn,
        "SELECT r.monitor_id, r.hour, r.results
           FROM check_results r JOIN monitors m ON m.id = r.monitor_id
          WHERE m.organization_id = $1 AND r.monitor_id = $2 AND r.hour <= $3
          ORDER BY r.hour DESC LIMIT $4",
        scope.organization_id(),
        monitor,
        hour,
        limit
    )
}

/// The packed results that still stand beside the monitor.
pub(crate) async fn find_recent(conn: &mut Conn, scope: OrgScope, monitor: MonitorId) -> Result<Vec<u8>> {
    let found: Option<(Vec<u8>,)> = fetch_optional!(
        conn,
        "SELECT recent FROM monitors WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        monitor
    )?;
    Ok(found.map(|(recent,)| recent).unwrap_or_default())
}

/// Adds one result; one of the instant of the newest stays as it is. The result of a check that a person asked for;
/// those of the schedule come through [`crate::watch::settle`].
pub async fn insert(tx: &mut Tx, scope: OrgScope, result: &CheckResult) -> Result<()> {
    let locked: Option<(Vec<u8>,)> = fetch_optional!(
        tx,
        "UPDATE monitors SET updated_at = updated_at WHERE organization_id = $1 AND id = $2 RETURNING recent",
        scope.organization_id(),
        result.monitor_id
    )?;
    let Some((mut recent,)) = locked else { return Ok(()) };
    packed::push(&mut recent, result);
    if packed::is_due(&recent, result.checked_at) {
        archive(tx, &packed::unpack(&recent, result.monitor_id)).await?;
        recent.clear();
    }
    execute!(
        tx,
        "UPDATE monitors SET recent = $3 WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        result.monitor_id,
        recent
    )?;
    Ok(())
}

#[derive(Serialize)]
struct Row {
    id: Uuid,
    bucket: i64,
    results: String,
}

/// Packs results, of any monitors and hours, with what is there already, and counts them into the roll-ups. Their
/// monitors are locked by the caller, who takes the results out of `recent` in the same transaction.
pub async fn archive(tx: &mut Tx, results: &[CheckResult]) -> Result<()> {
    if results.is_empty() {
        return Ok(());
    }
    let mut hours: BTreeMap<(MonitorId, i64), Vec<CheckResult>> = BTreeMap::new();
    for result in results {
        hours.entry((result.monitor_id, result.checked_at.hour())).or_default().push(*result);
    }
    let keys: Vec<dialect::Key> = hours.keys().map(|(id, hour)| dialect::Key::new(*id, *hour)).collect();
    for hour in dialect::load_hours_of_results(tx, &dialect::json(&keys)).await? {
        let mut all = packed::unpack(&hour.results, hour.monitor_id);
        if let Some(added) = hours.get_mut(&(hour.monitor_id, hour.hour)) {
            all.append(added);
            *added = all;
        }
    }
    let rows: Vec<Row> = hours
        .into_iter()
        .map(|((id, bucket), results)| Row {
            id: id.uuid(),
            bucket,
            results: hex::encode(packed::pack(&results)),
        })
        .collect();
    dialect::save_hours_of_results(tx, &dialect::json(&rows)).await?;
    rollups::add(tx, results).await
}
