//! Snoozing: for a while a monitor calls nobody, and everything else goes on (see [`domain::monitor::snooze`]).

use domain::id::MonitorId;
use domain::monitor::Monitor;
use domain::monitor::snooze::may_snooze_until;
use domain::organization::Permission;
use domain::time::Timestamp;
use store::organizations::Membership;
use store::{OrgScope, Tx};

use crate::patch::next_version;
use crate::{Context, Error, Result, gate};

/// When a snooze is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnoozeEnd {
    At(Timestamp),
    /// From now on.
    AfterMinutes(i64),
}

impl SnoozeEnd {
    /// The instant; `Invalid` at `until` or `minutes` when it is past or more than seven days ahead.
    pub(super) fn at(self, now: Timestamp) -> Result<Timestamp> {
        let (field, until) = match self {
            Self::At(until) => ("until", until),
            Self::AfterMinutes(minutes) => ("minutes", now.plus_ms(minutes.saturating_mul(60_000))),
        };
        if may_snooze_until(until, now) {
            return Ok(until);
        }
        let sentence = match self {
            Self::At(_) => "Choose an instant that is to come and at most 7 days ahead.",
            Self::AfterMinutes(_) => "Choose from 1 to 10080 minutes, which are 7 days.",
        };
        Err(Error::field(field, "out_of_range", sentence))
    }
}

/// Snoozes a monitor, or sets another end.
pub async fn snooze(ctx: &Context, by: &Membership, id: MonitorId, end: SnoozeEnd) -> Result<Monitor> {
    gate::require(by, Permission::ManageMonitors)?;
    let now = ctx.now();
    let until = end.at(now)?;
    set(ctx, by, id, Some(until), now).await
}

/// Ends a snooze before its end. A monitor that is not snoozed stays as it is.
pub async fn end_snooze(ctx: &Context, by: &Membership, id: MonitorId) -> Result<Monitor> {
    gate::require(by, Permission::ManageMonitors)?;
    set(ctx, by, id, None, ctx.now()).await
}

async fn set(
    ctx: &Context,
    by: &Membership,
    id: MonitorId,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Monitor> {
    let mut tx = ctx.db.write().await?;
    let mut monitor = store::monitors::lock(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    if set_step(&mut tx, by.scope(), &mut monitor, until, now).await? {
        tx.commit().await?;
    }
    Ok(monitor)
}

/// `None` ends the snooze now and keeps the end: the next result sees that it has passed, and tells what is down by then.
/// `false`: it is so already; an end that has passed is no snooze.
pub(super) async fn set_step(
    tx: &mut Tx,
    scope: OrgScope,
    monitor: &mut Monitor,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    if (until.is_some() && monitor.snoozed_until == until) || (until.is_none() && !monitor.is_snoozed(now)) {
        return Ok(false);
    }
    let until = until.or(Some(now));
    monitor.snoozed_until = until;
    monitor.updated_at = next_version(monitor.updated_at, now);
    store::monitors::update_snooze(tx, scope, monitor.id, until, monitor.updated_at).await?;
    Ok(true)
}
