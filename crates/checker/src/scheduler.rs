//! Claims what is due and hands it to the probes. Sleeps until the next due instant; a hint that the plan changed
//! wakes it, and losing a hint costs a few seconds.

use std::time::Duration;

use actions::Context;
use actions::health::Loop;
use actions::meters::Skip;
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::schedule::Rhythm;
use domain::time::Timestamp;
use store::watch::{DueMonitor, Replanned};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bus::{Jobs, Places};

/// Monitors claimed in one transaction at most.
const MAX_CLAIM: usize = 1000;
/// How far ahead of their slots monitors are claimed. The probes wait for the slot, so a check starts on time however
/// long the database takes, and one transaction claims what falls due within half of this.
const AHEAD: Duration = Duration::from_secs(1);
/// Between two claims at least; less only while more is due than there was room for.
const PACE: Duration = Duration::from_millis(500);
const HURRY: Duration = Duration::from_millis(25);
/// Longest sleep: another process may have changed the plan without a hint (F-10).
const MAX_SLEEP: Duration = Duration::from_secs(5);
/// First wait after a failure of the database; doubles up to [`MAX_SLEEP`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How often the queue is tidied.
const TIDY_EVERY: Duration = Duration::from_mins(1);
/// How long monitors of deleted organizations are put off at a time.
const DELETED_PAUSE_SECONDS: i64 = 600;
/// A wall clock that lags so far behind the monotonic one was set back (F-07).
const SET_BACK_MS: i64 = 1000;

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

struct Scheduler {
    ctx: Context,
    jobs: Jobs,
    lease: Duration,
    tidied_at: Option<Instant>,
    claimed_at: Instant,
    clocks: Clocks,
    /// What a clock that was set back moved out of reach is still to be brought back.
    is_astray: bool,
}

/// The wall clock beside the monotonic one.
struct Clocks {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clocks {
    fn read(ctx: &Context) -> Self {
        Self { wall: ctx.now(), monotonic: Instant::now() }
    }

    fn was_set_back_since(&self, earlier: &Self) -> bool {
        let passed = self.monotonic.duration_since(earlier.monotonic);
        let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        passed_ms.saturating_sub(self.wall.since(earlier.wall)) > SET_BACK_MS
    }
}

/// Schedules until `stop`. Claims nothing while `is_behind`: reports that could not be stored yet hold slots whose
/// leases may have ended (F-05).
pub(crate) async fn run(
    ctx: Context,
    jobs: Jobs,
    mut is_behind: watch::Receiver<bool>,
    lease: Duration,
    stop: CancellationToken,
) {
    let clocks = Clocks::read(&ctx);
    let mut scheduler =
        Scheduler { ctx, jobs, lease, tidied_at: None, claimed_at: Instant::now(), clocks, is_astray: true };
    let mut pause = FIRST_PAUSE;
    // The stop cuts off waiting only: a claim that was committed is dispatched.
    while let Some(places) = stop.run_until_cancelled(scheduler.ready(&mut is_behind)).await.flatten() {
        scheduler.ctx.signals.health().turned(Loop::Scheduler, scheduler.ctx.now());
        let wait = match scheduler.turn(places).await {
            Ok(wait) => {
                pause = FIRST_PAUSE;
                wait
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the scheduler cannot reach the queue"
                );
                let wait = pause;
                pause = (pause * 2).min(MAX_SLEEP);
                wait
            }
        };
        if stop.run_until_cancelled(scheduler.sleep(wait)).await.is_none() {
            return;
        }
    }
}

impl Scheduler {
    /// Waits until something may be claimed. `None`: the other loops have ended.
    async fn ready(&self, is_behind: &mut watch::Receiver<bool>) -> Option<Places> {
        is_behind.wait_for(|is_behind| !is_behind).await.ok()?;
        self.jobs.places(MAX_CLAIM).await
    }

    /// Claims and dispatches once; says how long nothing will be due.
    async fn turn(&mut self, mut places: Places) -> store::Result<Duration> {
        self.tidy().await?;
        let limit = places.count();
        let claimed_at = self.ctx.now();
        let due_until = claimed_at.plus_ms(ms(AHEAD));
        self.claimed_at = Instant::now();
        let (claimed, due) = self.claim(claimed_at, due_until, limit).await?;
        let (mut refused, mut locked) = (Vec::new(), Vec::new());
        for monitor in due {
            let starts_in = monitor.next_check_at.since(self.ctx.now());
            let starts_in = Duration::from_millis(u64::try_from(starts_in).unwrap_or(0));
            let second_try_within = self.second_try_within(&monitor);
            let job = match actions::monitors::due_job(&self.ctx, monitor.clone()) {
                Ok(job) => job,
                // Without its secrets a check would say something false. It has no data until the key is back.
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        monitor.id = %monitor.id,
                        "the secrets of a monitor do not open with this secret key; this slot is skipped"
                    );
                    locked.push(monitor);
                    continue;
                }
            };
            if !self.jobs.dispatch(job, starts_in, second_try_within, &mut places) {
                refused.push(monitor);
            }
        }
        self.skip(&locked, Skip::LockedSecrets).await?;
        warn_of(&refused);
        self.skip(&refused, Skip::OrganizationFull).await?;
        if claimed == limit {
            return Ok(HURRY);
        }
        let mut conn = self.ctx.db.read().await?;
        // What became due while the claim waited for its turn at the database lies behind `due_until`.
        let next = store::watch::next_due_at(&mut conn, claimed_at, due_until).await?;
        let wait_ms = next.map_or(i64::MAX, |next| next.since(self.ctx.now()) - ms(PACE));
        Ok(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)).clamp(PACE, MAX_SLEEP))
    }

    /// These miss their slot, so that nobody else waits for theirs (F-19).
    async fn skip(&self, refused: &[DueMonitor], why: Skip) -> store::Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        self.ctx.signals.meters().skipped(why, refused.len());
        let now = self.ctx.now();
        let mut tx = self.ctx.db.write().await?;
        store::watch::replan(&mut tx, &self.next_slots(refused, now)).await?;
        tx.commit().await
    }

    /// How many were claimed, and those of them that are run now. The others stood still for longer than their
    /// interval and wait for their next slot (F-14).
    async fn claim(
        &self,
        now: Timestamp,
        due_until: Timestamp,
        limit: usize,
    ) -> store::Result<(usize, Vec<DueMonitor>)> {
        let lease_until = due_until.plus_ms(ms(self.lease));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut tx = self.ctx.db.write().await?;
        let claimed = store::watch::claim_due(&mut tx, now, due_until, lease_until, limit).await?;
        let count = claimed.len();
        let (missed, due): (Vec<_>, Vec<_>) = claimed
            .into_iter()
            .partition(|monitor| self.rhythm(monitor).is_missed(monitor.next_check_at, now));
        if !missed.is_empty() {
            store::watch::replan(&mut tx, &self.next_slots(&missed, now)).await?;
        }
        tx.commit().await?;
        self.ctx.signals.meters().skipped(Skip::Missed, missed.len());
        Ok((count, due))
    }

    fn rhythm(&self, monitor: &DueMonitor) -> Rhythm {
        let limits = self.ctx.policy.limits(monitor.tier);
        Rhythm::of(monitor.id, limits.clamp_interval(monitor.interval_seconds))
    }

    /// An outage that was confirmed needs no second try.
    fn second_try_within(&self, monitor: &DueMonitor) -> Option<Duration> {
        let interval_seconds = self.ctx.policy.limits(monitor.tier).clamp_interval(monitor.interval_seconds);
        let seconds = u64::try_from(interval_seconds).ok()?;
        (monitor.state != MonitorState::Down).then(|| Duration::from_secs(seconds))
    }

    fn next_slots(&self, monitors: &[DueMonitor], now: Timestamp) -> Vec<Replanned> {
        monitors
            .iter()
            .map(|monitor| Replanned {
                id: monitor.id,
                slot_at: monitor.next_check_at,
                next_check_at: self.rhythm(monitor).next_slot(now),
            })
            .collect()
    }

    /// Once a minute: what must not stand in front of the queue, and what a clock that was set back moved out of
    /// reach.
    async fn tidy(&mut self) -> store::Result<()> {
        let clocks = Clocks::read(&self.ctx);
        self.is_astray |= clocks.was_set_back_since(&self.clocks);
        self.clocks = clocks;
        if self.is_astray {
            self.bring_within_reach().await?;
            self.is_astray = false;
        }
        if self.tidied_at.is_none_or(|tidied_at| tidied_at.elapsed() >= TIDY_EVERY) {
            let now = self.ctx.now();
            let mut tx = self.ctx.db.write().await?;
            store::watch::put_off_deleted(&mut tx, now, now.plus_s(DELETED_PAUSE_SECONDS)).await?;
            tx.commit().await?;
            self.tidied_at = Some(Instant::now());
        }
        Ok(())
    }

    async fn bring_within_reach(&self) -> store::Result<()> {
        let longest_minimum = Tier::Free.limits().min_check_interval_seconds;
        let limit = i64::try_from(MAX_CLAIM).unwrap_or(i64::MAX);
        loop {
            let now = self.ctx.now();
            let mut tx = self.ctx.db.write().await?;
            let lost = store::watch::list_out_of_reach(&mut tx, now, longest_minimum, limit).await?;
            if lost.is_empty() {
                return Ok(());
            }
            tracing::warn!(
                monitors = lost.len(),
                "planned too far ahead, the clock was set back; planned anew"
            );
            store::watch::replan(&mut tx, &self.next_slots(&lost, now)).await?;
            tx.commit().await?;
        }
    }

    async fn sleep(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // Also after a hint what falls due meanwhile shares one transaction.
            () = self.ctx.signals.schedule_has_changed() => tokio::time::sleep_until(self.claimed_at + PACE).await,
        }
    }
}

/// Organizations that have as many checks in flight as one may have.
fn warn_of(refused: &[DueMonitor]) {
    if let Some(first) = refused.first() {
        tracing::warn!(
            organization.id = %first.organization_id,
            checks = refused.len(),
            "too many checks of one organization are in flight; these slots are skipped"
        );
    }
}
