//! Uptime: from state intervals to percentages and daily bars, by sweeping over their boundaries (D8, X50).
//! The one function behind page, API, feed and badges.

mod rule;

use crate::monitor::MonitorState;
use crate::overview::MonitorTally;
use crate::service::ServiceStatus;
use crate::time::{Day, Interval, Timestamp};
use crate::zone::Zone;

pub use rule::{Counted, MaintenanceRule, Rule};

/// 100 % in the unit of percentages here: a thousandth of a percent.
pub const FULL: u32 = 100_000;

/// The recorded past of one service. Open intervals are cut by the caller: incidents and maintenance at the
/// present, monitors where [`crate::verdict::MonitorVerdict::known_until`] says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeline<'a> {
    /// State intervals of all its monitors; those of one monitor do not overlap. For time in which the service had
    /// no monitor at all the caller adds an `Up` interval: there, only people report.
    pub monitors: &'a [(Interval, MonitorState)],
    /// What incidents did to it.
    pub incidents: &'a [(Interval, ServiceStatus)],
    pub maintenances: &'a [Interval],
}

/// How long each status lasted, in milliseconds. Together they fill the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Durations {
    pub operational_ms: i64,
    pub degraded_ms: i64,
    pub partial_ms: i64,
    pub major_ms: i64,
    pub maintenance_ms: i64,
    /// Not counted, neither way.
    pub no_data_ms: i64,
}

impl Durations {
    fn of(status: Option<ServiceStatus>, length_ms: i64) -> Self {
        let mut durations = Self::default();
        *match status {
            None => &mut durations.no_data_ms,
            Some(ServiceStatus::Operational) => &mut durations.operational_ms,
            Some(ServiceStatus::UnderMaintenance) => &mut durations.maintenance_ms,
            Some(ServiceStatus::DegradedPerformance) => &mut durations.degraded_ms,
            Some(ServiceStatus::PartialOutage) => &mut durations.partial_ms,
            Some(ServiceStatus::MajorOutage) => &mut durations.major_ms,
        } = length_ms;
        durations
    }

    /// The parts with their status, `None` for no data.
    fn parts(&self) -> [(Option<ServiceStatus>, i64); 6] {
        [
            (Some(ServiceStatus::Operational), self.operational_ms),
            (Some(ServiceStatus::DegradedPerformance), self.degraded_ms),
            (Some(ServiceStatus::PartialOutage), self.partial_ms),
            (Some(ServiceStatus::MajorOutage), self.major_ms),
            (Some(ServiceStatus::UnderMaintenance), self.maintenance_ms),
            (None, self.no_data_ms),
        ]
    }

    /// The denominator: time that the rule counts, as up, as down or in part.
    pub fn counted_ms(&self, rule: Rule) -> i64 {
        let counted = self.parts().into_iter().filter(|(status, _)| rule.counts(*status) != Counted::Not);
        counted.map(|(_, length_ms)| length_ms).sum()
    }

    /// Weighted time down in hundredths of a millisecond, so that nothing is rounded yet.
    pub fn down_percent_ms(&self, rule: Rule) -> i128 {
        let weighted = |(status, length_ms): (Option<ServiceStatus>, i64)| {
            i128::from(length_ms) * i128::from(rule.counts(status).down_percent())
        };
        self.parts().into_iter().map(weighted).sum()
    }

    /// Weighted time down, rounded up to whole milliseconds.
    pub fn down_ms(&self, rule: Rule) -> i64 {
        i64::try_from((self.down_percent_ms(rule) + 99) / 100).unwrap_or(i64::MAX)
    }

    /// Share of the counted time that was not down, in 1/100 000, rounded down. `None`: nothing to count.
    pub fn uptime(&self, rule: Rule) -> Option<u32> {
        let counted = i128::from(self.counted_ms(rule)) * 100;
        if counted == 0 {
            return None;
        }
        u32::try_from((counted - self.down_percent_ms(rule)) * i128::from(FULL) / counted).ok()
    }
}

impl std::ops::AddAssign for Durations {
    fn add_assign(&mut self, other: Self) {
        self.operational_ms += other.operational_ms;
        self.degraded_ms += other.degraded_ms;
        self.partial_ms += other.partial_ms;
        self.major_ms += other.major_ms;
        self.maintenance_ms += other.maintenance_ms;
        self.no_data_ms += other.no_data_ms;
    }
}

/// A span of one status; `None`: no data. Neighbours differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub interval: Interval,
    pub status: Option<ServiceStatus>,
}

/// One day of a service in the zone that was asked for, as far as it lies in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayBar {
    pub day: Day,
    /// The worst status of the day, however short. `None`: no data on that day.
    pub worst: Option<ServiceStatus>,
    pub durations: Durations,
    /// Weighted like the percentage.
    pub down_ms: i64,
}

impl DayBar {
    pub const fn has_data(&self) -> bool {
        self.worst.is_some()
    }

    /// Rounded up, so that a short outage is not "0 minutes".
    pub const fn down_minutes(&self) -> i64 {
        minutes(self.down_ms)
    }
}

/// What is known about a service in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// In 1/100 000, rounded down; see [`format_percent`]. `None`: no data.
    pub uptime: Option<u32>,
    /// Weighted like the percentage.
    pub down_ms: i64,
    pub durations: Durations,
    /// Every day that the window touches, oldest first. Their durations add up to those of the whole.
    pub days: Vec<DayBar>,
    /// What all of this was added up from: the whole window, in order.
    pub stretches: Vec<Stretch>,
}

impl Uptime {
    /// Rounded up.
    pub const fn down_minutes(&self) -> i64 {
        minutes(self.down_ms)
    }
}

/// The last `days` days of the zone including today, up to now.
pub fn window_of_days(days: i64, zone: &Zone, now: Timestamp) -> Interval {
    Interval { start: zone.start(zone.day(now).plus(1 - days)), end: now }
}

/// Sweeps once over the boundaries of all intervals, whatever their order. At each instant the service has the worst status
/// of its monitors together (as in [`MonitorTally::status`]) and of its incidents; maintenance overrides both,
/// and there is no data where none of them says anything. `zone` says where days begin, `rule` what counts.
pub fn uptime(timeline: &Timeline<'_>, window: Interval, zone: &Zone, rule: Rule) -> Uptime {
    let stretches = stretches(timeline, window);
    let days = bars(&stretches, window, zone, rule);
    let mut durations = Durations::default();
    for bar in &days {
        durations += bar.durations;
    }
    Uptime { uptime: durations.uptime(rule), down_ms: durations.down_ms(rule), durations, days, stretches }
}

/// Three decimals, and `100 %` only for what is exactly that.
pub fn format_percent(uptime: u32) -> String {
    if uptime >= FULL { "100 %".to_owned() } else { format!("{}.{:03} %", uptime / 1000, uptime % 1000) }
}

const fn minutes(ms: i64) -> i64 {
    (ms + 59_999) / 60_000
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Monitor(MonitorState),
    Incident(ServiceStatus),
    Maintenance,
}

/// How many intervals of each kind cover the instant that the sweep has reached.
#[derive(Debug, Default)]
struct Sources {
    monitors: MonitorTally,
    degraded: i32,
    partial: i32,
    major: i32,
    maintenance: i32,
}

impl Sources {
    fn change(&mut self, source: Source, by: i32) {
        let count = match source {
            Source::Monitor(MonitorState::Up) => &mut self.monitors.up,
            Source::Monitor(MonitorState::Degraded) => &mut self.monitors.degraded,
            Source::Monitor(MonitorState::Down) => &mut self.monitors.down,
            Source::Incident(ServiceStatus::DegradedPerformance) => &mut self.degraded,
            Source::Incident(ServiceStatus::PartialOutage) => &mut self.partial,
            Source::Incident(ServiceStatus::MajorOutage) => &mut self.major,
            Source::Incident(ServiceStatus::UnderMaintenance) | Source::Maintenance => &mut self.maintenance,
            // Neither says that anything works.
            Source::Monitor(MonitorState::NoData) | Source::Incident(ServiceStatus::Operational) => return,
        };
        *count += by;
    }

    fn status(&self) -> Option<ServiceStatus> {
        if self.maintenance > 0 {
            return Some(ServiceStatus::UnderMaintenance);
        }
        let incidents = match (self.major, self.partial, self.degraded) {
            (1.., _, _) => Some(ServiceStatus::MajorOutage),
            (_, 1.., _) => Some(ServiceStatus::PartialOutage),
            (_, _, 1..) => Some(ServiceStatus::DegradedPerformance),
            _ => None,
        };
        self.monitors.status().max(incidents)
    }
}

fn boundaries(timeline: &Timeline<'_>, window: Interval) -> Vec<(Timestamp, Source, i32)> {
    let monitors = timeline.monitors.iter().map(|(interval, state)| (*interval, Source::Monitor(*state)));
    let incidents =
        timeline.incidents.iter().map(|(interval, status)| (*interval, Source::Incident(*status)));
    let maintenances = timeline.maintenances.iter().map(|interval| (*interval, Source::Maintenance));
    let mut boundaries = Vec::new();
    for (interval, source) in monitors.chain(incidents).chain(maintenances) {
        if let Some(inside) = interval.intersect(window) {
            boundaries.push((inside.start, source, 1));
            boundaries.push((inside.end, source, -1));
        }
    }
    boundaries.sort_unstable_by_key(|(at, _, _)| *at);
    boundaries
}

/// The window as spans of one status each.
fn stretches(timeline: &Timeline<'_>, window: Interval) -> Vec<Stretch> {
    let mut now = Sources::default();
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut reached = window.start;
    let mut reach = |end: Timestamp, status: Option<ServiceStatus>| {
        let interval = Interval { start: reached, end };
        reached = end;
        if interval.length_ms() == 0 {
            return;
        }
        match stretches.last_mut() {
            Some(last) if last.status == status => last.interval.end = end,
            _ => stretches.push(Stretch { interval, status }),
        }
    };
    for (at, source, change) in boundaries(timeline, window) {
        reach(at, now.status());
        now.change(source, change);
    }
    reach(window.end, now.status());
    stretches
}

/// The stretches by day. Both are in order of time, so each is gone through once.
fn bars(stretches: &[Stretch], window: Interval, zone: &Zone, rule: Rule) -> Vec<DayBar> {
    let mut left = stretches.iter().peekable();
    let mut bars = Vec::new();
    for (day, part) in zone.days(window) {
        let mut bar = DayBar { day, worst: None, durations: Durations::default(), down_ms: 0 };
        while let Some(stretch) = left.peek() {
            if let Some(inside) = stretch.interval.intersect(part) {
                bar.worst = bar.worst.max(stretch.status);
                bar.durations += Durations::of(stretch.status, inside.length_ms());
            }
            if stretch.interval.end > part.end {
                break;
            }
            left.next();
        }
        bar.down_ms = bar.durations.down_ms(rule);
        bars.push(bar);
    }
    bars
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
