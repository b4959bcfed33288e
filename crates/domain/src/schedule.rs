//! Schedule: when a monitor is checked next (X42, F-14). Every monitor keeps a phase of its own inside its interval,
//! so a fleet spreads itself over the interval and falls back into that spread after any stop.

use crate::id::MonitorId;
use crate::time::Timestamp;

/// The slots of one monitor: every `interval` one, all at the same phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    interval_ms: i64,
    phase_ms: i64,
}

impl Rhythm {
    /// `interval_seconds` is the clamped one (X43); below 1 counts as 1.
    pub fn of(monitor: MonitorId, interval_seconds: i32) -> Self {
        let interval_ms = i64::from(interval_seconds.max(1)) * 1000;
        Self { interval_ms, phase_ms: phase(monitor, interval_ms) }
    }

    /// The first slot after `now`. Slots that have passed are skipped, never made up for.
    pub const fn next_slot(self, now: Timestamp) -> Timestamp {
        let since_last_ms = now.since(Timestamp::from_ms(self.phase_ms)).rem_euclid(self.interval_ms);
        now.plus_ms(self.interval_ms - since_last_ms)
    }

    /// Overdue by more than an interval: the program stood still. Such a check waits for its next slot, so that
    /// a fleet that comes back does not run all at once (F-14).
    pub const fn is_missed(self, slot_at: Timestamp, now: Timestamp) -> bool {
        now.since(slot_at) > self.interval_ms
    }
}

/// However long the interval, a check does not wait longer for its turn at a host.
const LONGEST_PATIENCE_MS: i64 = 10_000;

/// How long a check may wait for its turn at a host that many watch: a sixth of the interval, so that two tries still end
/// before the next slot, but as long as its time-out at least (T-19). Leases count on it.
pub fn patience_ms(interval_ms: i64, timeout_ms: i64) -> i64 {
    (interval_ms / 6).min(LONGEST_PATIENCE_MS).max(timeout_ms)
}

/// Between a first try that failed and the next slot this much stays free, beside the second try.
const SECOND_TRY_MARGIN_MS: i64 = 1000;
/// A second try sooner than that would meet what the first one met.
const SHORTEST_PAUSE_MS: i64 = 200;

/// How long to wait before a failed check is tried once more, so that the second try ends before the next slot; `None`:
/// there is no time for it. `elapsed_ms`: since the first try began. `wanted_ms` 0: never.
pub fn second_try_pause_ms(
    wanted_ms: i64,
    interval_ms: i64,
    elapsed_ms: i64,
    timeout_ms: i64,
) -> Option<i64> {
    let left_ms = interval_ms - elapsed_ms - timeout_ms - SECOND_TRY_MARGIN_MS;
    let pause_ms = wanted_ms.min(left_ms);
    (pause_ms >= SHORTEST_PAUSE_MS).then_some(pause_ms)
}

/// Where in its interval a monitor runs. Ids made at one instant differ only in their random part, so all bits of
/// the id are mixed.
fn phase(monitor: MonitorId, interval_ms: i64) -> i64 {
    let (high, low) = monitor.uuid().as_u64_pair();
    let mut mixed = (high ^ low.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ low;
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^= mixed >> 32;
    // Shifted by one, so that the number is positive.
    i64::try_from(mixed >> 1).unwrap_or(0) % interval_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn monitor(bits: u128) -> MonitorId {
        MonitorId::new(Uuid::from_u128(bits))
    }

    #[test]
    fn a_second_try_waits_as_long_as_asked_for_or_as_there_is_time() {
        // F-13: wanted, interval, elapsed, time-out
        let table = [
            (5_000, 60_000, 100, 10_000, Some(5_000)),
            (5_000, 60_000, 10_000, 10_000, Some(5_000)),
            (5_000, 30_000, 14_000, 10_000, Some(5_000)),
            (5_000, 30_000, 14_001, 10_000, Some(4_999)),
            (5_000, 30_000, 18_800, 10_000, Some(200)),
            (5_000, 30_000, 18_801, 10_000, None),
            (5_000, 1_000, 5, 1_000, None),
            (0, 60_000, 100, 10_000, None),
            (300, 60_000, 100, 10_000, Some(300)),
        ];
        for (wanted, interval, elapsed, timeout, expected) in table {
            let pause = second_try_pause_ms(wanted, interval, elapsed, timeout);
            assert_eq!(pause, expected, "{wanted} {interval} {elapsed} {timeout}");
        }
    }

    #[test]
    fn a_check_waits_for_a_sixth_of_its_interval_or_its_time_out() {
        for (interval, timeout, expected) in [
            (60_000, 5_000, 10_000),
            (3_600_000, 1_000, 10_000),
            (30_000, 1_000, 5_000),
            (30_000, 10_000, 10_000),
        ] {
            assert_eq!(patience_ms(interval, timeout), expected, "{interval} {timeout}");
        }
    }

    proptest! {
        #[test]
        fn the_next_slot_is_the_smallest_one_after_now(
            id: u128,
            interval in 1..=86_400_i32,
            now in -10_000_000_000_i64..10_000_000_000_000,
        ) {
            let (rhythm, now) = (Rhythm::of(monitor(id), interval), Timestamp::from_ms(now));
            let next = rhythm.next_slot(now);
            let ahead_ms = next.since(now);
            prop_assert!(ahead_ms > 0 && ahead_ms <= rhythm.interval_ms);
            prop_assert_eq!((next.ms() - rhythm.phase_ms).rem_euclid(rhythm.interval_ms), 0);
            prop_assert!(!rhythm.is_missed(next, now));
        }

        #[test]
        fn slots_follow_each_other_at_exactly_one_interval(id: u128, interval in 1..=86_400_i32, now in 0..i64::MAX / 4) {
            let rhythm = Rhythm::of(monitor(id), interval);
            let first = rhythm.next_slot(Timestamp::from_ms(now));
            prop_assert_eq!(rhythm.next_slot(first).since(first), rhythm.interval_ms);
            prop_assert_eq!(rhythm.next_slot(first.plus_ms(-1)), first);
        }

        #[test]
        fn an_overrun_skips_slots_and_stacks_none(
            id: u128,
            interval in 1..=3600_i32,
            late_ms in 0..100_000_000_i64,
        ) {
            // X42: however late a check ends, one slot follows, and it lies ahead.
            let rhythm = Rhythm::of(monitor(id), interval);
            let slot = rhythm.next_slot(Timestamp::from_ms(1_795_428_000_000));
            let ended = slot.plus_ms(late_ms);
            let next = rhythm.next_slot(ended);
            prop_assert!(next > ended && next.since(ended) <= rhythm.interval_ms);
            prop_assert_eq!(next.since(slot) % rhythm.interval_ms, 0);
            prop_assert_eq!(rhythm.is_missed(slot, ended), late_ms > rhythm.interval_ms);
        }
    }

    #[test]
    fn a_fleet_made_at_one_instant_spreads_over_the_interval() {
        // F-14: at most 1.2 times the steady rate. 10,000 UUIDv7 of one millisecond, 60 s, buckets of 6 s.
        let now = Timestamp::from_ms(1_795_428_000_000);
        let mut buckets = [0_u32; 10];
        for n in 0..10_000_u128 {
            let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834) >> 54;
            let id = (1_795_428_000_000_u128 << 80) | (7 << 76) | (2 << 62) | random;
            let ahead_ms = Rhythm::of(monitor(id), 60).next_slot(now).since(now);
            buckets[usize::try_from((ahead_ms - 1) / 6000).unwrap()] += 1;
        }
        assert!(buckets.iter().all(|count| (800..=1200).contains(count)), "{buckets:?}");
    }

    #[test]
    fn ids_that_count_upwards_spread_too() {
        let now = Timestamp::from_ms(1_795_428_000_000);
        let mut buckets = [0_u32; 10];
        for n in 0..10_000_u128 {
            let id = (1_795_428_000_000_u128 << 80) | (7 << 76) | (2 << 62) | n;
            let ahead_ms = Rhythm::of(monitor(id), 60).next_slot(now).since(now);
            buckets[usize::try_from((ahead_ms - 1) / 6000).unwrap()] += 1;
        }
        assert!(buckets.iter().all(|count| (800..=1200).contains(count)), "{buckets:?}");
    }
}
