//! `/api/v1/organizations/{id}/invitations` and `/api/v1/organizations/invitations/accept` (X14).

use actions::invitations::NewInvitation;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::{InvitationId, UserId};
use domain::invitation::Invitation;
use domain::organization::{Permission, Role};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::organizations::Membership;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, Object, PageQuery, Paged};
use super::organizations::{self, OrganizationBody};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{CurrentUser, Json, MemberOf, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(delete))
        .routes(routes!(resend))
        .routes(routes!(accept))
}

/// Somebody who was asked to join. Holds a member's place until it is revoked or has expired.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationBody {
    #[schema(value_type = String, example = "iv_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    id: InvitationId,
    email: String,
    #[schema(value_type = String, example = "member")]
    role: Role,
    #[schema(value_type = String)]
    invited_by: UserId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Later it can be sent again.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<Invitation> for InvitationBody {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewInvitation)]
pub struct CreateBody {
    email: String,
    /// `member` when left out; not above the caller's own role.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Role,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationAcceptance)]
pub struct AcceptBody {
    /// From the link in the mail.
    token: String,
}

/// Pending invitations, the newest first.
#[utoipa::path(get, path = "/organizations/{id}/invitations", tag = "Members",
    params(("id" = String, Path), PageQuery),
    responses((status = 200, body = List<InvitationBody>), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Query(page): Query<PageQuery>,
) -> Result<Paged<InvitationBody>, Problem> {
    actions::gate::require(&membership, Permission::ManageMembers)?;
    let (limit, after) = (page.limit()?, page.after::<(i64, InvitationId)>()?);
    let after = after.map(|(at, id)| (Timestamp::from_ms(at), id));
    let mut conn = state.ctx.db.read().await?;
    let invitations =
        store::invitations::list_part(&mut conn, membership.scope(), after, i64::from(limit) + 1).await?;
    let bodies = invitations.into_iter().map(InvitationBody::from).collect();
    let path = path(&state, &membership);
    Ok(Paged::by_key(bodies, limit, path, |body: &InvitationBody| (body.created_at.ms(), body.id)))
}

fn path(state: &AppState, membership: &Membership) -> String {
    format!("{}/api/v1/organizations/{}/invitations", state.config.base(), membership.organization.id)
}

/// Mails somebody a link into the organization.
#[utoipa::path(post, path = "/organizations/{id}/invitations", tag = "Members", params(("id" = String, Path)),
    request_body = CreateBody,
    responses((status = 201, body = InvitationBody), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Json(body): Json<CreateBody>,
) -> Result<Response, Problem> {
    let input = NewInvitation { email: body.email, role: body.role };
    let invitation = actions::invitations::invite(&state.ctx, &membership, input).await?;
    let location = format!("{}/{}", path(&state, &membership), invitation.id);
    let body = axum::Json(InvitationBody::from(invitation));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Revokes an invitation; its link stops working.
#[utoipa::path(delete, path = "/organizations/{id}/invitations/{invitation_id}", tag = "Members",
    params(("id" = String, Path), ("invitation_id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Path((_, invitation)): Path<(String, InvitationId)>,
) -> Result<StatusCode, Problem> {
    actions::invitations::revoke(&state.ctx, &membership, invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mails a new link; the old one stops working.
#[utoipa::path(post, path = "/organizations/{id}/invitations/{invitation_id}/resend", tag = "Members",
    params(("id" = String, Path), ("invitation_id" = String, Path)),
    responses((status = 200, body = InvitationBody), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem)))]
async fn resend(
    State(state): State<AppState>,
    MemberOf { membership, .. }: MemberOf,
    Path((_, invitation)): Path<(String, InvitationId)>,
) -> Result<axum::Json<InvitationBody>, Problem> {
    let invitation = actions::invitations::resend(&state.ctx, &membership, invitation).await?;
    Ok(axum::Json(invitation.into()))
}

/// Makes the caller a member and the organization the active one. Only the account with the invited address may.
#[utoipa::path(post, path = "/organizations/invitations/accept", tag = "Members", request_body = AcceptBody,
    responses((status = 200, body = OrganizationBody), (status = 400, body = Problem), (status = 403, body = Problem)))]
async fn accept(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<AcceptBody>,
) -> Result<Object<OrganizationBody>, Problem> {
    let session = &login.session;
    let membership =
        actions::invitations::accept(&state.ctx, session.user_id, session.id, &body.token).await?;
    // The address may have become a verified one, and the active organization another.
    state.forget_sessions();
    Ok(organizations::object(membership))
}
