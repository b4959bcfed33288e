//! Once an hour: trims what was kept long enough and removes what was deleted long ago (X18, X49). In small
//! transactions with pauses, so that checks and people are never kept waiting.

use std::time::Duration;

use actions::Context;
use domain::id::MonitorId;
use domain::plan::Tier;
use domain::retention::{PURGE_AFTER_DAYS, raw_days};
use domain::time::{DAY_MS, Timestamp};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const EVERY: Duration = Duration::from_hours(1);
/// Not in the way of a starting program.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// Monitors per transaction, and the pause between two.
const CHUNK: i64 = 100;
const PAUSE: Duration = Duration::from_millis(20);
/// Roll-ups and intervals lose a day at a time: once in so many rounds is enough.
const ROUNDS_PER_HISTORY: u32 = 24;

/// How long the operator keeps what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days that single results are kept where no tier says it (D7).
    pub raw_days: u32,
    /// Days that roll-ups, state intervals and deleted monitors are kept.
    pub rollup_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { raw_days: 30, rollup_days: 730 }
    }
}

pub(crate) async fn run(ctx: Context, retention: Retention, stop: CancellationToken) {
    let rounds = async {
        tokio::time::sleep(FIRST_WAIT).await;
        for round in 0_u32.. {
            if let Err(error) = remove_old(&ctx, retention, round % ROUNDS_PER_HISTORY == 0).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "old data could not be removed");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    let _ = stop.run_until_cancelled(rounds).await;
}

/// Removes everything that is due for it. `with_history`: roll-ups and intervals as well.
pub async fn remove_old(ctx: &Context, retention: Retention, with_history: bool) -> actions::Result<()> {
    let now = ctx.now();
    trim(ctx, retention, with_history, now).await?;
    let mut tx = ctx.db.write().await?;
    store::retention::purge_monitors(&mut tx, days_before(now, retention.rollup_days)).await?;
    tx.commit().await?;
    actions::accounts::purge(ctx).await?;
    actions::organizations::purge(ctx).await
}

async fn trim(ctx: &Context, retention: Retention, with_history: bool, now: Timestamp) -> store::Result<()> {
    let condemned_before = now.plus_ms(-PURGE_AFTER_DAYS * DAY_MS);
    let history_before = days_before(now, retention.rollup_days).day();
    let mut after = MonitorId::new(Uuid::nil());
    loop {
        let mut tx = ctx.db.write().await?;
        let monitors = store::retention::list_monitors(&mut tx, after, condemned_before, CHUNK).await?;
        let Some(last) = monitors.last() else { return Ok(()) };
        after = last.id;
        for monitor in &monitors {
            let before = if monitor.is_condemned {
                now
            } else {
                days_before(now, days_kept(ctx, retention, monitor.tier))
            };
            store::retention::trim_results(&mut tx, monitor.id, before).await?;
            if with_history {
                store::retention::trim_history(&mut tx, monitor.id, history_before).await?;
            }
        }
        tx.commit().await?;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Never longer than the roll-ups, which are the longer memory.
fn days_kept(ctx: &Context, retention: Retention, tier: Tier) -> u32 {
    let days = if ctx.policy.are_plans_enforced { raw_days(tier) } else { retention.raw_days };
    days.min(retention.rollup_days)
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.plus_ms(-i64::from(days) * DAY_MS)
}
