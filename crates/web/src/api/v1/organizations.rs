//! `/api/v1/organizations` (S19, D3): create, rename, delete, restore, switch.

use actions::organizations::{NewOrganization, OrganizationPatch, RESTORABLE_MS};
use axum::extract::State;
use axum::http::StatusCode;
use domain::id::OrgId;
use domain::organization::Role;
use domain::plan::Tier;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::organizations::Membership;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, Object, PageQuery, Paged};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{CurrentUser, IfMatch, Json, MemberOf, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(restore))
        .routes(routes!(switch))
}

/// A tenant, as one of its members sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub struct OrganizationBody {
    #[schema(value_type = String, example = "org_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    id: OrgId,
    slug: String,
    name: String,
    #[schema(value_type = String, example = "free")]
    tier: Tier,
    /// The caller's own role.
    #[schema(value_type = String, example = "owner")]
    role: Role,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When set, the organization is offline and an owner can restore it for 30 days after this.
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
}

impl From<Membership> for OrganizationBody {
    fn from(membership: Membership) -> Self {
        let organization = membership.organization;
        Self {
            id: organization.id,
            slug: organization.slug,
            name: organization.name,
            tier: organization.tier,
            role: membership.role,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
            deleted_at: organization.deleted_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrganization)]
pub struct CreateBody {
    name: String,
    /// Made from the name when left out.
    slug: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrganizationPatch)]
pub struct UpdateBody {
    name: Option<String>,
    /// The old slug leads to the new one for 90 days.
    slug: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrganizationDeletion)]
pub struct DeleteBody {
    /// The slug of the organization, as a proof that this one is meant.
    confirm: String,
}

pub(super) fn object(membership: Membership) -> Object<OrganizationBody> {
    Object { version: membership.organization.updated_at, body: membership.into(), created_at: None }
}

/// The organizations of the caller in the order in which they were made; then those that the caller can restore.
#[utoipa::path(get, path = "/organizations", tag = "Organizations", params(PageQuery),
    responses((status = 200, body = List<OrganizationBody>), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Query(page): Query<PageQuery>,
) -> Result<Paged<OrganizationBody>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(bool, OrgId)>()?);
    let user = login.session.user_id;
    let mut conn = state.ctx.db.read().await?;
    let mut all = store::organizations::list_memberships(&mut conn, user).await?;
    let since = state.ctx.now().plus_ms(-RESTORABLE_MS);
    all.extend(store::organizations::list_restorable(&mut conn, user, since).await?);
    // One person's are few, so that they are cut here; ids sort by the time of making.
    let key = |body: &OrganizationBody| (body.deleted_at.is_some(), body.id);
    let mut bodies: Vec<_> = all.into_iter().map(OrganizationBody::from).collect();
    bodies.sort_by_key(key);
    bodies.retain(|body| after.is_none_or(|after| key(body) > after));
    let path = format!("{}/api/v1/organizations", state.config.base());
    Ok(Paged::by_key(bodies, limit, path, key))
}

/// Creates an organization with its first status page; the caller owns it.
#[utoipa::path(post, path = "/organizations", tag = "Organizations", request_body = CreateBody,
    responses((status = 201, body = OrganizationBody), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<CreateBody>,
) -> Result<Object<OrganizationBody>, Problem> {
    let input = NewOrganization { name: body.name, slug: body.slug };
    let created = actions::organizations::create(&state.ctx, login.session.user_id, input).await?;
    let path = format!("{}/api/v1/organizations/{}", state.config.base(), created.organization.id);
    Ok(Object { created_at: Some(path), ..object(created) })
}

/// One organization, by id or slug.
#[utoipa::path(get, path = "/organizations/{id}", tag = "Organizations", params(("id" = String, Path)),
    responses((status = 200, body = OrganizationBody), (status = 404, body = Problem)))]
async fn show(MemberOf { membership, .. }: MemberOf) -> Object<OrganizationBody> {
    object(membership)
}

/// Renames an organization or moves it to another slug.
#[utoipa::path(patch, path = "/organizations/{id}", tag = "Organizations", params(("id" = String, Path)),
    request_body = UpdateBody,
    responses((status = 200, body = OrganizationBody), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)))]
async fn update(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    IfMatch(version): IfMatch,
    Json(body): Json<UpdateBody>,
) -> Result<Object<OrganizationBody>, Problem> {
    let patch = OrganizationPatch { name: body.name, slug: body.slug };
    let organization = actions::organizations::update(&state.ctx, &membership, version, patch).await?;
    Ok(object(Membership { organization, ..membership }))
}

/// Takes an organization and all its pages offline; owners can restore it for 30 days.
#[utoipa::path(delete, path = "/organizations/{id}", tag = "Organizations", params(("id" = String, Path)),
    request_body = DeleteBody,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    IfMatch(version): IfMatch,
    Json(body): Json<DeleteBody>,
) -> Result<StatusCode, Problem> {
    actions::organizations::delete(&state.ctx, &membership, version, &body.confirm).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings back an organization that was deleted less than 30 days ago.
#[utoipa::path(post, path = "/organizations/{id}/restore", tag = "Organizations", params(("id" = String, Path)),
    responses((status = 200, body = OrganizationBody), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn restore(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Path(name): Path<String>,
) -> Result<Object<OrganizationBody>, Problem> {
    let user = login.session.user_id;
    let since = state.ctx.now().plus_ms(-RESTORABLE_MS);
    let deleted = store::organizations::list_restorable(&mut state.ctx.db.read().await?, user, since).await?;
    let id = name.parse::<OrgId>().ok();
    let found = deleted.into_iter().map(|membership| membership.organization);
    let mut found = found.filter(|organization| Some(organization.id) == id || organization.slug == name);
    let organization = found.next().ok_or_else(Problem::not_found)?;
    Ok(object(actions::organizations::restore(&state.ctx, user, organization.id).await?))
}

/// Makes this the organization of requests that name none.
#[utoipa::path(post, path = "/organizations/{id}/switch", tag = "Organizations", params(("id" = String, Path)),
    responses((status = 200, body = OrganizationBody), (status = 404, body = Problem)))]
async fn switch(
    State(state): State<AppState>,
    MemberOf { login, membership }: MemberOf,
) -> Result<Object<OrganizationBody>, Problem> {
    actions::organizations::switch(&state.ctx, &membership, login.session.id).await?;
    state.forget_sessions();
    Ok(object(membership))
}
