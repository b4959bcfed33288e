//! From stored spans to the timeline of one service (D8).

use domain::id::ServiceId;
use domain::monitor::MonitorState;
use domain::overview::{EffectiveStatus, ServiceFacts, service_status};
use domain::plan::Limits;
use domain::service::ServiceStatus;
use domain::time::{Interval, Timestamp};
use domain::uptime::{Timeline, Uptime, Weights, uptime, window_of_days};
use domain::verdict::{MonitorVerdict, Policy};
use store::page_view::{PlacedIncident, PlacedInterval, PlacedMonitor, PlacedService};

use crate::view::State;

/// Days on the page.
pub(crate) const DAYS: i64 = 90;

/// When a span of a monitor ended, as far as is known: an open one ends where the checks stopped (F-14).
pub(super) fn known_end(span: &PlacedInterval, limits: &Limits, now: Timestamp) -> Timestamp {
    span.ended_at.unwrap_or_else(|| {
        let policy = Policy {
            failures_to_open: 1,
            successes_to_close: 1,
            interval_ms: i64::from(limits.clamp_interval(span.interval_seconds)) * 1000,
            timeout_ms: i64::from(span.timeout_seconds) * 1000,
        };
        MonitorVerdict { last_checked_at: span.last_checked_at, ..MonitorVerdict::default() }
            .known_until(policy, now)
    })
}

/// What monitors and incidents say about a set of services, for the time that was asked for.
pub(crate) struct Seen {
    pub(crate) monitors: Vec<PlacedMonitor>,
    pub(crate) intervals: Vec<PlacedInterval>,
    pub(crate) incidents: Vec<PlacedIncident>,
}

impl Seen {
    /// The state of a service now (D9).
    pub(crate) fn effective(&self, service: &PlacedService) -> EffectiveStatus {
        let states: Vec<_> = self
            .monitors
            .iter()
            .filter(|monitor| monitor.service_id == service.id && monitor.is_active)
            .map(|monitor| monitor.state)
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

    /// Uptime and bars of one service.
    pub(crate) fn uptime(&self, limits: &Limits, service: &PlacedService, now: Timestamp) -> Uptime {
        let window = window_of_days(DAYS, now);
        let mut monitors: Vec<(Interval, MonitorState)> = self
            .intervals
            .iter()
            .filter(|span| span.service_id == service.id)
            .map(|span| (Interval { start: span.started_at, end: known_end(span, limits, now) }, span.state))
            .collect();
        if monitors.is_empty() && !self.monitors.iter().any(|monitor| monitor.service_id == service.id) {
            // Nobody watches it: people report, and silence means that it works.
            monitors.push((Interval { start: service.created_at, end: now }, MonitorState::Up));
        }
        let incidents: Vec<(Interval, ServiceStatus)> =
            of_incidents(&self.incidents, service.id, now).collect();
        uptime(
            &Timeline { monitors: &monitors, incidents: &incidents, maintenances: &[] },
            window,
            Weights::default(),
        )
    }
}

/// As drawn: a status that nobody has measured yet is none.
pub(crate) fn shown(effective: EffectiveStatus) -> State {
    if effective.has_data { effective.status.into() } else { State::NoData }
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
