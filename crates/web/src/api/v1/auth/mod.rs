//! `/api/v1/auth`: sign up, log in, and the links that come by mail (S23–S25, D1). What a logged-in person does with
//! the account stands in the files beside this one.

pub mod account;
pub mod two_factor;

use actions::accounts::{self, NewSession, Registration};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::error::Problem;
use crate::extract::{Caller, CurrentUser, Json, access_token};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(log_in))
        .routes(routes!(log_in_totp))
        .routes(routes!(log_out))
        .routes(routes!(verify_email))
        .routes(routes!(resend_verification))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
        .routes(routes!(confirm_email))
        .merge(account::router())
        .merge(two_factor::router())
}

/// A token for the header `Authorization: Bearer …`. It works for 72 hours, or until its session is ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessToken)]
pub struct TokenBody {
    access_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
}

impl TokenBody {
    fn new(state: &AppState, begun: &NewSession) -> Result<axum::Json<Self>, Problem> {
        let access_token = access_token(state, &begun.session)?;
        Ok(axum::Json(Self { access_token, token_type: "bearer" }))
    }
}

/// The same answer whether or not the address has an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Accepted)]
pub struct AcceptedBody {
    #[schema(example = "accepted")]
    status: &'static str,
}

const ACCEPTED: (StatusCode, axum::Json<AcceptedBody>) =
    (StatusCode::ACCEPTED, axum::Json(AcceptedBody { status: "accepted" }));

type Accepted = (StatusCode, axum::Json<AcceptedBody>);

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Registration)]
pub struct RegisterBody {
    #[schema(example = "alice@example.org")]
    email: String,
    /// 10 to 256 characters; the most common ones are refused.
    password: String,
    display_name: Option<String>,
    /// Made from the address when left out.
    org_name: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Login)]
pub struct LogInBody {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginCode)]
pub struct LogInTotpBody {
    /// From the answer of the first step.
    challenge: String,
    /// Six digits of the app, or a recovery code.
    code: String,
}

/// A secret from a mailed link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MailedToken)]
pub struct MailedTokenBody {
    token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Address)]
pub struct AddressBody {
    email: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordReset)]
pub struct ResetBody {
    token: String,
    password: String,
}

/// Creates an account, an organization that it owns, and the organization's status page.
#[utoipa::path(post, path = "/auth/register", tag = "Account", request_body = RegisterBody,
    responses((status = 201, body = TokenBody), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn register(
    State(state): State<AppState>,
    Caller(client): Caller,
    Json(body): Json<RegisterBody>,
) -> Result<(StatusCode, axum::Json<TokenBody>), Problem> {
    let input = Registration {
        email: body.email,
        password: body.password,
        display_name: body.display_name,
        org_name: body.org_name,
    };
    let signed_up = accounts::register(&state.ctx, &client, &input).await?;
    Ok((StatusCode::CREATED, TokenBody::new(&state, &signed_up.new_session)?))
}

/// Begins a session. With a second factor the answer is 401 `second_factor_required` and carries a `challenge`.
#[utoipa::path(post, path = "/auth/login", tag = "Account", request_body = LogInBody,
    responses((status = 200, body = TokenBody), (status = 401, body = Problem), (status = 429, body = Problem)))]
async fn log_in(
    State(state): State<AppState>,
    Caller(client): Caller,
    Json(body): Json<LogInBody>,
) -> Result<axum::Json<TokenBody>, Problem> {
    let begun = accounts::log_in(&state.ctx, &client, &body.email, &body.password).await?;
    TokenBody::new(&state, &begun)
}

/// The second step of a log-in. Five tries, then the password is due again.
#[utoipa::path(post, path = "/auth/login/totp", tag = "Account", request_body = LogInTotpBody,
    responses((status = 200, body = TokenBody), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn log_in_totp(
    State(state): State<AppState>,
    Caller(client): Caller,
    Json(body): Json<LogInTotpBody>,
) -> Result<axum::Json<TokenBody>, Problem> {
    let begun = accounts::complete_totp(&state.ctx, &client, &body.challenge, &body.code).await?;
    TokenBody::new(&state, &begun)
}

/// Ends the session of this token.
#[utoipa::path(post, path = "/auth/logout", tag = "Account",
    responses((status = 204), (status = 401, body = Problem)))]
async fn log_out(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
) -> Result<StatusCode, Problem> {
    accounts::log_out(&state.ctx, login.session.user_id, login.session.id).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}

/// Proves the address of an account with the secret that was mailed to it.
#[utoipa::path(post, path = "/auth/verify-email", tag = "Account", request_body = MailedTokenBody,
    responses((status = 204), (status = 400, body = Problem)))]
async fn verify_email(
    State(state): State<AppState>,
    Json(body): Json<MailedTokenBody>,
) -> Result<StatusCode, Problem> {
    accounts::verify_email(&state.ctx, &body.token).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}

/// Mails the link to verify an address again.
#[utoipa::path(post, path = "/auth/verify-email/resend", tag = "Account", request_body = AddressBody,
    responses((status = 202, body = AcceptedBody), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn resend_verification(
    State(state): State<AppState>,
    Caller(client): Caller,
    Json(body): Json<AddressBody>,
) -> Result<Accepted, Problem> {
    accounts::resend_verification(&state.ctx, &client, &body.email).await?;
    Ok(ACCEPTED)
}

/// Mails a link to set a new password.
#[utoipa::path(post, path = "/auth/forgot-password", tag = "Account", request_body = AddressBody,
    responses((status = 202, body = AcceptedBody), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn forgot_password(
    State(state): State<AppState>,
    Caller(client): Caller,
    Json(body): Json<AddressBody>,
) -> Result<Accepted, Problem> {
    accounts::forgot_password(&state.ctx, &client, &body.email).await?;
    Ok(ACCEPTED)
}

/// Sets a password with the mailed secret. Every session of the account ends.
#[utoipa::path(post, path = "/auth/reset-password", tag = "Account", request_body = ResetBody,
    responses((status = 204), (status = 400, body = Problem), (status = 422, body = Problem)))]
async fn reset_password(
    State(state): State<AppState>,
    Json(body): Json<ResetBody>,
) -> Result<StatusCode, Problem> {
    accounts::reset_password(&state.ctx, &body.token, &body.password).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}

/// Moves an account to the new address with the secret that was mailed to it.
#[utoipa::path(post, path = "/auth/change-email/confirm", tag = "Account", request_body = MailedTokenBody,
    responses((status = 204), (status = 400, body = Problem), (status = 409, body = Problem)))]
async fn confirm_email(
    State(state): State<AppState>,
    Json(body): Json<MailedTokenBody>,
) -> Result<StatusCode, Problem> {
    accounts::confirm_email(&state.ctx, &body.token).await?;
    state.forget_sessions();
    Ok(StatusCode::NO_CONTENT)
}
