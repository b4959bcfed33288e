//! What the engine would do and leaves to a person (`ux.md` 1.1). It lives apart from incidents, so that no page, feed
//! or badge can show it.

use crate::id::{IncidentId, MonitorId, OrgId, ServiceId, SuggestionId};
use crate::service::ServiceStatus;
use crate::time::Timestamp;

/// What is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum SuggestionKind {
    /// To open an incident.
    Open,
    /// To resolve one that people have a word in (X53).
    Resolve,
}

impl SuggestionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolve => "resolve",
        }
    }
}

/// What became of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum SuggestionState {
    /// Waits for a word.
    Open,
    Accepted,
    Dismissed,
    /// What it was about passed, or somebody acted without it.
    Obsolete,
}

impl SuggestionState {
    pub const ALL: [Self; 4] = [Self::Open, Self::Accepted, Self::Dismissed, Self::Obsolete];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Dismissed => "dismissed",
            Self::Obsolete => "obsolete",
        }
    }
}

/// One suggestion as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IncidentSuggestion {
    pub id: SuggestionId,
    pub organization_id: OrgId,
    pub service_id: ServiceId,
    pub kind: SuggestionKind,
    pub state: SuggestionState,
    /// Whose change of state led to it.
    pub monitor_id: MonitorId,
    /// The one to resolve; for the other kind what it became. `None`: nothing yet.
    pub incident_id: Option<IncidentId>,
    /// What the monitors say about the service.
    pub status: ServiceStatus,
    /// When that began: the first failed check, or the first good one.
    pub since: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
