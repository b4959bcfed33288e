//! The statements that must differ between the databases, each with its reason.

use domain::id::OrgId;
use domain::time::Timestamp;

use crate::check_results::PackedHour;
use crate::rollups::StoredRollup;
use crate::state_intervals::StateInterval;
use crate::watch::{DueMonitor, WatchedMonitor};
use crate::{Conn, Result, Tx};

/// Versions of the applied migrations; the column is called differently by nobody, but the table is missing on an
/// empty database, which the two drivers report in different words.
pub(crate) async fn applied_migrations(conn: &mut Conn) -> Result<Vec<i64>> {
    let known: Vec<(i64,)> = fetch_all_per_driver!(
        conn,
        "SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'",
        "SELECT COUNT(*) FROM information_schema.tables
          WHERE table_name = '_sqlx_migrations' AND table_schema = current_schema()"
    )?;
    if known.first().is_none_or(|(count,)| *count == 0) {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64,)> =
        fetch_all!(conn, "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")?;
    Ok(rows.into_iter().map(|(version,)| version).collect())
}

/// Rows for a bulk statement as one JSON text: the one form of many rows that both databases take in a single value.
pub(crate) fn json<T: serde::Serialize>(rows: &[T]) -> String {
    // Only fails for maps with keys that are not text; the rows are plain structs.
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned())
}

/// PostgreSQL skips what others are claiming right now instead of waiting for it; correctness does not hang on it.
pub(crate) async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    due_until: Timestamp,
    lease_until: Timestamp,
    limit: i64,
) -> Result<Vec<DueMonitor>> {
    fetch_all_per_driver!(
        tx,
        "UPDATE monitors SET claimed_until = CAST($2 AS BIGINT) + timeout_seconds * 4000
                + CASE WHEN timeout_seconds >= 10 THEN 0 WHEN interval_seconds < 60 THEN interval_seconds * 334
                       ELSE 20000 END, claimed_at = $1
          WHERE id IN (SELECT m.id FROM monitors m JOIN organizations o ON o.id = m.organization_id
                        WHERE m.is_active AND m.deleted_at IS NULL AND m.next_check_at <= $4
                          AND m.claimed_until <= $1 AND o.deleted_at IS NULL
                        ORDER BY m.next_check_at LIMIT $3)
         RETURNING id, organization_id, service_id, url, method, settings, sealed_secrets, expected_status,
                   timeout_seconds, interval_seconds, next_check_at, state,
                   (SELECT o.tier FROM organizations o WHERE o.id = organization_id) AS tier",
        "WITH due AS MATERIALIZED
                (SELECT m.id, o.tier FROM monitors m JOIN organizations o ON o.id = m.organization_id
                  WHERE m.is_active AND m.deleted_at IS NULL AND m.next_check_at <= $4
                    AND m.claimed_until <= $1 AND o.deleted_at IS NULL
                  ORDER BY m.next_check_at LIMIT $3
                  FOR UPDATE OF m SKIP LOCKED)
         UPDATE monitors SET claimed_until = CAST($2 AS BIGINT) + timeout_seconds * 4000
                + CASE WHEN timeout_seconds >= 10 THEN 0 WHEN interval_seconds < 60 THEN interval_seconds * 334
                       ELSE 20000 END, claimed_at = $1
           FROM due WHERE monitors.id = due.id
         RETURNING monitors.id, organization_id, service_id, url, method, settings, sealed_secrets,
                   expected_status, timeout_seconds, interval_seconds, next_check_at, state, due.tier",
        now,
        lease_until,
        limit,
        due_until
    )
}

/// One value with many ids is unpacked by functions of different names. SQLite's writer needs no row locks.
pub(crate) async fn lock_for_results(tx: &mut Tx, ids: &str) -> Result<Vec<WatchedMonitor>> {
    fetch_all_per_driver!(
        tx,
        "SELECT m.id, m.organization_id, m.service_id, m.parent_id, p.state AS parent_state,
                p.run_status AS parent_run_status, p.last_failure AS parent_last_failure, m.timeout_seconds,
                m.interval_seconds, m.planned_interval_seconds, m.failures_to_open, m.successes_to_close,
                m.min_outage_seconds, m.degraded_above_ms, m.state, m.state_since, m.run_length, m.run_status,
                m.run_started_at, m.last_checked_at, m.last_failure, m.last_status_code, m.last_response_time_ms,
                m.flapping_since, m.snoozed_until, m.recent, m.next_check_at, o.tier
           FROM json_each($1) j CROSS JOIN monitors m ON m.id = unhex(j.value, '-')
           JOIN organizations o ON o.id = m.organization_id
           LEFT JOIN monitors p ON p.organization_id = m.organization_id AND p.id = m.parent_id AND p.is_active
                               AND p.deleted_at IS NULL
          WHERE m.is_active AND m.deleted_at IS NULL",
        "SELECT m.id, m.organization_id, m.service_id, m.parent_id, p.state AS parent_state,
                p.run_status AS parent_run_status, p.last_failure AS parent_last_failure, m.timeout_seconds,
                m.interval_seconds, m.planned_interval_seconds, m.failures_to_open, m.successes_to_close,
                m.min_outage_seconds, m.degraded_above_ms, m.state, m.state_since, m.run_length, m.run_status,
                m.run_started_at, m.last_checked_at, m.last_failure, m.last_status_code, m.last_response_time_ms,
                m.flapping_since, m.snoozed_until, m.recent, m.next_check_at, o.tier
           FROM monitors m JOIN organizations o ON o.id = m.organization_id
           LEFT JOIN monitors p ON p.organization_id = m.organization_id AND p.id = m.parent_id AND p.is_active
                               AND p.deleted_at IS NULL
          WHERE m.id IN (SELECT CAST(value AS UUID) FROM json_array_elements_text(CAST($1 AS JSON)))
            AND m.is_active AND m.deleted_at IS NULL
          ORDER BY m.id FOR UPDATE OF m",
        ids
    )
}

/// Many rows in one value; see [`lock_for_results`].
pub(crate) async fn settle(tx: &mut Tx, rows: &str) -> Result<()> {
    execute_per_driver!(
        tx,
        "UPDATE monitors SET state = r.value ->> 'state', state_since = r.value ->> 'state_since',
                run_length = r.value ->> 'run_length', run_status = r.value ->> 'run_status',
                run_started_at = r.value ->> 'run_started_at', last_checked_at = r.value ->> 'checked_at',
                last_failure = r.value ->> 'failure', last_status_code = r.value ->> 'code',
                last_response_time_ms = r.value ->> 'took_ms', flapping_since = r.value ->> 'flapping_since',
                certificate_expires_at = coalesce(r.value ->> 'certificate', certificate_expires_at),
                next_check_at = r.value ->> 'next_check_at', planned_interval_seconds = r.value ->> 'interval',
                recent = unhex(r.value ->> 'recent'),
                claimed_until = 0
           FROM jsonb_each($1) r WHERE monitors.id = unhex(r.value ->> 'id', '-')",
        "UPDATE monitors SET state = r.state, state_since = r.state_since, run_length = r.run_length,
                run_status = r.run_status, run_started_at = r.run_started_at, last_checked_at = r.checked_at,
                last_failure = r.failure, last_status_code = r.code, last_response_time_ms = r.took_ms,
                certificate_expires_at = coalesce(r.certificate, monitors.certificate_expires_at),
                flapping_since = r.flapping_since, next_check_at = r.next_check_at,
                planned_interval_seconds = r.interval, recent = decode(r.recent, 'hex'), claimed_until = 0
           FROM json_to_recordset(CAST($1 AS JSON)) AS r
                (id UUID, state TEXT, state_since BIGINT, run_length INTEGER, run_status SMALLINT,
                 run_started_at BIGINT, checked_at BIGINT, failure SMALLINT, code INTEGER, took_ms INTEGER,
                 certificate BIGINT, flapping_since BIGINT, next_check_at BIGINT, interval INTEGER, recent TEXT)
          WHERE monitors.id = r.id",
        rows
    )?;
    Ok(())
}

/// Many rows in one value; see [`lock_for_results`].
pub(crate) async fn release(tx: &mut Tx, rows: &str) -> Result<()> {
    execute_per_driver!(
        tx,
        "UPDATE monitors SET claimed_until = 0
           FROM jsonb_each($1) r
          WHERE monitors.id = unhex(r.value ->> 'id', '-') AND monitors.claimed_at <= r.value ->> 'at'",
        "UPDATE monitors SET claimed_until = 0
           FROM json_to_recordset(CAST($1 AS JSON)) AS r (id UUID, at BIGINT)
          WHERE monitors.id = r.id AND monitors.claimed_at <= r.at",
        rows
    )?;
    Ok(())
}

/// Many rows in one value; see [`lock_for_results`].
pub(crate) async fn replan(tx: &mut Tx, rows: &str) -> Result<()> {
    execute_per_driver!(
        tx,
        "UPDATE monitors SET next_check_at = r.value ->> 'next_check_at', claimed_until = 0
           FROM jsonb_each($1) r
          WHERE monitors.id = unhex(r.value ->> 'id', '-') AND monitors.next_check_at = r.value ->> 'slot_at'",
        "UPDATE monitors SET next_check_at = r.next_check_at, claimed_until = 0
           FROM json_to_recordset(CAST($1 AS JSON)) AS r (id UUID, slot_at BIGINT, next_check_at BIGINT)
          WHERE monitors.id = r.id AND monitors.next_check_at = r.slot_at",
        rows
    )?;
    Ok(())
}

/// Which packed hour, roll-up of an hour or of a day.
#[derive(serde::Serialize)]
pub(crate) struct Key {
    id: uuid::Uuid,
    bucket: i64,
}

impl Key {
    pub(crate) const fn new(id: domain::id::MonitorId, bucket: i64) -> Self {
        Self { id: id.uuid(), bucket }
    }
}

/// Many keys in one value; see [`lock_for_results`].
pub(crate) async fn load_hours_of_results(tx: &mut Tx, keys: &str) -> Result<Vec<PackedHour>> {
    fetch_all_per_driver!(
        tx,
        "SELECT c.monitor_id, c.hour, c.results
           FROM json_each($1) j CROSS JOIN check_results c
             ON c.monitor_id = unhex(j.value ->> 'id', '-') AND c.hour = j.value ->> 'bucket'",
        "SELECT c.monitor_id, c.hour, c.results
           FROM json_to_recordset(CAST($1 AS JSON)) AS k (id UUID, bucket BIGINT)
           JOIN check_results c ON c.monitor_id = k.id AND c.hour = k.bucket",
        keys
    )
}

/// Many rows in one value; bytes stand in it in hexadecimal, which each database reads with a function of its own.
pub(crate) async fn save_hours_of_results(tx: &mut Tx, rows: &str) -> Result<()> {
    execute_per_driver!(
        tx,
        "INSERT INTO check_results (monitor_id, hour, results)
         SELECT unhex(value ->> 'id', '-'), value ->> 'bucket', unhex(value ->> 'results')
           FROM jsonb_each($1) WHERE TRUE
         ON CONFLICT (monitor_id, hour) DO UPDATE SET results = excluded.results",
        "INSERT INTO check_results (monitor_id, hour, results)
         SELECT id, bucket, decode(results, 'hex')
           FROM json_to_recordset(CAST($1 AS JSON)) AS r (id UUID, bucket BIGINT, results TEXT)
         ON CONFLICT (monitor_id, hour) DO UPDATE SET results = excluded.results",
        rows
    )?;
    Ok(())
}

/// Many keys in one value; see [`lock_for_results`].
pub(crate) async fn load_hours(tx: &mut Tx, keys: &str) -> Result<Vec<StoredRollup>> {
    fetch_all_per_driver!(
        tx,
        "SELECT t.monitor_id, t.hour AS bucket, t.up, t.degraded, t.down, t.no_data, t.response_time_sum_ms,
                t.response_time_count, t.response_time_max_ms, t.dns_sum_ms, t.connect_sum_ms, t.tls_sum_ms,
                t.first_byte_sum_ms, t.latency
           FROM json_each($1) j CROSS JOIN hourly_rollups t
             ON t.monitor_id = unhex(j.value ->> 'id', '-') AND t.hour = j.value ->> 'bucket'",
        "SELECT t.monitor_id, t.hour AS bucket, t.up, t.degraded, t.down, t.no_data, t.response_time_sum_ms,
                t.response_time_count, t.response_time_max_ms, t.dns_sum_ms, t.connect_sum_ms, t.tls_sum_ms,
                t.first_byte_sum_ms, t.latency
           FROM json_to_recordset(CAST($1 AS JSON)) AS k (id UUID, bucket BIGINT)
           JOIN hourly_rollups t ON t.monitor_id = k.id AND t.hour = k.bucket",
        keys
    )
}

/// Many rows in one value; see [`save_hours_of_results`].
pub(crate) async fn save_hours(tx: &mut Tx, rows: &str) -> Result<()> {
    execute_per_driver!(
        tx,
        "INSERT INTO hourly_rollups (monitor_id, hour, up, degraded, down, no_data, response_time_sum_ms,
                response_time_count, response_time_max_ms, dns_sum_ms, connect_sum_ms, tls_sum_ms, first_byte_sum_ms,
                latency)
         SELECT unhex(value ->> 'id', '-'), value ->> 'bucket', value ->> 'up', value ->> 'degraded',
                value ->> 'down', value ->> 'no_data', value ->> 'sum_ms', value ->> 'count', value ->> 'max_ms',
                value ->> 'dns_ms', value ->> 'connect_ms', value ->> 'tls_ms', value ->> 'first_ms',
                unhex(value ->> 'latency')
           FROM jsonb_each($1) WHERE TRUE
         ON CONFLICT (monitor_id, hour) DO UPDATE
            SET up = excluded.up, degraded = excluded.degraded, down = excluded.down, no_data = excluded.no_data,
                response_time_sum_ms = excluded.response_time_sum_ms,
                response_time_count = excluded.response_time_count,
                response_time_max_ms = excluded.response_time_max_ms, dns_sum_ms = excluded.dns_sum_ms,
                connect_sum_ms = excluded.connect_sum_ms, tls_sum_ms = excluded.tls_sum_ms,
                first_byte_sum_ms = excluded.first_byte_sum_ms, latency = excluded.latency",
        "INSERT INTO hourly_rollups (monitor_id, hour, up, degraded, down, no_data, response_time_sum_ms,
                response_time_count, response_time_max_ms, dns_sum_ms, connect_sum_ms, tls_sum_ms, first_byte_sum_ms,
                latency)
         SELECT id, bucket, up, degraded, down, no_data, sum_ms, count, max_ms, dns_ms, connect_ms, tls_ms, first_ms,
                decode(latency, 'hex')
           FROM json_to_recordset(CAST($1 AS JSON)) AS r
                (id UUID, bucket BIGINT, up INTEGER, degraded INTEGER, down INTEGER, no_data INTEGER, sum_ms BIGINT,
                 count INTEGER, max_ms INTEGER, dns_ms BIGINT, connect_ms BIGINT, tls_ms BIGINT, first_ms BIGINT,
                 latency TEXT)
         ON CONFLICT (monitor_id, hour) DO UPDATE
            SET up = excluded.up, degraded = excluded.degraded, down = excluded.down, no_data = excluded.no_data,
                response_time_sum_ms = excluded.response_time_sum_ms,
                response_time_count = excluded.response_time_count,
                response_time_max_ms = excluded.response_time_max_ms, dns_sum_ms = excluded.dns_sum_ms,
                connect_sum_ms = excluded.connect_sum_ms, tls_sum_ms = excluded.tls_sum_ms,
                first_byte_sum_ms = excluded.first_byte_sum_ms, latency = excluded.latency",
        rows
    )?;
    Ok(())
}

/// Many keys in one value; see [`lock_for_results`].
pub(crate) async fn load_days(tx: &mut Tx, keys: &str) -> Result<Vec<StoredRollup>> {
    fetch_all_per_driver!(
        tx,
        "SELECT t.monitor_id, t.day AS bucket, t.up, t.degraded, t.down, t.no_data, t.response_time_sum_ms,
                t.response_time_count, t.response_time_max_ms, t.dns_sum_ms, t.connect_sum_ms, t.tls_sum_ms,
                t.first_byte_sum_ms, t.latency
           FROM json_each($1) j CROSS JOIN daily_rollups t
             ON t.monitor_id = unhex(j.value ->> 'id', '-') AND t.day = j.value ->> 'bucket'",
        "SELECT t.monitor_id, t.day AS bucket, t.up, t.degraded, t.down, t.no_data, t.response_time_sum_ms,
                t.response_time_count, t.response_time_max_ms, t.dns_sum_ms, t.connect_sum_ms, t.tls_sum_ms,
                t.first_byte_sum_ms, t.latency
           FROM json_to_recordset(CAST($1 AS JSON)) AS k (id UUID, bucket BIGINT)
           JOIN daily_rollups t ON t.monitor_id = k.id AND t.day = k.bucket",
        keys
    )
}

/// Many rows in one value; see [`save_hours_of_results`].
pub(crate) async fn save_days(tx: &mut Tx, rows: &str) -> Result<()> {
    execute_per_driver!(
        tx,
        "INSERT INTO daily_rollups (monitor_id, day, up, degraded, down, no_data, response_time_sum_ms,
                response_time_count, response_time_max_ms, dns_sum_ms, connect_sum_ms, tls_sum_ms, first_byte_sum_ms,
                latency)
         SELECT unhex(value ->> 'id', '-'), value ->> 'bucket', value ->> 'up', value ->> 'degraded',
                value ->> 'down', value ->> 'no_data', value ->> 'sum_ms', value ->> 'count', value ->> 'max_ms',
                value ->> 'dns_ms', value ->> 'connect_ms', value ->> 'tls_ms', value ->> 'first_ms',
                unhex(value ->> 'latency')
           FROM jsonb_each($1) WHERE TRUE
         ON CONFLICT (monitor_id, day) DO UPDATE
            SET up = excluded.up, degraded = excluded.degraded, down = excluded.down, no_data = excluded.no_data,
                response_time_sum_ms = excluded.response_time_sum_ms,
                response_time_count = excluded.response_time_count,
                response_time_max_ms = excluded.response_time_max_ms, dns_sum_ms = excluded.dns_sum_ms,
                connect_sum_ms = excluded.connect_sum_ms, tls_sum_ms = excluded.tls_sum_ms,
                first_byte_sum_ms = excluded.first_byte_sum_ms, latency = excluded.latency",
        "INSERT INTO daily_rollups (monitor_id, day, up, degraded, down, no_data, response_time_sum_ms,
                response_time_count, response_time_max_ms, dns_sum_ms, connect_sum_ms, tls_sum_ms, first_byte_sum_ms,
                latency)
         SELECT id, bucket, up, degraded, down, no_data, sum_ms, count, max_ms, dns_ms, connect_ms, tls_ms, first_ms,
                decode(latency, 'hex')
           FROM json_to_recordset(CAST($1 AS JSON)) AS r
                (id UUID, bucket BIGINT, up INTEGER, degraded INTEGER, down INTEGER, no_data INTEGER, sum_ms BIGINT,
                 count INTEGER, max_ms INTEGER, dns_ms BIGINT, connect_ms BIGINT, tls_ms BIGINT, first_ms BIGINT,
                 latency TEXT)
         ON CONFLICT (monitor_id, day) DO UPDATE
            SET up = excluded.up, degraded = excluded.degraded, down = excluded.down, no_data = excluded.no_data,
                response_time_sum_ms = excluded.response_time_sum_ms,
                response_time_count = excluded.response_time_count,
                response_time_max_ms = excluded.response_time_max_ms, dns_sum_ms = excluded.dns_sum_ms,
                connect_sum_ms = excluded.connect_sum_ms, tls_sum_ms = excluded.tls_sum_ms,
                first_byte_sum_ms = excluded.first_byte_sum_ms, latency = excluded.latency",
        rows
    )?;
    Ok(())
}

/// One value with many ids; see [`lock_for_results`].
pub(crate) async fn list_intervals_of(
    conn: &mut Conn,
    organization: OrgId,
    ids: &str,
    since: Timestamp,
) -> Result<Vec<StateInterval>> {
    fetch_all_per_driver!(
        conn,
        "SELECT i.monitor_id, i.service_id, i.state, i.started_at, i.ended_at
           FROM json_each($2) j CROSS JOIN state_intervals i ON i.monitor_id = unhex(j.value, '-')
          WHERE +i.organization_id = $1 AND (i.ended_at IS NULL OR i.ended_at > $3)
          ORDER BY i.started_at",
        "SELECT i.monitor_id, i.service_id, i.state, i.started_at, i.ended_at
           FROM state_intervals i
          WHERE i.organization_id = $1 AND (i.ended_at IS NULL OR i.ended_at > $3)
            AND i.monitor_id IN (SELECT CAST(value AS UUID) FROM json_array_elements_text(CAST($2 AS JSON)))
          ORDER BY i.started_at",
        organization,
        ids,
        since
    )
}
