//! Hourly and daily roll-ups of results: what charts are drawn from, and what stays when single results are trimmed.

use std::collections::BTreeMap;

use domain::check::CheckResult;
use domain::id::MonitorId;
use domain::latency::Latency;
use domain::packed;
use domain::rollup::{PhaseSums, Rollup};
use domain::time::Day;
use serde::Serialize;
use uuid::Uuid;

use crate::check_results::find_recent;
use crate::{Conn, OrgScope, Result, Tx, dialect};

/// A roll-up as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct StoredRollup {
    monitor_id: MonitorId,
    bucket: i64,
    up: i32,
    degraded: i32,
    down: i32,
    no_data: i32,
    response_time_sum_ms: i64,
    response_time_count: i32,
    response_time_max_ms: i32,
    dns_sum_ms: i64,
    connect_sum_ms: i64,
    tls_sum_ms: i64,
    first_byte_sum_ms: i64,
    latency: Vec<u8>,
}

impl From<StoredRollup> for Rollup {
    fn from(stored: StoredRollup) -> Self {
        Self {
            bucket: stored.bucket,
            up: stored.up,
            degraded: stored.degraded,
            down: stored.down,
            no_data: stored.no_data,
            response_time_sum_ms: stored.response_time_sum_ms,
            response_time_count: stored.response_time_count,
            response_time_max_ms: stored.response_time_max_ms,
            phases: PhaseSums {
                dns_ms: stored.dns_sum_ms,
                connect_ms: stored.connect_sum_ms,
                tls_ms: stored.tls_sum_ms,
                first_byte_ms: stored.first_byte_sum_ms,
            },
            latency: Latency::from_bytes(&stored.latency),
        }
    }
}

#[derive(Serialize)]
struct Row {
    id: Uuid,
    bucket: i64,
    up: i32,
    degraded: i32,
    down: i32,
    no_data: i32,
    sum_ms: i64,
    count: i32,
    max_ms: i32,
    dns_ms: i64,
    connect_ms: i64,
    tls_ms: i64,
    first_ms: i64,
    latency: String,
}

impl Row {
    fn of(id: MonitorId, rollup: &Rollup) -> Self {
        Self {
            id: id.uuid(),
            bucket: rollup.bucket,
            up: rollup.up,
            degraded: rollup.degraded,
            down: rollup.down,
            no_data: rollup.no_data,
            sum_ms: rollup.response_time_sum_ms,
            count: rollup.response_time_count,
            max_ms: rollup.response_time_max_ms,
            dns_ms: rollup.phases.dns_ms,
            connect_ms: rollup.phases.connect_ms,
            tls_ms: rollup.phases.tls_ms,
            first_ms: rollup.phases.first_byte_ms,
            latency: hex::encode(rollup.latency.to_bytes()),
        }
    }
}

/// Roll-ups of several monitors by monitor and bucket.
type Buckets = BTreeMap<(MonitorId, i64), Rollup>;

/// Counts results in, of any monitors, hours and days.
pub(crate) async fn add(tx: &mut Tx, results: &[CheckResult]) -> Result<()> {
    let keys = keys(results, |result| result.checked_at.hour());
    let hours = dialect::load_hours(tx, &keys).await?;
    let hours = sum(hours, results, |result| result.checked_at.hour());
    dialect::save_hours(tx, &rows(&hours)).await?;
    let keys = self::keys(results, |result| result.checked_at.day().0);
    let days = dialect::load_days(tx, &keys).await?;
    let days = sum(days, results, |result| result.checked_at.day().0);
    dialect::save_days(tx, &rows(&days)).await
}

fn keys(results: &[CheckResult], bucket: fn(&CheckResult) -> i64) -> String {
    let keys: BTreeMap<(MonitorId, i64), dialect::Key> = results
        .iter()
        .map(|result| (result.monitor_id, bucket(result)))
        .map(|(id, bucket)| ((id, bucket), dialect::Key::new(id, bucket)))
        .collect();
    dialect::json(&keys.into_values().collect::<Vec<_>>())
}

fn sum(stored: Vec<StoredRollup>, results: &[CheckResult], bucket: fn(&CheckResult) -> i64) -> Buckets {
    let mut buckets: Buckets =
        stored.into_iter().map(|one| ((one.monitor_id, one.bucket), one.into())).collect();
    for result in results {
        let bucket = bucket(result);
        let rollup = buckets.entry((result.monitor_id, bucket)).or_default();
        rollup.bucket = bucket;
        rollup.add(result);
    }
    buckets
}

fn rows(buckets: &Buckets) -> String {
    let rows: Vec<Row> = buckets.iter().map(|((id, _), rollup)| Row::of(*id, rollup)).collect();
    dialect::json(&rows)
}

/// Hours `from..to` of one monitor that have results, in order.
pub async fn list_hours(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    from: i64,
    to: i64,
) -> Result<Vec<Rollup>> {
    let stored: Vec<StoredRollup> = fetch_all!(
        conn,
        "SELECT r.monitor_id, r.hour AS bucket, r.up, r.degraded, r.down, r.no_data, r.response_time_sum_ms,
                r.response_time_count, r.response_time_max_ms, r.dns_sum_ms, r.connect_sum_ms, r.tls_sum_ms,
                r.first_byte_sum_ms, r.latency
           FROM hourly_rollups r JOIN monitors m ON m.id = r.monitor_id
          WHERE m.organization_id = $1 AND r.monitor_id = $2 AND r.hour >= $3 AND r.hour < $4
          ORDER BY r.hour",
        scope.organization_id(),
        monitor,
        from,
        to
    )?;
    with_recent(conn, scope, monitor, stored, from..to, |result| result.checked_at.hour()).await
}

/// Days `from..to` of one monitor that have results, in order.
pub async fn list_days(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    from: Day,
    to: Day,
) -> Result<Vec<Rollup>> {
    let stored: Vec<StoredRollup> = fetch_all!(
        conn,
        "SELECT r.monitor_id, r.day AS bucket, r.up, r.degraded, r.down, r.no_data, r.response_time_sum_ms,
                r.response_time_count, r.response_time_max_ms, r.dns_sum_ms, r.connect_sum_ms, r.tls_sum_ms,
                r.first_byte_sum_ms, r.latency
           FROM daily_rollups r JOIN monitors m ON m.id = r.monitor_id
          WHERE m.organization_id = $1 AND r.monitor_id = $2 AND r.day >= $3 AND r.day < $4
          ORDER BY r.day",
        scope.organization_id(),
        monitor,
        from,
        to
    )?;
    with_recent(conn, scope, monitor, stored, from.0..to.0, |result| result.checked_at.day().0).await
}

/// What is stored, and the results that are not counted in yet.
async fn with_recent(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    stored: Vec<StoredRollup>,
    buckets: std::ops::Range<i64>,
    bucket: fn(&CheckResult) -> i64,
) -> Result<Vec<Rollup>> {
    let mut recent = packed::unpack(&find_recent(conn, scope, monitor).await?, monitor);
    recent.retain(|result| !result.is_manual && buckets.contains(&bucket(result)));
    Ok(sum(stored, &recent, bucket).into_values().collect())
}
