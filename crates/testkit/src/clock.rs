//! A clock that stands still until it is told to move, and ids and secrets that are the same in every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use actions::ids::uuid_v7;
use actions::{Clock, Ids};
use domain::time::Timestamp;
use uuid::Uuid;

/// Where every test clock starts: 2026-11-23T10:00:00Z.
pub const START: Timestamp = Timestamp::from_ms(1_795_428_000_000);

/// A frozen clock. Clones share the hands.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.ms())))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }

    /// Moves the hands; a negative number moves them back.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn advance_s(&self, seconds: i64) {
        self.advance_ms(seconds * 1000);
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.ms(), Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::starting_at(START)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        TestClock::now(self)
    }
}

/// A clock that runs, for tests of the loops; it starts at [`START`]. Clones show the same time.
#[derive(Debug, Clone)]
pub struct RunningClock(std::time::Instant);

impl Default for RunningClock {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        START.plus_ms(i64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// Ids and secrets in a fixed order. Clones continue the same series; two with different seeds never meet.
#[derive(Debug, Clone, Default)]
pub struct TestIds {
    seed: u16,
    made: Arc<AtomicU64>,
}

impl TestIds {
    /// Only the lowest 12 bits of `seed` count.
    pub fn new(seed: u16) -> Self {
        Self { seed: seed & 0x0fff, made: Arc::default() }
    }
}

impl Ids for TestIds {
    /// Sorts after all earlier ones of the same instant.
    fn uuid(&self, now: Timestamp) -> Uuid {
        let count = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        let mut rest = [0; 10];
        rest[..2].copy_from_slice(&self.seed.to_be_bytes());
        rest[3..].copy_from_slice(&count.to_be_bytes()[1..]);
        uuid_v7(now, rest)
    }

    /// Looks random and is not.
    fn secret(&self) -> [u8; 32] {
        let count = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        let mut state = (u64::from(self.seed) << 48) ^ count;
        let mut secret = [0; 32];
        for part in secret.chunks_exact_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            part.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
        }
        secret
    }
}

/// The time of this machine, for tests of processes that have it too.
pub fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap())
}

/// What whoever runs the tests asks for in the environment; `None`: nothing.
pub fn asked_for(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_only_when_told() {
        let clock = TestClock::default();
        assert_eq!(clock.now().to_string(), "2026-11-23T10:00:00.000Z");
        clock.clone().advance_s(90);
        assert_eq!(clock.now(), START.plus_s(90));
    }

    #[test]
    fn ids_are_version_7_ascending_and_the_same_in_every_run() {
        let (first, second) = (TestIds::default(), TestIds::default());
        let ids: Vec<_> = (0..1000).map(|_| first.uuid(START)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && *id == second.uuid(START)));
        assert_eq!(ids[0].to_string(), "01a207d9-2100-7000-8000-000000000001");
        assert!(first.uuid(START.plus_ms(1)) > ids[999]);
    }

    #[test]
    fn secrets_differ_from_each_other_and_between_seeds() {
        let (a, b) = (TestIds::default(), TestIds::new(1));
        let secrets = [a.secret(), a.secret(), b.secret(), b.secret()];
        for (place, secret) in secrets.iter().enumerate() {
            assert!(!secrets[place + 1..].contains(secret));
        }
        assert_eq!(TestIds::default().secret(), secrets[0]);
    }
}
