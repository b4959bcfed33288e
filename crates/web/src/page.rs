//! Answers of HTML pages that several handlers share.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::AppState;
use crate::error::Problem;
use crate::view::error::ErrorPage;

/// A rendered template.
pub(crate) fn html(view: &impl Template) -> Response {
    match view.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a template could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 301 to where this page is now (X1). The redirects of axum are 308, which old link checkers do not know.
pub(crate) fn moved(to: &str) -> Response {
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to)]).into_response()
}

/// The error page for a problem, with its status and headers.
#[expect(clippy::needless_pass_by_value, reason = "stands at the end of `map_err`")]
pub(crate) fn failure(state: &AppState, problem: Problem) -> Response {
    let mut view = ErrorPage::of_status(state.config.base(), problem.status, &problem.detail);
    view.request_id = crate::layer::current_request_id();
    let retry = problem.retry_after_s;
    let mut response = html(&view);
    *response.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Some(seconds) = retry {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    }
    response
}
