//! Incidents that follow from confirmed changes of monitors (`ux.md` 1.1, X53). What is to be done is decided in
//! `domain::incident::automatic`; here it is done, in the transaction of its cause, so that a kill leaves both or none.

use std::collections::BTreeMap;

use domain::id::{IncidentId, IncidentUpdateId, MonitorId, ServiceId, SuggestionId};
use domain::incident::automatic::{self, Act, Ended, Facts, OpenIncident, REOPEN_WITHIN_MS};
use domain::incident::{
    Impact, Incident, IncidentOrigin, IncidentStatus, IncidentSuggestion, IncidentUpdate, SuggestionKind,
    SuggestionState,
};
use domain::monitor::{Monitor, MonitorState};
use domain::overview::MonitorTally;
use domain::service::{IncidentMode, Service, ServiceStatus};
use domain::time::Timestamp;
use domain::verdict::Step;
use store::services::MonitorWord;
use store::watch::WatchedMonitor;
use store::{OrgScope, Tx};

use crate::incidents::{save, stand};
use crate::{Context, Result, notifications};

/// A change of one monitor that may concern the incidents of its service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    scope: OrgScope,
    service_id: ServiceId,
    monitor_id: MonitorId,
    from: MonitorState,
    /// The same as `from` when it only stopped flapping.
    to: MonitorState,
    was_flapping: bool,
    at: Timestamp,
}

impl Turn {
    /// What a result did. `None`: nothing that matters here, or an outage of a monitor that is snoozed. One that is still
    /// down when its snooze has ended goes down for incidents only then.
    pub(crate) fn of(monitor: &WatchedMonitor, step: &Step, now: Timestamp) -> Option<Self> {
        let is_down = step.verdict.state == MonitorState::Down;
        if is_down && monitor.is_snoozed(now) {
            return None;
        }
        if is_down && monitor.is_just_awake(now) {
            return Some(Self {
                scope: monitor.scope(),
                service_id: monitor.service_id,
                monitor_id: monitor.id,
                from: MonitorState::NoData,
                to: MonitorState::Down,
                was_flapping: false,
                at: step.verdict.state_since.unwrap_or(now),
            });
        }
        let was_flapping = monitor.flapping_since.is_some();
        let is_calm = was_flapping && step.verdict.flapping_since.is_none();
        let at = step.flip.map(|flip| flip.at).or(step.verdict.state_since.filter(|_| is_calm))?;
        Some(Self {
            scope: monitor.scope(),
            service_id: monitor.service_id,
            monitor_id: monitor.id,
            from: monitor.state,
            to: step.verdict.state,
            was_flapping,
            at,
        })
    }

    /// The monitor leaves its service: paused, moved or deleted. None when it did not run.
    pub(crate) fn gone(scope: OrgScope, before: &Monitor, now: Timestamp) -> Vec<Self> {
        let turn = Self {
            scope,
            service_id: before.service_id,
            monitor_id: before.id,
            from: before.state,
            to: MonitorState::NoData,
            was_flapping: before.flapping_since.is_some(),
            at: now,
        };
        before.is_active.then_some(turn).into_iter().collect()
    }

    fn was_in_trouble(&self) -> bool {
        self.from == MonitorState::Down || self.was_flapping
    }

    fn is_seen(&self) -> bool {
        matches!(self.to, MonitorState::Up | MonitorState::Degraded)
    }
}

/// Does what follows from these changes. `true`: something was written that subscribers and pages are told.
///
/// Services are locked one after the other in the order of their ids, after the monitors and before any incident or
/// suggestion. Two processes that see two monitors of one service go down decide one after the other.
pub(crate) async fn follow(ctx: &Context, tx: &mut Tx, turns: Vec<Turn>, now: Timestamp) -> Result<bool> {
    let mut by_service: BTreeMap<ServiceId, Vec<Turn>> = BTreeMap::new();
    for turn in turns {
        by_service.entry(turn.service_id).or_default().push(turn);
    }
    let mut is_told = false;
    for (service, turns) in by_service {
        is_told |= follow_service(ctx, tx, service, &turns, now).await?;
    }
    Ok(is_told)
}

async fn follow_service(
    ctx: &Context,
    tx: &mut Tx,
    id: ServiceId,
    turns: &[Turn],
    now: Timestamp,
) -> Result<bool> {
    let Some(scope) = turns.first().map(|turn| turn.scope) else { return Ok(false) };
    let is_outage = turns.iter().any(|turn| turn.was_in_trouble() || turn.to == MonitorState::Down);
    // First checks of many monitors are changes too: most of them concern nothing here.
    if !is_outage && !store::incident_suggestions::is_concerned(tx, scope, id).await? {
        return Ok(false);
    }
    let found = store::services::lock(tx, scope, id).await?;
    let Some(service) = found.filter(|service| service.incident_mode != IncidentMode::Manual) else {
        return Ok(false);
    };
    let acts = decide(tx, scope, &service, turns, now).await?;
    let story = Story { ctx, scope, service: &service, turns, now };
    let mut is_told = false;
    for act in acts {
        is_told |= story.apply(tx, act).await?;
    }
    Ok(is_told)
}

/// Reads all that has a say and asks the rule.
async fn decide(
    tx: &mut Tx,
    scope: OrgScope,
    service: &Service,
    turns: &[Turn],
    now: Timestamp,
) -> Result<Vec<Act>> {
    let words = store::services::list_words(tx, scope, service.id, now).await?;
    let others = words.iter().filter(|word| turns.iter().all(|turn| turn.monitor_id != word.id));
    let is_troubled = |word: &MonitorWord| word.state == MonitorState::Down || word.is_flapping;
    let was_in_trouble = turns.iter().any(Turn::was_in_trouble) || others.into_iter().any(is_troubled);
    let states: Vec<MonitorState> = words.iter().map(|word| word.state).collect();
    let incidents = open_incidents(tx, scope, service.id).await?;
    let recently = now.plus_ms(-REOPEN_WITHIN_MS);
    let last_incident = store::incidents::find_ended_automatic(tx, scope, service.id, recently).await?;
    let last_suggestion = store::incident_suggestions::find_obsolete(tx, scope, service.id, recently).await?;
    let facts = Facts {
        mode: service.incident_mode,
        was_in_trouble,
        is_seen: turns.iter().any(Turn::is_seen),
        monitors: MonitorTally::of(&states),
        is_flapping: words.iter().any(|word| word.is_flapping),
        incidents: &incidents,
        last_incident: last_incident.map(|(id, at)| Ended { id, at }),
        suggestion: store::incident_suggestions::find_waiting(tx, scope, service.id).await?,
        last_suggestion: last_suggestion.map(|(id, at)| Ended { id, at }),
        now,
    };
    Ok(automatic::decide(&facts))
}

/// The engine's own are locked: a person who writes on one at this moment is seen (X53).
async fn open_incidents(tx: &mut Tx, scope: OrgScope, service: ServiceId) -> Result<Vec<OpenIncident>> {
    let mut found = Vec::new();
    for row in store::incidents::list_open_on_service(tx, scope, service).await? {
        let is_automatic = row.origin == IncidentOrigin::Automatic;
        let mut is_engines_own = is_automatic && !row.is_edited;
        if is_engines_own {
            let Some(locked) = store::incidents::lock(tx, scope, row.id).await? else { continue };
            if locked.resolved_at.is_some() {
                continue;
            }
            is_engines_own = locked.is_engines_own();
        }
        found.push(OpenIncident {
            id: row.id,
            is_engines_own,
            is_automatic,
            effect: row.status,
            others_fail: row.others_fail,
            end_suggested: row.end_suggested,
        });
    }
    Ok(found)
}

/// What happened to one service, for whoever writes it down.
struct Story<'a> {
    ctx: &'a Context,
    scope: OrgScope,
    service: &'a Service,
    /// At least one.
    turns: &'a [Turn],
    now: Timestamp,
}

impl Story<'_> {
    /// `true`: subscribers and pages are told.
    async fn apply(&self, tx: &mut Tx, act: Act) -> Result<bool> {
        let (scope, now) = (self.scope, self.now);
        match act {
            Act::Open { status } => self.open(tx, status).await?,
            Act::Reopen { incident, status } => self.reopen(tx, incident, status).await?,
            Act::Adjust { incident, status } => self.adjust(tx, incident, status).await?,
            Act::Resolve { incident } => self.resolve(tx, incident).await?,
            Act::Suggest { status } => self.suggest(tx, SuggestionKind::Open, None, status).await?,
            Act::SuggestEnd { incident } => {
                let status = ServiceStatus::Operational;
                self.suggest(tx, SuggestionKind::Resolve, Some(incident), status).await?;
            }
            Act::SuggestAgain { suggestion, status } | Act::AdjustSuggestion { suggestion, status } => {
                store::incident_suggestions::update_status(tx, scope, suggestion, status, now).await?;
            }
            Act::Withdraw { suggestion } => {
                let state = SuggestionState::Obsolete;
                store::incident_suggestions::settle(tx, scope, suggestion, state, now).await?;
            }
        }
        Ok(matches!(act, Act::Open { .. } | Act::Reopen { .. } | Act::Adjust { .. } | Act::Resolve { .. }))
    }

    async fn open(&self, tx: &mut Tx, status: ServiceStatus) -> Result<()> {
        let names = store::services::list_shown_names(tx, self.scope, self.service.id).await?;
        let incident = Incident {
            id: IncidentId::new(self.ctx.uuid(self.now)),
            organization_id: self.scope.organization_id(),
            title: automatic::title(public_name(&names, self.service), status),
            status: IncidentStatus::Investigating,
            impact: Impact::of_services([status]),
            started_at: self.began_at(),
            resolved_at: None,
            origin: IncidentOrigin::Automatic,
            is_edited: false,
            created_at: self.now,
            updated_at: self.now,
        };
        store::incidents::insert(tx, self.scope, &incident).await?;
        store::incidents::put_service(tx, self.scope, incident.id, self.service.id, status).await?;
        let update =
            self.update(&incident, IncidentStatus::Investigating, self.now, automatic::opening(status));
        store::incidents::insert_update(tx, self.scope, &update).await?;
        notifications::fan_out(self.ctx, tx, self.scope, &incident, &update, self.now).await
    }

    /// Goes on with an incident that ended a short while ago; with a new one when a person wrote on it just now.
    async fn reopen(&self, tx: &mut Tx, id: IncidentId, status: ServiceStatus) -> Result<()> {
        let found = store::incidents::lock(tx, self.scope, id).await?;
        let Some(before) = found.filter(Incident::is_engines_own) else { return self.open(tx, status).await };
        store::incidents::put_service(tx, self.scope, id, self.service.id, status).await?;
        let impact = before.impact.max(Impact::of_services([status]));
        self.post(
            tx,
            &before,
            Incident { impact, ..before.clone() },
            (IncidentStatus::Investigating, self.began_at(), automatic::reopening(status)),
        )
        .await
    }

    async fn adjust(&self, tx: &mut Tx, id: IncidentId, status: ServiceStatus) -> Result<()> {
        let Some(before) = store::incidents::lock(tx, self.scope, id).await? else { return Ok(()) };
        store::incidents::put_service(tx, self.scope, id, self.service.id, status).await?;
        // The history keeps the worst of it.
        let impact = before.impact.max(Impact::of_services([status]));
        let mut after = Incident { impact, ..before.clone() };
        save(tx, self.scope, &before, &mut after, self.now).await
    }

    async fn resolve(&self, tx: &mut Tx, id: IncidentId) -> Result<()> {
        let Some(before) = store::incidents::lock(tx, self.scope, id).await? else { return Ok(()) };
        let words = (IncidentStatus::Resolved, self.ended_at(), automatic::ENDING);
        self.post(tx, &before, before.clone(), words).await?;
        store::incident_suggestions::withdraw_answered(tx, self.scope, id, false, self.now).await?;
        Ok(())
    }

    /// Writes an update that took effect at the instant given, though never before the one it follows.
    async fn post(
        &self,
        tx: &mut Tx,
        before: &Incident,
        mut after: Incident,
        (status, at, body): (IncidentStatus, Timestamp, &str),
    ) -> Result<()> {
        let mut updates = store::incidents::list_updates(tx, self.scope, before.id).await?;
        let newest = updates.iter().map(|update| update.created_at).max().unwrap_or(before.started_at);
        let update = self.update(before, status, at.max(newest), body);
        store::incidents::insert_update(tx, self.scope, &update).await?;
        updates.push(update.clone());
        stand(&mut after, &updates);
        save(tx, self.scope, before, &mut after, self.now).await?;
        notifications::fan_out(self.ctx, tx, self.scope, &after, &update, self.now).await
    }

    fn update(
        &self,
        incident: &Incident,
        status: IncidentStatus,
        created_at: Timestamp,
        body: &str,
    ) -> IncidentUpdate {
        IncidentUpdate {
            id: IncidentUpdateId::new(self.ctx.uuid(self.now)),
            organization_id: incident.organization_id,
            incident_id: incident.id,
            status,
            body: body.to_owned(),
            created_at,
        }
    }

    async fn suggest(
        &self,
        tx: &mut Tx,
        kind: SuggestionKind,
        incident_id: Option<IncidentId>,
        status: ServiceStatus,
    ) -> Result<()> {
        let is_begin = kind == SuggestionKind::Open;
        let whose = self.turns.iter().find(|turn| (turn.to == MonitorState::Down) == is_begin);
        let Some(monitor_id) = whose.or(self.turns.first()).map(|turn| turn.monitor_id) else {
            return Ok(());
        };
        let suggestion = IncidentSuggestion {
            id: SuggestionId::new(self.ctx.uuid(self.now)),
            organization_id: self.scope.organization_id(),
            service_id: self.service.id,
            kind,
            state: SuggestionState::Open,
            monitor_id,
            incident_id,
            status,
            since: if is_begin { self.began_at() } else { self.ended_at() },
            created_at: self.now,
            updated_at: self.now,
        };
        Ok(store::incident_suggestions::insert(tx, self.scope, &suggestion).await?)
    }

    /// The first failed check of the outage (D3).
    fn began_at(&self) -> Timestamp {
        let failed = self.turns.iter().filter(|turn| turn.to == MonitorState::Down);
        failed.map(|turn| turn.at).min().unwrap_or(self.now).min(self.now)
    }

    /// When the last of the monitors was well again.
    fn ended_at(&self) -> Timestamp {
        let ended = self.turns.iter().filter(|turn| turn.to != MonitorState::Down);
        ended.map(|turn| turn.at).max().unwrap_or(self.now).min(self.now)
    }
}

/// The one name that visitors know. `None`: pages call it differently, and the name on one is not for the readers of
/// another.
pub(crate) fn public_name<'a>(shown: &'a [String], service: &'a Service) -> Option<&'a str> {
    match shown {
        [] => Some(&service.name),
        [one] => Some(one),
        _ => None,
    }
}
