//! Answers of HTML pages that several handlers share.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::AppState;
use crate::error::Problem;

/// The error page for a problem, with its status and headers.
pub fn failure(_state: &AppState, problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Html(problem.detail)).into_response()
}
