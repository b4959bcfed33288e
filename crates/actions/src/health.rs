//! Whether the loops beside the requests still turn, whether the world outside can be reached, and whether the process is
//! about to stop (X94, F-13). Set by the loops themselves, read by `/readyz`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use domain::time::Timestamp;

/// A loop turns at least every few seconds, so this long is a loop that ended or hangs.
const LATE_MS: i64 = 60_000;
/// No loop turned in the year 1970.
const NEVER: i64 = 0;

/// A loop without which the program answers but does not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    Scheduler,
    Notifier,
}

/// Shared by all parts of the process; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_draining: AtomicBool,
    is_offline: AtomicBool,
    /// Unix milliseconds of the last turn.
    scheduler: AtomicI64,
    notifier: AtomicI64,
}

impl Health {
    /// The loop is at the start of a turn. Also called once before it is started, so that one that never comes to its
    /// first turn is noticed, too.
    pub fn turned(&self, which: Loop, now: Timestamp) {
        self.of(which).store(now.ms(), Ordering::Relaxed);
    }

    /// `false`: the last turn is too long ago. A loop that this process does not run is fine.
    pub fn is_turning(&self, which: Loop, now: Timestamp) -> bool {
        let last = self.of(which).load(Ordering::Relaxed);
        last == NEVER || now.since(Timestamp::from_ms(last)) <= LATE_MS
    }

    /// From now on the process finishes what it has and takes nothing new (F-03).
    pub fn drain(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Relaxed)
    }

    /// Whether nothing outside can be reached (F-13). The process still serves what it knows.
    pub fn set_offline(&self, is_offline: bool) {
        self.0.is_offline.store(is_offline, Ordering::Relaxed);
    }

    pub fn is_offline(&self) -> bool {
        self.0.is_offline.load(Ordering::Relaxed)
    }

    fn of(&self, which: Loop) -> &AtomicI64 {
        match which {
            Loop::Scheduler => &self.0.scheduler,
            Loop::Notifier => &self.0.notifier,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offline_is_told_to_all_that_share_it() {
        let health = Health::default();
        assert!(!health.is_offline());
        health.clone().set_offline(true);
        assert!(health.is_offline() && !health.is_draining());
    }

    #[test]
    fn a_loop_is_late_after_a_minute_without_a_turn() {
        let (health, start) = (Health::default(), Timestamp::from_ms(1_700_000_000_000));
        assert!(health.is_turning(Loop::Scheduler, start), "not run here");
        health.turned(Loop::Scheduler, start);
        assert!(health.is_turning(Loop::Scheduler, start.plus_s(60)));
        assert!(!health.is_turning(Loop::Scheduler, start.plus_ms(60_001)));
        assert!(health.is_turning(Loop::Notifier, start.plus_ms(60_001)), "another loop");
        health.clone().turned(Loop::Scheduler, start.plus_s(61));
        assert!(health.is_turning(Loop::Scheduler, start.plus_s(62)));
    }
}
