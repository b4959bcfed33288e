//! Overview: from monitors, incidents, maintenance and overrides to the status of each service and the
//! headline of a page (X38, D9, `ux.md` 1.1).

use crate::incident::Impact;
use crate::monitor::MonitorState;
use crate::service::ServiceStatus;

/// How many monitors of one service are in which confirmed state; those without data are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MonitorTally {
    pub up: i32,
    pub degraded: i32,
    pub down: i32,
}

impl MonitorTally {
    pub fn of(states: &[MonitorState]) -> Self {
        let mut tally = Self::default();
        for state in states {
            match state {
                MonitorState::NoData => {}
                MonitorState::Up => tally.up += 1,
                MonitorState::Degraded => tally.degraded += 1,
                MonitorState::Down => tally.down += 1,
            }
        }
        tally
    }

    /// All down: major outage. Some down: partial outage. Any degraded: degraded performance. `None`: no data.
    pub const fn status(self) -> Option<ServiceStatus> {
        let working = self.up + self.degraded;
        if self.down > 0 && working == 0 {
            Some(ServiceStatus::MajorOutage)
        } else if self.down > 0 {
            Some(ServiceStatus::PartialOutage)
        } else if self.degraded > 0 {
            Some(ServiceStatus::DegradedPerformance)
        } else if self.up > 0 {
            Some(ServiceStatus::Operational)
        } else {
            None
        }
    }
}

/// Everything that has a say in the status of one service (D9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceFacts<'a> {
    /// Debounced states of the active monitors.
    pub monitors: &'a [MonitorState],
    /// What each open incident does to this service.
    pub incidents: &'a [ServiceStatus],
    pub is_in_maintenance: bool,
    /// Whether maintenance hides what monitors say; incidents and overrides are never hidden.
    pub maintenance_hides_monitors: bool,
    pub manual_status: Option<ServiceStatus>,
}

/// What is shown for one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectiveStatus {
    pub status: ServiceStatus,
    /// False while there are monitors and none has reported, and nobody else said anything: shown as
    /// "no data yet" beside an operational status.
    pub has_data: bool,
}

/// The worst of open incidents, running maintenance, manual override and monitors (D9).
pub fn service_status(facts: ServiceFacts<'_>) -> EffectiveStatus {
    let maintenance = facts.is_in_maintenance.then_some(ServiceStatus::UnderMaintenance);
    let measured = MonitorTally::of(facts.monitors).status();
    let hidden = facts.is_in_maintenance && facts.maintenance_hides_monitors;
    let monitors = if hidden { None } else { measured };
    let said =
        facts.incidents.iter().copied().chain(maintenance).chain(facts.manual_status).chain(monitors).max();
    EffectiveStatus {
        status: said.unwrap_or_default(),
        has_data: said.is_some() || measured.is_some() || facts.monitors.is_empty(),
    }
}

/// State of a whole page, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    None,
    Minor,
    Major,
    Critical,
    Maintenance,
}

impl Indicator {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
            Self::Maintenance => "maintenance",
        }
    }
}

/// State of a whole page, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadlineText {
    AllOperational,
    PartiallyDegraded,
    PartialOutage,
    MajorOutage,
    UnderMaintenance,
    /// The one service that is broken.
    Service {
        name: String,
        status: ServiceStatus,
    },
}

/// First thing a visitor reads; page, feeds, badge and API print the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    pub indicator: Indicator,
    pub text: HeadlineText,
}

impl Headline {
    /// English text, as in the `description` of the Statuspage-compatible output.
    pub fn description(&self) -> String {
        match &self.text {
            HeadlineText::AllOperational => "All systems operational".to_owned(),
            HeadlineText::PartiallyDegraded => "Partially degraded service".to_owned(),
            HeadlineText::PartialOutage => "Partial system outage".to_owned(),
            HeadlineText::MajorOutage => "Major system outage".to_owned(),
            HeadlineText::UnderMaintenance => "Service under maintenance".to_owned(),
            HeadlineText::Service { name, status } => format!("{name}: {}", status.label().to_lowercase()),
        }
    }
}

/// Sums up the visible services of a page (name and status) and the impacts of its open incidents.
///
/// 1. Something is broken: the worst status decides; a single broken service is named.
/// 2. Nothing is broken but an incident is open: its impact decides, and the headline is never green.
/// 3. Else maintenance, else all is well.
pub fn headline(services: &[(&str, ServiceStatus)], open_incidents: &[Impact]) -> Headline {
    let worst = services.iter().map(|(_, status)| *status).max().unwrap_or_default();
    let major = services.iter().filter(|(_, status)| *status == ServiceStatus::MajorOutage).count();
    let severity = match worst {
        ServiceStatus::MajorOutage if major * 2 >= services.len() => Some(Impact::Critical),
        ServiceStatus::MajorOutage | ServiceStatus::PartialOutage => Some(Impact::Major),
        ServiceStatus::DegradedPerformance => Some(Impact::Minor),
        ServiceStatus::Operational | ServiceStatus::UnderMaintenance => open_incidents.iter().copied().max(),
    };
    let (indicator, text) = match severity {
        Some(Impact::Critical) => (Indicator::Critical, HeadlineText::MajorOutage),
        Some(Impact::Major) => (Indicator::Major, HeadlineText::PartialOutage),
        Some(Impact::Minor | Impact::None) => (Indicator::Minor, HeadlineText::PartiallyDegraded),
        None if worst == ServiceStatus::UnderMaintenance => {
            (Indicator::Maintenance, HeadlineText::UnderMaintenance)
        }
        None => (Indicator::None, HeadlineText::AllOperational),
    };
    let mut broken = services.iter().filter(|(_, status)| status.is_broken());
    let text = match (broken.next(), broken.next()) {
        (Some((name, status)), None) => HeadlineText::Service { name: (*name).to_owned(), status: *status },
        _ => text,
    };
    Headline { indicator, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance};

    #[test]
    fn several_monitors_make_one_status() {
        use MonitorState::{Degraded, Down, NoData, Up};
        for (states, status) in [
            (&[][..], None),
            (&[NoData], None),
            (&[Up], Some(Operational)),
            (&[Up, NoData], Some(Operational)),
            (&[Up, Degraded], Some(DegradedPerformance)),
            (&[Down], Some(MajorOutage)),
            (&[Down, Down], Some(MajorOutage)),
            (&[Down, NoData], Some(MajorOutage)),
            (&[Down, Up], Some(PartialOutage)),
            (&[Down, Degraded], Some(PartialOutage)),
        ] {
            assert_eq!(MonitorTally::of(states).status(), status, "{states:?}");
        }
    }

    #[test]
    fn the_worst_source_wins() {
        // D9: monitors, incidents, maintenance (hiding monitors?), override -> status, has data.
        use MonitorState::{Degraded, Down, NoData, Up};
        type Row<'a> = (
            &'a [MonitorState],
            &'a [ServiceStatus],
            Option<bool>,
            Option<ServiceStatus>,
            ServiceStatus,
            bool,
        );
        let table: &[Row<'_>] = &[
            (&[], &[], None, None, Operational, true),
            (&[NoData], &[], None, None, Operational, false),
            (&[NoData, Up], &[], None, None, Operational, true),
            (&[NoData], &[PartialOutage], None, None, PartialOutage, true),
            (&[NoData], &[], None, Some(MajorOutage), MajorOutage, true),
            (&[NoData], &[], Some(false), None, UnderMaintenance, true),
            (&[Degraded], &[], None, None, DegradedPerformance, true),
            (&[Down], &[], None, None, MajorOutage, true),
            (&[Down, Up], &[], None, None, PartialOutage, true),
            (&[Up], &[Operational], None, None, Operational, true),
            (&[Up], &[DegradedPerformance, PartialOutage], None, None, PartialOutage, true),
            (&[Down], &[DegradedPerformance], None, None, MajorOutage, true),
            (&[Up], &[], Some(false), None, UnderMaintenance, true),
            (&[Down], &[], Some(false), None, MajorOutage, true),
            (&[Down], &[], Some(true), None, UnderMaintenance, true),
            (&[Down], &[PartialOutage], Some(true), None, PartialOutage, true),
            (&[Down], &[], Some(true), Some(DegradedPerformance), DegradedPerformance, true),
            (&[Down], &[], None, Some(Operational), MajorOutage, true),
            (&[Up], &[], None, Some(UnderMaintenance), UnderMaintenance, true),
        ];
        for (monitors, incidents, maintenance, manual_status, status, has_data) in table {
            let facts = ServiceFacts {
                monitors,
                incidents,
                is_in_maintenance: maintenance.is_some(),
                maintenance_hides_monitors: *maintenance == Some(true),
                manual_status: *manual_status,
            };
            let expected = EffectiveStatus { status: *status, has_data: *has_data };
            assert_eq!(service_status(facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn the_headline_says_the_worst_in_the_agreed_words() {
        // ux.md 1.1: statuses of services A, B, C … and open incidents -> indicator, description.
        let table: &[(&[ServiceStatus], &[Impact], &str, &str)] = &[
            (&[], &[], "none", "All systems operational"),
            (&[Operational, Operational], &[], "none", "All systems operational"),
            (&[DegradedPerformance, Operational], &[], "minor", "A: degraded performance"),
            (&[DegradedPerformance, DegradedPerformance], &[], "minor", "Partially degraded service"),
            (&[Operational, PartialOutage], &[], "major", "B: partial outage"),
            (&[PartialOutage, PartialOutage], &[], "major", "Partial system outage"),
            (&[MajorOutage, Operational, Operational], &[], "major", "A: major outage"),
            (&[MajorOutage, DegradedPerformance, Operational], &[], "major", "Partial system outage"),
            (&[MajorOutage, Operational], &[], "critical", "A: major outage"),
            (&[MajorOutage], &[], "critical", "A: major outage"),
            (&[MajorOutage, MajorOutage, Operational], &[], "critical", "Major system outage"),
            (
                &[MajorOutage, MajorOutage, Operational, Operational, Operational],
                &[],
                "major",
                "Partial system outage",
            ),
            (&[UnderMaintenance, Operational], &[], "maintenance", "Service under maintenance"),
            (&[UnderMaintenance, PartialOutage], &[], "major", "B: partial outage"),
            (&[Operational], &[Impact::None], "minor", "Partially degraded service"),
            (&[Operational], &[Impact::Minor], "minor", "Partially degraded service"),
            (&[Operational], &[Impact::Minor, Impact::Major], "major", "Partial system outage"),
            (&[], &[Impact::Critical], "critical", "Major system outage"),
            (&[UnderMaintenance], &[Impact::None], "minor", "Partially degraded service"),
            (&[MajorOutage, Operational, Operational], &[Impact::Critical], "major", "A: major outage"),
        ];
        for (statuses, incidents, indicator, description) in table {
            let services: Vec<_> =
                ["A", "B", "C", "D", "E"].into_iter().zip(statuses.iter().copied()).collect();
            let headline = headline(&services, incidents);
            let said = (headline.indicator.as_str(), headline.description());
            assert_eq!(said, (*indicator, (*description).to_owned()), "{statuses:?} {incidents:?}");
            assert_eq!(serde_json::to_value(headline.indicator).unwrap(), *indicator);
        }
    }

    #[test]
    fn the_headline_is_green_only_when_nothing_is_broken_or_open() {
        for status in ServiceStatus::ALL {
            for impact in Impact::ALL {
                let incident_only = headline(&[("API", status)], &[impact]);
                assert!(!matches!(incident_only.indicator, Indicator::None | Indicator::Maintenance));
            }
            let without = headline(&[("API", status)], &[]);
            assert_eq!(without.indicator == Indicator::None, status == Operational);
        }
    }
}
