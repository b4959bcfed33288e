//! Runs jobs: one task per check in flight, one kind of check so far. A failure is tried once more, and explained by our
//! own network when that has failed (F-13).

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actions::Context;
use actions::meters::Skip;
use domain::check::{CheckJob, CheckReport, CheckStatus, FailureClass, Outcome};
use domain::id::MonitorId;
use domain::monitor::{MonitorKind, Settings};
use domain::schedule::second_try_pause_ms;
use domain::time::Timestamp;
use egress::Egress;
use futures_util::FutureExt;
use store::watch::Replanned;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::{Leased, Work};
use crate::sentinel::Sentinel;

/// How patient probes are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// For checks in flight, after the scheduler has ended.
    pub(crate) grace: Duration,
    /// Before the second try; zero: there is none.
    pub(crate) confirm_after: Duration,
}

/// What every check in flight shares.
struct Shared {
    ctx: Context,
    egress: Egress,
    sentinel: Arc<Sentinel>,
    confirm_after: Duration,
    reports: mpsc::Sender<CheckReport>,
    /// Slots under way, to be given back when the program stops before they end.
    in_flight: Mutex<HashSet<(MonitorId, Timestamp)>>,
    abort: CancellationToken,
    /// No new check starts.
    stopping: CancellationToken,
}

impl Shared {
    fn in_flight(&self) -> std::sync::MutexGuard<'_, HashSet<(MonitorId, Timestamp)>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs jobs until the scheduler ends, waits for those in flight, gives the rest back.
pub(crate) async fn run(
    ctx: Context,
    egress: Egress,
    mut work: Work,
    sentinel: Arc<Sentinel>,
    manner: Manner,
) {
    let tasks = TaskTracker::new();
    let shared = Arc::new(Shared {
        ctx,
        egress,
        sentinel,
        confirm_after: manner.confirm_after,
        reports: work.reports(),
        in_flight: Mutex::default(),
        abort: CancellationToken::new(),
        stopping: CancellationToken::new(),
    });
    while let Some(leased) = work.pull().await {
        shared.in_flight().insert((leased.job.monitor_id, leased.job.slot_at));
        tasks.spawn(check(Arc::clone(&shared), leased));
    }
    tasks.close();
    shared.stopping.cancel();
    if tokio::time::timeout(manner.grace, tasks.wait()).await.is_err() {
        shared.abort.cancel();
        tasks.wait().await;
    }
    give_back(&shared).await;
}

async fn check(shared: Arc<Shared>, mut leased: Leased) {
    // Monitors are claimed a little ahead. Whoever stops in between gives the claim back.
    tokio::select! {
        () = tokio::time::sleep(leased.starts_in) => {}
        () = shared.stopping.cancelled() => return,
    }
    let (checked_at, began) = (shared.ctx.now(), Instant::now());
    let meters = shared.ctx.signals.meters();
    let in_flight = meters.check_started(checked_at.since(leased.job.slot_at));
    let outcome = tokio::select! {
        outcome = run_with_care(&shared, &mut leased) => outcome,
        () = shared.abort.cancelled() => return,
    };
    drop(in_flight);
    let kind = leased.job.settings.as_ref().map_or(MonitorKind::Http, Settings::kind);
    meters.check_ended(kind, outcome.status, began.elapsed());
    if outcome.status == CheckStatus::NoData && outcome.failure.is_none() {
        meters.skipped(Skip::NotRun, 1);
    }
    let job = &leased.job;
    let report = CheckReport { monitor_id: job.monitor_id, slot_at: job.slot_at, checked_at, outcome };
    let slot = (job.monitor_id, job.slot_at);
    // The place is free for the next check while this report waits for its batch.
    tokio::select! {
        sent = shared.reports.send(report) => {
            if sent.is_ok() {
                shared.in_flight().remove(&slot);
            }
        }
        () = shared.abort.cancelled() => {}
    }
}

/// What a check comes to: a failure only when a second try fails, too, and our own network is no explanation.
async fn run_with_care(shared: &Shared, leased: &mut Leased) -> Outcome {
    let began = Instant::now();
    let (mut outcome, mut tried_at) = (run_once(shared, &leased.job).await, began);
    if outcome.status == CheckStatus::Down && pause(shared, leased, began).await {
        tried_at = Instant::now();
        shared.ctx.signals.meters().second_try();
        outcome = run_once(shared, &leased.job).await;
    }
    let is_doubtful = outcome.status == CheckStatus::Down && !outcome.is_inside;
    if is_doubtful && shared.sentinel.was_offline_since(tried_at).await {
        return outcome.excused(FailureClass::OwnNetworkDown);
    }
    outcome
}

async fn run_once(shared: &Shared, job: &CheckJob) -> Outcome {
    AssertUnwindSafe(shared.egress.check(job)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(monitor.id = %job.monitor_id, "a check panicked; it counts as no data");
        Outcome::no_data()
    })
}

/// Waits for the second try, without a place meanwhile. `false`: there is none.
async fn pause(shared: &Shared, leased: &mut Leased, began: Instant) -> bool {
    let Some(interval) = leased.second_try_within else { return false };
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let timeout_ms = i64::from(leased.job.timeout_ms);
    let pause_ms =
        second_try_pause_ms(ms(shared.confirm_after), ms(interval), ms(began.elapsed()), timeout_ms);
    let Some(pause) = pause_ms.and_then(|pause_ms| u64::try_from(pause_ms).ok()).map(Duration::from_millis)
    else {
        return false;
    };
    leased.leave();
    tokio::time::sleep(pause).await;
    leased.enter(shared.confirm_after).await
}

/// Ends the leases of checks that did not finish, so that another process runs them at once (F-03).
async fn give_back(shared: &Shared) {
    let unfinished: Vec<Replanned> = shared
        .in_flight()
        .drain()
        .map(|(id, slot_at)| Replanned { id, slot_at, next_check_at: slot_at })
        .collect();
    if unfinished.is_empty() {
        return;
    }
    let given_back = async {
        let mut tx = shared.ctx.db.write().await?;
        store::watch::replan(&mut tx, &unfinished).await?;
        tx.commit().await
    };
    match given_back.await {
        Ok(()) => tracing::info!(checks = unfinished.len(), "gave unfinished checks back"),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "unfinished checks wait for the end of their lease"
            );
        }
    }
}
