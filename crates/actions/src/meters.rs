//! What the engine counts about itself, for operators (`ux.md` 1.5): atomics that the loops add to and `/metrics` reads.
//! Nothing here names a tenant, a monitor or a target, and the set of labels is closed.

use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::check::CheckStatus;
use domain::monitor::MonitorKind;

/// Upper ends of the buckets of durations, in microseconds: 1 ms to a minute.
const DURATIONS_US: [u64; 14] = [
    1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000, 60_000_000,
];
/// Upper ends of the buckets of batches, in reports.
const SIZES: [u64; 14] = [1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 600, 800, 1_000];

/// How many measures fell into which bucket.
#[derive(Debug)]
pub struct Histogram {
    /// Inclusive; what is above the last one counts in `count` only.
    bounds: [u64; 14],
    buckets: [AtomicU64; 14],
    sum: AtomicU64,
    count: AtomicU64,
}

/// A [`Histogram`] as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Upper end, and how many measures were not above it.
    pub cumulative: Vec<(u64, u64)>,
    pub sum: u64,
    pub count: u64,
}

impl Histogram {
    fn new(bounds: [u64; 14]) -> Self {
        Self {
            bounds,
            buckets: array::from_fn(|_| AtomicU64::new(0)),
            sum: AtomicU64::new(0),
            count: AtomicU64::new(0),
        }
    }

    fn add(&self, measure: u64) {
        if let Some(bucket) = self.buckets.get(self.bounds.partition_point(|bound| *bound < measure)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(measure, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn add_duration(&self, took: Duration) {
        self.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn seen(&self) -> Seen {
        let mut below = 0;
        let cumulative = self
            .bounds
            .iter()
            .zip(&self.buckets)
            .map(|(bound, bucket)| {
                below += bucket.load(Ordering::Relaxed);
                (*bound, below)
            })
            .collect();
        // A measure that is added meanwhile may be in a bucket and not in the count yet.
        let count = self.count.load(Ordering::Relaxed).max(below);
        Seen { cumulative, sum: self.sum.load(Ordering::Relaxed), count }
    }
}

/// Why a slot was not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// The organization had as many checks in flight as one may have (F-19).
    OrganizationFull,
    /// No place became free at the target's host within the time-out, or the check ended on our side.
    NotRun,
    /// The secrets of the monitor do not open with this secret key.
    LockedSecrets,
    /// It lay further back than an interval: the program or the queue stood still (F-14).
    Missed,
}

impl Skip {
    pub const ALL: [Self; 4] = [Self::OrganizationFull, Self::NotRun, Self::LockedSecrets, Self::Missed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationFull => "organization_full",
            Self::NotRun => "not_run",
            Self::LockedSecrets => "locked_secrets",
            Self::Missed => "missed",
        }
    }
}

/// Statuses as the rows of [`Meters::checks`] count them.
pub const STATUSES: [(CheckStatus, &str); 4] = [
    (CheckStatus::Up, "up"),
    (CheckStatus::Degraded, "degraded"),
    (CheckStatus::Down, "down"),
    (CheckStatus::NoData, "no_data"),
];

/// Shared by all parts of the process; cheap to clone. Counts since the process began.
#[derive(Debug, Clone, Default)]
pub struct Meters(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lag: Histogram,
    check: Histogram,
    batch: Histogram,
    ingest: Histogram,
    write: Histogram,
    checks: [[AtomicU64; STATUSES.len()]; MonitorKind::ALL.len()],
    skipped: [AtomicU64; Skip::ALL.len()],
    second_tries: AtomicU64,
    started: AtomicU64,
    ended: AtomicU64,
    waiting: AtomicU64,
    too_late: AtomicU64,
    flips: AtomicU64,
    lost: AtomicU64,
}

impl Default for Inner {
    fn default() -> Self {
        let none = || AtomicU64::new(0);
        Self {
            lag: Histogram::new(DURATIONS_US),
            check: Histogram::new(DURATIONS_US),
            batch: Histogram::new(SIZES),
            ingest: Histogram::new(DURATIONS_US),
            write: Histogram::new(DURATIONS_US),
            checks: array::from_fn(|_| array::from_fn(|_| none())),
            skipped: array::from_fn(|_| none()),
            second_tries: none(),
            started: none(),
            ended: none(),
            waiting: none(),
            too_late: none(),
            flips: none(),
            lost: none(),
        }
    }
}

/// A check in flight; it has ended when this is dropped.
#[derive(Debug)]
pub struct InFlight(Meters);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Meters {
    /// A check starts so many milliseconds after its slot; before it counts as on time.
    pub fn check_started(&self, behind_ms: i64) -> InFlight {
        let behind_ms = u64::try_from(behind_ms).unwrap_or(0);
        self.0.lag.add_duration(Duration::from_millis(behind_ms));
        self.0.started.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    /// A check ended, second try included.
    pub fn check_ended(&self, kind: MonitorKind, status: CheckStatus, took: Duration) {
        self.0.check.add_duration(took);
        let status = STATUSES.iter().position(|(known, _)| *known == status);
        let row = self.0.checks.get(kind as usize);
        if let Some(count) = row.zip(status).and_then(|(row, status)| row.get(status)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn second_try(&self) {
        self.0.second_tries.fetch_add(1, Ordering::Relaxed);
    }

    pub fn skipped(&self, why: Skip, slots: usize) {
        if let Some(count) = self.0.skipped.get(why as usize) {
            count.fetch_add(to_u64(slots), Ordering::Relaxed);
        }
    }

    /// Reports that wait for the database now.
    pub fn reports_waiting(&self, reports: usize) {
        self.0.waiting.store(to_u64(reports), Ordering::Relaxed);
    }

    /// A batch is dealt with, `took` long with every wait for the database.
    pub fn batch_ingested(&self, reports: usize, took: Duration) {
        self.0.batch.add(to_u64(reports));
        self.0.ingest.add_duration(took);
    }

    /// Results were committed; `took`: of the transaction.
    pub fn results_written(&self, flips: usize, too_late: usize, took: Duration) {
        self.0.write.add_duration(took);
        self.0.flips.fetch_add(to_u64(flips), Ordering::Relaxed);
        self.0.too_late.fetch_add(to_u64(too_late), Ordering::Relaxed);
    }

    /// Reports that could not be stored; their checks are run again.
    pub fn reports_lost(&self, reports: usize) {
        self.0.lost.fetch_add(to_u64(reports), Ordering::Relaxed);
    }

    /// From a slot to the start of its check, in microseconds.
    pub fn lag(&self) -> Seen {
        self.0.lag.seen()
    }

    /// From the start of a check to its end, second try included, in microseconds.
    pub fn check_durations(&self) -> Seen {
        self.0.check.seen()
    }

    /// Reports of each batch.
    pub fn batches(&self) -> Seen {
        self.0.batch.seen()
    }

    /// From a whole batch to its end, in microseconds.
    pub fn ingest_durations(&self) -> Seen {
        self.0.ingest.seen()
    }

    /// Of the transactions that store results, in microseconds.
    pub fn write_durations(&self) -> Seen {
        self.0.write.seen()
    }

    /// Checks that ended, by kind and status.
    pub fn checks(&self) -> impl Iterator<Item = (MonitorKind, &'static str, u64)> {
        MonitorKind::ALL.iter().zip(&self.0.checks).flat_map(|(kind, row)| {
            STATUSES
                .iter()
                .zip(row)
                .map(|((_, status), count)| (*kind, *status, count.load(Ordering::Relaxed)))
        })
    }

    pub fn skips(&self) -> impl Iterator<Item = (Skip, u64)> {
        Skip::ALL.iter().zip(&self.0.skipped).map(|(why, count)| (*why, count.load(Ordering::Relaxed)))
    }

    /// Checks that have started and not ended.
    pub fn in_flight(&self) -> u64 {
        // In this order, so that the difference is never below nought.
        let ended = self.0.ended.load(Ordering::Relaxed);
        self.0.started.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// Single numbers: second tries, reports that wait now, that came too late, that were lost, flips.
    pub fn numbers(&self) -> Numbers {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Numbers {
            second_tries: of(&self.0.second_tries),
            reports_waiting: of(&self.0.waiting),
            reports_too_late: of(&self.0.too_late),
            reports_lost: of(&self.0.lost),
            flips: of(&self.0.flips),
        }
    }
}

/// See [`Meters::numbers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    pub second_tries: u64,
    /// Now; all others are since the start.
    pub reports_waiting: u64,
    pub reports_too_late: u64,
    pub reports_lost: u64,
    pub flips: u64,
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_counts_in_every_bucket_that_it_is_not_above() {
        let histogram = Histogram::new(SIZES);
        for measure in [0, 1, 2, 3, 1_000, 1_001] {
            histogram.add(measure);
        }
        let seen = histogram.seen();
        assert_eq!(seen.cumulative[..3], [(1, 2), (2, 3), (5, 4)]);
        assert_eq!(seen.cumulative.last(), Some(&(1_000, 5)));
        assert_eq!((seen.count, seen.sum), (6, 2_007));
    }

    #[test]
    fn checks_are_counted_by_kind_and_status_and_while_they_run() {
        let meters = Meters::default();
        let flight = meters.check_started(-5);
        assert_eq!((meters.in_flight(), meters.lag().cumulative[0].1), (1, 1), "early is on time");
        meters.check_ended(MonitorKind::Manual, CheckStatus::NoData, Duration::from_millis(3));
        drop(flight);
        let counted: Vec<_> = meters.checks().filter(|(_, _, count)| *count > 0).collect();
        assert_eq!(counted, [(MonitorKind::Manual, "no_data", 1)]);
        assert_eq!((meters.in_flight(), meters.checks().count()), (0, 40));
        meters.skipped(Skip::Missed, 7);
        assert_eq!(meters.skips().last(), Some((Skip::Missed, 7)));
    }
}
