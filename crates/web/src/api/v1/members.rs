//! `/api/v1/organizations/{id}/members`, `/leave` and `/transfer` (S20, X11, X12).

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::UserId;
use domain::organization::Role;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::members::MemberProfile;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, PageQuery, Paged};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{Json, MemberOf, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(update, delete))
        .routes(routes!(leave))
        .routes(routes!(transfer))
}

/// A person in an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberBody {
    #[schema(value_type = String, example = "us_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    user_id: UserId,
    email: String,
    display_name: Option<String>,
    is_email_verified: bool,
    #[schema(value_type = String, example = "member")]
    role: Role,
    #[schema(value_type = String, format = DateTime)]
    joined_at: Timestamp,
}

impl From<MemberProfile> for MemberBody {
    fn from(member: MemberProfile) -> Self {
        Self {
            user_id: member.user_id,
            email: member.email,
            display_name: member.display_name,
            is_email_verified: member.is_email_verified,
            role: member.role,
            joined_at: member.joined_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberPatch)]
pub struct UpdateBody {
    /// `owner`, `admin`, `member` or `viewer`; not above the caller's own role.
    #[schema(value_type = String)]
    role: Role,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Transfer)]
pub struct TransferBody {
    /// The member who becomes the owner. The caller becomes an admin.
    #[schema(value_type = String)]
    user_id: UserId,
}

/// Everybody in the organization, in the order in which they joined.
#[utoipa::path(get, path = "/organizations/{id}/members", tag = "Members", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = List<MemberBody>), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Query(page): Query<PageQuery>,
) -> Result<Paged<MemberBody>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(i64, UserId)>()?);
    let after = after.map(|(at, id)| (Timestamp::from_ms(at), id));
    let mut conn = state.ctx.db.read().await?;
    let members =
        store::members::list_part(&mut conn, membership.scope(), after, i64::from(limit) + 1).await?;
    let bodies = members.into_iter().map(MemberBody::from).collect();
    let path = format!("{}/api/v1/organizations/{}/members", state.config.base(), membership.organization.id);
    Ok(Paged::by_key(bodies, limit, path, |body: &MemberBody| (body.joined_at.ms(), body.user_id)))
}

/// Gives a member another role.
#[utoipa::path(patch, path = "/organizations/{id}/members/{user_id}", tag = "Members",
    params(("id" = String, Path), ("user_id" = String, Path)), request_body = UpdateBody,
    responses((status = 200, body = MemberBody), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
async fn update(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Path((_, user)): Path<(String, UserId)>,
    Json(body): Json<UpdateBody>,
) -> Result<axum::Json<MemberBody>, Problem> {
    let member = actions::members::change_role(&state.ctx, &membership, user, body.role).await?;
    Ok(axum::Json(member.into()))
}

/// Takes a member out of the organization.
#[utoipa::path(delete, path = "/organizations/{id}/members/{user_id}", tag = "Members",
    params(("id" = String, Path), ("user_id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Path((_, user)): Path<(String, UserId)>,
) -> Result<StatusCode, Problem> {
    actions::members::remove(&state.ctx, &membership, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller leaves the organization. The last owner cannot.
#[utoipa::path(post, path = "/organizations/{id}/leave", tag = "Members", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn leave(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
) -> Result<StatusCode, Problem> {
    actions::members::leave(&state.ctx, &membership).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands the organization over to another member.
#[utoipa::path(post, path = "/organizations/{id}/transfer", tag = "Members", params(("id" = String, Path)),
    request_body = TransferBody,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
async fn transfer(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Json(body): Json<TransferBody>,
) -> Result<StatusCode, Problem> {
    actions::members::transfer(&state.ctx, &membership, body.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
