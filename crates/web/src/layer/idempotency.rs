//! `Idempotency-Key` on POST: a repeated request is answered like the first one and does nothing (`ux.md` 1.6).

use actions::idempotency::{Begun, Claim};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::request_id;
use crate::AppState;
use crate::error::{Problem, Untouched};
use crate::extract::{CurrentUser, Member};

const MAX_KEY_BYTES: usize = 255;
/// As large as bodies may be anywhere (T-25).
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// What of an answer is repeated, besides status and body.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Wraps the operations of the API. Requests without the header, of other methods, of strangers, and below `/auth/`,
/// where answers carry secrets that must not be kept, pass untouched.
pub(crate) async fn idempotency(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_meant = request.method() == Method::POST && !request.uri().path().contains("/api/v1/auth/");
    let Some(key) = request.headers().get("idempotency-key").filter(|_| is_meant).cloned() else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let scope = match scope(&mut parts, &state).await {
        Ok(Some(scope)) => scope,
        Ok(None) => return next.run(Request::from_parts(parts, body)).await,
        Err(problem) => return problem.into_response(),
    };
    match run(&state, &scope, &key, parts, body, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

/// Who asks, for which organization; `None` for somebody who is not logged in, whom the handler refuses.
async fn scope(parts: &mut Parts, state: &AppState) -> Result<Option<Vec<u8>>, Problem> {
    let Ok(CurrentUser(login)) = CurrentUser::from_request_parts(parts, state).await else { return Ok(None) };
    let mut hash = Sha256::new();
    hash.update(login.session.user_id.uuid());
    match Member::from_request_parts(parts, state).await {
        Ok(member) => hash.update(member.membership.organization.id.uuid()),
        Err(problem) if problem.status >= 500 => return Err(problem),
        // In none yet: creating the first one is a request like others.
        Err(_) => {}
    }
    Ok(Some(hash.finalize().to_vec()))
}

async fn run(
    state: &AppState,
    scope: &[u8],
    key: &HeaderValue,
    parts: Parts,
    body: Body,
    next: Next,
) -> Result<Response, Problem> {
    let key = key.to_str().map(str::trim).unwrap_or_default();
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Problem::unprocessable(
            "Idempotency-Key",
            "invalid",
            format!("Send an Idempotency-Key of 1 to {MAX_KEY_BYTES} visible ASCII characters."),
        ));
    }
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The body is larger than 1 MiB or ended early.",
        )
    })?;
    match actions::idempotency::begin(&state.ctx, scope, key, &fingerprint(&parts, &body)).await? {
        Begun::Run(claim) => carry_out(state, claim, Request::from_parts(parts, body.into()), next).await,
        Begun::Replay { status, headers, body } => Ok(replay(status, &headers, body)),
        Begun::Mismatch => Err(Problem::unprocessable(
            "Idempotency-Key",
            "key_reused",
            "This Idempotency-Key was used for another request. Take a new key.",
        )),
        Begun::Running => Err(Problem::new(
            StatusCode::CONFLICT,
            "still_running",
            "The first request with this Idempotency-Key still runs. Try again shortly.",
        )),
    }
}

fn fingerprint(parts: &Parts, body: &Bytes) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// In a task of its own: when the client hangs up, the request is finished all the same and its answer is there for
/// the repetition.
async fn carry_out(
    state: &AppState,
    claim: Claim,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (state, its) = (state.clone(), claim.clone());
    let settling = state.clone();
    let work = async move {
        let answer = next.run(request).await;
        settle(&settling, &its, answer).await
    };
    let task = tokio::spawn(request_id::continued(work).in_current_span());
    match task.await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "a request with an idempotency key did not come to its end");
            settle(&state, &claim, Problem::internal().into_response()).await
        }
    }
}

/// Keeps the answer of a request that was carried out, and of one that failed in a way that leaves open whether it
/// was. One that was refused, or turned away before anything was stored, frees its key.
async fn settle(state: &AppState, claim: &Claim, answer: Response) -> Result<Response, Problem> {
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| Problem::internal())?;
    let text = std::str::from_utf8(&bytes).ok();
    // The work is done and the answer stands; not being able to keep it must not turn it into an error.
    let is_untouched = parts.extensions.get::<Untouched>().is_some();
    let is_final = parts.status.is_success() || (parts.status.is_server_error() && !is_untouched);
    let kept = match text {
        Some(text) if is_final => {
            let headers = kept_headers(&parts.headers);
            actions::idempotency::keep(&state.ctx, claim, parts.status.as_u16(), &headers, text).await
        }
        _ => actions::idempotency::release(&state.ctx, claim).await,
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "the answer for an idempotency key was not kept");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn kept_headers(headers: &HeaderMap) -> String {
    let kept =
        KEPT_HEADERS.iter().filter_map(|name| Some((name.as_str(), headers.get(name)?.to_str().ok()?)));
    serde_json::to_string(&kept.collect::<Vec<_>>()).unwrap_or_default()
}

fn replay(status: u16, headers: &str, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    let kept: Vec<(String, String)> = serde_json::from_str(headers).unwrap_or_default();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in kept {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use egress::{Egress, EgressConfig};
    use testkit::{PUBLIC_URL, Person, TestApp, db_test};
    use tokio::sync::Notify;
    use tower::ServiceExt as _;

    use super::*;
    use crate::{Rates, WebConfig};

    /// Routes that end in a chosen way, behind the layer; each answer counts how often the work was done.
    struct Rig {
        router: Router,
        runs: Arc<AtomicUsize>,
        /// The work of `/api/v1/slow` has begun.
        begun: Arc<Notify>,
        /// It may end.
        go: Arc<Notify>,
    }

    impl Rig {
        fn new(app: &TestApp) -> Self {
            let rates = Rates {
                public_page_per_minute: 0,
                register_per_hour: 0,
                login_per_hour: 0,
                subscribe_per_hour: 0,
                api_per_minute: 0,
            };
            let config =
                WebConfig { public_url: PUBLIC_URL.parse().unwrap(), trusted_proxies: Vec::new(), rates };
            let egress = Egress::new(EgressConfig::default()).unwrap();
            let state = AppState::new(app.ctx.clone(), config, egress);
            let runs = Arc::new(AtomicUsize::new(0));
            let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let ends_with = |answer: fn() -> Response| {
                let runs = Arc::clone(&runs);
                post(async move || {
                    runs.fetch_add(1, Ordering::SeqCst);
                    answer()
                })
            };
            let slow = (Arc::clone(&begun), Arc::clone(&go));
            let router = Router::new()
                .route("/api/v1/away", ends_with(|| of_the_database("unavailable")))
                .route("/api/v1/doubt", ends_with(|| of_the_database("outcome_unknown")))
                .route("/api/v1/bug", ends_with(|| Problem::internal().into_response()))
                .route("/api/v1/refused", ends_with(|| Problem::not_found().into_response()))
                .route("/api/v1/panic", ends_with(|| panic!("as a test")))
                .route(
                    "/api/v1/slow",
                    post(async move || {
                        slow.0.notify_one();
                        slow.1.notified().await;
                        "done"
                    }),
                )
                .route_layer(from_fn_with_state(state.clone(), idempotency))
                .with_state(state);
            Self { router, runs, begun, go }
        }

        async fn posts(&self, person: &Person<'_>, path: &str) -> Response {
            let request = Request::post(path)
                .header(header::AUTHORIZATION, format!("Bearer {}", person.token))
                .header("idempotency-key", "one")
                .body(Body::empty())
                .unwrap();
            self.router.clone().oneshot(request).await.unwrap()
        }
    }

    fn of_the_database(code: &'static str) -> Response {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, "as a test").into_response()
    }

    fn is_replayed(answer: &Response) -> bool {
        answer.headers().contains_key("idempotency-replayed")
    }

    #[db_test]
    async fn a_failure_that_may_have_changed_something_is_answered_again_and_not_repeated(app: TestApp) {
        let alice = app.alice().await;
        for (path, status) in [("/api/v1/doubt", 503), ("/api/v1/bug", 500), ("/api/v1/panic", 500)] {
            let rig = Rig::new(&app);
            let first = rig.posts(&alice, path).await;
            let second = rig.posts(&alice, path).await;
            assert_eq!((first.status().as_u16(), second.status().as_u16()), (status, status), "{path}");
            assert!(!is_replayed(&first) && is_replayed(&second), "{path}");
            assert_eq!(rig.runs.load(Ordering::SeqCst), 1, "{path} was done twice");
            app.clock.advance_s(25 * 3600);
        }
        app.db.errors().take();
    }

    #[db_test]
    async fn a_refusal_and_an_outage_before_anything_was_stored_free_the_key(app: TestApp) {
        let alice = app.alice().await;
        for path in ["/api/v1/away", "/api/v1/refused"] {
            let rig = Rig::new(&app);
            for _ in 0..2 {
                assert!(!is_replayed(&rig.posts(&alice, path).await), "{path}");
            }
            assert_eq!(rig.runs.load(Ordering::SeqCst), 2, "{path}");
        }
    }

    #[db_test]
    async fn while_the_first_request_runs_its_repetition_is_told_so(app: TestApp) {
        let alice = app.alice().await;
        let rig = Rig::new(&app);
        let (first, ()) = tokio::join!(rig.posts(&alice, "/api/v1/slow"), async {
            rig.begun.notified().await;
            let second = rig.posts(&alice, "/api/v1/slow").await;
            assert_eq!(second.status(), StatusCode::CONFLICT);
            rig.go.notify_one();
        });
        assert_eq!(first.status(), StatusCode::OK);
        let third = rig.posts(&alice, "/api/v1/slow").await;
        assert!(third.status() == StatusCode::OK && is_replayed(&third));
    }
}
