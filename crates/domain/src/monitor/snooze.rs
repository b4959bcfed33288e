//! Snoozing: for a while a monitor calls nobody. It is checked and shown as ever, and its uptime counts as ever.

use crate::time::{DAY_MS, Timestamp};

/// So far ahead a snooze may reach.
pub const LONGEST_SNOOZE_MS: i64 = 7 * DAY_MS;

/// Whether a monitor is snoozed at `now`: then no incident is opened or suggested because of it and no operator is
/// alerted. `until` is where it ends by itself; `None`: it is not snoozed.
pub fn is_snoozed(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_some_and(|until| now < until)
}

/// Whether a snooze that begins at `now` may end there: after it began, and within [`LONGEST_SNOOZE_MS`].
pub fn may_snooze_until(until: Timestamp, now: Timestamp) -> bool {
    (1..=LONGEST_SNOOZE_MS).contains(&until.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snooze_ends_by_itself_at_its_end() {
        let now = Timestamp::from_ms(1_700_000_000_000);
        assert!(!is_snoozed(None, now));
        assert!(is_snoozed(Some(now.plus_ms(1)), now));
        assert!(!is_snoozed(Some(now), now), "the end is not part of it");
        assert!(!is_snoozed(Some(now.plus_ms(-1)), now));
    }

    #[test]
    fn a_snooze_is_at_most_seven_days_long() {
        let now = Timestamp::from_ms(1_700_000_000_000);
        for (ms, is_allowed) in
            [(-1, false), (0, false), (1, true), (LONGEST_SNOOZE_MS, true), (LONGEST_SNOOZE_MS + 1, false)]
        {
            assert_eq!(may_snooze_until(now.plus_ms(ms), now), is_allowed, "{ms}");
        }
    }
}
