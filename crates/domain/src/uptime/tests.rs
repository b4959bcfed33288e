//! Table and property tests of the uptime rules (D8).

use super::*;
use crate::time::{DAY_MS, HOUR_MS};
use ServiceStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance};
use proptest::prelude::*;

fn interval(start: i64, end: i64) -> Interval {
    Interval { start: Timestamp::from_ms(start), end: Timestamp::from_ms(end) }
}

const DAYS_90: i64 = 90 * DAY_MS;

#[test]
fn ten_minutes_down_in_ninety_days() {
    // D8. 600 s of 7 776 000 s = 0.007716 %.
    let (start, end) = (DAY_MS / 2, DAY_MS / 2 + 600_000);
    let monitors = [
        (interval(0, start), MonitorState::Up),
        (interval(start, end), MonitorState::Down),
        (interval(end, DAYS_90), MonitorState::Up),
    ];
    let timeline = Timeline { monitors: &monitors, ..Timeline::default() };
    let uptime = uptime(&timeline, interval(0, DAYS_90), &Zone::UTC, Rule::default());
    assert_eq!(uptime.uptime.map(format_percent).as_deref(), Some("99.992 %"));
    assert_eq!((uptime.down_minutes(), uptime.days.len()), (10, 90));
    assert_eq!((uptime.days[0].worst, uptime.days[0].down_minutes()), (Some(MajorOutage), 10));
    assert_eq!((uptime.days[1].worst, uptime.days[1].down_ms), (Some(Operational), 0));
}

#[test]
fn outages_are_weighted_and_percentages_rounded_down() {
    // D8: full outage 1, partial 0.3, degraded 0.
    for (status, percent, down_ms) in [
        (Operational, "100 %", 0),
        (DegradedPerformance, "100 %", 0),
        (PartialOutage, "99.699 %", 3),
        (MajorOutage, "98.998 %", 10),
    ] {
        // 10 of 999: 1.001001… % of the time.
        let monitors = [(interval(0, 999), MonitorState::Up)];
        let incidents = [(interval(100, 110), status)];
        let timeline = Timeline { monitors: &monitors, incidents: &incidents, maintenances: &[] };
        let uptime = uptime(&timeline, interval(0, 999), &Zone::UTC, Rule::default());
        assert_eq!(uptime.uptime.map(format_percent).as_deref(), Some(percent), "{status:?}");
        assert_eq!(uptime.down_ms, down_ms);
    }
}

#[test]
fn the_weights_of_the_page_decide() {
    let monitors = [(interval(0, 50), MonitorState::Up), (interval(50, 100), MonitorState::Degraded)];
    let timeline = Timeline { monitors: &monitors, ..Timeline::default() };
    let share = |rule| uptime(&timeline, interval(0, 100), &Zone::UTC, rule).uptime;
    let half = Rule { degraded_percent: 50, ..Rule::default() };
    assert_eq!(share(Rule::default()), Some(100_000));
    assert_eq!(share(half), Some(75_000));
    let too_much = Rule { degraded_percent: i32::MAX, ..half };
    assert_eq!(share(too_much), Some(50_000), "never below what a full outage would give");
    assert_eq!(share(Rule { degraded_percent: -5, ..half }), Some(100_000), "never above all");
}

#[test]
fn one_of_two_monitors_down_is_a_partial_outage() {
    let monitors = [
        (interval(0, 100), MonitorState::Up),
        (interval(0, 40), MonitorState::Up),
        (interval(40, 100), MonitorState::Down),
    ];
    let timeline = Timeline { monitors: &monitors, ..Timeline::default() };
    let uptime = uptime(&timeline, interval(0, 100), &Zone::UTC, Rule::default());
    assert_eq!(uptime.durations, Durations { operational_ms: 40, partial_ms: 60, ..Durations::default() });
    assert_eq!(uptime.uptime, Some(82_000));
}

#[test]
fn maintenance_and_missing_data_are_not_counted() {
    // D8: 20 ms maintenance over an outage, 30 ms without data, 10 of the remaining 50 ms down.
    let monitors = [(interval(0, 40), MonitorState::Up), (interval(40, 70), MonitorState::Down)];
    let maintenances = [interval(40, 55), interval(45, 60)];
    let timeline = Timeline { monitors: &monitors, incidents: &[], maintenances: &maintenances };
    let uptime = uptime(&timeline, interval(0, 100), &Zone::UTC, Rule::default());
    assert_eq!(uptime.durations.maintenance_ms, 20);
    assert_eq!(uptime.durations.no_data_ms, 30);
    assert_eq!(uptime.uptime, Some(80_000));
}

#[test]
fn a_page_may_count_maintenance_as_up_or_as_down() {
    // D8. 60 ms up, 20 ms maintenance over an outage that lasts 10 ms longer, 10 ms without data.
    let monitors = [(interval(0, 60), MonitorState::Up), (interval(60, 90), MonitorState::Down)];
    let maintenances = [interval(60, 80)];
    let timeline = Timeline { monitors: &monitors, incidents: &[], maintenances: &maintenances };
    for (maintenance_rule, share, down_ms) in [
        (MaintenanceRule::Excluded, 85_714, 10),
        (MaintenanceRule::Up, 88_888, 10),
        (MaintenanceRule::Down, 66_666, 30),
    ] {
        let rule = Rule { maintenance_rule, ..Rule::default() };
        let uptime = uptime(&timeline, interval(0, 100), &Zone::UTC, rule);
        assert_eq!((uptime.uptime, uptime.down_ms), (Some(share), down_ms), "{maintenance_rule:?}");
        assert_eq!(uptime.days[0].worst, Some(MajorOutage), "the bar is the same");
    }
}

#[test]
fn the_stretches_are_what_the_percentage_was_added_up_from() {
    let monitors = [(interval(10, 40), MonitorState::Up), (interval(40, 70), MonitorState::Down)];
    let incidents = [(interval(60, 90), MajorOutage)];
    let timeline = Timeline { monitors: &monitors, incidents: &incidents, maintenances: &[] };
    let uptime = uptime(&timeline, interval(0, 100), &Zone::UTC, Rule::default());
    let stretch = |start, end, status| Stretch { interval: interval(start, end), status };
    assert_eq!(
        uptime.stretches,
        [
            stretch(0, 10, None),
            stretch(10, 40, Some(Operational)),
            stretch(40, 90, Some(MajorOutage)),
            stretch(90, 100, None)
        ]
    );
}

#[test]
fn without_data_there_is_no_percentage() {
    let now = Timestamp::from_ms(DAYS_90 + 5 * HOUR_MS);
    let nothing =
        uptime(&Timeline::default(), window_of_days(90, &Zone::UTC, now), &Zone::UTC, Rule::default());
    assert_eq!((nothing.uptime, nothing.down_ms, nothing.days.len()), (None, 0, 90));
    assert!(nothing.days.iter().all(|bar| !bar.has_data()));
    assert_eq!(nothing.days.last().map(|bar| bar.day), Some(now.day()));

    let maintenances = [interval(0, DAYS_90 * 2)];
    let timeline = Timeline { maintenances: &maintenances, ..Timeline::default() };
    let maintained = uptime(&timeline, window_of_days(7, &Zone::UTC, now), &Zone::UTC, Rule::default());
    assert_eq!((maintained.uptime, maintained.days.len()), (None, 7));
    assert!(maintained.days.iter().all(|bar| bar.worst == Some(UnderMaintenance)));
}

#[test]
fn an_empty_window_has_no_days() {
    let empty = uptime(&Timeline::default(), interval(10, 10), &Zone::UTC, Rule::default());
    assert_eq!((empty.uptime, empty.days.len()), (None, 0));
}

#[test]
fn only_exactly_all_is_printed_as_one_hundred() {
    for (uptime, text) in
        [(100_000, "100 %"), (99_999, "99.999 %"), (99_982, "99.982 %"), (99_900, "99.900 %"), (7, "0.007 %")]
    {
        assert_eq!(format_percent(uptime), text);
    }
    // One millisecond in 90 days is enough to miss it.
    let durations = Durations { operational_ms: DAYS_90 - 1, major_ms: 1, ..Durations::default() };
    assert_eq!(durations.uptime(Rule::default()), Some(99_999));
}

/// The window: 240 ms around midnight, so that every one of them can be looked at.
const START: i64 = DAY_MS - 120;
const LENGTH: i64 = 240;

type Past = (Vec<Vec<(Interval, MonitorState)>>, Vec<(Interval, ServiceStatus)>, Vec<Interval>);

/// Some monitors with intervals end to end, incidents and maintenance anywhere, all reaching beyond the window.
fn past() -> impl Strategy<Value = Past> {
    let state = prop_oneof![
        Just(MonitorState::NoData),
        Just(MonitorState::Up),
        Just(MonitorState::Degraded),
        Just(MonitorState::Down)
    ];
    let monitor = proptest::collection::vec((0_i64..90, state), 0..8).prop_map(|steps| {
        let mut at = START - 60;
        steps
            .into_iter()
            .map(|(length, state)| {
                let start = at;
                at += length;
                (interval(start, at), state)
            })
            .collect::<Vec<_>>()
    });
    let span =
        || (-50..LENGTH, 0_i64..120).prop_map(|(at, length)| interval(START + at, START + at + length));
    let incident = (span(), (0_usize..5).prop_map(|index| ServiceStatus::ALL[index]));
    (
        proptest::collection::vec(monitor, 0..4),
        proptest::collection::vec(incident, 0..4),
        proptest::collection::vec(span(), 0..3),
    )
}

/// What the service was in one millisecond, by looking at everything.
fn status_at(past: &Past, ms: i64) -> Option<ServiceStatus> {
    let covers = |span: &Interval| span.start.ms() <= ms && ms < span.end.ms();
    let incidents = || past.1.iter().filter(|(span, _)| covers(span)).map(|(_, status)| *status);
    if past.2.iter().any(covers) || incidents().any(|status| status == UnderMaintenance) {
        return Some(UnderMaintenance);
    }
    let states: Vec<MonitorState> = past
        .0
        .iter()
        .filter_map(|monitor| monitor.iter().find(|(span, _)| covers(span)).map(|(_, state)| *state))
        .filter(|state| *state != MonitorState::NoData)
        .collect();
    let down = states.iter().filter(|state| **state == MonitorState::Down).count();
    let measured = if states.is_empty() {
        None
    } else if down == states.len() {
        Some(MajorOutage)
    } else if down > 0 {
        Some(PartialOutage)
    } else if states.contains(&MonitorState::Degraded) {
        Some(DegradedPerformance)
    } else {
        Some(Operational)
    };
    measured.into_iter().chain(incidents().filter(|status| status.is_broken())).max()
}

fn computed(past: &Past, rule: Rule) -> Uptime {
    let monitors: Vec<_> = past.0.concat();
    let timeline = Timeline { monitors: &monitors, incidents: &past.1, maintenances: &past.2 };
    uptime(&timeline, interval(START, START + LENGTH), &Zone::UTC, rule)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_sweep_agrees_with_looking_at_every_millisecond(
        past in past(),
        weights in (0_i32..101, 0_i32..101),
    ) {
        let rule = Rule {
            partial_outage_percent: weights.0,
            degraded_percent: weights.1,
            ..Rule::default()
        };
        let (mut down, mut counted) = (0_i64, 0_i64);
        let mut worst = [None, None];
        for ms in START..START + LENGTH {
            let status = status_at(&past, ms);
            let half = usize::from(ms >= DAY_MS);
            worst[half] = worst[half].max(status);
            let percent = match status {
                None | Some(UnderMaintenance) => continue,
                Some(Operational) => 0,
                Some(DegradedPerformance) => rule.degraded_percent,
                Some(PartialOutage) => rule.partial_outage_percent,
                Some(MajorOutage) => 100,
            };
            counted += 100;
            down += i64::from(percent);
        }
        let share = (counted > 0).then(|| u32::try_from((counted - down) * 100_000 / counted).unwrap());

        let uptime = computed(&past, rule);
        prop_assert_eq!(uptime.uptime, share);
        prop_assert_eq!(uptime.down_ms, (down + 99) / 100);
        prop_assert_eq!(uptime.days.iter().map(|bar| bar.worst).collect::<Vec<_>>(), worst);
        prop_assert!(uptime.uptime.is_none_or(|share| share <= FULL));
        prop_assert!((uptime.uptime == Some(FULL)) == (counted > 0 && down == 0));
    }

    #[test]
    fn the_parts_fill_the_window_and_the_days_add_up(past in past()) {
        let uptime = computed(&past, Rule::default());
        let parts = uptime.durations;
        prop_assert_eq!(parts.counted_ms(Rule::default()) + parts.maintenance_ms + parts.no_data_ms, LENGTH);
        for bar in &uptime.days {
            let parts = bar.durations;
            prop_assert_eq!(parts.counted_ms(Rule::default()) + parts.maintenance_ms + parts.no_data_ms, LENGTH / 2);
            prop_assert_eq!(bar.has_data(), parts.no_data_ms < LENGTH / 2);
        }
    }

    #[test]
    fn an_outage_more_never_raises_the_percentage(past in past(), start in 0..LENGTH, length in 1_i64..60) {
        let before = computed(&past, Rule::default()).uptime;
        let mut worse = past;
        worse.1.push((interval(START + start, START + start + length), MajorOutage));
        let after = computed(&worse, Rule::default()).uptime;
        prop_assert!(before.is_none() || after <= before, "{before:?} -> {after:?}");
    }
}
