//! Ten thousand random pasts: the engine against an oracle that looks at every quarter of an hour by itself (D8).
//!
//! Everything begins and ends at quarters of an hour, and so do the days of all zones here: what holds in a quarter holds
//! in each of its milliseconds. What happens between is tested by the millisecond in `tests`.

use std::collections::BTreeMap;

use super::*;
use ServiceStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance};
use proptest::prelude::*;

const QUARTER_MS: i64 = 900_000;
/// Five days, of which the window is a part.
const QUARTERS: i64 = 480;

/// Zones with an instant shortly before something that their calendars do.
const MOMENTS: [(&str, &str); 10] = [
    ("UTC", "2026-02-27T00:00:00Z"),
    ("Europe/Berlin", "2026-03-27T12:00:00Z"),
    ("Europe/Berlin", "2026-10-23T12:00:00Z"),
    ("America/New_York", "2026-10-30T12:00:00Z"),
    // Half an hour.
    ("Australia/Lord_Howe", "2026-04-02T12:00:00Z"),
    // At midnight.
    ("Africa/Cairo", "2026-04-21T12:00:00Z"),
    ("America/Sao_Paulo", "2018-11-02T12:00:00Z"),
    // Never, but not at full hours either.
    ("Asia/Kathmandu", "2026-06-10T12:00:00Z"),
    // A day that never was.
    ("Pacific/Apia", "2011-12-28T12:00:00Z"),
    ("America/Nuuk", "2026-10-23T12:00:00Z"),
];

/// Spans in quarters since the beginning, as `(start, end)`.
type Span = (i64, i64);

#[derive(Debug, Clone)]
struct Past {
    moment: usize,
    window: Span,
    monitors: Vec<Vec<(Span, MonitorState)>>,
    incidents: Vec<(Span, ServiceStatus)>,
    maintenances: Vec<Span>,
    rule: Rule,
}

fn span() -> impl Strategy<Value = Span> {
    (-40..QUARTERS, 0_i64..120).prop_map(|(start, length)| (start, start + length))
}

/// End to end, from before the window.
fn monitor() -> impl Strategy<Value = Vec<(Span, MonitorState)>> {
    use MonitorState::{Degraded, Down, NoData, Up};
    let state = prop::sample::select(vec![NoData, Up, Up, Degraded, Down]);
    prop::collection::vec((0_i64..150, state), 0..8).prop_map(|steps| {
        let mut at = -20;
        let next = |(length, state)| {
            let start = at;
            at += length;
            ((start, at), state)
        };
        steps.into_iter().map(next).collect()
    })
}

fn past() -> impl Strategy<Value = Past> {
    let rule = (0_i32..=100, 0_i32..=100, prop::sample::select(MaintenanceRule::ALL.to_vec()));
    let rule = rule.prop_map(|(partial_outage_percent, degraded_percent, maintenance_rule)| Rule {
        partial_outage_percent,
        degraded_percent,
        maintenance_rule,
    });
    (
        0..MOMENTS.len(),
        (0..QUARTERS, 0..QUARTERS),
        prop::collection::vec(monitor(), 0..4),
        prop::collection::vec((span(), prop::sample::select(ServiceStatus::ALL.to_vec())), 0..4),
        prop::collection::vec(span(), 0..3),
        rule,
    )
        .prop_map(|(moment, (one, other), monitors, incidents, maintenances, rule)| Past {
            moment,
            window: (one.min(other), one.max(other)),
            monitors,
            incidents,
            maintenances,
            rule,
        })
}

impl Past {
    fn at(&self, quarter: i64) -> Timestamp {
        let (_, start) = MOMENTS[self.moment];
        start.parse::<Timestamp>().unwrap().plus_ms(quarter * QUARTER_MS)
    }

    fn interval(&self, (start, end): Span) -> Interval {
        Interval { start: self.at(start), end: self.at(end) }
    }

    fn zone(&self) -> Zone {
        Zone::parse(MOMENTS[self.moment].0).unwrap()
    }

    fn computed(&self, window: Span) -> Uptime {
        let monitors: Vec<_> =
            self.monitors.iter().flatten().map(|(span, state)| (self.interval(*span), *state)).collect();
        let incidents: Vec<_> =
            self.incidents.iter().map(|(span, status)| (self.interval(*span), *status)).collect();
        let maintenances: Vec<_> = self.maintenances.iter().map(|span| self.interval(*span)).collect();
        let timeline = Timeline { monitors: &monitors, incidents: &incidents, maintenances: &maintenances };
        uptime(&timeline, self.interval(window), &self.zone(), self.rule)
    }

    /// What the service was in one quarter, by looking at everything.
    fn status(&self, quarter: i64) -> Option<ServiceStatus> {
        let covers = |span: &Span| span.0 <= quarter && quarter < span.1;
        let said: Vec<_> =
            self.incidents.iter().filter(|(span, _)| covers(span)).map(|(_, status)| *status).collect();
        if said.contains(&UnderMaintenance) || self.maintenances.iter().any(covers) {
            return Some(UnderMaintenance);
        }
        let states: Vec<_> = self
            .monitors
            .iter()
            .filter_map(|monitor| monitor.iter().find(|(span, _)| covers(span)))
            .map(|(_, state)| *state)
            .filter(|state| *state != MonitorState::NoData)
            .collect();
        let down = states.iter().filter(|state| **state == MonitorState::Down).count();
        let mut status = None;
        if !states.is_empty() {
            status = Some(match down {
                0 if states.contains(&MonitorState::Degraded) => DegradedPerformance,
                0 => Operational,
                all if all == states.len() => MajorOutage,
                _ => PartialOutage,
            });
        }
        for one in said.into_iter().filter(|status| *status != Operational) {
            status = status.max(Some(one));
        }
        status
    }

    /// How much of a status is down, in percent; `None`: it is not counted.
    fn weight(&self, status: Option<ServiceStatus>) -> Option<i64> {
        Some(match (status?, self.rule.maintenance_rule) {
            (UnderMaintenance, MaintenanceRule::Excluded) => return None,
            (UnderMaintenance, MaintenanceRule::Up) | (Operational, _) => 0,
            (UnderMaintenance, MaintenanceRule::Down) | (MajorOutage, _) => 100,
            (PartialOutage, _) => i64::from(self.rule.partial_outage_percent),
            (DegradedPerformance, _) => i64::from(self.rule.degraded_percent),
        })
    }
}

/// By the date on the wall of the zone: the worst status and the weighted time down, in hundredths of a quarter.
type Days = BTreeMap<jiff::civil::Date, (Option<ServiceStatus>, i64)>;

fn looked_at(past: &Past) -> (Option<u32>, Days) {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(MOMENTS[past.moment].0).unwrap();
    let (mut down, mut counted, mut days) = (0_i64, 0_i64, Days::new());
    for quarter in past.window.0..past.window.1 {
        let status = past.status(quarter);
        let day = days.entry(past.at(quarter).to_jiff().to_zoned(zone.clone()).date()).or_insert((None, 0));
        day.0 = day.0.max(status);
        if let Some(weight) = past.weight(status) {
            counted += 100;
            down += weight;
            day.1 += weight;
        }
    }
    let share = (counted > 0).then(|| u32::try_from((counted - down) * 100_000 / counted).unwrap());
    (share, days)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn ten_thousand_pasts_agree_with_looking_at_every_quarter_of_an_hour(past in past()) {
        let (share, days) = looked_at(&past);
        let engine = past.computed(past.window);
        prop_assert_eq!(engine.uptime, share);
        let expected: Vec<_> = days
            .into_iter()
            .map(|(date, (worst, down))| {
                let epoch = jiff::civil::date(1970, 1, 1);
                (Day(i64::from((date - epoch).get_days())), worst, (down * QUARTER_MS + 99) / 100)
            })
            .collect();
        let told: Vec<_> = engine.days.iter().map(|bar| (bar.day, bar.worst, bar.down_ms)).collect();
        prop_assert_eq!(told, expected);

        // What explains the figure gives it: added up by whoever asks, from spans that fill the window.
        let (mut down, mut counted, mut reached) = (0_i64, 0_i64, past.at(past.window.0));
        for stretch in &engine.stretches {
            prop_assert_eq!(stretch.interval.start, reached);
            reached = stretch.interval.end;
            let counts = past.rule.counts(stretch.status);
            if counts != Counted::Not {
                counted += stretch.interval.length_ms() * 100;
                down += stretch.interval.length_ms() * i64::from(counts.down_percent());
            }
        }
        prop_assert_eq!(reached, past.at(past.window.1));
        let sum = (counted > 0).then(|| u32::try_from((counted - down) * 100_000 / counted).unwrap());
        prop_assert_eq!(engine.uptime, sum);
    }

    #[test]
    fn figures_of_parts_add_up_to_the_figure_of_the_whole(past in past(), cut in 0..QUARTERS) {
        // Durations are whole milliseconds: wherever a past is cut, nothing is lost or rounded.
        let cut = cut.clamp(past.window.0, past.window.1);
        let whole = past.computed(past.window);
        let mut sum = past.computed((past.window.0, cut)).durations;
        sum += past.computed((cut, past.window.1)).durations;
        prop_assert_eq!(sum, whole.durations);
        prop_assert_eq!(sum.uptime(past.rule), whole.uptime);
    }
}
