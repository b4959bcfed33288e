//! Two-factor log-in: on, off, recovery codes.

use actions::accounts;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::error::Problem;
use crate::extract::{CurrentUser, Json};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start, disable))
        .routes(routes!(confirm))
        .routes(routes!(renew_recovery_codes))
}

/// A fresh secret for an authenticator app; not shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpSecret)]
pub struct SecretBody {
    /// Base 32, to be typed.
    secret: String,
    /// `otpauth://totp/…`, to be scanned or opened.
    otpauth_url: String,
}

/// Ten codes, each of which stands in for the app once; not shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
pub struct RecoveryCodesBody {
    recovery_codes: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TotpStart)]
pub struct StartBody {
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TotpCode)]
pub struct CodeBody {
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TotpDisable)]
pub struct DisableBody {
    password: String,
    /// Six digits of the app, or a recovery code.
    code: String,
}

/// Makes a secret, for a verified address and the current password. Log-in asks for no code before it is confirmed.
#[utoipa::path(post, path = "/auth/totp", tag = "Account", request_body = StartBody,
    responses((status = 200, body = SecretBody), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn start(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<StartBody>,
) -> Result<axum::Json<SecretBody>, Problem> {
    let fresh = accounts::start_totp(&state.ctx, login.session.user_id, &body.password).await?;
    Ok(axum::Json(SecretBody { secret: fresh.secret, otpauth_url: fresh.otpauth_url }))
}

/// Turns two-factor log-in on with the first code of the app.
#[utoipa::path(post, path = "/auth/totp/confirm", tag = "Account", request_body = CodeBody,
    responses((status = 200, body = RecoveryCodesBody), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn confirm(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<CodeBody>,
) -> Result<axum::Json<RecoveryCodesBody>, Problem> {
    let recovery_codes = accounts::confirm_totp(&state.ctx, login.session.user_id, &body.code).await?;
    Ok(axum::Json(RecoveryCodesBody { recovery_codes }))
}

/// Turns two-factor log-in off.
#[utoipa::path(delete, path = "/auth/totp", tag = "Account", request_body = DisableBody,
    responses((status = 204), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
async fn disable(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<DisableBody>,
) -> Result<StatusCode, Problem> {
    accounts::disable_totp(&state.ctx, login.session.user_id, &body.password, &body.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes ten new recovery codes for a code of the app or an old recovery code; the old ones stop working.
#[utoipa::path(post, path = "/auth/totp/recovery-codes", tag = "Account", request_body = CodeBody,
    responses((status = 200, body = RecoveryCodesBody), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn renew_recovery_codes(
    State(state): State<AppState>,
    CurrentUser(login): CurrentUser,
    Json(body): Json<CodeBody>,
) -> Result<axum::Json<RecoveryCodesBody>, Problem> {
    let user = login.session.user_id;
    let recovery_codes = accounts::renew_recovery_codes(&state.ctx, user, &body.code).await?;
    Ok(axum::Json(RecoveryCodesBody { recovery_codes }))
}
