//! Hourly and daily counts of results: what charts are drawn from, and what stays when single results are trimmed.
//! Response times are those of good answers; a failure that ran into its time-out would drown them.

use domain::check::{CheckResult, CheckStatus};
use domain::id::MonitorId;
use domain::time::Day;
use serde::Serialize;
use uuid::Uuid;

use crate::{Conn, OrgScope, Result, Tx, dialect};

/// Results of one monitor in one hour or day (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Rollup {
    /// Whole hours or days since 1970.
    pub bucket: i64,
    pub up: i32,
    pub degraded: i32,
    pub down: i32,
    pub no_data: i32,
    /// Sum over `response_time_count` good answers.
    pub response_time_sum_ms: i64,
    pub response_time_count: i32,
    pub response_time_max_ms: i32,
}

#[derive(Serialize)]
struct Row {
    id: Uuid,
    hour: i64,
    day: i64,
    up: i32,
    degraded: i32,
    down: i32,
    no_data: i32,
    sum_ms: i64,
    count: i32,
    max_ms: i32,
}

impl Row {
    fn of(result: &CheckResult) -> Self {
        let is = |status| i32::from(result.status == status);
        let good_ms = result
            .response_time_ms
            .filter(|_| matches!(result.status, CheckStatus::Up | CheckStatus::Degraded));
        Self {
            id: result.monitor_id.uuid(),
            hour: result.checked_at.hour(),
            day: result.checked_at.day().0,
            up: is(CheckStatus::Up),
            degraded: is(CheckStatus::Degraded),
            down: is(CheckStatus::Down),
            no_data: is(CheckStatus::NoData),
            sum_ms: i64::from(good_ms.unwrap_or(0)),
            count: i32::from(good_ms.is_some()),
            max_ms: good_ms.unwrap_or(0),
        }
    }
}

/// Counts results in. Results of one monitor in one call must be at most one: an upsert takes a row once.
pub async fn add(tx: &mut Tx, results: &[CheckResult]) -> Result<()> {
    let rows: Vec<Row> = results.iter().map(Row::of).collect();
    let rows = dialect::json(&rows);
    dialect::add_to_hours(tx, &rows).await?;
    dialect::add_to_days(tx, &rows).await
}

/// Hours `from..to` of one monitor that have results, in order.
pub async fn list_hours(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    from: i64,
    to: i64,
) -> Result<Vec<Rollup>> {
    fetch_all!(
        conn,
        "SELECT r.hour AS bucket, r.up, r.degraded, r.down, r.no_data, r.response_time_sum_ms, r.response_time_count,
                r.response_time_max_ms
           FROM hourly_rollups r JOIN monitors m ON m.id = r.monitor_id
          WHERE m.organization_id = $1 AND r.monitor_id = $2 AND r.hour >= $3 AND r.hour < $4
          ORDER BY r.hour",
        scope.organization_id(),
        monitor,
        from,
        to
    )
}

/// Days `from..to` of one monitor that have results, in order.
pub async fn list_days(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    from: Day,
    to: Day,
) -> Result<Vec<Rollup>> {
    fetch_all!(
        conn,
        "SELECT r.day AS bucket, r.up, r.degraded, r.down, r.no_data, r.response_time_sum_ms, r.response_time_count,
                r.response_time_max_ms
           FROM daily_rollups r JOIN monitors m ON m.id = r.monitor_id
          WHERE m.organization_id = $1 AND r.monitor_id = $2 AND r.day >= $3 AND r.day < $4
          ORDER BY r.day",
        scope.organization_id(),
        monitor,
        from,
        to
    )
}
