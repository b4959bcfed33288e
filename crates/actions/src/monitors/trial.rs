//! A check before anything is saved: the same rules, no row (S4).

use domain::check::CheckJob;
use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Monitor, MonitorKind};
use domain::organization::Permission;
use domain::time::Timestamp;
use store::Tx;
use store::organizations::Membership;
use uuid::Uuid;

use super::rules::Gate;
use super::{MonitorPatch, NewMonitor, apply, build, hosts, job_at};
use crate::{Context, Error, Result, gate, throttle};

/// The check that a monitor made of `input` would run. Its service does not matter. The caller runs it outside any
/// transaction. Counted with the checks by hand of the organization.
pub async fn try_new(ctx: &Context, by: &Membership, input: NewMonitor) -> Result<CheckJob> {
    gate::require(by, Permission::ManageMonitors)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let gate = Gate::of(ctx, store::organizations::lock_tier(&mut tx, by.scope()).await?);
    let monitor = build(ctx, &gate, by.scope(), input, now)?;
    begin(ctx, tx, by, monitor, now).await
}

/// The check that a monitor would run after this change, with the secrets that it has.
pub async fn try_change(
    ctx: &Context,
    by: &Membership,
    id: MonitorId,
    patch: MonitorPatch,
) -> Result<CheckJob> {
    gate::require(by, Permission::ManageMonitors)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let gate = Gate::of(ctx, store::organizations::lock_tier(&mut tx, by.scope()).await?);
    let before = store::monitors::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    let monitor = apply(ctx, &gate, &before, patch, now)?;
    begin(ctx, tx, by, monitor, now).await
}

/// A service that no monitor is ever stored with.
pub fn no_service() -> ServiceId {
    ServiceId::new(Uuid::nil())
}

async fn begin(
    ctx: &Context,
    mut tx: Tx,
    by: &Membership,
    monitor: Monitor,
    now: Timestamp,
) -> Result<CheckJob> {
    if matches!(monitor.kind, MonitorKind::Heartbeat | MonitorKind::Manual) {
        return Err(Error::field(
            "kind",
            "nothing_to_try",
            "This kind asks nobody, so there is nothing to try.",
        ));
    }
    hosts::count_step(ctx, &mut tx, by, &monitor, now).await?;
    throttle::count_step(&mut tx, &throttle::check_by_hand(&by.organization.id.to_string()), now).await?;
    let job = job_at(ctx, monitor, now)?;
    tx.commit().await?;
    Ok(job)
}
