//! Service: what visitors see, and the status words they see it in (S1, D4, D5).

use crate::id::{OrgId, ServiceId};
use crate::time::Timestamp;

/// Status of a service in the words of `ux.md` 1.1. Ordered by severity, so `max` is "the worst".
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
pub enum ServiceStatus {
    #[default]
    Operational,
    /// Milder than any failure: work that was announced.
    UnderMaintenance,
    DegradedPerformance,
    PartialOutage,
    MajorOutage,
}

impl ServiceStatus {
    /// All five in the order in which forms offer them.
    pub const ALL: [Self; 5] = [
        Self::Operational,
        Self::DegradedPerformance,
        Self::PartialOutage,
        Self::MajorOutage,
        Self::UnderMaintenance,
    ];

    /// The exact wire word; other tools parse it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::UnderMaintenance => "under_maintenance",
            Self::DegradedPerformance => "degraded_performance",
            Self::PartialOutage => "partial_outage",
            Self::MajorOutage => "major_outage",
        }
    }

    /// English text as people read it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Operational => "Operational",
            Self::UnderMaintenance => "Under maintenance",
            Self::DegradedPerformance => "Degraded performance",
            Self::PartialOutage => "Partial outage",
            Self::MajorOutage => "Major outage",
        }
    }

    /// Whether something fails here; neither operational nor maintenance counts.
    pub const fn is_broken(self) -> bool {
        matches!(self, Self::DegradedPerformance | Self::PartialOutage | Self::MajorOutage)
    }
}

/// What a confirmed outage of its monitors does besides changing the state of the service (`ux.md` 1.1).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum IncidentMode {
    /// An incident is opened and resolved by itself.
    Auto,
    /// A person is asked first: nothing is written in anybody's name.
    #[default]
    Suggest,
    Manual,
}

impl IncidentMode {
    /// In the order in which forms offer them.
    pub const ALL: [Self; 3] = [Self::Suggest, Self::Auto, Self::Manual];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Suggest => "suggest",
            Self::Manual => "manual",
        }
    }

    /// One sentence for a form.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Auto => "Open and resolve incidents by itself, and tell subscribers",
            Self::Suggest => "Suggest incidents; nothing is published before you say so",
            Self::Manual => "Do nothing; people open incidents",
        }
    }
}

/// One service of an organization as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Service {
    pub id: ServiceId,
    pub organization_id: OrgId,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub group_name: Option<String>,
    /// Lists are sorted by position, then name (S27).
    pub position: i32,
    /// Hidden services appear on no page, feed or badge (S28).
    pub is_visible: bool,
    /// Set by a person; counts like any other source (D9). `None`: no override.
    pub manual_status: Option<ServiceStatus>,
    pub incident_mode: IncidentMode,
    pub created_at: Timestamp,
    /// Grows with every edit; the object's version (`ETag`).
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_words_are_the_ones_other_tools_parse() {
        for status in ServiceStatus::ALL {
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!("\"{}\"", status.as_str()));
            assert_eq!(serde_json::from_str::<ServiceStatus>(&json).unwrap(), status);
            assert_eq!(status.label().to_lowercase().replace(' ', "_"), status.as_str());
        }
    }

    #[test]
    fn the_worst_of_several_is_the_maximum() {
        let worst = ServiceStatus::ALL.into_iter().max();
        assert_eq!(worst, Some(ServiceStatus::MajorOutage));
        assert!(ServiceStatus::UnderMaintenance < ServiceStatus::DegradedPerformance);
        assert!(ServiceStatus::Operational < ServiceStatus::UnderMaintenance);
    }
}
