//! From stored spans to the timeline of one service (D8).

use domain::id::ServiceId;
use domain::monitor::MonitorState;
use domain::overview::{EffectiveStatus, ServiceFacts, service_status};
use domain::plan::Limits;
use domain::service::ServiceStatus;
use domain::time::{Interval, Timestamp};
use domain::uptime::{Rule, Timeline, Uptime, uptime, window_of_days};
use domain::verdict::{MonitorVerdict, Policy, watched_interval_ms};
use domain::zone::Zone;
use store::page_view::{PlacedIncident, PlacedInterval, PlacedMonitor, PlacedService};

use crate::view::State;

/// Days on the page.
pub(crate) const DAYS: i64 = 90;

/// When a span of a monitor ended, as far as is known: an open one ends where the checks stopped (F-14).
pub(super) fn known_end(span: &PlacedInterval, limits: &Limits, now: Timestamp) -> Timestamp {
    span.ended_at.unwrap_or_else(|| {
        let interval_seconds = limits.clamp_interval(span.interval_seconds);
        let policy = rhythm(interval_seconds, span.planned_interval_seconds, span.timeout_seconds);
        MonitorVerdict { last_checked_at: span.last_checked_at, ..MonitorVerdict::default() }
            .known_until(policy, now)
    })
}

/// The state of a monitor as far as is known: what it was before the checks stopped coming says nothing about now
/// (F-13, F-14).
fn known_state(monitor: &PlacedMonitor, limits: &Limits, now: Timestamp) -> MonitorState {
    let interval_seconds = limits.clamp_interval(monitor.interval_seconds);
    let policy = rhythm(interval_seconds, monitor.planned_interval_seconds, monitor.timeout_seconds);
    MonitorVerdict {
        state: monitor.state,
        last_checked_at: monitor.last_checked_at,
        ..MonitorVerdict::default()
    }
    .state_at(policy, now)
}

/// A policy for questions that only ask how often results come.
fn rhythm(interval_seconds: i32, planned_interval_seconds: i32, timeout_seconds: i32) -> Policy {
    Policy {
        failures_to_open: 1,
        successes_to_close: 1,
        min_outage_ms: 0,
        interval_ms: watched_interval_ms(interval_seconds, planned_interval_seconds),
        timeout_ms: i64::from(timeout_seconds) * 1000,
    }
}

/// How a past is looked at: which part of it, where its days begin, what counts.
#[derive(Debug, Clone)]
pub(crate) struct Lens {
    pub(crate) window: Interval,
    pub(crate) zone: Zone,
    pub(crate) rule: Rule,
    pub(crate) now: Timestamp,
}

impl Lens {
    /// The last days of the zone, today included.
    pub(crate) fn of_days(days: i64, zone: Zone, rule: Rule, now: Timestamp) -> Self {
        Self { window: window_of_days(days, &zone, now), zone, rule, now }
    }
}

/// What monitors and incidents say about a set of services, for the time that was asked for.
pub(crate) struct Seen {
    pub(crate) monitors: Vec<PlacedMonitor>,
    pub(crate) intervals: Vec<PlacedInterval>,
    pub(crate) incidents: Vec<PlacedIncident>,
}

impl Seen {
    /// The state of a service now (D9).
    pub(crate) fn effective(
        &self,
        limits: &Limits,
        service: &PlacedService,
        now: Timestamp,
    ) -> EffectiveStatus {
        let states: Vec<_> = self
            .monitors
            .iter()
            .filter(|monitor| monitor.service_id == service.id && monitor.is_active)
            .map(|monitor| known_state(monitor, limits, now))
            .collect();
        let open: Vec<_> = self
            .incidents
            .iter()
            .filter(|incident| incident.service_id == service.id && incident.resolved_at.is_none())
            .map(|incident| incident.service_status)
            .collect();
        service_status(ServiceFacts {
            monitors: &states,
            incidents: &open,
            is_in_maintenance: false,
            maintenance_hides_monitors: false,
            manual_status: service.manual_status,
        })
    }

    /// When the service had a monitor, as far as its monitors and their spans tell.
    fn watched(
        &self,
        service: &PlacedService,
        spans: &[(Interval, MonitorState)],
        now: Timestamp,
    ) -> Vec<Interval> {
        let lives = self
            .monitors
            .iter()
            .filter(|monitor| monitor.service_id == service.id)
            .map(|monitor| Interval { start: monitor.created_at, end: monitor.deleted_at.unwrap_or(now) });
        // A monitor that was moved away left its spans here.
        lives.chain(spans.iter().map(|(span, _)| *span)).collect()
    }

    /// Uptime and bars of one service. All that was asked for must reach to where the lens begins.
    pub(crate) fn uptime(&self, limits: &Limits, service: &PlacedService, lens: &Lens) -> Uptime {
        let now = lens.now;
        let mut monitors: Vec<(Interval, MonitorState)> = self
            .intervals
            .iter()
            .filter(|span| span.service_id == service.id)
            .map(|span| (Interval { start: span.started_at, end: known_end(span, limits, now) }, span.state))
            .collect();
        // Where nobody watches, people report, and silence means that it works.
        let unwatched =
            gaps(Interval { start: service.created_at, end: now }, self.watched(service, &monitors, now));
        monitors.extend(unwatched.into_iter().map(|gap| (gap, MonitorState::Up)));
        let incidents: Vec<(Interval, ServiceStatus)> =
            of_incidents(&self.incidents, service.id, now).collect();
        let timeline = Timeline { monitors: &monitors, incidents: &incidents, maintenances: &[] };
        uptime(&timeline, lens.window, &lens.zone, lens.rule)
    }
}

/// As drawn: a status that nobody has measured yet is none.
pub(crate) fn shown(effective: EffectiveStatus) -> State {
    if effective.has_data { effective.status.into() } else { State::NoData }
}

/// What of `whole` none of `parts` covers.
fn gaps(whole: Interval, mut parts: Vec<Interval>) -> Vec<Interval> {
    parts.sort_unstable_by_key(|part| part.start);
    let mut gaps = Vec::new();
    let mut reached = whole.start;
    for part in parts {
        gaps.push(Interval { start: reached, end: part.start.min(whole.end) });
        reached = reached.max(part.end);
    }
    gaps.push(Interval { start: reached, end: whole.end });
    gaps.retain(|gap| gap.length_ms() > 0);
    gaps
}

fn of_incidents(
    incidents: &[PlacedIncident],
    service: ServiceId,
    now: Timestamp,
) -> impl Iterator<Item = (Interval, ServiceStatus)> {
    incidents.iter().filter(move |incident| incident.service_id == service).map(move |incident| {
        let end = incident.resolved_at.unwrap_or(now);
        (Interval { start: incident.started_at, end }, incident.service_status)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> Interval {
        Interval { start: Timestamp::from_ms(start), end: Timestamp::from_ms(end) }
    }

    #[test]
    fn gaps_are_what_nothing_covers() {
        let whole = span(10, 100);
        assert_eq!(gaps(whole, vec![]), [whole]);
        assert_eq!(gaps(whole, vec![span(0, 200)]), []);
        assert_eq!(
            gaps(whole, vec![span(60, 70), span(20, 30), span(25, 40)]),
            [span(10, 20), span(40, 60), span(70, 100)]
        );
        assert_eq!(gaps(whole, vec![span(0, 5), span(120, 130)]), [whole]);
    }
}
