//! Flapping: a state that changes again and again is told as such (`peers.md` D4). Pure; the store keeps since when.

use crate::monitor::MonitorState;
use crate::time::{DAY_MS, Timestamp};

/// So many changes of the state within [`WITHIN_MS`] are flapping.
pub const CHANGES: usize = 6;
pub const WITHIN_MS: i64 = DAY_MS;
/// So long without a change ends it.
pub const QUIET_MS: i64 = 3_600_000;
/// Newest spans that [`after_flip`] needs to see: unwatched time cuts one state into several of them.
pub const SPANS: i64 = 64;

/// Since when the monitor flaps, after a change that was confirmed `at`. `newest_first`: its states and their starts,
/// the newest [`SPANS`] at most.
pub fn after_flip(
    before: Option<Timestamp>,
    newest_first: &[(MonitorState, Timestamp)],
    at: Timestamp,
) -> Option<Timestamp> {
    let is_change = |pair: &[(MonitorState, Timestamp)]| {
        let [newer, older] = pair else { return false };
        newer.0 != older.0 && at.since(newer.1) < WITHIN_MS
    };
    let changes = newest_first.windows(2).filter(|pair| is_change(pair)).count();
    before.or_else(|| (changes >= CHANGES).then_some(at))
}

/// The same after a time without a change; `changed_at` is when the last one was.
pub fn after_quiet(
    before: Option<Timestamp>,
    changed_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    before.filter(|_| changed_at.is_some_and(|changed_at| now.since(changed_at) <= QUIET_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use MonitorState::{Degraded, Down, Up};

    const HOUR_MS: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_ms(100 * DAY_MS + hours * HOUR_MS)
    }

    /// States one after the other, `step` hours apart, the newest one at 0.
    fn spans(states: &[MonitorState], step: i64) -> Vec<(MonitorState, Timestamp)> {
        states.iter().rev().zip(0..).map(|(state, place)| (*state, at(-place * step))).collect()
    }

    #[test]
    fn six_changes_within_a_day_are_flapping() {
        let seven = [Up, Down, Up, Down, Up, Down, Up];
        let table: &[(&[MonitorState], i64, bool)] = &[
            (&[], 1, false),
            (&[Up], 1, false),
            (&seven[1..], 1, false),
            (&seven, 1, true),
            (&[Up, Degraded, Down, Up, Degraded, Up, Down], 1, true),
            // The oldest change is 20 hours old, then a day.
            (&seven, 4, true),
            (&seven, 5, false),
            // Unwatched time between two spans of one state is no change.
            (&[Up, Up, Up, Up, Up, Up, Up, Up], 1, false),
            (&[Up, Up, Down, Down, Up, Down, Up, Up, Down, Up], 1, true),
            (&[Up, Up, Down, Down, Up, Down, Up, Up, Down], 1, false),
        ];
        for (states, step, expected) in table {
            let since = after_flip(None, &spans(states, *step), at(0));
            assert_eq!(since, expected.then_some(at(0)), "{states:?} {step}");
        }
    }

    #[test]
    fn the_beginning_stays_until_an_hour_was_quiet() {
        let since = Some(at(-9));
        assert_eq!(after_flip(since, &[], at(0)), since, "however few changes are left of the day");
        assert_eq!(after_quiet(since, Some(at(-1)), at(0)), since);
        assert_eq!(after_quiet(since, Some(at(-1).plus_ms(-1)), at(0)), None);
        assert_eq!(after_quiet(None, Some(at(0)), at(0)), None);
        assert_eq!(after_quiet(since, None, at(0)), None);
    }
}
