//! Incident: what people are told about a failure, and how its updates decide where it stands (S2, S3, X40, X41).

pub mod automatic;
mod suggestion;

pub use suggestion::{IncidentSuggestion, SuggestionKind, SuggestionState};

use crate::id::{IncidentId, IncidentUpdateId, OrgId, ServiceId};
use crate::service::ServiceStatus;
use crate::time::Timestamp;

/// Where an incident stands, in the words of `ux.md` 1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum IncidentStatus {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
    /// Written after the end; the incident stays closed.
    Postmortem,
}

impl IncidentStatus {
    /// In the order an incident usually takes.
    pub const ALL: [Self; 5] =
        [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved, Self::Postmortem];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
            Self::Postmortem => "postmortem",
        }
    }

    /// English text as people read it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Investigating => "Investigating",
            Self::Identified => "Identified",
            Self::Monitoring => "Monitoring",
            Self::Resolved => "Resolved",
            Self::Postmortem => "Postmortem",
        }
    }

    /// Whether visitors are still affected: everything before `resolved`.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Postmortem)
    }
}

/// How bad an incident is as a whole. Ordered, so `max` is "the worst".
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Impact {
    #[default]
    None,
    Minor,
    Major,
    Critical,
}

impl Impact {
    pub const ALL: [Self; 4] = [Self::None, Self::Minor, Self::Major, Self::Critical];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// English text as people read it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Minor => "Minor",
            Self::Major => "Major",
            Self::Critical => "Critical",
        }
    }

    /// In the words of the older severities (D5).
    pub const fn severity(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "low",
            Self::Major => "medium",
            Self::Critical => "high",
        }
    }

    /// Reads an impact or one of the older severities `low`, `medium`, `high` (D5). `None`: unknown word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "low" | "minor" => Some(Self::Minor),
            "medium" | "major" => Some(Self::Major),
            "high" | "critical" => Some(Self::Critical),
            _ => None,
        }
    }

    /// Derived from the worst service unless a person sets it (D5).
    pub fn of_services(statuses: impl IntoIterator<Item = ServiceStatus>) -> Self {
        statuses.into_iter().map(Self::of_service).max().unwrap_or_default()
    }

    const fn of_service(status: ServiceStatus) -> Self {
        match status {
            ServiceStatus::Operational | ServiceStatus::UnderMaintenance => Self::None,
            ServiceStatus::DegradedPerformance => Self::Minor,
            ServiceStatus::PartialOutage => Self::Major,
            ServiceStatus::MajorOutage => Self::Critical,
        }
    }

    /// What an affected service gets when the author gave only an impact.
    pub const fn default_service_status(self) -> ServiceStatus {
        match self {
            Self::None => ServiceStatus::Operational,
            Self::Minor => ServiceStatus::DegradedPerformance,
            Self::Major => ServiceStatus::PartialOutage,
            Self::Critical => ServiceStatus::MajorOutage,
        }
    }
}

/// Who opened an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum IncidentOrigin {
    /// Somebody wrote it, or published what was suggested.
    Person,
    /// The engine, after a confirmed outage; see [`automatic`].
    Automatic,
}

/// One incident as stored. `status` and `resolved_at` are what [`standing`] says of its updates.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Incident {
    pub id: IncidentId,
    pub organization_id: OrgId,
    pub title: String,
    pub status: IncidentStatus,
    pub impact: Impact,
    pub started_at: Timestamp,
    /// `None` while open; cleared again when a later update reopens it (X41).
    pub resolved_at: Option<Timestamp>,
    pub origin: IncidentOrigin,
    /// A person changed it or wrote on it after it was opened: from then on the engine leaves it alone (X53).
    pub is_edited: bool,
    pub created_at: Timestamp,
    /// Grows with every edit; the object's version (`ETag`).
    pub updated_at: Timestamp,
}

impl Incident {
    /// Whether every word on it is the engine's, which may then go on with it (X53).
    pub fn is_engines_own(&self) -> bool {
        self.origin == IncidentOrigin::Automatic && !self.is_edited
    }
}

/// One message in an incident's story.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IncidentUpdate {
    pub id: IncidentUpdateId,
    pub organization_id: OrgId,
    pub incident_id: IncidentId,
    pub status: IncidentStatus,
    /// Markdown as the author wrote it.
    pub body: String,
    /// When it took effect; earlier than the writing when the author back-dated it (X41).
    pub created_at: Timestamp,
}

/// What an incident does to one service now (D5, X39).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IncidentService {
    pub organization_id: OrgId,
    pub incident_id: IncidentId,
    pub service_id: ServiceId,
    pub status: ServiceStatus,
}

/// What the updates of one incident add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub status: IncidentStatus,
    /// The update that ended it; `None` while open.
    pub resolved_at: Option<Timestamp>,
}

/// The last update by effective time decides the status; the first of the closing updates at the end gives
/// `resolved_at`; a later open one reopens and clears it (X41). Order of the input does not matter: ties go
/// by id, which grows with the time of writing. `None` without updates.
pub fn standing(updates: &[IncidentUpdate]) -> Option<Standing> {
    let mut ordered: Vec<&IncidentUpdate> = updates.iter().collect();
    ordered.sort_unstable_by_key(|update| (update.created_at, update.id));
    let last = ordered.last()?;
    let resolved_at = ordered
        .iter()
        .rev()
        .take_while(|update| !update.status.is_open())
        .last()
        .map(|update| update.created_at);
    Some(Standing { status: last.status, resolved_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use IncidentStatus::{Identified, Investigating, Monitoring, Postmortem, Resolved};
    use proptest::prelude::*;
    use uuid::Uuid;

    fn update(id: u128, status: IncidentStatus, at_ms: i64) -> IncidentUpdate {
        IncidentUpdate {
            id: IncidentUpdateId::new(Uuid::from_u128(id)),
            organization_id: OrgId::new(Uuid::from_u128(1)),
            incident_id: IncidentId::new(Uuid::from_u128(2)),
            status,
            body: String::new(),
            created_at: Timestamp::from_ms(at_ms),
        }
    }

    fn standing_of(story: &[(IncidentStatus, i64)]) -> Option<(IncidentStatus, Option<i64>)> {
        let updates: Vec<_> =
            (0_u128..).zip(story).map(|(id, (status, at))| update(id, *status, *at)).collect();
        standing(&updates).map(|is| (is.status, is.resolved_at.map(Timestamp::ms)))
    }

    #[test]
    fn the_last_update_by_effective_time_decides() {
        // X41, one line per sentence of the rule.
        assert_eq!(standing_of(&[]), None);
        assert_eq!(standing_of(&[(Investigating, 1), (Identified, 2)]), Some((Identified, None)));
        assert_eq!(standing_of(&[(Investigating, 1), (Resolved, 5)]), Some((Resolved, Some(5))), "resolved");
        assert_eq!(
            standing_of(&[(Resolved, 5), (Investigating, 9)]),
            Some((Investigating, None)),
            "reopened"
        );
        assert_eq!(
            standing_of(&[(Resolved, 5), (Monitoring, 9), (Resolved, 12)]),
            Some((Resolved, Some(12)))
        );
        assert_eq!(
            standing_of(&[(Resolved, 5), (Postmortem, 9)]),
            Some((Postmortem, Some(5))),
            "stays closed"
        );
        assert_eq!(standing_of(&[(Resolved, 5), (Identified, 3)]), Some((Resolved, Some(5))), "back-dated");
        assert_eq!(standing_of(&[(Investigating, 5), (Resolved, 5)]), Some((Resolved, Some(5))), "tie by id");
    }

    #[test]
    fn impact_follows_the_worst_service_and_back() {
        for impact in Impact::ALL {
            assert_eq!(Impact::of_services([impact.default_service_status()]), impact);
            assert_eq!(Impact::parse(impact.as_str()), Some(impact));
            assert_eq!(serde_json::to_value(impact).unwrap(), impact.as_str());
        }
        assert_eq!(Impact::of_services([]), Impact::None);
        assert_eq!(Impact::of_services([ServiceStatus::UnderMaintenance]), Impact::None);
        let services = [ServiceStatus::Operational, ServiceStatus::PartialOutage, ServiceStatus::Operational];
        assert_eq!(Impact::of_services(services), Impact::Major);
    }

    #[test]
    fn older_severities_are_understood() {
        // D5: low|minor, medium|major, high|critical.
        assert_eq!(Impact::parse("low"), Some(Impact::Minor));
        assert_eq!(Impact::parse("medium"), Some(Impact::Major));
        assert_eq!(Impact::parse("high"), Some(Impact::Critical));
        assert_eq!(Impact::parse("High"), None);
        assert_eq!(Impact::parse("maintenance"), None);
    }

    #[test]
    fn status_words_match_their_wire_form() {
        for status in IncidentStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.label().to_lowercase(), status.as_str());
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_rows_does_not_matter(
            story in proptest::collection::vec((0_usize..5, 0_i64..6), 1..10),
            turn in 0_usize..10,
        ) {
            let mut updates: Vec<_> = (0_u128..)
                .zip(&story)
                .map(|(id, (status, at))| update(id, IncidentStatus::ALL[*status], *at))
                .collect();
            let straight = standing(&updates);
            let places = turn % updates.len();
            updates.rotate_left(places);
            prop_assert_eq!(standing(&updates), straight);
            let is = straight.unwrap();
            prop_assert_eq!(is.resolved_at.is_none(), is.status.is_open());
        }
    }
}
