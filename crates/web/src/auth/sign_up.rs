//! `/signup`: two fields, and the person stands in front of the first check (`ux.md` 2.1).

use actions::accounts::{self, Registration};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{enter, site};
use crate::AppState;
use crate::dashboard::screen::refused;
use crate::error::Problem;
use crate::extract::{Caller, OpenForm, Visitor};
use crate::page::{failure, html};
use crate::view::Errors;
use crate::view::auth::SignUpPage;

pub(crate) async fn show(State(state): State<AppState>, Visitor(login): Visitor) -> Response {
    if login.is_some() {
        return Redirect::to(&format!("{}/orgs", state.config.base())).into_response();
    }
    if !state.ctx.policy.is_registration_open {
        return failure(
            &state,
            Problem::new(StatusCode::FORBIDDEN, "forbidden", accounts::SIGN_UP_IS_CLOSED),
        );
    }
    html(&SignUpPage { site: site(&state), email: String::new(), errors: Errors::default() })
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct Input {
    email: String,
    password: String,
}

pub(crate) async fn register(
    State(state): State<AppState>,
    Caller(client): Caller,
    OpenForm(input): OpenForm<Input>,
) -> Response {
    let registration =
        Registration { email: input.email, password: input.password, ..Registration::default() };
    match accounts::register(&state.ctx, &client, &registration).await {
        Ok(signed_up) => {
            let to = format!("{}/orgs/{}/welcome", state.config.base(), signed_up.organization.slug);
            enter(&state, signed_up.new_session, &to)
        }
        Err(error) => match refused(error) {
            Ok(refusal) => refusal.show(&SignUpPage {
                site: site(&state),
                email: registration.email,
                errors: refusal.errors.clone(),
            }),
            Err(problem) => failure(&state, problem),
        },
    }
}
