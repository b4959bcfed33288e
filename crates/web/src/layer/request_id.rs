//! What belongs to one request wherever it is answered: its id, in the log, in `X-Request-Id` and in problem+json, and
//! the place where the plan of its organization stands.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::AppState;

#[derive(Debug, Clone, Default)]
struct Current {
    id: String,
    plan_url: Arc<OnceLock<String>>,
}

tokio::task_local! {
    static CURRENT: Current;
}

/// The id of the request being answered; `None` outside of one.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(|current| current.id.clone()).ok()
}

/// Where the plan of the request's organization stands; `None` as long as no gate has found one.
pub(crate) fn plan_url() -> Option<String> {
    CURRENT.try_with(|current| current.plan_url.get().cloned()).ok().flatten()
}

/// Notes the organization of the request, whose member the caller was proved to be.
pub(crate) fn note_organization(state: &AppState, slug: &str) {
    let url = format!("{}/orgs/{slug}/plan", state.ctx.policy.public_url);
    // Outside of a request nobody reads it, and inside of one all gates name the same organization.
    let _ = CURRENT.try_with(|current| current.plan_url.set(url));
}

/// `work` in a task of its own still belongs to the request being answered.
pub(super) fn continued<F: Future>(work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(CURRENT.try_with(Clone::clone).unwrap_or_default(), work)
}

/// Gives the request its id. An id sent by the client is not believed.
pub(crate) async fn request_id(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = format!("req_{}", state.ctx.uuid(state.ctx.now()).simple());
    let span = tracing::info_span!("request", request.id = %id, method = %request.method());
    let mut response = CURRENT
        .scope(Current { id: id.clone(), ..Current::default() }, next.run(request).instrument(span))
        .await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
