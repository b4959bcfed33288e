//! Uptime: from state intervals to percentages and daily bars, by sweeping over their boundaries (D8, X50).
//! The one function behind page, API, feed and badges.

use crate::monitor::MonitorState;
use crate::overview::MonitorTally;
use crate::service::ServiceStatus;
use crate::time::{Day, Interval, Timestamp};

/// 100 % in the unit of percentages here: a thousandth of a percent.
pub const FULL: u32 = 100_000;

/// How much of an outage counts as down, in thousandths (D8). Values above 1000 count as 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    pub major_permille: u16,
    pub partial_permille: u16,
    pub degraded_permille: u16,
}

impl Default for Weights {
    fn default() -> Self {
        Self { major_permille: 1000, partial_permille: 300, degraded_permille: 0 }
    }
}

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
    /// Not counted, neither way.
    pub maintenance_ms: i64,
    /// Not counted, neither way.
    pub no_data_ms: i64,
}

impl Durations {
    fn add(&mut self, status: Option<ServiceStatus>, length_ms: i64) {
        *match status {
            None => &mut self.no_data_ms,
            Some(ServiceStatus::Operational) => &mut self.operational_ms,
            Some(ServiceStatus::UnderMaintenance) => &mut self.maintenance_ms,
            Some(ServiceStatus::DegradedPerformance) => &mut self.degraded_ms,
            Some(ServiceStatus::PartialOutage) => &mut self.partial_ms,
            Some(ServiceStatus::MajorOutage) => &mut self.major_ms,
        } += length_ms;
    }

    /// The denominator: time with data outside maintenance.
    pub const fn counted_ms(&self) -> i64 {
        self.operational_ms + self.degraded_ms + self.partial_ms + self.major_ms
    }

    /// In thousandths of a millisecond, so that nothing is rounded yet.
    fn down_permille(&self, weights: Weights) -> i128 {
        let weighted = |length_ms: i64, permille: u16| i128::from(length_ms) * i128::from(permille.min(1000));
        weighted(self.major_ms, weights.major_permille)
            + weighted(self.partial_ms, weights.partial_permille)
            + weighted(self.degraded_ms, weights.degraded_permille)
    }

    /// Weighted time down, rounded up to whole milliseconds.
    pub fn down_ms(&self, weights: Weights) -> i64 {
        i64::try_from((self.down_permille(weights) + 999) / 1000).unwrap_or(i64::MAX)
    }

    /// Share of the counted time that was not down, in 1/100 000, rounded down. `None`: nothing to count.
    pub fn uptime(&self, weights: Weights) -> Option<u32> {
        let counted = i128::from(self.counted_ms()) * 1000;
        if counted == 0 {
            return None;
        }
        u32::try_from((counted - self.down_permille(weights)) * i128::from(FULL) / counted).ok()
    }
}

/// One UTC day of a service, as far as it lies in the window.
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
    /// Every UTC day that the window touches, oldest first.
    pub days: Vec<DayBar>,
}

impl Uptime {
    /// Rounded up.
    pub const fn down_minutes(&self) -> i64 {
        minutes(self.down_ms)
    }
}

/// The last `days` UTC days including today, up to now.
pub const fn window_of_days(days: i64, now: Timestamp) -> Interval {
    Interval { start: now.day().plus(1 - days).start(), end: now }
}

/// Sweeps once over the boundaries of all intervals, whatever their order. At each instant the service has the worst status
/// of its monitors together (as in [`MonitorTally::status`]) and of its incidents; maintenance overrides both,
/// and there is no data where none of them says anything.
pub fn uptime(timeline: &Timeline<'_>, window: Interval, weights: Weights) -> Uptime {
    let mut now = Sources::default();
    let mut days: Vec<DayBar> = Vec::new();
    let mut reached = window.start;
    for (at, source, change) in boundaries(timeline, window) {
        fill(&mut days, Interval { start: reached, end: at }, now.status());
        reached = at;
        now.change(source, change);
    }
    fill(&mut days, Interval { start: reached, end: window.end }, now.status());

    let mut durations = Durations::default();
    for bar in &mut days {
        bar.down_ms = bar.durations.down_ms(weights);
        durations.operational_ms += bar.durations.operational_ms;
        durations.degraded_ms += bar.durations.degraded_ms;
        durations.partial_ms += bar.durations.partial_ms;
        durations.major_ms += bar.durations.major_ms;
        durations.maintenance_ms += bar.durations.maintenance_ms;
        durations.no_data_ms += bar.durations.no_data_ms;
    }
    Uptime { uptime: durations.uptime(weights), down_ms: durations.down_ms(weights), durations, days }
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

/// Adds a stretch of one status to the bars of the days it runs through. Stretches come in order of time.
fn fill(days: &mut Vec<DayBar>, stretch: Interval, status: Option<ServiceStatus>) {
    let mut rest = stretch;
    while rest.length_ms() > 0 {
        let day = rest.start.day();
        let end = rest.end.min(day.plus(1).start());
        let length_ms = end.since(rest.start);
        match days.last_mut() {
            Some(bar) if bar.day == day => {
                bar.worst = bar.worst.max(status);
                bar.durations.add(status, length_ms);
            }
            _ => {
                let mut durations = Durations::default();
                durations.add(status, length_ms);
                days.push(DayBar { day, worst: status, durations, down_ms: 0 });
            }
        }
        rest.start = end;
    }
}

#[cfg(test)]
mod tests;
