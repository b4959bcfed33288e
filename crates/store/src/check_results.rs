//! Single check results: natural key, no text, trimmed after some days (S5, X49).

use domain::check::CheckResult;
use domain::id::MonitorId;
use domain::time::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::{Conn, OrgScope, Result, Tx, dialect};

/// Newest first, older than `before` when it is given.
pub async fn list(
    conn: &mut Conn,
    scope: OrgScope,
    monitor: MonitorId,
    before: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<CheckResult>> {
    fetch_all!(
        conn,
        "SELECT r.monitor_id, r.checked_at, r.status, r.failure, r.status_code, r.response_time_ms, r.is_manual
           FROM check_results r JOIN monitors m ON m.id = r.monitor_id
          WHERE m.organization_id = $1 AND r.monitor_id = $2 AND r.checked_at < $3
          ORDER BY r.checked_at DESC LIMIT $4",
        scope.organization_id(),
        monitor,
        before.unwrap_or(Timestamp::from_ms(i64::MAX)),
        limit
    )
}

/// Adds one result of the built-in region; one of the same millisecond stays as it is.
pub async fn insert(tx: &mut Tx, scope: OrgScope, result: &CheckResult) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO check_results (monitor_id, checked_at, region, status, failure, status_code, response_time_ms,
                                    is_manual)
         SELECT id, $3, 0, $4, $5, $6, $7, $8 FROM monitors WHERE organization_id = $1 AND id = $2
         ON CONFLICT (monitor_id, checked_at, region) DO NOTHING",
        scope.organization_id(),
        result.monitor_id,
        result.checked_at,
        result.status,
        result.failure,
        result.status_code,
        result.response_time_ms,
        result.is_manual
    )?;
    Ok(())
}

/// Adds many results of the built-in region in one statement. The caller holds the locks of their monitors.
pub async fn insert_many(tx: &mut Tx, results: &[CheckResult]) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        id: Uuid,
        at: i64,
        status: i16,
        failure: Option<i16>,
        code: Option<i16>,
        took_ms: Option<i32>,
    }
    let rows: Vec<Row> = results
        .iter()
        .map(|result| Row {
            id: result.monitor_id.uuid(),
            at: result.checked_at.ms(),
            status: result.status as i16,
            failure: result.failure.map(|class| class as i16),
            code: result.status_code,
            took_ms: result.response_time_ms,
        })
        .collect();
    dialect::insert_results(tx, &dialect::json(&rows)).await
}
