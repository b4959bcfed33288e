//! For which organization a request acts, and which version of an object it means (D3, T-02).

use actions::patch::Version;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use domain::id::{OrgId, UserId};
use domain::text::Slug;
use domain::time::Timestamp;
use store::organizations::Membership;
use store::sessions::LoggedIn;

use super::{CurrentUser, PageUser};
use crate::AppState;
use crate::error::Problem;

/// The caller of an API request as a member of the organization that it names: `X-Organization`, else the session's
/// active one, else the one used last. 404 for an organization the caller is not in.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub membership: Membership,
}

/// The caller of an API request below `/organizations/{id}` as a member of the organization in the path, named by id
/// or slug. 404 for one that the caller is not in.
#[derive(Debug, Clone)]
pub(crate) struct MemberOf {
    pub login: LoggedIn,
    pub membership: Membership,
}

/// The caller of a dashboard page below `/orgs/{org}`.
#[derive(Debug, Clone)]
pub(crate) struct PageMember {
    pub user: PageUser,
    pub membership: Membership,
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let CurrentUser(login) = CurrentUser::from_request_parts(parts, state).await?;
        let named = match parts.headers.get("x-organization") {
            Some(value) => Some(value.to_str().map_err(|_| Problem::not_found())?.to_owned()),
            None => None,
        };
        let user = login.session.user_id;
        let membership = match named {
            Some(name) => by_any_name(state, user, &name).await?,
            None => used_last(state, &login).await?.ok_or_else(no_organization)?,
        };
        crate::layer::note_organization(state, &membership.organization.slug);
        Ok(Self { membership })
    }
}

impl FromRequestParts<AppState> for MemberOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let CurrentUser(login) = CurrentUser::from_request_parts(parts, state).await?;
        let name = in_path(parts, state, "id").await?;
        let membership = by_any_name(state, login.session.user_id, &name).await?;
        crate::layer::note_organization(state, &membership.organization.slug);
        Ok(Self { login, membership })
    }
}

impl FromRequestParts<AppState> for PageMember {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let user = PageUser::from_request_parts(parts, state).await?;
        let failure = |problem: Problem| crate::page::failure(state, problem);
        let slug = in_path(parts, state, "org").await.map_err(failure)?;
        let found = by_name(state, user.login.session.user_id, &slug).await.map_err(failure)?;
        match found {
            Some(membership) => Ok(Self { user, membership }),
            None => Err(crate::dashboard::organizations::elsewhere(state, &user, &slug, parts).await),
        }
    }
}

async fn in_path(parts: &mut Parts, state: &AppState, name: &str) -> Result<String, Problem> {
    let path = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
    let value = path.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    value.ok_or_else(Problem::not_found)
}

fn no_organization() -> Problem {
    // S26 fixes the wording; X20 the way out.
    Problem::new(StatusCode::FORBIDDEN, "no_organization", "No organization")
}

async fn by_name(state: &AppState, user: UserId, name: &str) -> Result<Option<Membership>, Problem> {
    let id = name.parse::<OrgId>();
    if id.is_err() && !Slug::is_shaped(name) {
        return Ok(None);
    }
    let mut conn = state.ctx.db.read().await?;
    Ok(match id {
        Ok(id) => store::organizations::find_membership(&mut conn, user, id).await?,
        Err(_) => store::organizations::find_membership_by_slug(&mut conn, user, name).await?,
    })
}

/// For the API, where a slug that the organization left still names it to its members (X1).
async fn by_any_name(state: &AppState, user: UserId, name: &str) -> Result<Membership, Problem> {
    if let Some(found) = by_name(state, user, name).await? {
        return Ok(found);
    }
    if !Slug::is_shaped(name) {
        return Err(Problem::not_found());
    }
    let mut conn = state.ctx.db.read().await?;
    let now = state.ctx.now();
    let found = store::organizations::find_membership_by_old_slug(&mut conn, user, name, now).await?;
    found.ok_or_else(Problem::not_found)
}

/// The session's active organization, else the one used last (D3). `None`: the person is in none.
pub(crate) async fn used_last(state: &AppState, login: &LoggedIn) -> Result<Option<Membership>, Problem> {
    let mut conn = state.ctx.db.read().await?;
    let user = login.session.user_id;
    if let Some(active) = login.session.organization_id
        && let Some(found) = store::organizations::find_membership(&mut conn, user, active).await?
    {
        return Ok(Some(found));
    }
    Ok(store::organizations::list_memberships(&mut conn, user).await?.into_iter().next())
}

/// `If-Match`: change the object only if it is still this version, or one of those listed. Absent or `*`: whatever is
/// stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfMatch(pub Version);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let values: Vec<&str> = parts
            .headers
            .get_all(header::IF_MATCH)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .map(str::trim)
            .collect();
        if values.is_empty() || values.contains(&"*") {
            return Ok(Self(Version::Any));
        }
        // A tag that we never gave out matches nothing, and neither does a weak one (RFC 9110, 13.1.1).
        let version = |tag: &&str| tag.trim_matches('"').parse().ok().map(Timestamp::from_ms);
        let mut known = values.iter().filter_map(version);
        Ok(Self(Version::OneOf(std::array::from_fn(|_| known.next()))))
    }
}
