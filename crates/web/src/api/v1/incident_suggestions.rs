//! `/api/v1/incident-suggestions`: what the engine leaves to a person (`ux.md` 1.1, X53).

use actions::incident_suggestions::Answer;
use actions::incidents::Affected;
use axum::extract::State;
use domain::id::{IncidentId, MonitorId, ServiceId, SuggestionId};
use domain::incident::{IncidentStatus, IncidentSuggestion, SuggestionKind, SuggestionState};
use domain::service::ServiceStatus;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::incident_suggestions::Part;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, Object, PageQuery, Paged};
use super::incidents::{AffectedBody, StoryBody, object};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{Json, Member, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(accept)).routes(routes!(dismiss))
}

/// An incident that was not opened, or not resolved, because a person has the word.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentSuggestion)]
pub struct SuggestionBody {
    #[schema(value_type = String, example = "sg_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    id: SuggestionId,
    /// `open`: to open an incident; `resolve`: to resolve the one in `incident_id`.
    #[schema(value_type = String)]
    kind: SuggestionKind,
    /// `open` while it waits, then `accepted`, `dismissed`, or `obsolete`: it no longer holds, or somebody acted
    /// without it.
    #[schema(value_type = String)]
    state: SuggestionState,
    #[schema(value_type = String)]
    service_id: ServiceId,
    /// The monitor whose change led to it.
    #[schema(value_type = String)]
    monitor_id: MonitorId,
    /// The incident to resolve, or the one that it became; `null` when there is none.
    #[schema(value_type = Option<String>)]
    incident_id: Option<IncidentId>,
    /// What the monitors say about the service.
    #[schema(value_type = String)]
    status: ServiceStatus,
    /// When that began.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<IncidentSuggestion> for SuggestionBody {
    fn from(suggestion: IncidentSuggestion) -> Self {
        Self {
            id: suggestion.id,
            kind: suggestion.kind,
            state: suggestion.state,
            service_id: suggestion.service_id,
            monitor_id: suggestion.monitor_id,
            incident_id: suggestion.incident_id,
            status: suggestion.status,
            since: suggestion.since,
            created_at: suggestion.created_at,
            updated_at: suggestion.updated_at,
        }
    }
}

/// Which suggestions are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// 1 to 200; 50 when left out.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `open`, `accepted`, `dismissed` or `obsolete`; all when left out.
    #[param(value_type = Option<String>)]
    state: Option<SuggestionState>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SuggestionAnswer)]
pub struct AcceptBody {
    /// Of the incident to open; as suggested when left out.
    title: Option<String>,
    /// Markdown: the text of its first update, or of the one that resolves it; as suggested when left out.
    body: Option<String>,
    /// Of the incident to open: `investigating` when left out.
    #[schema(value_type = Option<String>)]
    status: Option<IncidentStatus>,
    /// Affected services of the incident to open; the one that the suggestion is about when left out.
    services: Option<Vec<AffectedBody>>,
    /// Whether subscribers are told; yes when left out.
    notify: Option<bool>,
}

/// The suggestions of the organization, newest first. What is settled is kept for 30 days.
#[utoipa::path(get, path = "/incident-suggestions", tag = "Incidents", params(ListQuery),
    responses((status = 200, body = List<SuggestionBody>), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<ListQuery>,
) -> Result<Paged<SuggestionBody>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let limit = page.limit()?;
    let part = Part {
        state: query.state,
        service_id: None,
        before: page.before_row()?,
        limit: i64::from(limit) + 1,
    };
    let mut conn = state.ctx.db.read().await?;
    let found = store::incident_suggestions::list(&mut conn, member.membership.scope(), part).await?;
    let bodies = found.into_iter().map(SuggestionBody::from).collect();
    let filter = query.state.map_or_else(String::new, |state| format!("?state={}", state.as_str()));
    let path = format!("{}/api/v1/incident-suggestions{filter}", state.config.base());
    Ok(Paged::by_row(bodies, limit, path, |body: &SuggestionBody| (body.created_at, body.id.uuid())))
}

/// Opens or resolves the incident as suggested, or in other words, and tells the subscribers. It is a person's from
/// then on.
#[utoipa::path(post, path = "/incident-suggestions/{id}/accept", tag = "Incidents",
    params(("id" = String, Path)), request_body = AcceptBody,
    responses((status = 200, body = StoryBody), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn accept(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<SuggestionId>,
    Json(body): Json<AcceptBody>,
) -> Result<Object<StoryBody>, Problem> {
    let answer = Answer {
        title: body.title,
        body: body.body,
        status: body.status,
        services: body.services.map(|services| services.into_iter().map(Affected::from).collect()),
        notify: body.notify,
    };
    Ok(object(actions::incident_suggestions::accept(&state.ctx, &member.membership, id, answer).await?))
}

/// Says no. The same outage is not suggested again.
#[utoipa::path(post, path = "/incident-suggestions/{id}/dismiss", tag = "Incidents",
    params(("id" = String, Path)),
    responses((status = 200, body = SuggestionBody), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn dismiss(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<SuggestionId>,
) -> Result<Object<SuggestionBody>, Problem> {
    let dismissed = actions::incident_suggestions::dismiss(&state.ctx, &member.membership, id).await?;
    Ok(Object { version: dismissed.updated_at, body: dismissed.into(), created_at: None })
}
