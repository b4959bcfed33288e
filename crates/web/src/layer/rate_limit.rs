//! A ceiling on requests of one client to public pages (T-15, S56): counted in memory, per minute, per process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use super::ClientIp;
use crate::AppState;
use crate::error::Problem;

const MINUTE_MS: i64 = 60_000;
/// Locks that clients are spread over.
const SHARDS: usize = 16;

/// Requests of the running minute by client. A client is kept as a hash: no address is stored.
pub(crate) struct PublicRate {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    minute: i64,
    used: HashMap<u64, u32>,
}

impl Default for PublicRate {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl PublicRate {
    /// Counts one request at `now_ms`; `Err` gives the seconds until the next minute.
    fn count(&self, client: &str, per_minute: u32, now_ms: i64) -> Result<(), i64> {
        let hash = self.hasher.hash_one(client);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(index) else { return Ok(()) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now_ms.div_euclid(MINUTE_MS);
        if shard.minute != minute {
            shard.minute = minute;
            shard.used.clear();
        }
        let used = shard.used.entry(hash).or_insert(0);
        *used = used.saturating_add(1);
        if *used <= per_minute { Ok(()) } else { Err(((minute + 1) * MINUTE_MS - now_ms + 999) / 1000) }
    }
}

/// 429 with `Retry-After` above the configured number; 0 switches it off.
pub(crate) async fn public_rate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let per_minute = state.config.rates.public_page_per_minute;
    if per_minute > 0
        && let Some(client) = request.extensions().get::<ClientIp>()
        && let Err(seconds) = state.public_rate.count(&client.bucket(), per_minute, state.ctx.now().ms())
    {
        let detail = "Too many requests from this address. Try again in a minute.";
        let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        problem.retry_after_s = Some(seconds);
        return crate::page::failure(&state, problem);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_stopped_at_its_number_and_goes_on_in_the_next_minute() {
        // T-15: public page, 300 a minute.
        let rate = PublicRate::default();
        for _ in 0..300 {
            rate.count("192.0.2.1", 300, 10_000).unwrap();
        }
        assert_eq!(rate.count("192.0.2.1", 300, 10_000), Err(50));
        rate.count("192.0.2.2", 300, 10_000).unwrap();
        rate.count("192.0.2.1", 300, 60_000).unwrap();
    }
}
