//! The queue of due checks: claim, settle, put back. System work over all organizations; a claimed row proves the
//! scope of whoever works on it.

use domain::check::{CheckStatus, FailureClass};
use domain::id::{MonitorId, OrgId, ServiceId};
use domain::monitor::{Method, MonitorState, Settings, snooze};
use domain::plan::Tier;
use domain::time::Timestamp;
use domain::verdict::MonitorVerdict;
use domain::verdict::dependence::Standing;
use serde::Serialize;
use uuid::Uuid;

use crate::dialect;
use crate::{Conn, OrgScope, Result, Tx};

/// A monitor whose check was claimed: all that a probe and the schedule need.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DueMonitor {
    pub id: MonitorId,
    pub organization_id: OrgId,
    pub service_id: ServiceId,
    pub url: String,
    pub method: Method,
    #[sqlx(try_from = "String")]
    pub settings: Settings,
    /// [`domain::monitor::Secrets`], sealed.
    pub sealed_secrets: Option<Vec<u8>>,
    pub expected_status: i32,
    pub timeout_seconds: i32,
    /// As asked for; clamp it to `tier` (X43).
    pub interval_seconds: i32,
    /// The slot that was claimed.
    pub next_check_at: Timestamp,
    /// What is down already needs no second try.
    pub state: MonitorState,
    pub tier: Tier,
}

/// A monitor that results are about to be recorded for, locked until the transaction ends.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WatchedMonitor {
    pub id: MonitorId,
    pub organization_id: OrgId,
    pub service_id: ServiceId,
    pub parent_id: Option<MonitorId>,
    /// Of the parent, as far as it is watched: a paused or deleted one has no state here.
    pub parent_state: Option<MonitorState>,
    pub parent_run_status: Option<CheckStatus>,
    pub parent_last_failure: Option<FailureClass>,
    pub timeout_seconds: i32,
    pub interval_seconds: i32,
    pub planned_interval_seconds: i32,
    pub failures_to_open: i32,
    pub successes_to_close: i32,
    pub min_outage_seconds: i32,
    pub degraded_above_ms: Option<i32>,
    pub state: MonitorState,
    pub state_since: Option<Timestamp>,
    pub run_length: i32,
    pub run_status: Option<CheckStatus>,
    pub run_started_at: Option<Timestamp>,
    pub last_checked_at: Option<Timestamp>,
    pub last_failure: Option<FailureClass>,
    pub last_status_code: Option<i32>,
    pub last_response_time_ms: Option<i32>,
    /// Packed results that are not archived yet.
    pub recent: Vec<u8>,
    pub flapping_since: Option<Timestamp>,
    /// See [`Self::is_snoozed`].
    pub snoozed_until: Option<Timestamp>,
    /// The slot that is open: a result for another one comes too late.
    pub next_check_at: Timestamp,
    pub tier: Tier,
}

impl WatchedMonitor {
    pub fn scope(&self) -> OrgScope {
        OrgScope::proven(self.organization_id)
    }

    pub fn verdict(&self) -> MonitorVerdict {
        MonitorVerdict {
            state: self.state,
            state_since: self.state_since,
            run_status: self.run_status,
            run_length: self.run_length,
            run_started_at: self.run_started_at,
            last_checked_at: self.last_checked_at,
            flapping_since: self.flapping_since,
        }
    }

    /// Whether it calls nobody at `now`: what opens or suggests incidents and what alerts operators asks this first, and
    /// nothing else does.
    pub fn is_snoozed(&self, now: Timestamp) -> bool {
        snooze::is_snoozed(self.snoozed_until, now)
    }

    /// Whether its snooze has ended since its newest result, so that this is the first one that may call.
    pub fn is_just_awake(&self, now: Timestamp) -> bool {
        self.snoozed_until
            .is_some_and(|until| until <= now && self.last_checked_at.is_some_and(|at| at < until))
    }

    /// What is stored of the parent; `None`: there is none that is watched.
    pub fn parent(&self) -> Option<Standing> {
        let (run_status, last_failure) = (self.parent_run_status, self.parent_last_failure);
        self.parent_state.map(|state| Standing { state, run_status, last_failure })
    }
}

/// What a monitor is like after its result: the columns that checks write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub id: MonitorId,
    pub verdict: MonitorVerdict,
    pub last_failure: Option<FailureClass>,
    pub last_status_code: Option<i32>,
    pub last_response_time_ms: Option<i32>,
    /// `None`: what is stored stays.
    pub certificate_expires_at: Option<Timestamp>,
    pub next_check_at: Timestamp,
    /// The clamped interval that `next_check_at` was planned with.
    pub planned_interval_seconds: i32,
    /// Packed results that are not archived yet, the new one included.
    pub recent: Vec<u8>,
}

/// A claimed slot that is not run: planned for another instant, or for the same one when it is only given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replanned {
    pub id: MonitorId,
    pub slot_at: Timestamp,
    pub next_check_at: Timestamp,
}

/// Takes up to `limit` monitors that are due until `due_until`, those that wait longest first. A claim is a lease, not
/// a lock: it ends by itself at `lease_until` plus four times the monitor's time-out, or more where a check may wait longer:
/// two tries, each of which may wait for its turn at the target's host ([`domain::schedule::patience_ms`]) and take as
/// long as its time-out (F-01, F-12, F-13, T-19). Monitors of deleted organizations are never due.
pub async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    due_until: Timestamp,
    lease_until: Timestamp,
    limit: i64,
) -> Result<Vec<DueMonitor>> {
    dialect::claim_due(tx, now, due_until, lease_until, limit).await
}

/// When something can be claimed next: the earliest due time after `due_until`, or end of a lease after `now` of what is
/// due until then. `None`: nothing is planned.
pub async fn next_due_at(conn: &mut Conn, now: Timestamp, due_until: Timestamp) -> Result<Option<Timestamp>> {
    fetch_scalar!(
        conn,
        "SELECT MIN(instant)
           FROM (SELECT MIN(next_check_at) AS instant FROM monitors
                  WHERE is_active AND deleted_at IS NULL AND next_check_at > $2
                 UNION ALL
                 SELECT MIN(claimed_until) AS instant FROM monitors
                  WHERE is_active AND deleted_at IS NULL AND next_check_at <= $2 AND claimed_until > $1) AS planned",
        now,
        due_until
    )
}

/// The alive monitors among `ids`, locked in one fixed order, so that two processes that record at once wait for
/// each other instead of blocking each other.
pub async fn lock_for_results(tx: &mut Tx, ids: &[MonitorId]) -> Result<Vec<WatchedMonitor>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    dialect::lock_for_results(tx, &dialect::json(&ids)).await
}

/// Writes what results changed and gives the slots back. Only for rows that [`lock_for_results`] locked.
pub async fn settle(tx: &mut Tx, settled: &[Settled]) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        id: Uuid,
        state: MonitorState,
        state_since: Option<i64>,
        run_length: i32,
        run_status: Option<i16>,
        run_started_at: Option<i64>,
        checked_at: Option<i64>,
        failure: Option<i16>,
        code: Option<i32>,
        took_ms: Option<i32>,
        certificate: Option<i64>,
        flapping_since: Option<i64>,
        next_check_at: i64,
        interval: i32,
        recent: String,
    }
    let rows: Vec<Row> = settled
        .iter()
        .map(|one| Row {
            id: one.id.uuid(),
            state: one.verdict.state,
            state_since: one.verdict.state_since.map(Timestamp::ms),
            run_length: one.verdict.run_length,
            run_status: one.verdict.run_status.map(|status| status as i16),
            run_started_at: one.verdict.run_started_at.map(Timestamp::ms),
            checked_at: one.verdict.last_checked_at.map(Timestamp::ms),
            failure: one.last_failure.map(|class| class as i16),
            code: one.last_status_code,
            took_ms: one.last_response_time_ms,
            certificate: one.certificate_expires_at.map(Timestamp::ms),
            flapping_since: one.verdict.flapping_since.map(Timestamp::ms),
            next_check_at: one.next_check_at.ms(),
            interval: one.planned_interval_seconds,
            recent: hex::encode(&one.recent),
        })
        .collect();
    dialect::settle(tx, &dialect::json(&rows)).await
}

/// Ends the claims of monitors whose result came too late, because the slot it was for is no longer the one that is
/// open. The instant is when the check started: a claim that was made after it belongs to another check.
pub async fn release(tx: &mut Tx, ended: &[(MonitorId, Timestamp)]) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        id: Uuid,
        at: i64,
    }
    let rows: Vec<Row> = ended.iter().map(|(id, at)| Row { id: id.uuid(), at: at.ms() }).collect();
    dialect::release(tx, &dialect::json(&rows)).await
}

/// Ends all claims. Only for a process that knows it is the only one on this database, at its start: whoever held
/// them is gone, and waiting for the ends of the leases would cost checks.
pub async fn release_all(tx: &mut Tx) -> Result<u64> {
    execute!(tx, "UPDATE monitors SET claimed_until = 0 WHERE claimed_until > 0")
}

/// Plans claimed slots anew and ends their leases; slots that were settled meanwhile stay as they are.
pub async fn replan(tx: &mut Tx, replanned: &[Replanned]) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        id: Uuid,
        slot_at: i64,
        next_check_at: i64,
    }
    let rows: Vec<Row> = replanned
        .iter()
        .map(|one| Row {
            id: one.id.uuid(),
            slot_at: one.slot_at.ms(),
            next_check_at: one.next_check_at.ms(),
        })
        .collect();
    dialect::replan(tx, &dialect::json(&rows)).await
}

/// Puts the due monitors of deleted organizations off until `until`, so that they do not stand in front of the
/// queue; after a restore they run again from then on.
pub async fn put_off_deleted(tx: &mut Tx, now: Timestamp, until: Timestamp) -> Result<u64> {
    execute!(
        tx,
        "UPDATE monitors SET next_check_at = $2
          WHERE is_active AND deleted_at IS NULL AND next_check_at <= $1
            AND organization_id IN (SELECT id FROM organizations WHERE deleted_at IS NOT NULL)",
        now,
        until
    )
}

/// Monitors that are planned further ahead than any interval reaches: the clock was set back since (F-07).
/// `longest_minimum_seconds`: no tier runs more seldom than this when more was asked for.
pub async fn list_out_of_reach(
    conn: &mut Conn,
    now: Timestamp,
    longest_minimum_seconds: i32,
    limit: i64,
) -> Result<Vec<DueMonitor>> {
    fetch_all!(
        conn,
        "SELECT m.id, m.organization_id, m.service_id, m.url, m.method, m.settings, m.sealed_secrets,
                m.expected_status, m.timeout_seconds, m.interval_seconds, m.next_check_at, m.state, o.tier
           FROM monitors m JOIN organizations o ON o.id = m.organization_id
          WHERE m.is_active AND m.deleted_at IS NULL AND m.next_check_at > $1
            AND m.next_check_at - $1
                > 1000 * CASE WHEN m.interval_seconds > $2 THEN m.interval_seconds ELSE $2 END
            AND o.deleted_at IS NULL
          LIMIT $3",
        now,
        longest_minimum_seconds,
        limit
    )
}

/// The monitors of one organization that run and are not claimed right now, as planned.
pub async fn list_planned(conn: &mut Conn, scope: OrgScope, now: Timestamp) -> Result<Vec<DueMonitor>> {
    fetch_all!(
        conn,
        "SELECT m.id, m.organization_id, m.service_id, m.url, m.method, m.settings, m.sealed_secrets,
                m.expected_status, m.timeout_seconds, m.interval_seconds, m.next_check_at, m.state, o.tier
           FROM monitors m JOIN organizations o ON o.id = m.organization_id
          WHERE m.organization_id = $1 AND m.is_active AND m.deleted_at IS NULL AND m.claimed_until <= $2",
        scope.organization_id(),
        now
    )
}
