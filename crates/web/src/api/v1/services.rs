//! `/api/v1/services` (S9).

use actions::patch::Patch;
use actions::services::{NewService, Placed, ServicePatch};
use axum::extract::State;
use axum::http::StatusCode;
use domain::id::{PageId, ServiceId};
use domain::service::{IncidentMode, Service, ServiceStatus};
use domain::status_page::Placement;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, Object, PageQuery, Paged};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{IfMatch, Json, Member, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// A service: what visitors see. In the Statuspage-shaped output it is a component.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
pub struct ServiceBody {
    #[schema(value_type = String, example = "cm_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    id: ServiceId,
    name: String,
    slug: String,
    description: Option<String>,
    group_name: Option<String>,
    /// Lists are sorted by position, then by name.
    position: i32,
    is_visible: bool,
    /// Set by hand; shown when it is worse than what monitors and incidents say.
    #[schema(value_type = Option<String>)]
    manual_status: Option<ServiceStatus>,
    /// What a confirmed outage does: `auto` opens and resolves an incident, `suggest` suggests one, `manual` does
    /// nothing.
    #[schema(value_type = String)]
    incident_mode: IncidentMode,
    /// The first page of `placements`; `null` when it stands on none.
    #[schema(value_type = Option<String>)]
    status_page_id: Option<PageId>,
    /// The pages it stands on, in the order in which it was put there.
    placements: Vec<PlacementBody>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// Where a service stands. Empty fields are taken from the service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Placement)]
pub struct PlacementBody {
    #[schema(value_type = String)]
    pub status_page_id: PageId,
    pub public_name: Option<String>,
    pub group_name: Option<String>,
    pub position: Option<i32>,
    pub is_visible: bool,
}

impl From<Placement> for PlacementBody {
    fn from(placement: Placement) -> Self {
        Self {
            status_page_id: placement.status_page_id,
            public_name: placement.public_name,
            group_name: placement.group_name,
            position: placement.position,
            is_visible: placement.is_visible,
        }
    }
}

impl ServiceBody {
    fn new(service: Service, placements: &[Placement]) -> Self {
        let placements: Vec<PlacementBody> = placements
            .iter()
            .filter(|placement| placement.service_id == service.id)
            .cloned()
            .map(PlacementBody::from)
            .collect();
        Self {
            status_page_id: placements.first().map(|placement| placement.status_page_id),
            placements,
            id: service.id,
            name: service.name,
            slug: service.slug,
            description: service.description,
            group_name: service.group_name,
            position: service.position,
            is_visible: service.is_visible,
            manual_status: service.manual_status,
            incident_mode: service.incident_mode,
            created_at: service.created_at,
            updated_at: service.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewService)]
pub struct CreateBody {
    /// The page to place it on; the organization's default page when left out.
    #[schema(value_type = Option<String>)]
    status_page_id: Option<PageId>,
    name: String,
    /// Made from the name when left out.
    slug: Option<String>,
    description: Option<String>,
    group_name: Option<String>,
    #[serde(default)]
    position: i32,
    #[serde(default = "yes")]
    is_visible: bool,
    /// `auto`, `suggest` or `manual`; `suggest` when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    incident_mode: IncidentMode,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServicePatch)]
pub struct UpdateBody {
    name: Option<String>,
    slug: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    description: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    group_name: Patch<String>,
    position: Option<i32>,
    is_visible: Option<bool>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    manual_status: Patch<ServiceStatus>,
    /// `auto`, `suggest` or `manual`. It counts from the next change of a monitor on.
    #[schema(value_type = Option<String>)]
    incident_mode: Option<IncidentMode>,
}

/// The services of the organization, by position, then name.
#[utoipa::path(get, path = "/services", tag = "Services", params(PageQuery),
    responses((status = 200, body = List<ServiceBody>), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    member: Member,
    Query(page): Query<PageQuery>,
) -> Result<Paged<ServiceBody>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(i32, String, ServiceId)>()?);
    let after = after.as_ref().map(|(position, name, id)| (*position, name.as_str(), *id));
    let scope = member.membership.scope();
    let mut conn = state.ctx.db.read().await?;
    let services = store::services::list_part(&mut conn, scope, after, i64::from(limit) + 1).await?;
    let placements = store::services::list_placements(&mut conn, scope).await?;
    let bodies = services.into_iter().map(|service| ServiceBody::new(service, &placements)).collect();
    let path = format!("{}/api/v1/services", state.config.base());
    Ok(Paged::by_key(bodies, limit, path, |body| (body.position, body.name.clone(), body.id)))
}

/// Creates a service and places it on a page.
#[utoipa::path(post, path = "/services", tag = "Services", request_body = CreateBody,
    responses((status = 201, body = ServiceBody), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CreateBody>,
) -> Result<Object<ServiceBody>, Problem> {
    let input = NewService {
        status_page_id: body.status_page_id,
        name: body.name,
        slug: body.slug,
        description: body.description,
        group_name: body.group_name,
        position: body.position,
        is_visible: body.is_visible,
        incident_mode: body.incident_mode,
    };
    let mut answer = object(actions::services::create_placed(&state.ctx, &member.membership, input).await?);
    answer.created_at = Some(format!("{}/api/v1/services/{}", state.config.base(), answer.body.id));
    Ok(answer)
}

/// One service.
#[utoipa::path(get, path = "/services/{id}", tag = "Services", params(("id" = String, Path)),
    responses((status = 200, body = ServiceBody), (status = 404, body = Problem)))]
async fn show(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ServiceId>,
) -> Result<Object<ServiceBody>, Problem> {
    let scope = member.membership.scope();
    let mut conn = state.ctx.db.read().await?;
    let service = store::services::find(&mut conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    let placements = store::services::list_placements_of_service(&mut conn, scope, id).await?;
    Ok(object(Placed { service, placements }))
}

/// Changes a service; absent fields stay as they are (JSON Merge Patch).
#[utoipa::path(patch, path = "/services/{id}", tag = "Services", params(("id" = String, Path)),
    request_body = UpdateBody,
    responses((status = 200, body = ServiceBody), (status = 404, body = Problem), (status = 412, body = Problem)))]
async fn update(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ServiceId>,
    IfMatch(version): IfMatch,
    Json(body): Json<UpdateBody>,
) -> Result<Object<ServiceBody>, Problem> {
    let patch = ServicePatch {
        name: body.name,
        slug: body.slug,
        description: body.description,
        group_name: body.group_name,
        position: body.position,
        is_visible: body.is_visible,
        manual_status: body.manual_status,
        incident_mode: body.incident_mode,
    };
    Ok(object(actions::services::update(&state.ctx, &member.membership, id, version, patch).await?))
}

/// Deletes a service: it leaves every page and its monitors stop.
#[utoipa::path(delete, path = "/services/{id}", tag = "Services", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ServiceId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    actions::services::delete(&state.ctx, &member.membership, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn object(Placed { service, placements }: Placed) -> Object<ServiceBody> {
    Object { version: service.updated_at, body: ServiceBody::new(service, &placements), created_at: None }
}
