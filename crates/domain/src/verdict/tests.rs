//! Table and property tests of the verdict.

use super::*;
use MonitorState::{Degraded, Down, NoData, Up};
use proptest::prelude::*;

const POLICY: Policy = Policy {
    failures_to_open: 2,
    successes_to_close: 2,
    min_outage_ms: 0,
    interval_ms: 30_000,
    timeout_ms: 10_000,
};

/// The table as the store keeps it: state, start, end.
#[derive(Default)]
struct Table(Vec<(MonitorState, i64, Option<i64>)>);

impl Table {
    fn apply(&mut self, edits: &[Edit]) {
        for edit in edits {
            match *edit {
                Edit::Close { at } => {
                    let open = self.0.last_mut().filter(|row| row.2.is_none()).expect("an open interval");
                    assert!(open.1 <= at.ms(), "an interval ends before it starts");
                    open.2 = Some(at.ms());
                }
                Edit::Rewind { at } => {
                    self.0.retain(|row| row.1 < at.ms());
                    if let Some(last) = self.0.last_mut() {
                        last.2 = Some(last.2.map_or(at.ms(), |end| end.min(at.ms())));
                    }
                }
                Edit::Open { state, at } => {
                    let end = self.0.last().map_or(Some(i64::MIN), |row| row.2).expect("only one is open");
                    assert!(end <= at.ms() && state != NoData);
                    self.0.push((state, at.ms(), None));
                }
            }
        }
    }

    fn state_at(&self, ms: i64) -> MonitorState {
        let covering = self.0.iter().find(|row| row.1 <= ms && row.2.is_none_or(|end| ms < end));
        covering.map_or(NoData, |row| row.0)
    }
}

/// One letter per check, one check per interval: `u`p, `s`low, `d`own, `?` no data, `_` none at all.
fn run(policy: Policy, letters: &str) -> (MonitorVerdict, Vec<Flip>, Table) {
    let (mut verdict, mut flips, mut table) = (MonitorVerdict::default(), Vec::new(), Table::default());
    for (index, letter) in (0_i64..).zip(letters.chars()) {
        let status = match letter {
            'u' => CheckStatus::Up,
            's' => CheckStatus::Degraded,
            'd' => CheckStatus::Down,
            '?' => CheckStatus::NoData,
            _ => continue,
        };
        let step = advance(&verdict, status, Timestamp::from_ms(index * policy.interval_ms), policy);
        verdict = step.verdict;
        flips.extend(step.flip);
        table.apply(&step.edits);
    }
    (verdict, flips, table)
}

fn flips(letters: &str) -> Vec<(MonitorState, i64)> {
    run(POLICY, letters).1.iter().map(|flip| (flip.to, flip.at.ms() / POLICY.interval_ms)).collect()
}

#[test]
fn flips_come_after_enough_results_and_are_dated_at_the_first() {
    // peers.md D1, D2, D3: checks -> flips (state, number of the check it is dated at).
    for (letters, expected) in [
        ("", vec![]),
        ("u", vec![(Up, 0)]),
        ("s", vec![(Degraded, 0)]),
        ("d", vec![]),
        ("dd", vec![(Down, 0)]),
        ("du", vec![(Up, 1)]),
        ("ud", vec![(Up, 0)]),
        ("udu", vec![(Up, 0)]),
        ("udud", vec![(Up, 0)]),
        ("udd", vec![(Up, 0), (Down, 1)]),
        ("udddd", vec![(Up, 0), (Down, 1)]),
        ("uddu", vec![(Up, 0), (Down, 1)]),
        ("uddudu", vec![(Up, 0), (Down, 1)]),
        ("udduu", vec![(Up, 0), (Down, 1), (Up, 3)]),
        ("us", vec![(Up, 0)]),
        ("uss", vec![(Up, 0), (Degraded, 1)]),
        ("ussu", vec![(Up, 0), (Degraded, 1)]),
        ("ussuu", vec![(Up, 0), (Degraded, 1), (Up, 3)]),
        ("ussdd", vec![(Up, 0), (Degraded, 1), (Down, 3)]),
        ("uddss", vec![(Up, 0), (Down, 1), (Degraded, 3)]),
        ("uddsu", vec![(Up, 0), (Down, 1), (Up, 3)]),
        ("uddus", vec![(Up, 0), (Down, 1), (Degraded, 3)]),
    ] {
        assert_eq!(flips(letters), expected, "{letters}");
    }
}

#[test]
fn checks_without_data_neither_break_nor_extend_a_run() {
    assert_eq!(flips("?"), []);
    assert_eq!(flips("u?d?d"), [(Up, 0), (Down, 2)]);
    assert_eq!(flips("ud?"), [(Up, 0)]);
}

#[test]
fn thresholds_of_one_or_less_flip_at_once() {
    for threshold in [1, 0, -3] {
        let policy = Policy { failures_to_open: threshold, successes_to_close: threshold, ..POLICY };
        let states: Vec<_> = run(policy, "dud").1.iter().map(|flip| flip.to).collect();
        assert_eq!(states, [Down, Up, Down]);
    }
}

#[test]
fn an_outage_is_confirmed_when_its_failures_lasted_long_enough_and_dated_at_the_first() {
    // peers.md D10, D3
    let flips = |min_outage_ms, letters: &str| {
        let policy = Policy { min_outage_ms, ..POLICY };
        let flips = run(policy, letters).1;
        flips.iter().map(|flip| (flip.to, flip.at.ms() / POLICY.interval_ms)).collect::<Vec<_>>()
    };
    assert_eq!(flips(30_000, "udd"), [(Up, 0), (Down, 1)], "two failures lie 30 s apart");
    assert_eq!(flips(30_001, "udd"), [(Up, 0)]);
    assert_eq!(flips(90_000, "uddd"), [(Up, 0)]);
    assert_eq!(flips(90_000, "udddd"), [(Up, 0), (Down, 1)], "back-dated to the first of four");
    assert_eq!(flips(90_000, "udddudddd"), [(Up, 0), (Down, 5)], "a success begins it anew");
    assert_eq!(flips(60_000, "dd"), []);
    assert_eq!(flips(60_000, "ddd"), [(Down, 0)], "also the first word on a monitor");
    assert_eq!(flips(60_000, "d?d?d"), [(Down, 0)], "checks that could not tell do not end the run");
    assert_eq!(flips(90_000, "udddduu"), [(Up, 0), (Down, 1), (Up, 5)], "the way up takes no longer");
    assert_eq!(flips(90_000, "uss"), [(Up, 0), (Degraded, 1)], "and slow is no outage");
    let at_once = Policy { failures_to_open: 1, min_outage_ms: 60_000, ..POLICY };
    assert_eq!(run(at_once, "uddd").1.last().map(|flip| flip.to), Some(Down));
    assert_eq!(run(at_once, "udd").1.len(), 1, "also where one failure would do");
}

#[test]
fn an_hour_without_a_flip_ends_the_flapping() {
    // peers.md D4
    let (mut verdict, _, _) = run(POLICY, "uddu");
    verdict.flapping_since = Some(Timestamp::from_ms(30_000));
    let still = |at| {
        let quiet = Policy { interval_ms: 3_600_000, ..POLICY };
        advance(&verdict, CheckStatus::Down, Timestamp::from_ms(at), quiet).verdict.flapping_since
    };
    // Down since 30 s.
    assert_eq!(still(30_000 + 3_600_000), verdict.flapping_since);
    assert_eq!(still(30_001 + 3_600_000), None);
    let paused = stop_watching(&verdict, Timestamp::from_ms(120_000), POLICY);
    assert_eq!(paused.verdict.flapping_since, None, "nobody watches it");
}

#[test]
fn late_and_repeated_results_are_ignored() {
    let (verdict, _, _) = run(POLICY, "ud");
    for at in [0, 15_000, 30_000] {
        let step = advance(&verdict, CheckStatus::Down, Timestamp::from_ms(at), POLICY);
        assert_eq!(step, Step { verdict: verdict.clone(), flip: None, edits: vec![] });
    }
}

#[test]
fn unwatched_time_has_no_interval_and_the_state_is_kept() {
    // F-14. The gap is 130 s: five intervals without a result are one, four are none.
    let (verdict, flips, table) = run(POLICY, "udd_____d");
    assert_eq!((verdict.state, flips.len(), verdict.run_length), (Down, 2, 1));
    assert_eq!(table.0, [(Up, 0, Some(30_000)), (Down, 30_000, Some(90_000)), (Down, 240_000, None),]);
    assert_eq!(run(POLICY, "udd___d").2.0.len(), 2);
    // F-13: checks that could not tell leave the same hole.
    assert_eq!(run(POLICY, "udd?????d").2.0, table.0);
}

#[test]
fn a_clock_that_was_ahead_or_is_set_back_blinds_nobody() {
    // F-07: one result dated a year ahead, then the right time again, and a server that fails now.
    const YEAR_MS: i64 = 31_536_000_000;
    let (mut verdict, _, mut table) = run(POLICY, "uuu");
    let mut flips = Vec::new();
    let results = [
        (CheckStatus::Up, 90_000 + YEAR_MS),
        (CheckStatus::Down, 120_000),
        (CheckStatus::Down, 150_000),
        (CheckStatus::Down, 180_000),
    ];
    for (status, at) in results {
        let step = advance(&verdict, status, Timestamp::from_ms(at), POLICY);
        table.apply(&step.edits);
        flips.extend(step.flip.map(|flip| (flip.to, flip.at.ms())));
        verdict = step.verdict;
    }
    assert_eq!(flips, [(Down, 120_000)]);
    assert_eq!(table.0, [(Up, 0, Some(90_000)), (Up, 120_000, Some(120_000)), (Down, 120_000, None)]);
    assert_eq!(verdict.last_checked_at, Some(Timestamp::from_ms(180_000)));

    // Set back by a day: that day is lived once more, and what was known of it is replaced.
    let step = advance(&verdict, CheckStatus::Up, Timestamp::from_ms(180_000 - 86_400_000), POLICY);
    table.apply(&step.edits);
    assert_eq!(
        table.0,
        [(Down, 180_000 - 86_400_000, None)],
        "the state is kept until the run is long enough"
    );
    assert_eq!(step.verdict.state_since, Some(Timestamp::from_ms(180_000 - 86_400_000)));
    // A correction of a few seconds is none of that: results wait until they are newer.
    let step = advance(&verdict, CheckStatus::Up, Timestamp::from_ms(170_000), POLICY);
    assert_eq!((step.verdict, step.edits), (verdict, vec![]));
}

#[test]
fn the_state_is_unknown_when_results_are_overdue() {
    let (verdict, _, _) = run(POLICY, "uu");
    let state = |now| verdict.state_at(POLICY, Timestamp::from_ms(now));
    assert_eq!((state(30_000 + 130_000), state(30_000 + 130_001)), (Up, NoData));
    assert_eq!(MonitorVerdict::default().state_at(POLICY, Timestamp::from_ms(0)), NoData);
}

#[test]
fn a_shorter_interval_leaves_the_time_before_it_watched() {
    assert_eq!(watched_interval_ms(30, 3600), 3_600_000);
    assert_eq!(watched_interval_ms(3600, 30), 3_600_000);
}

#[test]
fn a_gap_breaks_a_run() {
    assert_eq!(flips("ud_____d"), [(Up, 0)]);
    assert_eq!(flips("ud_____dd"), [(Up, 0), (Down, 7)]);
    assert_eq!(flips("udd_____u"), [(Up, 0), (Down, 1)]);
}

#[test]
fn an_overdue_monitor_is_known_only_until_its_next_check_was_due() {
    let (verdict, _, _) = run(POLICY, "uu");
    let known = |now| verdict.known_until(POLICY, Timestamp::from_ms(now)).ms();
    assert_eq!(known(30_000 + 130_000), 160_000);
    assert_eq!(known(30_000 + 130_001), 60_000);
    assert_eq!(MonitorVerdict::default().known_until(POLICY, Timestamp::from_ms(7)).ms(), 7);
}

#[test]
fn a_paused_monitor_starts_from_nothing() {
    let (verdict, _, mut table) = run(POLICY, "udd");
    let at = Timestamp::from_ms(75_000);
    let step = stop_watching(&verdict, at, POLICY);
    table.apply(&step.edits);
    assert_eq!(step.flip, Some(Flip { from: Down, to: NoData, at }));
    assert_eq!((table.state_at(74_999), table.state_at(75_000)), (Down, NoData));

    let late = advance(&step.verdict, CheckStatus::Up, Timestamp::from_ms(70_000), POLICY);
    assert_eq!((late.flip, late.edits.len()), (None, 0));
    let resumed = advance(&step.verdict, CheckStatus::Up, Timestamp::from_ms(900_000), POLICY);
    table.apply(&resumed.edits);
    assert_eq!((resumed.verdict.state, table.state_at(800_000), table.state_at(900_000)), (Up, NoData, Up));

    let again = stop_watching(&MonitorVerdict::default(), at, POLICY);
    assert_eq!(again, Step { verdict: MonitorVerdict::default(), flip: None, edits: vec![] });
}

fn state_of(status: CheckStatus) -> MonitorState {
    match status {
        CheckStatus::Up => Up,
        CheckStatus::Degraded => Degraded,
        CheckStatus::Down => Down,
        CheckStatus::NoData => NoData,
    }
}

/// The rule told backwards: at every result, count how far back the results agree.
fn oracle(seen: &[(CheckStatus, i64)], policy: Policy) -> Vec<(MonitorState, i64)> {
    let (mut state, mut flips) = (NoData, Vec::new());
    for (index, (status, _)) in seen.iter().enumerate() {
        let agrees = |other: CheckStatus| match state {
            Down => (other == CheckStatus::Down) == (*status == CheckStatus::Down),
            _ => other == *status,
        };
        let mut first = index;
        while first > 0 && seen[first].1 - seen[first - 1].1 <= policy.gap_ms() && agrees(seen[first - 1].0) {
            first -= 1;
        }
        let better = state == Down || (state == Degraded && *status == CheckStatus::Up);
        let needed = if state == NoData && *status != CheckStatus::Down {
            1
        } else if better {
            policy.successes_to_close
        } else {
            policy.failures_to_open
        };
        let length = i32::try_from(index - first + 1).unwrap();
        let is_too_short =
            *status == CheckStatus::Down && seen[index].1 - seen[first].1 < policy.min_outage_ms;
        if state_of(*status) != state && length >= needed && !is_too_short {
            state = state_of(*status);
            flips.push((state, seen[first].1));
        }
    }
    flips
}

fn history() -> impl Strategy<Value = Vec<(CheckStatus, i64)>> {
    let status = prop_oneof![
        4 => Just(CheckStatus::Up),
        2 => Just(CheckStatus::Degraded),
        4 => Just(CheckStatus::Down),
        1 => Just(CheckStatus::NoData),
    ];
    // Mostly on time, sometimes late enough for a gap, sometimes out of order.
    let step =
        prop_oneof![12 => Just(30_i64), 2 => Just(120), 1 => Just(130), 2 => Just(140), 1 => Just(-30)];
    proptest::collection::vec((status, step), 0..60).prop_map(|steps| {
        let (mut at, mut latest) = (0, 0);
        steps
            .into_iter()
            .map(|(status, step)| {
                // Further back than a gap means that the clock was set back, which has a test of its own.
                at = (at + step * 1000).max(latest - 60_000).max(0);
                latest = latest.max(at);
                (status, at)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_history_agrees_with_the_rule_told_backwards(
        history in history(),
        failures_to_open in 1..4,
        successes_to_close in 1..4,
        min_outage_s in prop_oneof![Just(0_i64), 0..400_i64],
    ) {
        let min_outage_ms = min_outage_s * 1000;
        let policy = Policy { failures_to_open, successes_to_close, min_outage_ms, ..POLICY };
        let (mut verdict, mut flips, mut table) = (MonitorVerdict::default(), vec![], Table::default());
        let mut seen: Vec<(CheckStatus, i64)> = Vec::new();
        for (status, at) in history {
            if status != CheckStatus::NoData && seen.last().is_none_or(|last| at > last.1) {
                seen.push((status, at));
            }
            let step = advance(&verdict, status, Timestamp::from_ms(at), policy);
            verdict = step.verdict;
            table.apply(&step.edits);
            if let Some(flip) = step.flip {
                prop_assert_eq!((flip.to, Some(flip.at)), (verdict.state, verdict.state_since));
                flips.push((flip.to, flip.at.ms()));
            }
        }
        prop_assert_eq!(&flips, &oracle(&seen, policy));

        let end = seen.last().map_or(0, |last| last.1);
        for ms in (0..=end).step_by(15_000) {
            let unwatched = seen.windows(2).any(|pair| {
                let (before, after) = (pair[0].1, pair[1].1);
                after - before > policy.gap_ms() && before + policy.interval_ms <= ms && ms < after
            });
            let flipped = flips.iter().rev().find(|flip| flip.1 <= ms).map_or(NoData, |flip| flip.0);
            prop_assert_eq!(table.state_at(ms), if unwatched { NoData } else { flipped }, "at {}", ms);
        }
    }
}
