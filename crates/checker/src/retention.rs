//! Once a night: trims what was kept long enough and removes what was deleted long ago (X18, X49).
//!
//! In small transactions with pauses, so that checks and people are never kept waiting. Each of them writes how far the
//! night has come, so that a process that was stopped or killed goes on there, and two processes share the work.

use std::time::{Duration, Instant};

use actions::Context;
use domain::plan::Tier;
use domain::retention::{PURGE_AFTER_DAYS, raw_days};
use domain::time::{DAY_MS, Day, HOUR_MS, Timestamp};
use store::Tx;
use store::retention::{Night, TrimmedMonitor};
use tokio_util::sync::CancellationToken;

/// How often to look whether a night's work is due or was left in the middle.
const EVERY: Duration = Duration::from_mins(10);
/// Not in the way of a starting program.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// A night begins at this hour, UTC.
const NIGHT_HOUR: i64 = 3;
/// Monitors and rows per transaction at most, and the pause between two: a writer waits for milliseconds.
const MONITORS: i64 = 100;
const ROWS: i64 = 250;
const PAUSE: Duration = Duration::from_millis(20);
/// Reports of nights are kept so long.
const NIGHTS: i64 = 90;

/// How long the operator keeps what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days that single results are kept where no tier says it (D7).
    pub raw_days: u32,
    /// Days that roll-ups, state intervals and deleted monitors are kept. `None`: for ever (X49).
    pub rollup_days: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { raw_days: 30, rollup_days: None }
    }
}

/// What is left to do in a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More monitors wait.
    More,
    /// All monitors are trimmed.
    Trimmed,
    /// Nothing: another process did it.
    Finished,
}

pub(crate) async fn run(ctx: Context, retention: Retention, stop: CancellationToken) {
    let rounds = async {
        tokio::time::sleep(FIRST_WAIT).await;
        loop {
            if let Err(error) = remove_old(&ctx, retention).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "old data could not be removed");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    let _ = stop.run_until_cancelled(rounds).await;
}

/// The work of the running night, unless it is done: everything that is due for it is removed. Goes on where an earlier
/// call ended, in this process or another.
pub async fn remove_old(ctx: &Context, retention: Retention) -> actions::Result<()> {
    let mut work = Work::new(ctx.clone(), retention);
    if !work.begin().await? {
        return Ok(());
    }
    loop {
        match work.slice().await? {
            Progress::More => tokio::time::sleep(PAUSE).await,
            Progress::Trimmed => break,
            Progress::Finished => return Ok(()),
        }
    }
    work.finish().await
}

/// One night's work, a slice at a time.
pub struct Work {
    ctx: Context,
    retention: Retention,
    night: Day,
    /// Of the slices of this process that are not written down yet.
    unwritten: Times,
}

#[derive(Debug, Default, Clone, Copy)]
struct Times {
    busy_ms: i64,
    longest_ms: i64,
}

impl Times {
    fn note(&mut self, took: Duration) {
        // Rounded up, so that a slice is never said to have taken no time.
        let ms = i64::try_from(took.as_micros().div_ceil(1000)).unwrap_or(i64::MAX);
        self.busy_ms += ms;
        self.longest_ms = self.longest_ms.max(ms);
    }

    fn write(&mut self, night: &mut Night) {
        night.busy_ms += self.busy_ms;
        night.longest_slice_ms = night.longest_slice_ms.max(self.longest_ms);
        *self = Self::default();
    }
}

impl Work {
    pub fn new(ctx: Context, retention: Retention) -> Self {
        let night = ctx.now().plus_ms(-NIGHT_HOUR * HOUR_MS).day();
        Self { ctx, retention, night, unwritten: Times::default() }
    }

    /// `false`: it is done already.
    pub async fn begin(&self) -> store::Result<bool> {
        let is_finished = store::retention::is_finished(&mut self.ctx.db.read().await?, self.night).await?;
        if is_finished {
            return Ok(false);
        }
        let mut tx = self.ctx.db.write().await?;
        store::retention::insert_night(&mut tx, self.night, self.ctx.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The next few monitors, in one transaction.
    pub async fn slice(&mut self) -> store::Result<Progress> {
        let mut tx = self.ctx.db.write().await?;
        // From here on others wait.
        let began = Instant::now();
        let Some(mut night) = store::retention::lock_night(&mut tx, self.night).await? else {
            return Ok(Progress::Finished);
        };
        self.unwritten.write(&mut night);
        let condemned_before = self.ctx.now().plus_ms(-PURGE_AFTER_DAYS * DAY_MS);
        let after = night.after_monitor;
        let monitors = store::retention::list_monitors(&mut tx, after, condemned_before, MONITORS).await?;
        let mut left = ROWS;
        for monitor in &monitors {
            left -= self.trim(&mut tx, monitor, &mut night, left).await?;
            // There may be more of this one.
            if left <= 0 {
                break;
            }
            night.after_monitor = monitor.id;
            night.monitors += 1;
        }
        store::retention::update_night(&mut tx, &night).await?;
        tx.commit().await?;
        self.unwritten.note(began.elapsed());
        Ok(if monitors.is_empty() { Progress::Trimmed } else { Progress::More })
    }

    /// Gives the number of rows that went, about `limit` at most.
    async fn trim(
        &self,
        tx: &mut Tx,
        monitor: &TrimmedMonitor,
        night: &mut Night,
        limit: i64,
    ) -> store::Result<i64> {
        let now = self.ctx.now();
        let kept_days = (!monitor.is_condemned).then(|| self.days_kept(monitor.tier));
        let before = kept_days.map_or(now, |days| days_before(now, days));
        let lengths = store::retention::trim_results(tx, monitor.id, before, limit).await?;
        let hours = i64::try_from(lengths.len()).unwrap_or(i64::MAX);
        night.hours += hours;
        night.bytes += lengths.iter().sum::<i64>();
        let history_before = match self.retention.rollup_days {
            // What is purged next goes in slices, too.
            _ if monitor.is_condemned => Some(now.day().plus(1)),
            days => days.map(|days| days_before(now, days).day()),
        };
        let Some(history_before) = history_before.filter(|_| hours < limit) else { return Ok(hours) };
        let rows = store::retention::trim_history(tx, monitor.id, history_before, limit - hours).await?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        night.history_rows += rows;
        Ok(hours + rows)
    }

    /// Removes what was deleted long ago, and writes that the night is over.
    pub async fn finish(&mut self) -> actions::Result<()> {
        let ctx = &self.ctx;
        if let Some(days) = self.retention.rollup_days {
            let mut tx = ctx.db.write().await?;
            store::retention::purge_monitors(&mut tx, days_before(ctx.now(), days)).await?;
            tx.commit().await?;
        }
        actions::accounts::purge(ctx).await?;
        actions::organizations::purge(ctx).await?;
        let mut tx = ctx.db.write().await?;
        store::retention::purge_nights(&mut tx, self.night.plus(-NIGHTS)).await?;
        let Some(mut night) = store::retention::lock_night(&mut tx, self.night).await? else { return Ok(()) };
        self.unwritten.write(&mut night);
        night.finished_at = Some(ctx.now());
        store::retention::update_night(&mut tx, &night).await?;
        tx.commit().await?;
        tracing::info!(
            monitors = night.monitors,
            hours = night.hours,
            bytes = night.bytes,
            history_rows = night.history_rows,
            slices = night.slices,
            busy_ms = night.busy_ms,
            longest_slice_ms = night.longest_slice_ms,
            "old data was removed"
        );
        Ok(())
    }

    /// Never longer than the roll-ups, which are the longer memory.
    fn days_kept(&self, tier: Tier) -> u32 {
        let enforced = self.ctx.policy.are_plans_enforced;
        let days = if enforced { raw_days(tier) } else { self.retention.raw_days };
        days.min(self.retention.rollup_days.unwrap_or(u32::MAX))
    }
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.plus_ms(-i64::from(days) * DAY_MS)
}
