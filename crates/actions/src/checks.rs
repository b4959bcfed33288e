//! Checks: what probes hand in becomes results, roll-ups, states and history; checks by hand (X42, X47, F-01).

use std::collections::{BTreeMap, HashMap};

use domain::check::{CheckJob, CheckReport, CheckResult, CheckStatus, FailureClass, Outcome};
use domain::id::{MonitorId, OrgId, ServiceId};
use domain::organization::Permission;
use domain::packed;
use domain::schedule::Rhythm;
use domain::time::Timestamp;
use domain::verdict::dependence::{self, Standing};
use domain::verdict::{self, Edit, Policy, flapping};
use store::organizations::Membership;
use store::watch::{Settled, WatchedMonitor};
use store::{OrgScope, Tx};

use crate::automatic_incidents::{self, Turn};
use crate::{Context, Error, Result, gate, throttle};

/// Between two checks of one monitor that people ask for (X47).
const BY_HAND_PAUSE_MS: i64 = 10_000;

/// What a batch of reports came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    pub results: usize,
    /// Confirmed changes of a state.
    pub flips: usize,
    /// Reports for a slot that was settled, or of a monitor that was changed, paused or deleted meanwhile.
    pub too_late: usize,
}

/// One report with what follows from it.
struct Entry {
    checked_at: Timestamp,
    /// Results that move from beside the monitor to their hours.
    archived: Vec<CheckResult>,
    settled: Settled,
    scope: OrgScope,
    service_id: ServiceId,
    edits: Vec<Edit>,
    is_flip: bool,
    /// What may concern the incidents of its service.
    turn: Option<Turn>,
}

/// Records reports in one transaction: results, roll-ups, verdicts, state intervals, next slots. The number of
/// statements does not depend on the number of reports, but for the few that change a state.
pub async fn record(ctx: &Context, reports: &[CheckReport]) -> Result<Recorded> {
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let mut ids: Vec<MonitorId> = reports.iter().map(|report| report.monitor_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let monitors = store::watch::lock_for_results(&mut tx, &ids).await?;
    let (entries, too_late) = entries(ctx, monitors, reports, now);

    let settled: Vec<Settled> = entries.iter().map(|entry| entry.settled.clone()).collect();
    store::watch::settle(&mut tx, &settled).await?;
    let archived: Vec<CheckResult> =
        entries.iter().flat_map(|entry| entry.archived.iter().copied()).collect();
    store::check_results::archive(&mut tx, &archived).await?;
    if !too_late.is_empty() {
        store::watch::release(&mut tx, &too_late).await?;
    }
    for entry in &entries {
        apply_edits(&mut tx, entry.scope, entry.settled.id, entry.service_id, &entry.edits).await?;
        if entry.is_flip {
            note_flapping(&mut tx, entry).await?;
        }
    }
    let turns = entries.iter().filter_map(|entry| entry.turn).collect();
    let is_told = automatic_incidents::follow(ctx, &mut tx, turns, now).await?;
    tx.commit().await?;
    if is_told {
        ctx.signals.outbox_filled();
    }

    let turned = entries.iter().filter(|entry| entry.turn.is_some());
    let mut changed: Vec<OrgId> = turned.map(|entry| entry.scope.organization_id()).collect();
    changed.sort_unstable();
    changed.dedup();
    for organization in changed {
        ctx.signals.pages_changed(organization);
    }
    let flips = entries.iter().filter(|entry| entry.is_flip).count();
    Ok(Recorded { results: entries.len(), flips, too_late: reports.len() - entries.len() })
}

/// The reports that win the open slot of their monitor, one per monitor; and which checks were for another slot than
/// the one that is open, with their starts.
fn entries(
    ctx: &Context,
    monitors: Vec<WatchedMonitor>,
    reports: &[CheckReport],
    now: Timestamp,
) -> (Vec<Entry>, Vec<(MonitorId, Timestamp)>) {
    let by_slot: HashMap<(MonitorId, Timestamp), &CheckReport> =
        reports.iter().rev().map(|report| ((report.monitor_id, report.slot_at), report)).collect();
    let open: HashMap<MonitorId, Timestamp> =
        monitors.iter().map(|monitor| (monitor.id, monitor.next_check_at)).collect();
    let too_late = reports
        .iter()
        .filter(|report| open.get(&report.monitor_id).is_some_and(|slot_at| *slot_at != report.slot_at))
        .map(|report| (report.monitor_id, report.checked_at))
        .collect();
    // What those that were taken already are like now, for those that depend on them.
    let mut taken: HashMap<MonitorId, Standing> = HashMap::new();
    let entries = parents_first(monitors)
        .into_iter()
        .filter_map(|monitor| {
            let report = by_slot.get(&(monitor.id, monitor.next_check_at))?;
            let parent = monitor
                .parent()
                .map(|stored| monitor.parent_id.and_then(|id| taken.get(&id).copied()).unwrap_or(stored));
            let entry = entry(ctx, &monitor, parent, report, now);
            let (state, run_status) = (entry.settled.verdict.state, entry.settled.verdict.run_status);
            taken
                .insert(monitor.id, Standing { state, run_status, last_failure: entry.settled.last_failure });
            Some(entry)
        })
        .collect();
    (entries, too_late)
}

/// In an order in which each monitor comes after those that it depends on.
fn parents_first(mut monitors: Vec<WatchedMonitor>) -> Vec<WatchedMonitor> {
    if monitors.iter().any(|monitor| monitor.parent_id.is_some()) {
        let parents: BTreeMap<MonitorId, Option<MonitorId>> =
            monitors.iter().map(|monitor| (monitor.id, monitor.parent_id)).collect();
        monitors.sort_by_cached_key(|monitor| dependence::depth(&parents, monitor.id));
    }
    monitors
}

fn entry(
    ctx: &Context,
    monitor: &WatchedMonitor,
    parent: Option<Standing>,
    report: &CheckReport,
    now: Timestamp,
) -> Entry {
    let interval_seconds = ctx.policy.limits(monitor.tier).clamp_interval(monitor.interval_seconds);
    let policy = Policy {
        failures_to_open: monitor.failures_to_open,
        successes_to_close: monitor.successes_to_close,
        min_outage_ms: i64::from(monitor.min_outage_seconds) * 1000,
        interval_ms: verdict::watched_interval_ms(interval_seconds, monitor.planned_interval_seconds),
        timeout_ms: i64::from(monitor.timeout_seconds) * 1000,
    };
    let mut result = report.outcome.result(monitor.id, report.checked_at, monitor.degraded_above_ms, false);
    if result.status == CheckStatus::Down && parent.is_some_and(Standing::mutes_children) {
        result = result.excused(FailureClass::ParentDown);
    }
    let step = verdict::advance(&monitor.verdict(), result.status, report.checked_at, policy);
    let mut recent = monitor.recent.clone();
    packed::push(&mut recent, &result);
    let mut archived = Vec::new();
    if packed::is_due(&recent, now) {
        archived = packed::unpack(&recent, monitor.id);
        recent.clear();
    }
    // Also a failure that was excused: its owner should see why nothing is known.
    let is_told = result.status != CheckStatus::NoData || result.failure.is_some();
    let turn = Turn::of(monitor, &step, now);
    let settled = Settled {
        id: monitor.id,
        verdict: step.verdict,
        last_failure: if is_told { result.failure } else { monitor.last_failure },
        last_status_code: if is_told { result.status_code.map(i32::from) } else { monitor.last_status_code },
        last_response_time_ms: if is_told { result.response_time_ms } else { monitor.last_response_time_ms },
        certificate_expires_at: report.outcome.certificate_expires_at,
        next_check_at: Rhythm::of(monitor.id, interval_seconds).next_slot(now),
        planned_interval_seconds: interval_seconds,
        recent,
    };
    Entry {
        checked_at: report.checked_at,
        archived,
        settled,
        scope: monitor.scope(),
        service_id: monitor.service_id,
        edits: step.edits,
        is_flip: step.flip.is_some(),
        turn,
    }
}

/// Whether this flip was one of many; see [`flapping`].
async fn note_flapping(tx: &mut Tx, entry: &Entry) -> Result<()> {
    let (id, before) = (entry.settled.id, entry.settled.verdict.flapping_since);
    if before.is_none() {
        let spans = store::state_intervals::list_newest(tx, entry.scope, id, flapping::SPANS).await?;
        let since = flapping::after_flip(before, &spans, entry.checked_at);
        if since.is_some() {
            store::monitors::update_flapping(tx, entry.scope, id, since).await?;
        }
    }
    Ok(())
}

/// Ends the claims of an earlier process, for one that knows it is the only one on this database: after a kill the
/// checks that were under way run at once instead of at the end of their leases (F-01).
pub async fn take_over(ctx: &Context) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    store::watch::release_all(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes what the verdict says about the monitor's state intervals.
pub(crate) async fn apply_edits(
    tx: &mut Tx,
    scope: OrgScope,
    monitor: MonitorId,
    service: ServiceId,
    edits: &[Edit],
) -> Result<()> {
    for edit in edits {
        match *edit {
            Edit::Close { at } => store::state_intervals::close(tx, scope, monitor, at).await?,
            Edit::Rewind { at } => store::state_intervals::rewind(tx, scope, monitor, at).await?,
            Edit::Open { state, at } => {
                store::state_intervals::open(tx, scope, monitor, service, state, at).await?;
            }
        }
    }
    Ok(())
}

/// A check that a person may run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    pub job: CheckJob,
    pub started_at: Timestamp,
    pub degraded_above_ms: Option<i32>,
}

/// Gives the right to one check of this monitor, at most once in ten seconds (X47). The caller runs it outside any
/// transaction and hands the outcome to [`record_by_hand`].
pub async fn begin_by_hand(ctx: &Context, by: &Membership, id: MonitorId) -> Result<ByHand> {
    gate::require(by, Permission::ManageMonitors)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let monitor = store::monitors::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    let latest = now.plus_ms(-BY_HAND_PAUSE_MS);
    if !store::monitors::swap_checked_by_hand(&mut tx, by.scope(), id, now, latest).await? {
        return Err(Error::Throttled { retry_after_s: BY_HAND_PAUSE_MS / 1000 });
    }
    throttle::count_step(&mut tx, &throttle::check_by_hand(&by.organization.id.to_string()), now).await?;
    tx.commit().await?;
    let degraded_above_ms = monitor.degraded_above_ms;
    let job = crate::monitors::job_at(ctx, monitor, now)?;
    Ok(ByHand { job, started_at: now, degraded_above_ms })
}

/// Stores the outcome of a check by hand: shown among the results, in no uptime and no verdict (X47).
pub async fn record_by_hand(
    ctx: &Context,
    by: &Membership,
    check: &ByHand,
    outcome: &Outcome,
) -> Result<CheckResult> {
    gate::require(by, Permission::ManageMonitors)?;
    let result = outcome.result(check.job.monitor_id, check.started_at, check.degraded_above_ms, true);
    let mut tx = ctx.db.write().await?;
    store::check_results::insert(&mut tx, by.scope(), &result).await?;
    tx.commit().await?;
    Ok(result)
}
