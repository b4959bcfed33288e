//! `/orgs/{org}/suggestions/{id}`: what the engine suggests, to be published in one's own words or dismissed.

use std::collections::BTreeMap;

use actions::incident_suggestions::{self, Answer};
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::{IncidentId, ServiceId, SuggestionId};
use domain::incident::{IncidentSuggestion, SuggestionKind, SuggestionState};
use domain::organization::Permission;
use domain::service::ServiceStatus;
use domain::time::Timestamp;
use store::incident_suggestions::Part;
use uuid::Uuid;

use super::incidents::{affected, form, status};
use super::input::{self, Fields, Nothing, field, filled};
use super::screen::{Screen, refused};
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::Errors;
use crate::view::dashboard::incidents::{FormPage, SuggestionRow};
use crate::words;

/// More than this is never listed: there is one for each service and for each incident at most.
const MAX_WAITING: i64 = 200;

/// The form of a new incident, filled in as suggested.
pub(crate) async fn show(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        screen.require(Permission::ManageIncidents)?;
        let suggestion = find(&screen, &id).await?;
        if let Some(incident) = elsewhere(&suggestion) {
            let path = format!("{}/incidents/{incident}", screen.root());
            return Ok(Redirect::to(&path).into_response());
        }
        let fields = draft(&screen, &suggestion).await?;
        Ok(html(&page(&screen, &suggestion, &fields, Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn accept(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(fields): CsrfForm<Fields>,
) -> Response {
    let body = async {
        let suggestion = find(&screen, &id).await?;
        let is_begin = suggestion.kind == SuggestionKind::Open;
        let answered = match answer(&fields, is_begin) {
            Ok(answer) => {
                let (ctx, by) = (&screen.state.ctx, &screen.membership);
                incident_suggestions::accept(ctx, by, suggestion.id, answer).await
            }
            Err(error) => Err(error),
        };
        match answered {
            Ok(story) => {
                let done = if is_begin { "incident-opened" } else { "incident-updated" };
                Ok(screen.go(&format!("incidents/{}", story.incident.id), done))
            }
            Err(error) if is_begin => {
                let refusal = refused(error)?;
                Ok(refusal.show(&page(&screen, &suggestion, &fields, refusal.errors.clone()).await?))
            }
            Err(error) => Err(error.into()),
        }
    };
    screen.answer(body).await
}

pub(crate) async fn dismiss(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        incident_suggestions::dismiss(&screen.state.ctx, &screen.membership, input::id(&id)?).await?;
        Ok(screen.go("incidents", "suggestion-dismissed"))
    };
    screen.answer(body).await
}

/// What waits for a word, the newest first; of one service or of all.
pub(super) async fn waiting(
    screen: &Screen,
    service: Option<ServiceId>,
) -> Result<Vec<SuggestionRow>, Problem> {
    let part = Part {
        state: Some(SuggestionState::Open),
        service_id: service,
        before: (Timestamp::from_ms(i64::MAX), Uuid::max()),
        limit: MAX_WAITING,
    };
    let mut conn = screen.read().await?;
    let found = store::incident_suggestions::list(&mut conn, screen.scope(), part).await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let names: BTreeMap<ServiceId, String> = store::services::list(&mut conn, screen.scope())
        .await?
        .into_iter()
        .map(|service| (service.id, service.name))
        .collect();
    let now = screen.now();
    Ok(found.iter().filter_map(|one| Some(row(one, names.get(&one.service_id)?, now))).collect())
}

/// What waits for a word about the end of this incident.
pub(super) async fn about(screen: &Screen, incident: IncidentId) -> Result<Vec<SuggestionRow>, Problem> {
    let incident = incident.to_string();
    let rows = waiting(screen, None).await?;
    Ok(rows.into_iter().filter(|row| row.incident_id.as_ref() == Some(&incident)).collect())
}

fn row(suggestion: &IncidentSuggestion, service: &str, now: Timestamp) -> SuggestionRow {
    let since = words::moment(suggestion.since, now).text;
    let lasting = words::lasting(now.since(suggestion.since));
    let is_major = suggestion.status == ServiceStatus::MajorOutage;
    let text = match suggestion.kind {
        SuggestionKind::Resolve => {
            format!("No monitor of {service} fails since {since}, {lasting} ago. Resolve?")
        }
        SuggestionKind::Open if is_major => format!("{service} is down since {since}, {lasting} ago."),
        SuggestionKind::Open => format!("{service} is partly down since {since}, {lasting} ago."),
    };
    SuggestionRow {
        id: suggestion.id.to_string(),
        text,
        incident_id: suggestion.incident_id.map(|incident| incident.to_string()),
        state: suggestion.status.into(),
    }
}

async fn find(screen: &Screen, id: &str) -> Result<IncidentSuggestion, Problem> {
    let id: SuggestionId = input::id(id)?;
    let mut conn = screen.read().await?;
    let found = store::incident_suggestions::find(&mut conn, screen.scope(), id).await?;
    found.ok_or_else(Problem::not_found)
}

/// The incident to look at instead: the one to resolve, or what the suggestion became already.
const fn elsewhere(suggestion: &IncidentSuggestion) -> Option<IncidentId> {
    suggestion.incident_id
}

async fn draft(screen: &Screen, suggestion: &IncidentSuggestion) -> Result<Fields, Problem> {
    let mut conn = screen.read().await?;
    let draft = incident_suggestions::draft(&mut conn, screen.scope(), suggestion).await?;
    let draft = draft.ok_or_else(Problem::not_found)?;
    let services = draft
        .services
        .iter()
        .map(|affected| (format!("service_{}", affected.service_id), affected.status.as_str().to_owned()));
    let fields = [
        ("title".to_owned(), draft.title),
        ("status".to_owned(), draft.status.as_str().to_owned()),
        ("body".to_owned(), draft.body.unwrap_or_default()),
    ];
    Ok(fields.into_iter().chain(services).collect())
}

async fn page(
    screen: &Screen,
    suggestion: &IncidentSuggestion,
    fields: &Fields,
    errors: Errors,
) -> Result<FormPage, Problem> {
    let since = words::moment(suggestion.since, screen.now()).text;
    Ok(FormPage {
        suggestion: Some(suggestion.id.to_string()),
        note: format!("Suggested because a monitor fails since {since}. Nothing is published yet."),
        ..form(screen, fields, errors).await?
    })
}

/// A button alone means "as suggested".
fn answer(fields: &Fields, is_begin: bool) -> actions::Result<Answer> {
    if !is_begin {
        return Ok(Answer { body: filled(field(fields, "body")), ..Answer::default() });
    }
    Ok(Answer {
        title: Some(field(fields, "title").to_owned()),
        body: Some(field(fields, "body").to_owned()),
        status: Some(input::chosen("status", status(field(fields, "status")))?),
        services: Some(affected(fields)?),
        notify: None,
    })
}
