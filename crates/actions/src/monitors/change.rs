//! What a change of a monitor brings along: state intervals stay true, the next check is planned, and whoever
//! changes many at once passes the same gates.

use domain::monitor::{Monitor, MonitorState};
use domain::plan::{Limits, Tier};
use domain::schedule::Rhythm;
use domain::time::Timestamp;
use domain::verdict::{self, MonitorVerdict, Policy};
use store::watch::Replanned;
use store::{OrgScope, Tx};

use super::rules::Gate;
use crate::checks::apply_edits;
use crate::{Context, Result};

/// However often a monitor is edited, its target is asked no more often than this because of it (X46).
const EDIT_PAUSE_MS: i64 = 10_000;

/// Keeps the state intervals true: a paused monitor has no data from now on, a moved one belongs to its new service
/// from now on.
pub(super) async fn settle_change(
    tx: &mut Tx,
    scope: OrgScope,
    before: &Monitor,
    mut after: Monitor,
    policy: Policy,
    now: Timestamp,
) -> Result<Monitor> {
    if before.is_active && !after.is_active {
        let verdict = stop_step(tx, scope, before, policy, now).await?;
        after.state = verdict.state;
        after.state_since = verdict.state_since;
        after.run_status = verdict.run_status;
        after.run_length = verdict.run_length;
        after.run_started_at = verdict.run_started_at;
        after.last_checked_at = verdict.last_checked_at;
        after.flapping_since = verdict.flapping_since;
    } else if after.service_id != before.service_id && before.last_checked_at.is_some() {
        let known_until = MonitorVerdict::of(before).known_until(policy, now);
        store::state_intervals::close(tx, scope, before.id, known_until).await?;
        // What the run saw before the move says nothing about the new service: no flip may reach back to then.
        let verdict = MonitorVerdict {
            run_status: None,
            run_length: 0,
            run_started_at: None,
            ..MonitorVerdict::of(before)
        };
        store::monitors::update_verdict(tx, scope, before.id, &verdict).await?;
        (after.run_status, after.run_length, after.run_started_at) = (None, 0, None);
        // After a gap the next result opens the span.
        if known_until == now && before.state != MonitorState::NoData {
            store::state_intervals::open(tx, scope, before.id, after.service_id, before.state, now).await?;
        }
    }
    Ok(after)
}

/// Plans the next check where the change asks for one: soon when something else is to be checked or it was
/// switched on, in the new rhythm when only that changed.
pub(super) async fn plan_change(
    tx: &mut Tx,
    scope: OrgScope,
    gate: &Gate,
    before: &Monitor,
    after: &Monitor,
    now: Timestamp,
) -> Result<()> {
    let what = |monitor: &Monitor| {
        let secrets = monitor.sealed_secrets.clone();
        (monitor.url.clone(), monitor.method, monitor.expected_status, monitor.settings.clone(), secrets)
    };
    let is_other_check = what(after) != what(before);
    let next_check_at = if is_other_check || (after.is_active && !before.is_active) {
        now
    } else if after.interval_seconds == before.interval_seconds {
        return Ok(());
    } else {
        Rhythm::of(after.id, gate.limits.clamp_interval(after.interval_seconds)).next_slot(now)
    };
    store::monitors::update_next_check(tx, scope, after.id, next_check_at, EDIT_PAUSE_MS).await?;
    Ok(())
}

/// Brings forward what would be checked later than the tier asks for: after an upgrade, and after the organization
/// was restored. A check that is under way plans itself when it is recorded.
pub(crate) async fn replan_step(
    ctx: &Context,
    tx: &mut Tx,
    scope: OrgScope,
    tier: Tier,
    now: Timestamp,
) -> Result<()> {
    let limits = ctx.policy.limits(tier);
    let sooner: Vec<Replanned> = store::watch::list_planned(tx, scope, now)
        .await?
        .into_iter()
        .filter_map(|monitor| {
            let rhythm = Rhythm::of(monitor.id, limits.clamp_interval(monitor.interval_seconds));
            let next_check_at = rhythm.next_slot(now);
            let is_sooner = next_check_at < monitor.next_check_at;
            is_sooner.then_some(Replanned { id: monitor.id, slot_at: monitor.next_check_at, next_check_at })
        })
        .collect();
    Ok(store::watch::replan(tx, &sooner).await?)
}

pub(super) fn policy(limits: &Limits, monitor: &Monitor) -> Policy {
    Policy::of(monitor, limits.clamp_interval(monitor.interval_seconds))
}

/// From now on the monitor is not watched.
pub(super) async fn stop_step(
    tx: &mut Tx,
    scope: OrgScope,
    monitor: &Monitor,
    policy: Policy,
    now: Timestamp,
) -> Result<MonitorVerdict> {
    let step = verdict::stop_watching(&MonitorVerdict::of(monitor), now, policy);
    apply_edits(tx, scope, monitor.id, monitor.service_id, &step.edits).await?;
    store::monitors::update_verdict(tx, scope, monitor.id, &step.verdict).await?;
    Ok(step.verdict)
}
