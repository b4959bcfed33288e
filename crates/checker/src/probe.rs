//! Runs jobs: one task per check in flight, one kind of check so far.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actions::Context;
use domain::check::{CheckReport, Outcome};
use domain::id::MonitorId;
use domain::time::Timestamp;
use egress::Egress;
use futures_util::FutureExt;
use store::watch::Replanned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::{Leased, Work};

/// What every check in flight shares.
struct Shared {
    ctx: Context,
    egress: Egress,
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

/// Runs jobs until the scheduler ends, waits `grace` for those in flight, gives the rest back.
pub(crate) async fn run(ctx: Context, egress: Egress, mut work: Work, grace: Duration) {
    let tasks = TaskTracker::new();
    let shared = Arc::new(Shared {
        ctx,
        egress,
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
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        shared.abort.cancel();
        tasks.wait().await;
    }
    give_back(&shared).await;
}

async fn check(shared: Arc<Shared>, leased: Leased) {
    let job = &leased.job;
    // Monitors are claimed a little ahead. Whoever stops in between gives the claim back.
    tokio::select! {
        () = tokio::time::sleep(leased.starts_in) => {}
        () = shared.stopping.cancelled() => return,
    }
    let checked_at = shared.ctx.now();
    let running = AssertUnwindSafe(shared.egress.check(job)).catch_unwind();
    let outcome = tokio::select! {
        outcome = running => outcome,
        () = shared.abort.cancelled() => return,
    };
    let outcome = outcome.unwrap_or_else(|_| {
        tracing::error!(monitor.id = %job.monitor_id, "a check panicked; it counts as no data");
        Outcome::no_data()
    });
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
