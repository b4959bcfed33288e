//! `/api/v1/incidents` (S10): incidents, the services they touch, their updates.

use actions::incidents::{Affected, IncidentPatch, NewIncident, NewUpdate, Story, shown_since};
use actions::patch::Patch;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::{IncidentId, IncidentUpdateId, ServiceId};
use domain::incident::{Impact, Incident, IncidentOrigin, IncidentService, IncidentStatus, IncidentUpdate};
use domain::service::ServiceStatus;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::incidents::Part;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{Object, PageQuery, Paged};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{IfMatch, Json, Member, Path, Query};
use crate::markdown;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(post_update))
}

/// What people are told about a failure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub struct IncidentBody {
    #[schema(value_type = String, example = "in_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    id: IncidentId,
    title: String,
    /// `investigating`, `identified`, `monitoring`, `resolved` or `postmortem`: that of the newest update.
    #[schema(value_type = String)]
    status: IncidentStatus,
    /// `none`, `minor`, `major` or `critical`.
    #[schema(value_type = String)]
    impact: Impact,
    /// The impact in the older words: `low`, `medium` or `high`; `none` stays.
    #[schema(value_type = String)]
    severity: &'static str,
    /// The first of `services`; `null` when none of them is left.
    #[schema(value_type = Option<String>)]
    service_id: Option<ServiceId>,
    services: Vec<AffectedBody>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// `null` while it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved_at: Option<Timestamp>,
    /// Who opened it: `person`, or `automatic` after a confirmed outage.
    #[schema(value_type = String)]
    origin: IncidentOrigin,
    /// A person changed it or wrote on it after it was opened. One that was opened automatically is then left alone.
    is_edited: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// An incident with its updates, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentWithUpdates)]
pub struct StoryBody {
    #[serde(flatten)]
    incident: IncidentBody,
    updates: Vec<UpdateBody>,
}

/// A service and what the incident does to it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AffectedService)]
pub struct AffectedBody {
    #[schema(value_type = String)]
    service_id: ServiceId,
    /// `operational`, `degraded_performance`, `partial_outage` or `major_outage`.
    #[schema(value_type = String)]
    status: ServiceStatus,
}

/// One message in an incident's story.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentUpdate)]
pub struct UpdateBody {
    #[schema(value_type = String)]
    id: IncidentUpdateId,
    #[schema(value_type = String)]
    incident_id: IncidentId,
    #[schema(value_type = String)]
    status: IncidentStatus,
    /// Markdown as it was written.
    body: String,
    /// The same as HTML that is safe to show.
    body_html: String,
    /// When it took effect.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl IncidentBody {
    fn new(incident: Incident, services: &[IncidentService]) -> Self {
        let services: Vec<AffectedBody> = services
            .iter()
            .filter(|service| service.incident_id == incident.id)
            .map(|service| AffectedBody { service_id: service.service_id, status: service.status })
            .collect();
        Self {
            severity: incident.impact.severity(),
            service_id: services.first().map(|service| service.service_id),
            services,
            id: incident.id,
            title: incident.title,
            status: incident.status,
            impact: incident.impact,
            started_at: incident.started_at,
            resolved_at: incident.resolved_at,
            origin: incident.origin,
            is_edited: incident.is_edited,
            created_at: incident.created_at,
            updated_at: incident.updated_at,
        }
    }
}

impl From<IncidentUpdate> for UpdateBody {
    fn from(update: IncidentUpdate) -> Self {
        Self {
            id: update.id,
            incident_id: update.incident_id,
            status: update.status,
            body_html: markdown::render(&update.body).as_str().to_owned(),
            body: update.body,
            created_at: update.created_at,
        }
    }
}

impl From<AffectedBody> for Affected {
    fn from(body: AffectedBody) -> Self {
        Self { service_id: body.service_id, status: body.status }
    }
}

/// Which incidents are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// 1 to 200; 50 when left out.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `open` or `resolved`; both when left out.
    #[param(value_type = Option<String>)]
    status: Option<Standing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Open,
    Resolved,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIncident)]
pub struct CreateBody {
    title: String,
    /// `investigating` when left out.
    #[schema(value_type = Option<String>)]
    status: Option<IncidentStatus>,
    /// Markdown: the text of the first update.
    body: Option<String>,
    /// `none`, `minor`, `major` or `critical`; that of the worst service when left out. `severity` with its older
    /// words is understood too.
    #[serde(alias = "severity")]
    impact: Option<String>,
    /// Affected services. Needed unless `service_id` is given.
    #[serde(default)]
    services: Vec<AffectedBody>,
    /// One affected service, in the state that the impact stands for.
    #[schema(value_type = Option<String>)]
    service_id: Option<ServiceId>,
    /// Not in the future; now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When the first update took effect, for a story that is told afterwards; now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    posted_at: Option<Timestamp>,
    /// Whether subscribers are told; yes when left out, no when `posted_at` is given.
    notify: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncidentPatch)]
pub struct PatchBody {
    title: Option<String>,
    /// `null`: that of the worst service.
    #[serde(default, alias = "severity")]
    #[schema(value_type = Option<String>)]
    impact: Patch<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// Replaces all of them; at least one.
    services: Option<Vec<AffectedBody>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIncidentUpdate)]
pub struct PostBody {
    /// As before when left out. One that is not `resolved` or `postmortem` reopens a resolved incident.
    #[schema(value_type = Option<String>)]
    status: Option<IncidentStatus>,
    /// Markdown.
    body: String,
    /// Services whose state changes with this update, or that are affected from now on.
    #[serde(default)]
    services: Vec<AffectedBody>,
    /// When it took effect, not before the incident started; now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    posted_at: Option<Timestamp>,
    /// Whether subscribers are told; yes when left out, no when `posted_at` is given.
    notify: Option<bool>,
}

/// The incidents of the organization, newest first. Resolved ones that are older than the plan's history are left out.
#[utoipa::path(get, path = "/incidents", tag = "Incidents", params(ListQuery),
    responses((status = 200, body = super::dto::List<IncidentBody>), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<ListQuery>,
) -> Result<Paged<IncidentBody>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let limit = page.limit()?;
    let membership = &member.membership;
    let part = Part {
        is_open: query.status.map(|standing| standing == Standing::Open),
        since: shown_since(&state.ctx, membership.organization.tier, state.ctx.now()),
        before: page.before_row()?,
        limit: i64::from(limit) + 1,
    };
    let mut conn = state.ctx.db.read().await?;
    let incidents = store::incidents::list(&mut conn, membership.scope(), part).await?;
    let services = match (incidents.last(), incidents.first()) {
        (Some(oldest), Some(newest)) => {
            let span = (oldest.created_at, newest.created_at);
            store::incidents::list_services_made_between(&mut conn, membership.scope(), span.0, span.1)
                .await?
        }
        _ => Vec::new(),
    };
    let bodies = incidents.into_iter().map(|incident| IncidentBody::new(incident, &services)).collect();
    let filter = match query.status {
        Some(Standing::Open) => "?status=open",
        Some(Standing::Resolved) => "?status=resolved",
        None => "",
    };
    let path = format!("{}/api/v1/incidents{filter}", state.config.base());
    Ok(Paged::by_row(bodies, limit, path, |body: &IncidentBody| (body.created_at, body.id.uuid())))
}

/// Opens an incident and tells the subscribers of the pages it stands on.
#[utoipa::path(post, path = "/incidents", tag = "Incidents", request_body = CreateBody,
    responses((status = 201, body = StoryBody), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CreateBody>,
) -> Result<Object<StoryBody>, Problem> {
    let input = NewIncident {
        title: body.title,
        status: body.status.unwrap_or(IncidentStatus::Investigating),
        body: body.body,
        impact: body.impact,
        services: body.services.into_iter().map(Affected::from).collect(),
        service_id: body.service_id,
        started_at: body.started_at,
        posted_at: body.posted_at,
        notify: body.notify,
    };
    let story = actions::incidents::open_story(&state.ctx, &member.membership, input).await?;
    let path = format!("{}/api/v1/incidents/{}", state.config.base(), story.incident.id);
    Ok(Object { created_at: Some(path), ..object(story) })
}

/// One incident with its updates.
#[utoipa::path(get, path = "/incidents/{id}", tag = "Incidents", params(("id" = String, Path)),
    responses((status = 200, body = StoryBody), (status = 404, body = Problem)))]
async fn show(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<IncidentId>,
) -> Result<Object<StoryBody>, Problem> {
    let membership = &member.membership;
    let since = shown_since(&state.ctx, membership.organization.tier, state.ctx.now());
    let (mut conn, scope) = (state.ctx.db.read().await?, membership.scope());
    let found = store::incidents::find(&mut conn, scope, id).await?;
    let shown = found.filter(|incident| incident.resolved_at.is_none_or(|end| end > since));
    let incident = shown.ok_or_else(Problem::not_found)?;
    let services = store::incidents::list_services(&mut conn, scope, id).await?;
    let updates = store::incidents::list_updates(&mut conn, scope, id).await?;
    Ok(object(Story { incident, services, updates }))
}

/// Changes an incident; absent fields stay as they are (JSON Merge Patch). Its status changes by updates.
#[utoipa::path(patch, path = "/incidents/{id}", tag = "Incidents", params(("id" = String, Path)),
    request_body = PatchBody,
    responses((status = 200, body = StoryBody), (status = 404, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
async fn update(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<IncidentId>,
    IfMatch(version): IfMatch,
    Json(body): Json<PatchBody>,
) -> Result<Object<StoryBody>, Problem> {
    let patch = IncidentPatch {
        title: body.title,
        impact: body.impact,
        started_at: body.started_at,
        services: body.services.map(|services| services.into_iter().map(Affected::from).collect()),
    };
    Ok(object(actions::incidents::update(&state.ctx, &member.membership, id, version, patch).await?))
}

/// Deletes an incident with its updates.
#[utoipa::path(delete, path = "/incidents/{id}", tag = "Incidents", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<IncidentId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    actions::incidents::delete(&state.ctx, &member.membership, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Posts an update and tells the subscribers. The newest update decides where the incident stands.
#[utoipa::path(post, path = "/incidents/{id}/updates", tag = "Incidents", params(("id" = String, Path)),
    request_body = PostBody,
    responses((status = 201, body = UpdateBody), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn post_update(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<IncidentId>,
    Json(body): Json<PostBody>,
) -> Result<Response, Problem> {
    let input = NewUpdate {
        status: body.status,
        body: body.body,
        services: body.services.into_iter().map(Affected::from).collect(),
        posted_at: body.posted_at,
        notify: body.notify,
    };
    let (incident, update) =
        actions::incidents::post_update(&state.ctx, &member.membership, id, input).await?;
    let location = format!("{}/api/v1/incidents/{}", state.config.base(), incident.id);
    let body = axum::Json(UpdateBody::from(update));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

pub(super) fn object(Story { incident, services, updates }: Story) -> Object<StoryBody> {
    Object {
        version: incident.updated_at,
        body: StoryBody {
            incident: IncidentBody::new(incident, &services),
            updates: updates.into_iter().map(UpdateBody::from).collect(),
        },
        created_at: None,
    }
}
