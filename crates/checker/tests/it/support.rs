//! The loops of one or more processes on one database, with a clock that runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actions::{Clock as _, Context};
use checker::Config;
use domain::check::{CheckResult, CheckStatus};
use domain::id::MonitorId;
use domain::monitor::Monitor;
use domain::time::Timestamp;
use egress::{Egress, EgressConfig};
use testkit::{Fleet, RunningClock, TestContext, TestDatabase};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One process that watches.
pub(crate) struct Watching {
    pub(crate) ctx: Context,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// Everything but a process.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) ctx: Context,
    clock: RunningClock,
}

impl World {
    /// Without limits of tiers, so that checks can follow each other each second (D7).
    pub(crate) fn new(database: &TestDatabase) -> Self {
        let test = TestContext::new(database).with_policy(|policy| policy.are_plans_enforced = false);
        Self::of(test)
    }

    /// With limits of tiers.
    pub(crate) fn with_plans(database: &TestDatabase) -> Self {
        Self::of(TestContext::new(database))
    }

    fn of(test: TestContext) -> Self {
        let clock = RunningClock::default();
        let mut ctx = test.ctx;
        ctx.clock = Arc::new(clock.clone());
        Self { ctx, clock }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts a process; several may share the database.
    pub(crate) fn watches(&self, config: Config) -> Watching {
        // The second one is public, and belongs to nobody.
        let allow_cidrs = ["127.0.0.0/8", "203.0.113.0/24"].map(|net| net.parse().unwrap()).to_vec();
        let rules = EgressConfig { allow_cidrs, ..EgressConfig::default() };
        self.watches_through(rules, config)
    }

    /// Starts a process that reaches what these rules allow.
    pub(crate) fn watches_through(&self, rules: EgressConfig, config: Config) -> Watching {
        let egress = Egress::new(rules).unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(checker::run(self.ctx.clone(), egress, config, stop.clone()));
        Watching { ctx: self.ctx.clone(), stop, running }
    }
}

impl Watching {
    /// Stops the process; all it did is recorded or given back then.
    pub(crate) async fn stops(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

/// A monitor that is checked each second and gives up after one.
pub(crate) fn each_second(fleet: &Fleet, number: u128, url: &str) -> Monitor {
    Monitor { interval_seconds: 1, timeout_seconds: 1, ..fleet.monitor(number, url) }
}

/// Looks every 20 ms until `done` says so; panics after `limit`. How long it took.
pub(crate) async fn within(limit: Duration, what: &str, mut done: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

/// All results of a monitor, oldest first.
pub(crate) async fn results(fleet: &Fleet, id: MonitorId) -> Vec<CheckResult> {
    let mut conn = fleet.db.read().await.unwrap();
    let mut list = store::check_results::list(&mut conn, fleet.scope(), id, None, 10_000).await.unwrap();
    list.reverse();
    list
}

pub(crate) async fn count(fleet: &Fleet, id: MonitorId, status: CheckStatus) -> usize {
    results(fleet, id).await.iter().filter(|result| result.status == status).count()
}
