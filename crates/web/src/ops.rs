//! Health for load balancers and supervisors (X94, `ux.md` 3.3). No tenant data.

use actions::health::Loop;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::AppState;
use crate::error::Problem;

/// The process is alive; asks nobody.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// The database answers and has the schema of this program, the loops turn, and the process is not about to stop.
/// `?verbose` lists these parts as JSON, whether the checks reach the world outside, and what the last night removed.
pub async fn readyz(State(state): State<AppState>, uri: Uri) -> Response {
    let parts = Parts::look_at(&state).await;
    let is_verbose = uri.query().is_some_and(|query| query.split('&').any(|word| word == "verbose"));
    let is_ready = parts.is_ready();
    if is_verbose {
        let retention = last_night(&state).await;
        let (status, word) =
            if is_ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
        return (status, Json(json!({"status": word, "parts": parts, "retention": retention})))
            .into_response();
    }
    if is_ready { "ready\n".into_response() } else { parts.problem().into_response() }
}

/// What the last trimming of old data did; `null` before the first, and while the database is away (X49).
async fn last_night(state: &AppState) -> serde_json::Value {
    let found = async {
        let mut conn = state.ctx.db.read().await?;
        store::retention::find_last_night(&mut conn).await
    };
    let Ok(Some(night)) = found.await else { return serde_json::Value::Null };
    json!({
        "started_at": night.started_at,
        "finished_at": night.finished_at,
        "monitors": night.monitors,
        "hours": night.hours,
        "bytes": night.bytes,
        "history_rows": night.history_rows,
        "steps": night.slices,
        "busy_ms": night.busy_ms,
        "longest_step_ms": night.longest_slice_ms,
    })
}

/// The plan's health check: as `/readyz`, in JSON (S14).
pub async fn health(State(state): State<AppState>) -> Response {
    let parts = Parts::look_at(&state).await;
    if parts.is_ready() {
        Json(json!({"status": "ok"})).into_response()
    } else {
        parts.problem().into_response()
    }
}

/// One word for each part; `ok` is the only good one.
#[derive(Debug, Serialize)]
struct Parts {
    database: &'static str,
    migrations: &'static str,
    scheduler: &'static str,
    notifier: &'static str,
    process: &'static str,
    /// Not a condition of readiness: pages are served without it, and only the operator can mend it (F-13).
    network: &'static str,
}

const OK: &str = "ok";

impl Parts {
    async fn look_at(state: &AppState) -> Self {
        let (health, now) = (state.ctx.signals.health(), state.ctx.now());
        let (database, migrations) = match state.ctx.db.is_ready().await {
            Ok(true) => (OK, OK),
            Ok(false) => (OK, "missing"),
            Err(_) => ("unavailable", "unknown"),
        };
        let turning = |which| if health.is_turning(which, now) { OK } else { "late" };
        Self {
            database,
            migrations,
            scheduler: turning(Loop::Scheduler),
            notifier: turning(Loop::Notifier),
            process: if health.is_draining() { "stopping" } else { OK },
            network: if health.is_offline() { "down" } else { OK },
        }
    }

    fn named(&self) -> [(&'static str, &'static str); 5] {
        [
            ("database", self.database),
            ("migrations", self.migrations),
            ("scheduler", self.scheduler),
            ("notifier", self.notifier),
            ("process", self.process),
        ]
    }

    fn is_ready(&self) -> bool {
        self.named().iter().all(|(_, word)| *word == OK)
    }

    fn problem(&self) -> Problem {
        let bad = self.named().into_iter().filter(|(_, word)| *word != OK);
        let bad: Vec<String> = bad.map(|(name, word)| format!("{name} {word}")).collect();
        let detail = format!("Not ready: {}.", bad.join(", "));
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.retry_after_s = Some(5);
        problem
    }
}
