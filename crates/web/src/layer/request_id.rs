//! An id per request: in the log, in `X-Request-Id` and in problem+json.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::AppState;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request being answered; `None` outside of one.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// `work` in a task of its own still belongs to the request being answered.
pub(super) fn continued<F: Future>(work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(current().unwrap_or_default(), work)
}

/// Gives the request its id. An id sent by the client is not believed.
pub(crate) async fn request_id(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = format!("req_{}", state.ctx.uuid(state.ctx.now()).simple());
    let span = tracing::info_span!("request", request.id = %id, method = %request.method());
    let mut response = CURRENT.scope(id.clone(), next.run(request).instrument(span)).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
