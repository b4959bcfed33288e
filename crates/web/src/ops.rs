//! Health for load balancers and supervisors (X94, `ux.md` 3.3). No tenant data.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::AppState;
use crate::error::Problem;

/// The process is alive; asks nobody.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// The database answers and has the schema of this program.
pub async fn readyz(State(state): State<AppState>) -> Response {
    if is_ready(&state).await { (StatusCode::OK, "ready\n").into_response() } else { not_ready() }
}

/// The plan's health check: as `/readyz`, in JSON (S14).
pub async fn health(State(state): State<AppState>) -> Response {
    if is_ready(&state).await { Json(json!({"status": "ok"})).into_response() } else { not_ready() }
}

async fn is_ready(state: &AppState) -> bool {
    state.ctx.db.is_ready().await.unwrap_or(false)
}

fn not_ready() -> Response {
    let mut problem =
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The database does not answer.");
    problem.retry_after_s = Some(5);
    problem.into_response()
}
