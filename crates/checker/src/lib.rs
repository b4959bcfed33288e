//! Decides what is due, runs it and hands the results in.
//!
//! 1. `scheduler` claims due monitors and puts their jobs on the `bus`.
//! 2. `probe` runs the jobs through `egress`.
//! 3. `ingest` records what probes report, many reports in one transaction.
//! 4. `sentinel` looks whether our own network is well, so that its failure is nobody else's.
//! 5. `retention` trims what is kept long enough, once a night.

mod bus;
mod ingest;
mod probe;
mod retention;
mod scheduler;
mod sentinel;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actions::Context;
use egress::Egress;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use retention::{Progress, Retention, Work, remove_old};

use crate::sentinel::Sentinel;

/// How much is watched at once, and how patiently.
#[derive(Debug, Clone)]
pub struct Config {
    /// Checks in flight at the same time, over all organizations.
    pub concurrency: usize,
    /// How long a claimed check stays claimed beyond the longest time it can take. When the process dies, another
    /// one takes the check over after that (F-12).
    pub lease: Duration,
    /// How long checks in flight may go on after the stop; those that do not end are given back.
    pub grace: Duration,
    /// Between a check that failed and its second try, before a monitor that is not down is said to fail; zero: no second
    /// try (F-13).
    pub confirm_after: Duration,
    /// What answers as long as our own network is well (F-13); empty: not looked at.
    pub anchors: Vec<SocketAddr>,
    pub retention: Retention,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 2000,
            lease: Duration::from_secs(10),
            grace: Duration::from_secs(15),
            confirm_after: Duration::from_secs(5),
            anchors: Vec::new(),
            retention: Retention::default(),
        }
    }
}

/// Watches until `stop`. Returns when every check in flight is recorded or given back.
pub async fn run(ctx: Context, egress: Egress, config: Config, stop: CancellationToken) {
    let (jobs, work, reports) = bus::local(config.concurrency);
    let (behind, is_behind) = watch::channel(false);

    let sentinel = Arc::new(Sentinel::new(ctx.clone(), config.anchors));

    // The pause before a second try, and as long for a place to run it in.
    let lease = config.lease + 2 * config.confirm_after;
    let scheduler = scheduler::run(ctx.clone(), jobs, is_behind, lease, stop.clone());
    let manner = probe::Manner { grace: config.grace, confirm_after: config.confirm_after };
    let probes = probe::run(ctx.clone(), egress, work, Arc::clone(&sentinel), manner);
    let ingest = ingest::run(ctx.clone(), reports, behind, stop.clone());
    let retention = retention::run(ctx, config.retention, stop.clone());
    let looks = sentinel::run(sentinel, stop);
    // Tasks of their own: probes and the recording of results use the machine's cores beside each other.
    let mut tasks = JoinSet::new();
    tasks.spawn(scheduler);
    tasks.spawn(probes);
    tasks.spawn(ingest);
    tasks.spawn(retention);
    tasks.spawn(looks);
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(error = &error as &dyn std::error::Error, "a loop of the checker ended early");
        }
    }
}
