//! What comes by mail: forgotten passwords, proofs of addresses. A GET shows a button, the POST acts, so that a mail
//! scanner that opens links changes nothing (H-31, T-12).

use actions::Error;
use actions::accounts;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{site, without_referrer};
use crate::AppState;
use crate::dashboard::input::Nothing;
use crate::dashboard::screen::refused;
use crate::extract::{Caller, CsrfForm, OpenForm, PageUser, Path, Query, used_last};
use crate::page::{failure, html};
use crate::view::Errors;
use crate::view::auth::{ButtonPage, ForgotPage, NoticePage, ResetPage};

pub(crate) async fn show_forgot(State(state): State<AppState>) -> Response {
    html(&ForgotPage { site: site(&state), email: String::new(), errors: Errors::default() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    email: String,
}

pub(crate) async fn forgot(
    State(state): State<AppState>,
    Caller(client): Caller,
    OpenForm(input): OpenForm<Address>,
) -> Response {
    match accounts::forgot_password(&state.ctx, &client, &input.email).await {
        Ok(()) => html(&NoticePage::reset_sent(site(&state))),
        Err(error) => match refused(error) {
            Ok(refusal) => refusal.show(&ForgotPage {
                site: site(&state),
                email: input.email,
                errors: refusal.errors.clone(),
            }),
            Err(problem) => failure(&state, problem),
        },
    }
}

/// The address of a mailed link.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Link {
    token: String,
}

type Arrival = Result<Query<Link>, crate::error::Problem>;

/// The secret in the address. One that we never gave out is not shown in a form either.
fn token(arrival: Arrival) -> Option<String> {
    arrival.ok().map(|Query(link)| link.token).filter(|token| accounts::is_token(token))
}

pub(crate) async fn show_reset(State(state): State<AppState>, arrival: Arrival) -> Response {
    let Some(token) = token(arrival) else { return expired(&state) };
    without_referrer(html(&ResetPage { site: site(&state), token, errors: Errors::default() }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewPassword {
    password: String,
}

pub(crate) async fn reset(
    State(state): State<AppState>,
    Path(token): Path<String>,
    OpenForm(input): OpenForm<NewPassword>,
) -> Response {
    match accounts::reset_password(&state.ctx, &token, &input.password).await {
        Ok(()) => {
            state.forget_sessions();
            Redirect::to(&format!("{}/login?done=password-set", state.config.base())).into_response()
        }
        Err(Error::InvalidToken) => expired(&state),
        Err(error) => match refused(error) {
            Ok(refusal) => without_referrer(refusal.show(&ResetPage {
                site: site(&state),
                token,
                errors: refusal.errors.clone(),
            })),
            Err(problem) => failure(&state, problem),
        },
    }
}

pub(crate) async fn show_verify(State(state): State<AppState>, arrival: Arrival) -> Response {
    let Some(token) = token(arrival) else { return expired(&state) };
    without_referrer(html(&ButtonPage::verify(site(&state), &token)))
}

pub(crate) async fn verify(
    State(state): State<AppState>,
    Path(token): Path<String>,
    OpenForm(Nothing {}): OpenForm<Nothing>,
) -> Response {
    match accounts::verify_email(&state.ctx, &token).await {
        Ok(()) => {
            state.forget_sessions();
            html(&NoticePage::verified(site(&state)))
        }
        Err(Error::InvalidToken) => expired(&state),
        Err(error) => failure(&state, error.into()),
    }
}

pub(crate) async fn show_change_email(State(state): State<AppState>, arrival: Arrival) -> Response {
    let Some(token) = token(arrival) else { return expired(&state) };
    without_referrer(html(&ButtonPage::change_email(site(&state), &token)))
}

pub(crate) async fn change_email(
    State(state): State<AppState>,
    Path(token): Path<String>,
    OpenForm(Nothing {}): OpenForm<Nothing>,
) -> Response {
    match accounts::confirm_email(&state.ctx, &token).await {
        Ok(()) => {
            state.forget_sessions();
            html(&NoticePage::email_changed(site(&state)))
        }
        Err(Error::InvalidToken) => expired(&state),
        Err(error) => failure(&state, error.into()),
    }
}

fn expired(state: &AppState) -> Response {
    (StatusCode::BAD_REQUEST, html(&NoticePage::link_expired(site(state)))).into_response()
}

/// The button of the banner that asks to verify the address.
pub(crate) async fn resend(
    State(state): State<AppState>,
    Caller(client): Caller,
    user: PageUser,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let sent = async {
        accounts::resend_verification(&state.ctx, &client, &user.login.email).await?;
        let base = state.config.base();
        Ok(match used_last(&state, &user.login).await? {
            Some(membership) => {
                format!("{base}/orgs/{}?done=verification-sent", membership.organization.slug)
            }
            None => format!("{base}/account?done=verification-sent"),
        })
    };
    match sent.await {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(problem) => failure(&state, problem),
    }
}
