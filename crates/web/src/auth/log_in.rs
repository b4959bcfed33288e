//! `/login`, its second step, and `/logout`.

use actions::Error;
use actions::accounts::{self, Client};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::{enter, site, way_on};
use crate::AppState;
use crate::dashboard::input::Nothing;
use crate::dashboard::screen::refused;
use crate::extract::{Caller, CsrfForm, OpenForm, PageUser, Query, Visitor, clear_cookie};
use crate::page::{failure, html};
use crate::view::Errors;
use crate::view::auth::{LogInPage, SecondFactorPage};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Arrival {
    next: String,
    /// What the request before this one did: one of our own words.
    done: String,
}

pub(crate) async fn show(
    State(state): State<AppState>,
    Visitor(login): Visitor,
    query: Result<Query<Arrival>, crate::error::Problem>,
) -> Response {
    let arrival = query.map(|Query(arrival)| arrival).unwrap_or_default();
    if login.is_some() {
        return Redirect::to(&way_on(&state, &arrival.next)).into_response();
    }
    let notice = match arrival.done.as_str() {
        "logged-out" => Some("You are logged out."),
        "password-set" => Some("Your new password is set. Log in with it."),
        "email-changed" => Some("The account has its new address. Log in with it."),
        _ => None,
    };
    html(&LogInPage {
        site: site(&state),
        email: String::new(),
        next: arrival.next,
        notice: notice.map(str::to_owned),
        errors: Errors::default(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    email: String,
    password: String,
    next: String,
}

pub(crate) async fn log_in(
    State(state): State<AppState>,
    Caller(client): Caller,
    OpenForm(input): OpenForm<Input>,
) -> Response {
    match accounts::log_in(&state.ctx, &client, &input.email, &input.password).await {
        Ok(begun) => enter(&state, begun, &way_on(&state, &input.next)),
        Err(Error::SecondFactor { challenge }) => html(&SecondFactorPage {
            site: site(&state),
            challenge,
            next: input.next,
            errors: Errors::default(),
        }),
        Err(Error::Unauthorized) => {
            again(&state, input, StatusCode::UNAUTHORIZED, "This address and password do not fit together.")
        }
        Err(error) => match refused(error) {
            Ok(refusal) => {
                let message = refusal.errors.all().first().map(|(_, message)| message.clone());
                again(&state, input, refusal.status, &message.unwrap_or_default())
            }
            Err(problem) => failure(&state, problem),
        },
    }
}

fn again(state: &AppState, input: Input, status: StatusCode, message: &str) -> Response {
    let view = LogInPage {
        site: site(state),
        email: input.email,
        next: input.next,
        notice: None,
        errors: Errors::general(message),
    };
    (status, html(&view)).into_response()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SecondStep {
    challenge: String,
    code: String,
    next: String,
}

pub(crate) async fn complete(
    State(state): State<AppState>,
    Caller(client): Caller,
    OpenForm(input): OpenForm<SecondStep>,
) -> Response {
    match second_step(&state, &client, &input).await {
        Ok(response) => response,
        Err(Error::Unauthorized) => {
            let errors = Errors::default().with(
                "code",
                "This code is wrong or was used before. Wait for the next one; after five tries the password is due again.",
            );
            let view =
                SecondFactorPage { site: site(&state), challenge: input.challenge, next: input.next, errors };
            (StatusCode::UNAUTHORIZED, html(&view)).into_response()
        }
        Err(Error::InvalidToken) => {
            let input = Input { next: input.next, ..Input::default() };
            let message = "That took too long or too many tries. Log in again.";
            again(&state, input, StatusCode::BAD_REQUEST, message)
        }
        Err(error) => failure(&state, error.into()),
    }
}

async fn second_step(state: &AppState, client: &Client, input: &SecondStep) -> actions::Result<Response> {
    let begun = accounts::complete_totp(&state.ctx, client, &input.challenge, &input.code).await?;
    Ok(enter(state, begun, &way_on(state, &input.next)))
}

pub(crate) async fn log_out(
    State(state): State<AppState>,
    user: PageUser,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let session = user.login.session;
    if let Err(error) = accounts::log_out(&state.ctx, session.user_id, session.id).await {
        return failure(&state, error.into());
    }
    state.forget_sessions();
    let to = Redirect::to(&format!("{}/login?done=logged-out", state.config.base()));
    (CookieJar::new().add(clear_cookie(&state)), to).into_response()
}
