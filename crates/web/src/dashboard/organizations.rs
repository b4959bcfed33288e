//! `/organizations/new`, and what stands at the address of an organization that moved or was deleted.

use actions::organizations::{self, NewOrganization, RESTORABLE_MS};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use domain::plan::Tier;
use domain::text::Slug;
use serde::Deserialize;
use store::organizations::Membership;

use super::input::Nothing;
use super::screen::refused;
use crate::AppState;
use crate::error::Problem;
use crate::extract::{CsrfForm, PageUser, Path};
use crate::page::html;
use crate::view::dashboard::organization::{DeletedPage, DeletedRow, NewPage};
use crate::view::{Errors, Site};
use crate::words;

pub(crate) async fn new(State(state): State<AppState>, user: PageUser) -> Response {
    match form(&state, &user, String::new(), Errors::default()).await {
        Ok(view) => html(&view),
        Err(problem) => crate::page::failure(&state, problem),
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    name: String,
}

/// Makes it, makes it the active one, and goes on to its first check.
pub(crate) async fn create(
    State(state): State<AppState>,
    user: PageUser,
    CsrfForm(input): CsrfForm<Input>,
) -> Response {
    let body = async {
        let session = &user.login.session;
        let new = NewOrganization { name: input.name.clone(), slug: None };
        match organizations::create(&state.ctx, session.user_id, new).await {
            Ok(membership) => {
                enter(&state, &membership, &user).await?;
                let slug = &membership.organization.slug;
                Ok(Redirect::to(&format!("{}/orgs/{slug}/welcome", state.config.base())).into_response())
            }
            Err(actions::Error::Forbidden(why)) => {
                let view = form(&state, &user, input.name, Errors::general(why)).await?;
                Ok((StatusCode::FORBIDDEN, html(&view)).into_response())
            }
            Err(error) => {
                let refusal = refused(error)?;
                Ok(refusal.show(&form(&state, &user, input.name, refusal.errors.clone()).await?))
            }
        }
    };
    body.await.unwrap_or_else(|problem: Problem| crate::page::failure(&state, problem))
}

/// Brings a deleted organization back (X18).
pub(crate) async fn restore(
    State(state): State<AppState>,
    user: PageUser,
    Path(slug): Path<String>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        let deleted = find_deleted(&state, &user, &slug).await?.ok_or_else(Problem::not_found)?;
        let person = user.login.session.user_id;
        let back = organizations::restore(&state.ctx, person, deleted.organization.id).await?;
        enter(&state, &back, &user).await?;
        let slug = &back.organization.slug;
        Ok(Redirect::to(&format!("{}/orgs/{slug}", state.config.base())).into_response())
    };
    body.await.unwrap_or_else(|problem: Problem| crate::page::failure(&state, problem))
}

async fn enter(state: &AppState, membership: &Membership, user: &PageUser) -> Result<(), Problem> {
    organizations::switch(&state.ctx, membership, user.login.session.id).await?;
    state.forget_sessions();
    Ok(())
}

fn site(state: &AppState, user: &PageUser) -> Site {
    Site { base: state.config.base().to_owned(), csrf: user.csrf.clone() }
}

async fn form(state: &AppState, user: &PageUser, name: String, errors: Errors) -> Result<NewPage, Problem> {
    let policy = &state.ctx.policy;
    let mut conn = state.ctx.db.read().await?;
    let person = user.login.session.user_id;
    let since = state.ctx.now().plus_ms(-RESTORABLE_MS);
    let owned = store::organizations::count_owned(&mut conn, person, Tier::Free, Some(since)).await?;
    let deleted = store::organizations::list_restorable(&mut conn, person, since).await?;
    let is_full = policy.are_plans_enforced && owned >= i64::from(policy.free_organizations_per_user);
    let blocked = is_full.then(|| {
        format!("You own {owned} free organisations already, as many as one person may. Move one to a larger plan to make another. A deleted one counts as long as it can be brought back.")
    });
    let deleted = deleted.into_iter().map(|membership| row(state, membership)).collect();
    Ok(NewPage { site: site(state, user), name, blocked, deleted, errors })
}

fn row(state: &AppState, deleted: Membership) -> DeletedRow {
    let ends = deleted.organization.deleted_at.map(|at| at.plus_ms(RESTORABLE_MS));
    DeletedRow {
        root: format!("{}/orgs/{}", state.config.base(), deleted.organization.slug),
        name: deleted.organization.name,
        until: ends.map(words::date).unwrap_or_default(),
    }
}

/// Instead of a dashboard page below a slug of which the person is no member: the organization's new address (X1), the
/// offer to bring a deleted one back (X18), or what a stranger sees.
pub(crate) async fn elsewhere(state: &AppState, user: &PageUser, slug: &str, parts: &Parts) -> Response {
    let body = async {
        if !Slug::is_shaped(slug) {
            return Err(Problem::not_found());
        }
        let mut conn = state.ctx.db.read().await?;
        let person = user.login.session.user_id;
        let moved =
            store::organizations::find_membership_by_old_slug(&mut conn, person, slug, state.ctx.now())
                .await?;
        drop(conn);
        if let Some(membership) = moved.filter(|_| parts.method == Method::GET) {
            let rest = parts.uri.path().strip_prefix(&format!("/orgs/{slug}")).unwrap_or_default();
            let to = format!("{}/orgs/{}{rest}", state.config.base(), membership.organization.slug);
            return Ok(crate::page::moved(&to));
        }
        let deleted = find_deleted(state, user, slug).await?.ok_or_else(Problem::not_found)?;
        let view = DeletedPage { site: site(state, user), organization: row(state, deleted) };
        Ok((StatusCode::GONE, html(&view)).into_response())
    };
    body.await.unwrap_or_else(|problem: Problem| crate::page::failure(state, problem))
}

async fn find_deleted(state: &AppState, user: &PageUser, slug: &str) -> Result<Option<Membership>, Problem> {
    let since = state.ctx.now().plus_ms(-RESTORABLE_MS);
    let mut conn = state.ctx.db.read().await?;
    let all = store::organizations::list_restorable(&mut conn, user.login.session.user_id, since).await?;
    Ok(all.into_iter().find(|membership| membership.organization.slug == slug))
}
