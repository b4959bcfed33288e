//! `/metrics` in the text format of Prometheus, and the listener that serves it to operators alone (`ux.md` 1.5, 3.3).
//! Labels are words of closed sets: nothing of a tenant, no address, no number that grows with the data.

use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::time::Duration;

use actions::health::Loop;
use actions::meters::Seen;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::monitor::MonitorState;
use domain::time::Timestamp;
use tokio::sync::Mutex;

use crate::{AppState, ops};

/// The states of all monitors are counted no more often than this: it reads every monitor.
const SAMPLE_MS: i64 = 60_000;
/// What a database that is away may cost a scrape.
const PATIENCE: Duration = Duration::from_secs(2);
const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The application of the admin listener. It asks for no log-in: whoever reaches its address may read it.
pub fn admin(state: AppState) -> Router {
    let metrics = Metrics { state: state.clone(), sample: Arc::default() };
    Router::new()
        .route("/livez", get(ops::livez))
        .route("/readyz", get(ops::readyz))
        .with_state(state)
        .route("/metrics", get(show).with_state(metrics))
}

#[derive(Clone)]
struct Metrics {
    state: AppState,
    sample: Arc<Mutex<Option<Sample>>>,
}

/// How many monitors were in which state.
struct Sample {
    taken_at: Timestamp,
    states: Vec<(MonitorState, i64)>,
}

async fn show(State(metrics): State<Metrics>) -> Response {
    let states = tokio::time::timeout(PATIENCE, metrics.states()).await.ok().flatten();
    ([(header::CONTENT_TYPE, TYPE), (header::CACHE_CONTROL, "no-store")], metrics.text(states.as_deref()))
        .into_response()
}

impl Metrics {
    /// `None`: the database does not answer.
    async fn states(&self) -> Option<Vec<(MonitorState, i64)>> {
        let now = self.state.ctx.now();
        let mut sample = self.sample.lock().await;
        if let Some(sample) = &*sample
            && (0..SAMPLE_MS).contains(&now.since(sample.taken_at))
        {
            return Some(sample.states.clone());
        }
        let counted = async {
            let mut conn = self.state.ctx.db.read().await?;
            store::monitors::count_by_state(&mut conn).await
        };
        let states = counted.await.ok()?;
        *sample = Some(Sample { taken_at: now, states: states.clone() });
        Some(states)
    }

    fn text(&self, states: Option<&[(MonitorState, i64)]>) -> String {
        let mut page = Page::default();
        self.engine(&mut page);
        self.process(&mut page);
        if let Some(states) = states {
            page.family(
                "indie_status_monitors",
                "gauge",
                "Monitors that run, by stored state; at most a minute old.",
            );
            for wanted in [MonitorState::NoData, MonitorState::Up, MonitorState::Degraded, MonitorState::Down]
            {
                let count = states.iter().find(|(state, _)| *state == wanted).map_or(0, |(_, count)| *count);
                page.labelled("indie_status_monitors", &[("state", state_word(wanted))], count);
            }
        }
        page.0
    }

    #[expect(clippy::too_many_lines, reason = "one line or two for each metric")]
    fn engine(&self, page: &mut Page) {
        let meters = self.state.ctx.signals.meters();
        page.seconds(
            "indie_status_schedule_lag_seconds",
            "From a slot to the start of its check.",
            &meters.lag(),
        );
        page.seconds(
            "indie_status_check_duration_seconds",
            "From the start of a check to its end, second try included.",
            &meters.check_durations(),
        );
        page.family(
            "indie_status_checks_total",
            "counter",
            "Checks that ended, by kind of monitor and result.",
        );
        for (kind, result, count) in meters.checks() {
            page.labelled("indie_status_checks_total", &[("kind", kind.as_str()), ("result", result)], count);
        }
        page.family("indie_status_slots_skipped_total", "counter", "Slots without a check, by reason.");
        for (why, count) in meters.skips() {
            page.labelled("indie_status_slots_skipped_total", &[("reason", why.as_str())], count);
        }
        page.single("indie_status_checks_in_flight", "gauge", "Checks that run now.", meters.in_flight());
        let numbers = meters.numbers();
        for (name, kind, help, value) in [
            (
                "indie_status_second_tries_total",
                "counter",
                "Failed checks that were tried again.",
                numbers.second_tries,
            ),
            ("indie_status_flips_total", "counter", "Confirmed changes of a state.", numbers.flips),
            (
                "indie_status_reports_waiting",
                "gauge",
                "Reports that wait for the database.",
                numbers.reports_waiting,
            ),
            (
                "indie_status_reports_too_late_total",
                "counter",
                "Reports for a settled slot.",
                numbers.reports_too_late,
            ),
            (
                "indie_status_reports_lost_total",
                "counter",
                "Reports that could not be stored.",
                numbers.reports_lost,
            ),
        ] {
            page.single(name, kind, help, value);
        }
        page.histogram("indie_status_ingest_batch_reports", "Reports of a batch.", &meters.batches(), 1);
        page.seconds(
            "indie_status_ingest_duration_seconds",
            "For a batch of reports, waits for the database included.",
            &meters.ingest_durations(),
        );
        page.seconds(
            "indie_status_results_write_duration_seconds",
            "Of the transactions that store results.",
            &meters.write_durations(),
        );
    }

    fn process(&self, page: &mut Page) {
        let (health, now) = (self.state.ctx.signals.health(), self.state.ctx.now());
        let is_up = u8::from(!health.is_offline());
        page.single(
            "indie_status_network_up",
            "gauge",
            "0: nothing outside can be reached from here.",
            is_up,
        );
        page.family("indie_status_loop_turning", "gauge", "0: the loop has not turned for a minute.");
        for (word, which) in [("scheduler", Loop::Scheduler), ("notifier", Loop::Notifier)] {
            let is_turning = u8::from(health.is_turning(which, now));
            page.labelled("indie_status_loop_turning", &[("loop", word)], is_turning);
        }
        page.family("indie_status_build_info", "gauge", "Always 1.");
        page.labelled("indie_status_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    }
}

const fn state_word(state: MonitorState) -> &'static str {
    match state {
        MonitorState::NoData => "no_data",
        MonitorState::Up => "up",
        MonitorState::Degraded => "degraded",
        MonitorState::Down => "down",
    }
}

/// What is written so far. Values of labels are words that need no escape.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(label, word)| format!("{label}=\"{word}\"")).collect();
        let _ = writeln!(self.0, "{name}{{{}}} {value}", labels.join(","));
    }

    /// Measured in microseconds.
    fn seconds(&mut self, name: &str, help: &str, seen: &Seen) {
        self.histogram(name, help, seen, 1_000_000);
    }

    /// `per_unit`: how many of what was measured make one of what is told.
    fn histogram(&mut self, name: &str, help: &str, seen: &Seen, per_unit: u64) {
        self.family(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in &seen.cumulative {
            self.labelled(&bucket, &[("le", &decimal(*bound, per_unit))], count);
        }
        self.labelled(&bucket, &[("le", "+Inf")], seen.count);
        let _ = writeln!(self.0, "{name}_sum {}\n{name}_count {}", decimal(seen.sum, per_unit), seen.count);
    }
}

/// The quotient, exactly: 2500 by 1000 is "2.5".
fn decimal(number: u64, per_unit: u64) -> String {
    let (whole, rest) = (number / per_unit, number % per_unit);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = per_unit.ilog10() as usize;
    format!("{whole}.{rest:0digits$}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_exactly() {
        for (number, per_unit, text) in [
            (0, 1_000_000, "0"),
            (1_000, 1_000_000, "0.001"),
            (2_500_000, 1_000_000, "2.5"),
            (10_000_001, 1_000_000, "10.000001"),
            (250, 1, "250"),
        ] {
            assert_eq!(decimal(number, per_unit), text);
        }
    }
}
