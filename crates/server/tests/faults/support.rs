//! What the faults share: the binary with monitors of each second, random numbers with a seed, and the model that
//! results are held against.

use std::time::{Duration, Instant};

use domain::check::CheckResult;
use domain::id::MonitorId;
use domain::monitor::{Monitor, MonitorState};
use domain::plan::Tier;
use domain::time::Timestamp;
use domain::verdict::{self, Edit, MonitorVerdict, Policy};
use testkit::{Fleet, TestDatabase, wall_clock};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_indie-status");

/// Without tiers, so that checks can follow each other each second, and with targets on this machine.
pub(crate) const SETTINGS: [(&str, &str); 4] = [
    ("INDIE_STATUS_PLANS__ENFORCE", "false"),
    ("INDIE_STATUS_EGRESS__ALLOW_CIDRS", "127.0.0.0/8"),
    ("INDIE_STATUS_CHECKS__ANCHORS", ""),
    ("INDIE_STATUS_CHECKS__CONFIRM_AFTER_SECONDS", "0"),
];

/// `FAULT_ROUNDS`, or so many.
pub(crate) fn rounds(usual: u32) -> u32 {
    testkit::asked_for("FAULT_ROUNDS").and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Numbers that look random and come again with their seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// A new seed each time; it is printed.
    pub(crate) fn new() -> Self {
        let seed = testkit::asked_for("FAULT_SEED").and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::try_from(wall_clock().ms()).unwrap() | 1);
        eprintln!("FAULT_SEED={seed}");
        Self(seed)
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

pub(crate) async fn fleet(database: &TestDatabase) -> Fleet {
    Fleet::new(database, 1, Tier::Team).await
}

/// Each second, with a time-out of one; the first failure counts.
pub(crate) fn each_second(fleet: &Fleet, number: u128, url: &str) -> Monitor {
    Monitor {
        interval_seconds: 1,
        planned_interval_seconds: 1,
        timeout_seconds: 1,
        ..fleet.monitor(number, url)
    }
}

/// All results of a monitor, oldest first.
pub(crate) async fn results(fleet: &Fleet, id: MonitorId) -> Vec<CheckResult> {
    let mut conn = fleet.db.read().await.unwrap();
    let mut list = store::check_results::list(&mut conn, fleet.scope(), id, None, 1_000_000).await.unwrap();
    list.reverse();
    list
}

/// States with their spans, empty ones left out; `None`: still so.
pub(crate) type Spans = Vec<(MonitorState, Timestamp, Option<Timestamp>)>;

/// What is stored of a monitor.
pub(crate) async fn spans(fleet: &Fleet, id: MonitorId) -> Spans {
    let mut conn = fleet.db.read().await.unwrap();
    let list =
        store::state_intervals::list(&mut conn, fleet.scope(), id, Timestamp::from_ms(0)).await.unwrap();
    let spans = list.into_iter().map(|span| (span.state, span.started_at, span.ended_at));
    spans.filter(|(_, start, end)| end.is_none_or(|end| end > *start)).collect()
}

/// What these results make of a monitor that knew nothing: each taken in once, in order.
pub(crate) fn model(results: &[CheckResult], policy: Policy) -> (MonitorVerdict, Spans) {
    let mut verdict = MonitorVerdict::default();
    let mut spans = Spans::new();
    for result in results {
        let step = verdict::advance(&verdict, result.status, result.checked_at, policy);
        verdict = step.verdict;
        for edit in step.edits {
            apply(&mut spans, edit);
        }
    }
    spans.retain(|(_, start, end)| end.is_none_or(|end| end > *start));
    (verdict, spans)
}

fn apply(spans: &mut Spans, edit: Edit) {
    match edit {
        Edit::Close { at } => {
            for (_, start, end) in spans.iter_mut().filter(|(_, _, end)| end.is_none()) {
                *end = Some(at.max(*start));
            }
        }
        Edit::Rewind { at } => {
            spans.retain(|(_, start, _)| *start < at);
            for (_, _, end) in spans.iter_mut().filter(|(_, _, end)| end.is_none_or(|end| end > at)) {
                *end = Some(at);
            }
        }
        Edit::Open { state, at } => {
            spans.retain(|(_, start, _)| *start != at);
            spans.push((state, at, None));
        }
    }
}

/// Looks every 50 ms until `done` says so; panics after `limit`.
pub(crate) async fn within(limit: Duration, what: &str, mut done: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
