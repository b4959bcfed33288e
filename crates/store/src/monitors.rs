//! Monitors: what their owners see and change. The queue that the scheduler lives on is in [`crate::watch`].

use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Monitor, MonitorState};
use domain::time::Timestamp;
use domain::verdict::MonitorVerdict;

use crate::{Conn, OrgScope, Result, Tx};

/// Oldest first; `service` `None`: of all services. Deleted ones are not listed.
pub async fn list(conn: &mut Conn, scope: OrgScope, service: Option<ServiceId>) -> Result<Vec<Monitor>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, service_id, parent_id, kind, name, url, method, settings, sealed_secrets,
                expected_status, timeout_seconds, interval_seconds, planned_interval_seconds, failures_to_open,
                successes_to_close, min_outage_seconds, degraded_above_ms, is_active, state, state_since, run_length,
                run_status, run_started_at, last_checked_at, last_failure, last_status_code, last_response_time_ms,
                certificate_expires_at, flapping_since, snoozed_until, created_at, updated_at,
                (SELECT COALESCE(string_agg(t.tag, ' '), '') FROM monitor_tags t
                  WHERE t.organization_id = monitors.organization_id AND t.monitor_id = monitors.id) AS tags
           FROM monitors
          WHERE organization_id = $1 AND (service_id = $2 OR $2 IS NULL) AND deleted_at IS NULL
          ORDER BY created_at, id",
        scope.organization_id(),
        service
    )
}

/// A part of [`list`], of those with this tag (`None`: with any), after the monitor that was made then and has this id;
/// `None`: from the beginning.
pub async fn list_part(
    conn: &mut Conn,
    scope: OrgScope,
    service: Option<ServiceId>,
    tag: Option<&str>,
    after: Option<(Timestamp, MonitorId)>,
    limit: i64,
) -> Result<Vec<Monitor>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, service_id, parent_id, kind, name, url, method, settings, sealed_secrets,
                expected_status, timeout_seconds, interval_seconds, planned_interval_seconds, failures_to_open,
                successes_to_close, min_outage_seconds, degraded_above_ms, is_active, state, state_since, run_length,
                run_status, run_started_at, last_checked_at, last_failure, last_status_code, last_response_time_ms,
                certificate_expires_at, flapping_since, snoozed_until, created_at, updated_at,
                (SELECT COALESCE(string_agg(t.tag, ' '), '') FROM monitor_tags t
                  WHERE t.organization_id = monitors.organization_id AND t.monitor_id = monitors.id) AS tags
           FROM monitors
          WHERE organization_id = $1 AND (service_id = $2 OR $2 IS NULL) AND deleted_at IS NULL
            AND ((created_at, id) > ($3, $4) OR $4 IS NULL)
            AND (EXISTS (SELECT 1 FROM monitor_tags x
                          WHERE x.organization_id = $1 AND x.monitor_id = monitors.id AND x.tag = $6) OR $6 IS NULL)
          ORDER BY created_at, id LIMIT $5",
        scope.organization_id(),
        service,
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit,
        tag
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, id: MonitorId) -> Result<Option<Monitor>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, service_id, parent_id, kind, name, url, method, settings, sealed_secrets,
                expected_status, timeout_seconds, interval_seconds, planned_interval_seconds, failures_to_open,
                successes_to_close, min_outage_seconds, degraded_above_ms, is_active, state, state_since, run_length,
                run_status, run_started_at, last_checked_at, last_failure, last_status_code, last_response_time_ms,
                certificate_expires_at, flapping_since, snoozed_until, created_at, updated_at,
                (SELECT COALESCE(string_agg(t.tag, ' '), '') FROM monitor_tags t
                  WHERE t.organization_id = monitors.organization_id AND t.monitor_id = monitors.id) AS tags
           FROM monitors WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id
    )
}

/// Like [`find`], and keeps results from being recorded until the transaction ends, so that the state read here is
/// still the stored one when it is written.
pub async fn lock(tx: &mut Tx, scope: OrgScope, id: MonitorId) -> Result<Option<Monitor>> {
    fetch_optional!(
        tx,
        "UPDATE monitors SET updated_at = updated_at
          WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL
         RETURNING id, organization_id, service_id, parent_id, kind, name, url, method, settings, sealed_secrets,
                   expected_status, timeout_seconds, interval_seconds, planned_interval_seconds, failures_to_open,
                   successes_to_close, min_outage_seconds, degraded_above_ms, is_active, state, state_since,
                   run_length, run_status, run_started_at, last_checked_at, last_failure, last_status_code,
                   last_response_time_ms, certificate_expires_at, flapping_since, snoozed_until, created_at, updated_at,
                   (SELECT COALESCE(string_agg(t.tag, ' '), '') FROM monitor_tags t
                     WHERE t.organization_id = monitors.organization_id AND t.monitor_id = monitors.id) AS tags",
        scope.organization_id(),
        id
    )
}

/// Adds a monitor without any result, tags and snooze; its first check is due at `next_check_at`. `Reference` when the service is
/// not of this organization.
pub async fn insert(tx: &mut Tx, scope: OrgScope, monitor: &Monitor, next_check_at: Timestamp) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO monitors (id, organization_id, service_id, url, method, expected_status, timeout_seconds,
                               interval_seconds, failures_to_open, successes_to_close, degraded_above_ms, is_active,
                               state, run_length, next_check_at, claimed_until, claimed_at, checked_by_hand_at,
                               created_at, updated_at, planned_interval_seconds, min_outage_seconds, parent_id,
                               recent, kind, name, settings, sealed_secrets)
         VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14, 0, 0, 0, $15, $16, $17, $18, $19,
                 $20, $21, $22, $23, $24)",
        scope.organization_id(),
        monitor.id,
        monitor.service_id,
        &monitor.url,
        monitor.method,
        monitor.expected_status,
        monitor.timeout_seconds,
        monitor.interval_seconds,
        monitor.failures_to_open,
        monitor.successes_to_close,
        monitor.degraded_above_ms,
        monitor.is_active,
        monitor.state,
        next_check_at,
        monitor.created_at,
        monitor.updated_at,
        monitor.planned_interval_seconds,
        monitor.min_outage_seconds,
        monitor.parent_id,
        Vec::<u8>::new(),
        monitor.kind,
        &monitor.name,
        monitor.settings.to_json(),
        &monitor.sealed_secrets
    )?;
    Ok(())
}

/// Writes what owners can edit (all but the kind, tags and snooze), if the stored version is still `version`; `false` when it is not.
pub async fn update(tx: &mut Tx, scope: OrgScope, monitor: &Monitor, version: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE monitors SET service_id = $3, url = $4, method = $5, expected_status = $6, timeout_seconds = $7,
                interval_seconds = $8, failures_to_open = $9, successes_to_close = $10, degraded_above_ms = $11,
                is_active = $12, updated_at = $13, min_outage_seconds = $15, parent_id = $16, name = $17,
                settings = $18, sealed_secrets = $19
          WHERE organization_id = $1 AND id = $2 AND updated_at = $14 AND deleted_at IS NULL",
        scope.organization_id(),
        monitor.id,
        monitor.service_id,
        &monitor.url,
        monitor.method,
        monitor.expected_status,
        monitor.timeout_seconds,
        monitor.interval_seconds,
        monitor.failures_to_open,
        monitor.successes_to_close,
        monitor.degraded_above_ms,
        monitor.is_active,
        monitor.updated_at,
        version,
        monitor.min_outage_seconds,
        monitor.parent_id,
        &monitor.name,
        monitor.settings.to_json(),
        &monitor.sealed_secrets
    )?;
    Ok(changed > 0)
}

/// Replaces what the verdict remembers, for a monitor that is no longer watched. [`crate::watch::settle`] does it
/// for results.
pub async fn update_verdict(
    tx: &mut Tx,
    scope: OrgScope,
    id: MonitorId,
    verdict: &MonitorVerdict,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE monitors SET state = $3, state_since = $4, run_status = $5, run_length = $6, run_started_at = $7,
                last_checked_at = $8, flapping_since = $9
          WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id,
        verdict.state,
        verdict.state_since,
        verdict.run_status,
        verdict.run_length,
        verdict.run_started_at,
        verdict.last_checked_at,
        verdict.flapping_since
    )?;
    Ok(())
}

/// Plans the next check anew, but never sooner than `pause_ms` after a probe last got this monitor: however often it
/// is edited, its target is not asked more often (X46). A check that is under way keeps its claim until it ends, so
/// that no second one runs beside it; its result comes too late and only ends the claim.
pub async fn update_next_check(
    tx: &mut Tx,
    scope: OrgScope,
    id: MonitorId,
    next_check_at: Timestamp,
    pause_ms: i64,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE monitors
            SET next_check_at = CASE WHEN claimed_at + $4 > $3 AND claimed_at <= $3 THEN claimed_at + $4 ELSE $3 END
          WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id,
        next_check_at,
        pause_ms
    )?;
    Ok(())
}

/// Writes since when the state of a monitor flaps.
pub async fn update_flapping(
    tx: &mut Tx,
    scope: OrgScope,
    id: MonitorId,
    flapping_since: Option<Timestamp>,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE monitors SET flapping_since = $3 WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id,
        flapping_since
    )?;
    Ok(())
}

/// Snoozes the monitor until then (`None`: ends it) as version `version`.
pub async fn update_snooze(
    tx: &mut Tx,
    scope: OrgScope,
    id: MonitorId,
    snoozed_until: Option<Timestamp>,
    version: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE monitors SET snoozed_until = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id,
        snoozed_until,
        version
    )?;
    Ok(())
}

/// Every monitor that is not deleted, with what it depends on.
pub async fn list_parents(conn: &mut Conn, scope: OrgScope) -> Result<Vec<(MonitorId, Option<MonitorId>)>> {
    fetch_all!(
        conn,
        "SELECT id, parent_id FROM monitors WHERE organization_id = $1 AND deleted_at IS NULL",
        scope.organization_id()
    )
}

/// Takes the monitor out of every list, and what depends on it depends on nothing from now on; its history stays until
/// it is trimmed. `false`: it was not there.
pub async fn delete(tx: &mut Tx, scope: OrgScope, id: MonitorId, now: Timestamp) -> Result<bool> {
    execute!(
        tx,
        "UPDATE monitors SET parent_id = NULL WHERE organization_id = $1 AND parent_id = $2",
        scope.organization_id(),
        id
    )?;
    let changed = execute!(
        tx,
        "UPDATE monitors SET deleted_at = $3, is_active = FALSE, updated_at = $3
          WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id,
        now
    )?;
    Ok(changed > 0)
}

/// What `monitors_per_service` counts when one is made or moved: all that are not deleted (S32).
pub async fn count_for_service(conn: &mut Conn, scope: OrgScope, service: ServiceId) -> Result<i64> {
    fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM monitors WHERE organization_id = $1 AND service_id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        service
    )
}

/// What `monitors_per_service` counts when one is switched on again: those that run (X67). After a downgrade more
/// may exist than the tier has room for, and as many as it has room for may run.
pub async fn count_active_for_service(conn: &mut Conn, scope: OrgScope, service: ServiceId) -> Result<i64> {
    fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM monitors
          WHERE organization_id = $1 AND service_id = $2 AND is_active AND deleted_at IS NULL",
        scope.organization_id(),
        service
    )
}

/// Takes the right to one check by hand, if the last one was before `latest` (X47); `false`: too early. Several
/// callers at once get it once. One that lies ahead of `now` was taken before the clock was set back (F-07).
pub async fn swap_checked_by_hand(
    tx: &mut Tx,
    scope: OrgScope,
    id: MonitorId,
    now: Timestamp,
    latest: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE monitors SET checked_by_hand_at = $3
          WHERE organization_id = $1 AND id = $2 AND (checked_by_hand_at <= $4 OR checked_by_hand_at > $3)
            AND deleted_at IS NULL",
        scope.organization_id(),
        id,
        now,
        latest
    )?;
    Ok(changed > 0)
}

/// How many monitors run in each state as it is stored, over all organizations; paused and deleted ones are left out.
/// Reads every monitor: once a minute is often enough.
pub async fn count_by_state(conn: &mut Conn) -> Result<Vec<(MonitorState, i64)>> {
    fetch_all!(
        conn,
        "SELECT state, COUNT(*) FROM monitors WHERE is_active AND deleted_at IS NULL GROUP BY state ORDER BY state"
    )
}
