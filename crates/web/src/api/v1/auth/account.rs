//! The logged-in person: who they are, password, address, sessions, deletion.

use actions::accounts;
use actions::patch::Patch;
use axum::extract::State;
use axum::http::StatusCode;
use domain::id::{OrgId, SessionId, UserId};
use domain::organization::Role;
use domain::plan::Tier;
use domain::time::Timestamp;
use domain::user::{Session, User};
use serde::{Deserialize, Serialize};
use store::organizations::Membership;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::dto::{List, Object};
use super::{ACCEPTED, Accepted, AcceptedBody};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{CurrentUser, IfMatch, Json, Path};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(me, update_me, delete_me))
        .routes(routes!(change_password))
        .routes(routes!(change_email))
        .routes(routes!(list_sessions, end_other_sessions))
        .routes(routes!(end_session))
}

/// The logged-in person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub struct MeBody {
    #[schema(value_type = String)]
    id: UserId,
    email: String,
    display_name: Option<String>,
    is_email_verified: bool,
    /// Whether log-in asks for a code.
    has_totp: bool,
    /// The organization of requests that name none; `null` for a person without one.
    #[schema(value_type = Option<String>)]
    active_organization_id: Option<OrgId>,
    /// The one used last stands first.
    organizations: Vec<MyOrganization>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// An organization and one's own role in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyOrganization {
    #[schema(value_type = String)]
    id: OrgId,
    slug: String,
    name: String,
    #[schema(value_type = String, example = "free")]
    tier: Tier,
    #[schema(value_type = String, example = "owner")]
    role: Role,
}

/// One log-in on one device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionBody {
    #[schema(value_type = String)]
    id: SessionId,
    ip: Option<String>,
    user_agent: Option<String>,
    /// The one of this request.
    is_current: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MePatch)]
pub struct UpdateMeBody {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    display_name: Patch<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordConfirmation)]
pub struct PasswordBody {
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange)]
pub struct ChangePasswordBody {
    current_password: String,
    new_password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmailChange)]
pub struct ChangeEmailBody {
    password: String,
    new_email: String,
}

/// Who is logged in, and the organizations they are in.
#[utoipa::path(get, path = "/auth/me", tag = "Account",
    responses((status = 200, body = MeBody), (status = 401, body = Problem)))]
async fn me(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
) -> Result<Object<MeBody>, Problem> {
    let found = store::users::find(&mut state.ctx.db.read().await?, login.session.user_id).await?;
    let user = found.ok_or_else(|| Problem::unauthorized("Invalid token"))?;
    object(&state, &login.session, user).await
}

/// Changes the name that other members see; `null` removes it.
#[utoipa::path(patch, path = "/auth/me", tag = "Account", request_body = UpdateMeBody,
    responses((status = 200, body = MeBody), (status = 412, body = Problem), (status = 422, body = Problem)))]
async fn update_me(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    IfMatch(version): IfMatch,
    Json(body): Json<UpdateMeBody>,
) -> Result<Object<MeBody>, Problem> {
    let user =
        accounts::update_profile(&state.ctx, login.session.user_id, version, body.display_name).await?;
    state.forget_sessions();
    object(&state, &login.session, user).await
}

/// Deletes the account and the organizations nobody else is in. The only owner of an organization with other members
/// gets 409 `last_owner`.
#[utoipa::path(delete, path = "/auth/me", tag = "Account", request_body = PasswordBody,
    responses((status = 204), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn delete_me(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, Problem> {
    accounts::delete(&state.ctx, login.session.user_id, &body.password).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the password and ends all other sessions.
#[utoipa::path(post, path = "/auth/change-password", tag = "Account", request_body = ChangePasswordBody,
    responses((status = 204), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn change_password(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<ChangePasswordBody>,
) -> Result<StatusCode, Problem> {
    let session = login.session;
    let (current, new) = (&body.current_password, &body.new_password);
    accounts::change_password(&state.ctx, session.user_id, session.id, current, new).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}

/// Mails a link to the new address; the account moves there when it is used.
#[utoipa::path(post, path = "/auth/change-email", tag = "Account", request_body = ChangeEmailBody,
    responses((status = 202, body = AcceptedBody), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn change_email(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<ChangeEmailBody>,
) -> Result<Accepted, Problem> {
    accounts::change_email(&state.ctx, login.session.user_id, &body.password, &body.new_email).await?;
    Ok(ACCEPTED)
}

/// The devices on which this person is logged in.
#[utoipa::path(get, path = "/auth/sessions", tag = "Account", responses((status = 200, body = List<SessionBody>)))]
async fn list_sessions(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
) -> Result<axum::Json<List<SessionBody>>, Problem> {
    let mut conn = state.ctx.db.read().await?;
    let sessions = store::sessions::list(&mut conn, login.session.user_id, state.ctx.now()).await?;
    let current = login.session.id;
    let data = sessions
        .into_iter()
        .map(|session| SessionBody {
            is_current: session.id == current,
            id: session.id,
            ip: session.ip,
            user_agent: session.user_agent,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
        })
        .collect();
    Ok(axum::Json(List::whole(data)))
}

/// Ends all sessions but this one.
#[utoipa::path(delete, path = "/auth/sessions", tag = "Account", responses((status = 204)))]
async fn end_other_sessions(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
) -> Result<StatusCode, Problem> {
    accounts::end_other_sessions(&state.ctx, login.session.user_id, login.session.id).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "Account", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn end_session(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    accounts::end_session(&state.ctx, login.session.user_id, id).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}

async fn object(state: &AppState, session: &Session, user: User) -> Result<Object<MeBody>, Problem> {
    let mut conn = state.ctx.db.read().await?;
    let memberships = store::organizations::list_memberships(&mut conn, user.id).await?;
    let body = MeBody {
        id: user.id,
        has_totp: user.has_totp(),
        email: user.email_display,
        display_name: user.display_name,
        is_email_verified: user.is_email_verified,
        active_organization_id: active(session, &memberships),
        organizations: memberships
            .into_iter()
            .map(|membership| MyOrganization {
                id: membership.organization.id,
                slug: membership.organization.slug,
                name: membership.organization.name,
                tier: membership.organization.tier,
                role: membership.role,
            })
            .collect(),
        created_at: user.created_at,
        updated_at: user.updated_at,
    };
    Ok(Object { version: user.updated_at, body, created_at: None })
}

/// The session's organization while the person is in it, else the one used last (D3).
fn active(session: &Session, memberships: &[Membership]) -> Option<OrgId> {
    let ids = || memberships.iter().map(|membership| membership.organization.id);
    ids().find(|id| Some(*id) == session.organization_id).or_else(|| ids().next())
}
