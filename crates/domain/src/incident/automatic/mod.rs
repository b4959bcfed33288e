//! What a confirmed change of a monitor means for the incidents of its service (`ux.md` 1.1, X53). Pure: it gets what
//! is known about one service and says what to do.
//!
//! 1. An outage of a service begins when the first of its monitors is confirmed down and ends when none is. Only its
//!    begin opens or suggests something: whoever resolved or dismissed it meanwhile had the last word on this outage.
//! 2. Nothing is opened or suggested beside an incident that is open on the service already (X53).
//! 3. The engine goes on only with its own incidents, those that no person touched. The end of any other is suggested.
//! 4. While a monitor flaps, nothing is resolved or taken back. What ended less than [`REOPEN_WITHIN_MS`] ago is
//!    opened again instead of anew.
//! 5. A service that nobody watches any more was not seen to work: no resolution follows from silence.

use crate::id::{IncidentId, SuggestionId};
use crate::overview::MonitorTally;
use crate::service::{IncidentMode, ServiceStatus};
use crate::time::Timestamp;

/// An outage that begins so soon after the end of the last one goes on with the incident or suggestion of that one.
pub const REOPEN_WITHIN_MS: i64 = 600_000;

/// An incident that is open on the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenIncident {
    pub id: IncidentId,
    /// See [`super::Incident::is_engines_own`].
    pub is_engines_own: bool,
    /// Opened by the engine, whoever wrote on it since.
    pub is_automatic: bool,
    /// What it does to the service now.
    pub effect: ServiceStatus,
    /// Monitors of another service that it touches are down: its end is not near.
    pub others_fail: bool,
    /// Its end is suggested already.
    pub end_suggested: Option<SuggestionId>,
}

/// Something that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended<Id> {
    pub id: Id,
    pub at: Timestamp,
}

/// All that has a say, for one service.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub mode: IncidentMode,
    /// Before the change some monitor was down, or held back by its flapping.
    pub was_in_trouble: bool,
    /// A monitor was just found working, rather than taken away.
    pub is_seen: bool,
    /// Active monitors after the change.
    pub monitors: MonitorTally,
    pub is_flapping: bool,
    pub incidents: &'a [OpenIncident],
    /// The engine's own incident of this service that ended last.
    pub last_incident: Option<Ended<IncidentId>>,
    /// The suggested incident that waits, and what it says about the service.
    pub suggestion: Option<(SuggestionId, ServiceStatus)>,
    /// The suggested incident that became obsolete last.
    pub last_suggestion: Option<Ended<SuggestionId>>,
    pub now: Timestamp,
}

/// One thing to do. Suggestions are for the members alone; all others are seen on public pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Open {
        status: ServiceStatus,
    },
    Reopen {
        incident: IncidentId,
        status: ServiceStatus,
    },
    /// Changes what the incident does to the service, and tells nobody.
    Adjust {
        incident: IncidentId,
        status: ServiceStatus,
    },
    Resolve {
        incident: IncidentId,
    },
    Suggest {
        status: ServiceStatus,
    },
    SuggestAgain {
        suggestion: SuggestionId,
        status: ServiceStatus,
    },
    AdjustSuggestion {
        suggestion: SuggestionId,
        status: ServiceStatus,
    },
    SuggestEnd {
        incident: IncidentId,
    },
    /// What was suggested no longer holds.
    Withdraw {
        suggestion: SuggestionId,
    },
}

/// What follows from a change that concerns this service.
pub fn decide(facts: &Facts<'_>) -> Vec<Act> {
    if facts.mode == IncidentMode::Manual {
        return Vec::new();
    }
    match facts.monitors.status() {
        Some(status) if facts.monitors.down > 0 => fails(facts, status),
        Some(_) if facts.is_seen && facts.is_flapping => held(facts),
        Some(_) if facts.is_seen => works(facts),
        Some(_) | None => unwatched(facts),
    }
}

fn fails(facts: &Facts<'_>, status: ServiceStatus) -> Vec<Act> {
    let mut acts: Vec<Act> = facts
        .incidents
        .iter()
        .filter_map(|incident| incident.end_suggested.map(|suggestion| Act::Withdraw { suggestion }))
        .collect();
    acts.extend(adjusted(facts, status));
    if let Some((suggestion, before)) = facts.suggestion {
        if before != status {
            acts.push(Act::AdjustSuggestion { suggestion, status });
        }
    } else if !facts.was_in_trouble && facts.incidents.is_empty() {
        acts.push(begins(facts, status));
    }
    acts
}

/// What is told when an outage begins and nobody has told it yet.
fn begins(facts: &Facts<'_>, status: ServiceStatus) -> Act {
    let is_near = |at: Timestamp| facts.now.since(at) < REOPEN_WITHIN_MS;
    if facts.mode == IncidentMode::Auto {
        match facts.last_incident.filter(|ended| is_near(ended.at)) {
            Some(ended) => Act::Reopen { incident: ended.id, status },
            None => Act::Open { status },
        }
    } else {
        match facts.last_suggestion.filter(|ended| is_near(ended.at)) {
            Some(ended) => Act::SuggestAgain { suggestion: ended.id, status },
            None => Act::Suggest { status },
        }
    }
}

/// It answers, but nobody knows for how long: the incident stays, and says so.
fn held(facts: &Facts<'_>) -> Vec<Act> {
    adjusted(facts, ServiceStatus::DegradedPerformance).collect()
}

fn adjusted(facts: &Facts<'_>, status: ServiceStatus) -> impl Iterator<Item = Act> {
    let is_auto = facts.mode == IncidentMode::Auto;
    let own = facts.incidents.iter().filter(move |incident| is_auto && incident.is_engines_own);
    own.filter(move |incident| incident.effect != status)
        .map(move |incident| Act::Adjust { incident: incident.id, status })
}

fn works(facts: &Facts<'_>) -> Vec<Act> {
    let mut acts = Vec::new();
    for incident in facts.incidents {
        if facts.mode == IncidentMode::Auto && incident.is_engines_own {
            acts.push(Act::Resolve { incident: incident.id });
        } else if facts.was_in_trouble || incident.is_engines_own {
            acts.extend(end_of(*incident));
        }
    }
    acts.extend(facts.suggestion.map(|(suggestion, _)| Act::Withdraw { suggestion }));
    acts
}

/// The last monitor was paused, moved or deleted while it was down.
fn unwatched(facts: &Facts<'_>) -> Vec<Act> {
    let automatic = facts.incidents.iter().filter(|incident| incident.is_automatic);
    let mut acts: Vec<Act> = automatic.filter_map(|incident| end_of(*incident)).collect();
    acts.extend(facts.suggestion.map(|(suggestion, _)| Act::Withdraw { suggestion }));
    acts
}

fn end_of(incident: OpenIncident) -> Option<Act> {
    let is_near = !incident.others_fail && incident.end_suggested.is_none();
    is_near.then_some(Act::SuggestEnd { incident: incident.id })
}

/// Title of an incident about this service, by the name that visitors know. `None`: its pages call it differently.
pub fn title(name: Option<&str>, status: ServiceStatus) -> String {
    match (name, status) {
        (Some(name), ServiceStatus::MajorOutage) => format!("{name} is down"),
        (Some(name), _) => format!("{name} is partly down"),
        (None, ServiceStatus::MajorOutage) => "Outage".to_owned(),
        (None, _) => "Partial outage".to_owned(),
    }
}

/// First words on an incident. They say nothing of what was checked or what it answered (T-01).
pub const fn opening(status: ServiceStatus) -> &'static str {
    match status {
        ServiceStatus::MajorOutage => "Our monitoring finds this service down.",
        _ => "Our monitoring finds a part of this service down.",
    }
}

/// Words on an incident that is opened again.
pub const fn reopening(status: ServiceStatus) -> &'static str {
    match status {
        ServiceStatus::MajorOutage => "Our monitoring finds this service down again.",
        _ => "Our monitoring finds a part of this service down again.",
    }
}

/// Last words.
pub const ENDING: &str = "Our monitoring finds this service working again.";

#[cfg(test)]
mod tests;
