//! What the list shows, without a database.

use domain::id::{MonitorId, OrgId, ServiceId};
use domain::monitor::{Method, Settings, Tags};
use uuid::Uuid;

use super::*;
use crate::dashboard::monitor_filter::ROWS;

const NOW: Timestamp = Timestamp::from_ms(1_795_428_131_120);

fn monitor(number: u128, state: MonitorState) -> Monitor {
    Monitor {
        id: MonitorId::new(Uuid::from_u128(number)),
        organization_id: OrgId::new(Uuid::from_u128(1)),
        service_id: ServiceId::new(Uuid::from_u128(2)),
        parent_id: None,
        kind: MonitorKind::Http,
        name: None,
        url: format!("https://host{number}.example.com/Health"),
        method: Method::Get,
        settings: Settings::default(),
        sealed_secrets: None,
        expected_status: 200,
        timeout_seconds: 10,
        interval_seconds: 60,
        planned_interval_seconds: 60,
        failures_to_open: 2,
        successes_to_close: 1,
        min_outage_seconds: 0,
        degraded_above_ms: None,
        is_active: true,
        state,
        state_since: None,
        run_length: 0,
        run_status: None,
        run_started_at: None,
        last_checked_at: Some(NOW),
        last_failure: None,
        last_status_code: None,
        last_response_time_ms: None,
        certificate_expires_at: None,
        flapping_since: None,
        tags: Tags::default(),
        snoozed_until: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn shown(monitors: &[Monitor], query: &str) -> Vec<u128> {
    let (filter, after) = Filter::read(query);
    let part = part(monitors, &filter, after, NOW);
    part.rows.iter().map(|monitor| monitor.id.uuid().as_u128()).collect()
}

#[test]
fn what_is_broken_stands_first() {
    use MonitorState::{Degraded, Down, NoData, Up};
    let mut monitors: Vec<Monitor> = [Up, NoData, Down, Degraded, Down]
        .into_iter()
        .zip(1..)
        .map(|(state, number)| monitor(number, state))
        .collect();
    monitors.push(Monitor { is_active: false, ..monitor(6, Down) });
    assert_eq!(shown(&monitors, ""), [3, 5, 4, 2, 1, 6], "a paused one says nothing");
}

#[test]
fn the_list_is_narrowed_down_by_state_kind_tag_and_text() {
    let monitors = [
        Monitor { tags: Tags::parse(["eu", "web"]).unwrap(), ..monitor(1, MonitorState::Up) },
        Monitor { tags: Tags::parse(["web"]).unwrap(), ..monitor(2, MonitorState::Down) },
        Monitor {
            name: Some("Zürich Börse".to_owned()),
            kind: MonitorKind::Tcp,
            ..monitor(3, MonitorState::Up)
        },
        Monitor { snoozed_until: Some(NOW.plus_ms(1)), ..monitor(4, MonitorState::Up) },
        Monitor { snoozed_until: Some(NOW), is_active: false, ..monitor(5, MonitorState::Up) },
    ];
    for (query, expected) in [
        ("state=up", vec![1, 3, 4]),
        ("state=paused", vec![5]),
        ("state=snoozed", vec![4]),
        ("kind=tcp", vec![3]),
        ("tag=web", vec![2, 1]),
        ("tag=web&state=up", vec![1]),
        ("tag=we", vec![]),
        ("q=HOST2", vec![2]),
        ("q=b%C3%96rse", vec![3]),
        ("q=%25", vec![]),
        ("state=nonsense&kind=nonsense", vec![2, 1, 3, 4, 5]),
    ] {
        assert_eq!(shown(&monitors, query), expected, "{query}");
    }
    let counts: Vec<(&str, usize)> = count_tags(&monitors).into_iter().collect();
    assert_eq!(counts, [("eu", 1), ("web", 2)]);
    let chips = chips(&Filter::read("tag=web&q=a+b").0, &monitors);
    assert_eq!(
        (chips[0].path.as_str(), chips[1].path.as_str()),
        ("q=a+b&tag=eu", "q=a+b"),
        "chosen: takes it off"
    );
}

#[test]
fn ten_thousand_monitors_come_in_parts_that_leave_none_out() {
    let states = [MonitorState::Up, MonitorState::Down, MonitorState::NoData];
    let monitors: Vec<Monitor> =
        states.into_iter().cycle().zip(1..=10_000).map(|(state, number)| monitor(number, state)).collect();
    let (mut query, mut seen) = (String::new(), Vec::new());
    loop {
        let (filter, after) = Filter::read(&query);
        let part = part(&monitors, &filter, after, NOW);
        assert!(part.rows.len() <= ROWS && part.total == 10_000 && part.before == seen.len());
        seen.extend(part.rows.iter().map(|monitor| monitor.id));
        let Some(next) = part.next else { break };
        query = filter.query(Some(next));
    }
    let mut distinct = seen.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((seen.len(), distinct.len()), (10_000, 10_000));
    assert_eq!(shown(&monitors, "cursor=made.up").len(), ROWS, "a made-up place is the beginning");
}

#[test]
fn the_bar_of_a_day_shows_the_worst_of_each_hour() {
    let span = |state, from_min: i64, to_min: Option<i64>| StateInterval {
        monitor_id: MonitorId::new(Uuid::from_u128(1)),
        service_id: ServiceId::new(Uuid::from_u128(2)),
        state,
        started_at: NOW.plus_ms(from_min * 60_000),
        ended_at: to_min.map(|minutes| NOW.plus_ms(minutes * 60_000)),
    };
    let spans = [
        span(MonitorState::Up, -1200, Some(-90)),
        span(MonitorState::Down, -90, Some(-80)),
        span(MonitorState::Up, -80, None),
    ];
    let bar = day_bar(&spans, NOW, NOW);
    assert_eq!(
        bar.runs,
        [
            (0, 4, State::NoData),
            (4, 18, State::Operational),
            (22, 1, State::Major),
            (23, 1, State::Operational)
        ]
    );
    assert_eq!(bar.label, "Down in 1 of the last 24 hours");
    let overdue = day_bar(&spans[2..], NOW.plus_ms(-70 * 60_000), NOW);
    assert_eq!(overdue.runs, [(0, 22, State::NoData), (22, 1, State::Operational), (23, 1, State::NoData)]);
    assert_eq!(day_bar(&[], NOW, NOW).label, "No data in the last 24 hours");
}
