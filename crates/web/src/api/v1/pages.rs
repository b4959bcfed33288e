//! `/api/v1/pages` (S54, D4): status pages and the services that stand on them.

use actions::services::NewPlacement;
use actions::status_pages::{FiguresPatch, NewPage, PagePatch};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::{PageId, ServiceId};
use domain::status_page::{Placement, StatusPage};
use domain::time::Timestamp;
use domain::uptime::MaintenanceRule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, Object, PageQuery, Paged};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{IfMatch, Json, Member, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(restore))
        .routes(routes!(set_default))
        .routes(routes!(list_services))
        .routes(routes!(place, displace))
}

/// A page that visitors read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusPage)]
pub struct PageBody {
    #[schema(value_type = String, example = "pg_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    id: PageId,
    slug: String,
    title: String,
    /// `false`: the page answers like one that does not exist.
    is_public: bool,
    /// The page of the organization's short address.
    is_default: bool,
    /// Where visitors find it.
    url: String,
    /// Of the IANA database: where the days of its bars begin, and what its times are told in.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// So much of a partial outage counts as down.
    partial_outage_percent: i32,
    /// So much of a degraded performance counts as down.
    degraded_percent: i32,
    /// What maintenance is in its percentages: `excluded`, `up` or `down`.
    #[schema(value_type = String)]
    maintenance_rule: MaintenanceRule,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A service on a page. Empty fields are taken from the service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PagePlacement)]
pub struct PagePlacementBody {
    #[schema(value_type = String)]
    status_page_id: PageId,
    #[schema(value_type = String)]
    service_id: ServiceId,
    public_name: Option<String>,
    group_name: Option<String>,
    position: Option<i32>,
    is_visible: bool,
}

impl From<Placement> for PagePlacementBody {
    fn from(placement: Placement) -> Self {
        Self {
            status_page_id: placement.status_page_id,
            service_id: placement.service_id,
            public_name: placement.public_name,
            group_name: placement.group_name,
            position: placement.position,
            is_visible: placement.is_visible,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewStatusPage)]
pub struct CreateBody {
    title: String,
    /// Made from the title when left out.
    slug: Option<String>,
    #[serde(default = "yes")]
    is_public: bool,
    /// Of the IANA database; `UTC` when left out.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// 0 to 100; 30 when left out.
    partial_outage_percent: Option<i32>,
    /// 0 to 100; 0 when left out.
    degraded_percent: Option<i32>,
    /// `excluded`, `up` or `down`; `excluded` when left out.
    #[schema(value_type = Option<String>)]
    maintenance_rule: Option<MaintenanceRule>,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StatusPagePatch)]
pub struct UpdateBody {
    title: Option<String>,
    slug: Option<String>,
    is_public: Option<bool>,
    /// Of the IANA database.
    time_zone: Option<String>,
    /// 0 to 100.
    partial_outage_percent: Option<i32>,
    /// 0 to 100.
    degraded_percent: Option<i32>,
    /// `excluded`, `up` or `down`.
    #[schema(value_type = Option<String>)]
    maintenance_rule: Option<MaintenanceRule>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPlacement)]
pub struct PlaceBody {
    public_name: Option<String>,
    group_name: Option<String>,
    position: Option<i32>,
    #[serde(default = "yes")]
    is_visible: bool,
}

pub(super) fn body(state: &AppState, organization_slug: &str, page: StatusPage) -> PageBody {
    PageBody {
        url: format!("{}/p/{organization_slug}/{}", state.ctx.policy.public_url, page.slug),
        id: page.id,
        slug: page.slug,
        title: page.title,
        is_public: page.is_public,
        is_default: page.is_default,
        time_zone: page.time_zone.name().to_owned(),
        partial_outage_percent: page.rule.partial_outage_percent,
        degraded_percent: page.rule.degraded_percent,
        maintenance_rule: page.rule.maintenance_rule,
        created_at: page.created_at,
        updated_at: page.updated_at,
    }
}

fn object(state: &AppState, member: &Member, page: StatusPage) -> Object<PageBody> {
    let version = page.updated_at;
    Object { version, body: body(state, &member.membership.organization.slug, page), created_at: None }
}

/// The default page first, then by title.
#[utoipa::path(get, path = "/pages", tag = "Status pages", params(PageQuery),
    responses((status = 200, body = List<PageBody>), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    member: Member,
    Query(page): Query<PageQuery>,
) -> Result<Paged<PageBody>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(bool, String, PageId)>()?);
    let after = after.as_ref().map(|(is_default, title, id)| (*is_default, title.as_str(), *id));
    let mut conn = state.ctx.db.read().await?;
    let scope = member.membership.scope();
    let pages = store::status_pages::list_part(&mut conn, scope, after, i64::from(limit) + 1).await?;
    let slug = &member.membership.organization.slug;
    let bodies = pages.into_iter().map(|page| body(&state, slug, page)).collect();
    let path = format!("{}/api/v1/pages", state.config.base());
    Ok(Paged::by_key(bodies, limit, path, |body| (body.is_default, body.title.clone(), body.id)))
}

/// Creates a page.
#[utoipa::path(post, path = "/pages", tag = "Status pages", request_body = CreateBody,
    responses((status = 201, body = PageBody), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CreateBody>,
) -> Result<Object<PageBody>, Problem> {
    let figures = FiguresPatch {
        time_zone: body.time_zone,
        partial_outage_percent: body.partial_outage_percent,
        degraded_percent: body.degraded_percent,
        maintenance_rule: body.maintenance_rule,
    };
    let input = NewPage { title: body.title, slug: body.slug, is_public: body.is_public, figures };
    let page = actions::status_pages::create(&state.ctx, &member.membership, input).await?;
    let path = format!("{}/api/v1/pages/{}", state.config.base(), page.id);
    Ok(Object { created_at: Some(path), ..object(&state, &member, page) })
}

/// One page.
#[utoipa::path(get, path = "/pages/{id}", tag = "Status pages", params(("id" = String, Path)),
    responses((status = 200, body = PageBody), (status = 404, body = Problem)))]
async fn show(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<PageId>,
) -> Result<Object<PageBody>, Problem> {
    let mut conn = state.ctx.db.read().await?;
    let found = store::status_pages::find(&mut conn, member.membership.scope(), id).await?;
    Ok(object(&state, &member, found.ok_or_else(Problem::not_found)?))
}

/// Changes title, slug, visibility, time zone or what counts in the percentages; absent fields stay as they are (JSON Merge Patch).
#[utoipa::path(patch, path = "/pages/{id}", tag = "Status pages", params(("id" = String, Path)),
    request_body = UpdateBody,
    responses((status = 200, body = PageBody), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
async fn update(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<PageId>,
    IfMatch(version): IfMatch,
    Json(body): Json<UpdateBody>,
) -> Result<Object<PageBody>, Problem> {
    let figures = FiguresPatch {
        time_zone: body.time_zone,
        partial_outage_percent: body.partial_outage_percent,
        degraded_percent: body.degraded_percent,
        maintenance_rule: body.maintenance_rule,
    };
    let patch = PagePatch { title: body.title, slug: body.slug, is_public: body.is_public, figures };
    let page = actions::status_pages::update(&state.ctx, &member.membership, id, version, patch).await?;
    Ok(object(&state, &member, page))
}

/// Takes a page offline; it can be restored for 30 days. The default page cannot be deleted.
#[utoipa::path(delete, path = "/pages/{id}", tag = "Status pages", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<PageId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    actions::status_pages::delete(&state.ctx, &member.membership, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings back a page that was deleted less than 30 days ago.
#[utoipa::path(post, path = "/pages/{id}/restore", tag = "Status pages", params(("id" = String, Path)),
    responses((status = 200, body = PageBody), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn restore(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<PageId>,
) -> Result<Object<PageBody>, Problem> {
    let page = actions::status_pages::restore(&state.ctx, &member.membership, id).await?;
    Ok(object(&state, &member, page))
}

/// Makes this the page of the organization's short address.
#[utoipa::path(post, path = "/pages/{id}/default", tag = "Status pages", params(("id" = String, Path)),
    responses((status = 200, body = PageBody), (status = 404, body = Problem)))]
async fn set_default(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<PageId>,
) -> Result<Object<PageBody>, Problem> {
    let page = actions::status_pages::set_default(&state.ctx, &member.membership, id).await?;
    Ok(object(&state, &member, page))
}

/// The services on a page, in its order.
#[utoipa::path(get, path = "/pages/{id}/services", tag = "Status pages", params(("id" = String, Path)),
    responses((status = 200, body = List<PagePlacementBody>), (status = 404, body = Problem)))]
async fn list_services(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<PageId>,
) -> Result<axum::Json<List<PagePlacementBody>>, Problem> {
    let scope = member.membership.scope();
    let mut conn = state.ctx.db.read().await?;
    let page = store::status_pages::find(&mut conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    let placements = store::services::list_placements_of(&mut conn, scope, page.id).await?;
    Ok(axum::Json(List::whole(placements.into_iter().map(PagePlacementBody::from).collect())))
}

/// Puts a service on a page, or replaces how it stands there.
#[utoipa::path(put, path = "/pages/{id}/services/{service_id}", tag = "Status pages",
    params(("id" = String, Path), ("service_id" = String, Path)), request_body = PlaceBody,
    responses((status = 200, body = PagePlacementBody), (status = 201, body = PagePlacementBody),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn place(
    State(state): State<AppState>,
    member: Member,
    Path((page, service)): Path<(PageId, ServiceId)>,
    Json(body): Json<PlaceBody>,
) -> Result<Response, Problem> {
    let input = NewPlacement {
        public_name: body.public_name,
        group_name: body.group_name,
        position: body.position,
        is_visible: body.is_visible,
    };
    let (placement, is_new) =
        actions::services::place(&state.ctx, &member.membership, page, service, input).await?;
    let body = axum::Json(PagePlacementBody::from(placement));
    if !is_new {
        return Ok(body.into_response());
    }
    let location = format!("{}/api/v1/pages/{page}/services/{service}", state.config.base());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Takes a service off a page; it stays on others.
#[utoipa::path(delete, path = "/pages/{id}/services/{service_id}", tag = "Status pages",
    params(("id" = String, Path), ("service_id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn displace(
    State(state): State<AppState>,
    member: Member,
    Path((page, service)): Path<(PageId, ServiceId)>,
) -> Result<StatusCode, Problem> {
    actions::services::displace(&state.ctx, &member.membership, page, service).await?;
    Ok(StatusCode::NO_CONTENT)
}
