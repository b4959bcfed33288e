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
use crate::error::Problem;
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
    let state = state.clone();
    let work = async move {
        let answer = next.run(request).await;
        settle(&state, &claim, answer).await
    };
    let task = tokio::spawn(request_id::continued(work).in_current_span());
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request with an idempotency key did not come to its end");
        Err(Problem::internal())
    })
}

/// Keeps the answer of a request that succeeded. One that was refused changed nothing: its key is free again.
async fn settle(state: &AppState, claim: &Claim, answer: Response) -> Result<Response, Problem> {
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| Problem::internal())?;
    let text = std::str::from_utf8(&bytes).ok();
    // The work is done and the answer stands; not being able to keep it must not turn it into an error.
    let kept = match text {
        Some(text) if parts.status.is_success() => {
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
