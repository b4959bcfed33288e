//! Ceilings on requests: of one client to public pages, of one session to the API (T-15, S56). Counted in memory, per
//! minute, per process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ClientIp;
use crate::AppState;
use crate::error::Problem;
use crate::extract::CurrentUser;

const MINUTE_MS: i64 = 60_000;
/// Locks that clients are spread over.
const SHARDS: usize = 16;

/// Requests of the running minute by client. A client is kept as a hash: no address is stored.
pub(crate) struct RequestRate {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    minute: i64,
    used: HashMap<u64, u32>,
}

impl Default for RequestRate {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

/// Where a client stands in the running minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// Requests, this one included.
    used: u32,
    /// Seconds until the next minute, at least 1.
    reset_s: i64,
}

impl RequestRate {
    /// Counts one request at `now_ms`.
    fn count(&self, client: &str, now_ms: i64) -> Standing {
        let hash = self.hasher.hash_one(client);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        let minute = now_ms.div_euclid(MINUTE_MS);
        let reset_s = ((minute + 1) * MINUTE_MS - now_ms + 999) / 1000;
        let Some(shard) = self.shards.get(index) else { return Standing { used: 1, reset_s } };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.minute != minute {
            shard.minute = minute;
            shard.used.clear();
        }
        let used = shard.used.entry(hash).or_insert(0);
        *used = used.saturating_add(1);
        Standing { used: *used, reset_s }
    }
}

fn too_many(detail: &str, standing: Standing) -> Problem {
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
    problem.retry_after_s = Some(standing.reset_s);
    problem
}

/// 429 with `Retry-After` above the configured number; 0 switches it off.
pub(crate) async fn public_rate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let per_minute = state.config.rates.public_page_per_minute;
    if per_minute > 0
        && let Some(client) = request.extensions().get::<ClientIp>()
    {
        let standing = state.public_rate.count(&client.bucket(), state.ctx.now().ms());
        if standing.used > per_minute {
            let detail = "Too many requests from this address. Try again in a minute.";
            return crate::page::failure(&state, too_many(detail, standing));
        }
    }
    next.run(request).await
}

/// The same for the API, by session, or by client for requests without one. Every answer says what is left, in the
/// headers of draft-ietf-httpapi-ratelimit-headers.
pub(crate) async fn api_rate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let per_minute = state.config.rates.api_per_minute;
    if per_minute == 0 {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let who = match CurrentUser::from_request_parts(&mut parts, &state).await {
        Ok(CurrentUser(login)) => login.session.id.to_string(),
        Err(_) => parts.extensions.get::<ClientIp>().map(|client| client.bucket()).unwrap_or_default(),
    };
    let standing = state.api_rate.count(&who, state.ctx.now().ms());
    let mut response = if standing.used > per_minute {
        too_many("Too many requests. Try again in a minute.", standing).into_response()
    } else {
        next.run(Request::from_parts(parts, body)).await
    };
    let left = per_minute.saturating_sub(standing.used);
    for (name, value) in [
        ("ratelimit-policy", format!("\"default\";q={per_minute};w=60")),
        ("ratelimit", format!("\"default\";r={left};t={}", standing.reset_s)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header;
    use egress::{Egress, EgressConfig};
    use testkit::{PUBLIC_URL, TestApp, db_test};
    use tower::ServiceExt as _;

    use super::*;
    use crate::{Rates, WebConfig};

    #[test]
    fn a_client_is_counted_by_minute_and_apart_from_others() {
        // T-15: public page, 300 a minute.
        let rate = RequestRate::default();
        for number in 1..=300 {
            assert_eq!(rate.count("192.0.2.1", 10_000), Standing { used: number, reset_s: 50 });
        }
        assert_eq!(rate.count("192.0.2.1", 10_000).used, 301);
        assert_eq!(rate.count("192.0.2.2", 10_000).used, 1);
        assert_eq!(rate.count("192.0.2.1", 60_000), Standing { used: 1, reset_s: 60 });
    }

    #[db_test]
    async fn a_session_is_stopped_at_its_number_and_told_where_it_stands(app: TestApp) {
        // T-15.
        let (alice, charlie) = (app.alice().await, app.charlie().await);
        let rates = Rates {
            public_page_per_minute: 0,
            register_per_hour: 0,
            login_per_hour: 0,
            subscribe_per_hour: 0,
            api_per_minute: 3,
        };
        let config =
            WebConfig { public_url: PUBLIC_URL.parse().unwrap(), trusted_proxies: Vec::new(), rates };
        let egress = Egress::new(EgressConfig::default()).unwrap();
        let router = crate::app(AppState::new(app.ctx.clone(), config, egress)).router;
        let asks = async |token: &str| {
            let request = Request::get("/api/v1/services").header(header::AUTHORIZATION, token);
            router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        };
        let text = |answer: &Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let (hers, his) = (format!("Bearer {}", alice.token), format!("Bearer {}", charlie.token));
        for left in [2, 1, 0] {
            let answer = asks(&hers).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(text(&answer, "ratelimit-policy"), "\"default\";q=3;w=60");
            assert!(text(&answer, "ratelimit").starts_with(&format!("\"default\";r={left};t=")));
        }
        let refused = asks(&hers).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(text(&refused, "ratelimit").starts_with("\"default\";r=0;"));
        assert!(text(&refused, "retry-after").parse::<i64>().unwrap() <= 60);
        assert_eq!(asks(&his).await.status(), StatusCode::OK, "another session");
        app.clock.advance_s(60);
        assert_eq!(asks(&hers).await.status(), StatusCode::OK, "the next minute");
    }
}
