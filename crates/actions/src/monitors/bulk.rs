//! Many monitors at once: pause, resume, snooze. One transaction, so that a refusal changes none of them.

use std::collections::BTreeMap;

use domain::id::MonitorId;
use domain::monitor::Monitor;
use domain::organization::Permission;
use domain::time::Timestamp;
use store::Tx;
use store::organizations::Membership;

use super::change::{plan_change, policy, settle_change};
use super::rules::Gate;
use super::snooze::{SnoozeEnd, set_step};
use super::{hosts, require_room_to_run};
use crate::automatic_incidents::{self, Turn};
use crate::patch::next_version;
use crate::{Context, Error, Result, gate};

/// Monitors that one change may name.
pub const MOST_AT_ONCE: usize = 200;

/// What is done to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Pause,
    /// Needs room for those that run, service by service (X67).
    Resume,
    Snooze(SnoozeEnd),
    EndSnooze,
}

/// What became of one monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Changed,
    /// It was so already.
    Unchanged,
    /// It does not exist, or it belongs to somebody else (T-02).
    NotFound,
}

/// An id as it was given, with what became of it.
pub type Bulk = Vec<(MonitorId, Outcome)>;

/// Changes up to [`MOST_AT_ONCE`] monitors; says of each id, once and in the order given, what became of it. `NotFound`
/// when none of them is there. When the tier has no room for one that is resumed, none is changed.
pub async fn change_many(ctx: &Context, by: &Membership, ids: &[MonitorId], change: Change) -> Result<Bulk> {
    gate::require(by, Permission::ManageMonitors)?;
    if ids.is_empty() || ids.len() > MOST_AT_ONCE {
        let sentence = format!("Name from 1 to {MOST_AT_ONCE} monitors.");
        return Err(Error::field("ids", "out_of_range", sentence));
    }
    let now = ctx.now();
    let wanted = Wanted::of(change, now)?;
    let mut tx = ctx.db.write().await?;
    let gate = Gate::of(ctx, store::organizations::lock_tier(&mut tx, by.scope()).await?);
    let mut steps = Steps { ctx, by, gate, wanted, now, turns: Vec::new() };
    // In the order in which results lock them, so that neither waits for the other for ever.
    let mut outcomes: BTreeMap<MonitorId, Outcome> = ids.iter().map(|id| (*id, Outcome::NotFound)).collect();
    for (id, outcome) in &mut outcomes {
        if let Some(monitor) = store::monitors::lock(&mut tx, by.scope(), *id).await? {
            let is_changed = steps.take(&mut tx, monitor).await?;
            *outcome = if is_changed { Outcome::Changed } else { Outcome::Unchanged };
        }
    }
    if outcomes.values().all(|outcome| *outcome == Outcome::NotFound) {
        return Err(Error::NotFound);
    }
    automatic_incidents::follow(ctx, &mut tx, steps.turns, now).await?;
    tx.commit().await?;
    if matches!(change, Change::Pause | Change::Resume) {
        ctx.signals.schedule_changed();
        ctx.signals.pages_changed(by.organization.id);
    }
    Ok(ids.iter().filter_map(|id| outcomes.remove_entry(id)).collect())
}

/// A [`Change`] with its instant.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Active(bool),
    Snoozed(Option<Timestamp>),
}

impl Wanted {
    fn of(change: Change, now: Timestamp) -> Result<Self> {
        Ok(match change {
            Change::Pause => Self::Active(false),
            Change::Resume => Self::Active(true),
            Change::Snooze(end) => Self::Snoozed(Some(end.at(now)?)),
            Change::EndSnooze => Self::Snoozed(None),
        })
    }
}

/// One change of many, applied to one monitor after the other.
struct Steps<'a> {
    ctx: &'a Context,
    by: &'a Membership,
    gate: Gate,
    wanted: Wanted,
    now: Timestamp,
    /// What the change means for incidents; followed once all monitors are locked.
    turns: Vec<Turn>,
}

impl Steps<'_> {
    async fn take(&mut self, tx: &mut Tx, mut before: Monitor) -> Result<bool> {
        let (scope, now) = (self.by.scope(), self.now);
        let is_active = match self.wanted {
            Wanted::Snoozed(until) => return set_step(tx, scope, &mut before, until, now).await,
            Wanted::Active(is_active) => is_active,
        };
        if before.is_active == is_active {
            return Ok(false);
        }
        if is_active {
            require_room_to_run(tx, scope, &self.gate, before.service_id).await?;
        }
        let version = next_version(before.updated_at, now);
        let after = Monitor { is_active, updated_at: version, ..before.clone() };
        hosts::count_step(self.ctx, tx, self.by, &after, now).await?;
        if !store::monitors::update(tx, scope, &after, before.updated_at).await? {
            return Err(Error::Stale);
        }
        let policy = policy(&self.gate.limits, &before);
        let after = settle_change(tx, scope, &before, after, policy, now).await?;
        plan_change(tx, scope, &self.gate, &before, &after, now).await?;
        self.turns.extend(Turn::gone(scope, &before, now));
        Ok(true)
    }
}
