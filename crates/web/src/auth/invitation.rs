//! `/invite`: the link of an invitation. The GET shows who invites whom, the POST accepts (X14, H-24, H-31).

use actions::accounts::Client;
use actions::invitations::Newcomer;
use actions::{Error, invitations};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::invitations::InvitationPreview;
use store::sessions::LoggedIn;

use super::{enter, site, without_referrer};
use crate::AppState;
use crate::dashboard::screen::refused;
use crate::extract::{Caller, OpenForm, Path, Query, Visitor};
use crate::page::{failure, html};
use crate::view::Errors;
use crate::view::auth::{InvitationPage, NoticePage, WayIn};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Link {
    token: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    display_name: String,
    password: String,
}

pub(crate) async fn show(
    State(state): State<AppState>,
    Visitor(login): Visitor,
    link: Result<Query<Link>, crate::error::Problem>,
) -> Response {
    // A query that cannot be read holds no token that anybody was sent.
    let token = link.map(|Query(link)| link.token).unwrap_or_default();
    match page(&state, login.as_ref(), &token).await {
        Ok(view) => without_referrer(html(&view)),
        Err(error) => refuse(&state, error),
    }
}

pub(crate) async fn accept(
    State(state): State<AppState>,
    Visitor(login): Visitor,
    Path(token): Path<String>,
    Caller(client): Caller,
    OpenForm(input): OpenForm<Input>,
) -> Response {
    let mut view = match page(&state, login.as_ref(), &token).await {
        Ok(view) => view,
        Err(error) => return refuse(&state, error),
    };
    let done = match (view.way, login) {
        (WayIn::Accept, Some(login)) => join(&state, &login, &token).await,
        (WayIn::NewAccount, _) => join_as_new(&state, &client, &input, &token).await,
        _ => return without_referrer(html(&view)),
    };
    match done {
        Ok(response) => response,
        Err(Error::InvalidToken) => refuse(&state, Error::InvalidToken),
        Err(error) => match refused(error) {
            Ok(refusal) => {
                view.display_name = input.display_name;
                view.errors = refusal.errors.clone();
                without_referrer(refusal.show(&view))
            }
            Err(problem) => failure(&state, problem),
        },
    }
}

async fn page(state: &AppState, login: Option<&LoggedIn>, token: &str) -> Result<InvitationPage, Error> {
    let preview = invitations::preview(&state.ctx, token).await?;
    let way = way(state, login, &preview).await?;
    Ok(InvitationPage {
        site: site(state),
        token: token.to_owned(),
        inviter: preview.organization_name.clone(),
        organization: preview.organization_name,
        email: preview.email,
        role: preview.role.label().to_lowercase(),
        way,
        display_name: String::new(),
        errors: Errors::default(),
    })
}

/// Only whoever holds the mailed secret learns whether the invited address has an account.
async fn way(
    state: &AppState,
    login: Option<&LoggedIn>,
    preview: &InvitationPreview,
) -> Result<WayIn, Error> {
    if login.is_some_and(|login| login.email == preview.email) {
        return Ok(WayIn::Accept);
    }
    let is_taken = store::users::is_email_taken(&mut state.ctx.db.read().await?, &preview.email).await?;
    Ok(if is_taken { WayIn::LogIn } else { WayIn::NewAccount })
}

async fn join(state: &AppState, login: &LoggedIn, token: &str) -> Result<Response, Error> {
    let joined = invitations::accept(&state.ctx, login.session.user_id, login.session.id, token).await?;
    state.forget_sessions();
    let to = format!("{}/orgs/{}", state.config.base(), joined.organization.slug);
    Ok(Redirect::to(&to).into_response())
}

async fn join_as_new(
    state: &AppState,
    client: &Client,
    input: &Input,
    token: &str,
) -> Result<Response, Error> {
    let newcomer =
        Newcomer { password: input.password.clone(), display_name: Some(input.display_name.clone()) };
    let (begun, joined) = invitations::accept_as_newcomer(&state.ctx, client, token, newcomer).await?;
    let to = format!("{}/orgs/{}", state.config.base(), joined.organization.slug);
    Ok(enter(state, begun, &to))
}

fn refuse(state: &AppState, error: Error) -> Response {
    match error {
        Error::InvalidToken => {
            (StatusCode::BAD_REQUEST, html(&NoticePage::invitation_gone(site(state)))).into_response()
        }
        other => failure(state, other.into()),
    }
}
