//! Suggested incidents: publish them in one's own words, or dismiss them (`ux.md` 1.1, X53).

use domain::id::SuggestionId;
use domain::incident::automatic;
use domain::incident::{IncidentStatus, IncidentSuggestion, SuggestionKind, SuggestionState};
use domain::organization::Permission;
use domain::service::Service;
use store::organizations::Membership;
use store::{Conn, OrgScope};

use crate::automatic_incidents::public_name;
use crate::incidents::{self, Affected, NewIncident, NewUpdate, Story};
use crate::{Context, Error, Result, gate};

/// What a person says to a suggestion; what is left out is as it was suggested.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Of the incident to open.
    pub title: Option<String>,
    pub body: Option<String>,
    /// Where the incident to open stands.
    pub status: Option<IncidentStatus>,
    /// Affected services; `None`: the one that it is about.
    pub services: Option<Vec<Affected>>,
    /// `None`: subscribers are told.
    pub notify: Option<bool>,
}

/// The incident that a suggestion to open one would become, for a form to begin with. `None`: its service is gone.
pub async fn draft(
    conn: &mut Conn,
    scope: OrgScope,
    suggestion: &IncidentSuggestion,
) -> Result<Option<NewIncident>> {
    let Some(service) = store::services::find(conn, scope, suggestion.service_id).await? else {
        return Ok(None);
    };
    let names = store::services::list_shown_names(conn, scope, service.id).await?;
    Ok(Some(compose(suggestion, &service, &names)))
}

fn compose(suggestion: &IncidentSuggestion, service: &Service, names: &[String]) -> NewIncident {
    NewIncident {
        title: automatic::title(public_name(names, service), suggestion.status),
        status: IncidentStatus::Investigating,
        body: Some(automatic::opening(suggestion.status).to_owned()),
        impact: None,
        services: vec![Affected { service_id: service.id, status: suggestion.status }],
        service_id: None,
        started_at: Some(suggestion.since),
        posted_at: None,
        notify: None,
    }
}

/// Publishes what was suggested: the incident is the person's, as if written by hand.
pub async fn accept(ctx: &Context, by: &Membership, id: SuggestionId, answer: Answer) -> Result<Story> {
    gate::require(by, Permission::ManageIncidents)?;
    let (now, scope) = (ctx.now(), by.scope());
    let mut tx = ctx.db.write().await?;
    let found = store::incident_suggestions::find(&mut tx, scope, id).await?.ok_or(Error::NotFound)?;
    let service = store::services::lock(&mut tx, scope, found.service_id).await?.ok_or(Error::NotFound)?;
    // Once more: the engine may have taken it back while the service was waited for.
    let found = store::incident_suggestions::find(&mut tx, scope, id).await?.ok_or(Error::NotFound)?;
    if found.state != SuggestionState::Open {
        return Err(settled());
    }
    let story = match (found.kind, found.incident_id) {
        (SuggestionKind::Open, _) => {
            let names = store::services::list_shown_names(&mut tx, scope, service.id).await?;
            let input = answered(compose(&found, &service, &names), answer);
            let input = incidents::check_new(input, now)?;
            take(&mut tx, scope, id, now).await?;
            let story = incidents::open_step(ctx, &mut tx, scope, input, now).await?;
            store::incident_suggestions::update_incident(&mut tx, scope, id, story.incident.id).await?;
            story
        }
        (SuggestionKind::Resolve, Some(incident)) => {
            take(&mut tx, scope, id, now).await?;
            let update = end(answer);
            let (incident, _) = incidents::post_step(ctx, &mut tx, by, incident, update, now).await?;
            let services = store::incidents::list_services(&mut tx, scope, incident.id).await?;
            let updates = store::incidents::list_updates(&mut tx, scope, incident.id).await?;
            Story { incident, services, updates }
        }
        (SuggestionKind::Resolve, None) => return Err(Error::NotFound),
    };
    tx.commit().await?;
    incidents::tell(ctx, by);
    Ok(story)
}

fn answered(draft: NewIncident, answer: Answer) -> NewIncident {
    NewIncident {
        title: answer.title.unwrap_or(draft.title),
        body: answer.body.or(draft.body),
        status: answer.status.unwrap_or(draft.status),
        services: answer.services.unwrap_or(draft.services),
        notify: answer.notify,
        ..draft
    }
}

fn end(answer: Answer) -> NewUpdate {
    NewUpdate {
        status: Some(IncidentStatus::Resolved),
        body: answer.body.unwrap_or_else(|| automatic::ENDING.to_owned()),
        services: Vec::new(),
        posted_at: None,
        notify: answer.notify,
    }
}

async fn take(
    tx: &mut store::Tx,
    scope: OrgScope,
    id: SuggestionId,
    now: domain::time::Timestamp,
) -> Result<()> {
    let state = SuggestionState::Accepted;
    if store::incident_suggestions::settle(tx, scope, id, state, now).await? {
        Ok(())
    } else {
        Err(settled())
    }
}

/// Says no. The same outage is not suggested again.
pub async fn dismiss(ctx: &Context, by: &Membership, id: SuggestionId) -> Result<IncidentSuggestion> {
    gate::require(by, Permission::ManageIncidents)?;
    let (now, scope) = (ctx.now(), by.scope());
    let mut tx = ctx.db.write().await?;
    let found = store::incident_suggestions::find(&mut tx, scope, id).await?.ok_or(Error::NotFound)?;
    let state = SuggestionState::Dismissed;
    if !store::incident_suggestions::settle(&mut tx, scope, id, state, now).await? {
        return Err(settled());
    }
    tx.commit().await?;
    Ok(IncidentSuggestion { state, updated_at: now, ..found })
}

fn settled() -> Error {
    Error::Conflict {
        code: "suggestion_settled",
        message: "This suggestion is settled already, or no longer holds. Load the page again.".into(),
    }
}
