//! One monitor: its state, figures, rules and last checks.

use domain::check::{CheckResult, CheckStatus};
use domain::latency::Latency;
use domain::monitor::Monitor;
use domain::time::{Interval, Timestamp};
use domain::uptime::{Timeline, format_percent, uptime};
use domain::verdict::{MonitorVerdict, Policy};

use super::monitor_words as about;
use super::screen::Screen;
use super::states;
use crate::error::Problem;
use crate::public::timeline::DAYS;
use crate::view::State;
use crate::view::dashboard::monitors::{CheckRow, ShowPage};
use crate::view::plan::interval;
use crate::words;

/// Rows in the table of checks.
const LAST_CHECKS: i64 = 50;
/// What the mean answer time is taken over.
const HOURS: i64 = 24;

pub(crate) async fn of(screen: &Screen, monitor: &Monitor) -> Result<ShowPage, Problem> {
    let (now, scope) = (screen.now(), screen.scope());
    let mut conn = screen.read().await?;
    let service = store::services::find(&mut conn, scope, monitor.service_id).await?;
    let checks = store::check_results::list(&mut conn, scope, monitor.id, None, LAST_CHECKS).await?;
    let parent = match monitor.parent_id {
        Some(id) => store::monitors::find(&mut conn, scope, id).await?,
        None => None,
    };
    drop(conn);
    Ok(ShowPage {
        figures: figures(screen, monitor).await?,
        shell: screen.shell().await?,
        id: monitor.id.to_string(),
        name: about::name(monitor),
        url: monitor.url.clone(),
        state: about::state(monitor),
        words: about::standing(monitor, now),
        flapping: about::flapping(monitor, now),
        snoozed: about::snoozed(monitor, now),
        is_active: monitor.is_active,
        service: service.map(|service| (service.id.to_string(), service.name)).unwrap_or_default(),
        interval: rhythm(screen, monitor),
        rules: rules(monitor, parent.as_ref()),
        checks: checks.iter().map(|check| check_row(check, monitor)).collect(),
    })
}

async fn figures(screen: &Screen, monitor: &Monitor) -> Result<Vec<(String, String, String)>, Problem> {
    let (now, scope) = (screen.now(), screen.scope());
    let lens = states::lens(screen).await?;
    let mut conn = screen.read().await?;
    let spans = store::state_intervals::list(&mut conn, scope, monitor.id, lens.window.start).await?;
    let hours =
        store::rollups::list_hours(&mut conn, scope, monitor.id, now.hour() - HOURS + 1, now.hour() + 1)
            .await?;
    drop(conn);
    let policy = Policy::of(monitor, screen.limits().clamp_interval(monitor.interval_seconds));
    let known_until = MonitorVerdict::of(monitor).known_until(policy, now);
    let timeline: Vec<_> = spans
        .iter()
        .map(|span| {
            (Interval { start: span.started_at, end: span.ended_at.unwrap_or(known_until) }, span.state)
        })
        .collect();
    let seen =
        uptime(&Timeline { monitors: &timeline, ..Timeline::default() }, lens.window, &lens.zone, lens.rule);
    let (percent, unit) = match seen.uptime.map(format_percent) {
        Some(text) => (text.trim_end_matches(" %").to_owned(), " %".to_owned()),
        None => ("–".to_owned(), String::new()),
    };
    let mut latency = Latency::default();
    for hour in &hours {
        latency.merge(&hour.latency);
    }
    let ms = |value: Option<i64>| match value {
        Some(ms) => (ms.to_string(), " ms".to_owned()),
        None => ("–".to_owned(), String::new()),
    };
    let (median, median_unit) = ms(latency.percentile(500).map(i64::from));
    let (slow, slow_unit) = ms(latency.percentile(950).map(i64::from));
    let (last, last_unit) = ms(monitor.last_response_time_ms.map(i64::from));
    Ok(vec![
        (format!("Uptime, {DAYS} days"), percent, unit),
        ("Half of the answers within, 24 h".to_owned(), median, median_unit),
        ("95 % of the answers within, 24 h".to_owned(), slow, slow_unit),
        ("Last answer".to_owned(), last, last_unit),
    ])
}

/// "60 s"; when the tier runs it less often than it was asked to, that too (X43).
fn rhythm(screen: &Screen, monitor: &Monitor) -> String {
    let run = screen.limits().clamp_interval(monitor.interval_seconds);
    if run == monitor.interval_seconds {
        return interval(run);
    }
    let tier = screen.membership.organization.tier.label();
    format!(
        "{} ({} was asked for; {tier} checks no more often)",
        interval(run),
        interval(monitor.interval_seconds)
    )
}

fn rules(monitor: &Monitor, parent: Option<&Monitor>) -> Vec<(String, String)> {
    let in_a_row = |count: i32, what: &str| match count {
        1 => format!("1 check {what}s"),
        many => format!("{many} checks in a row {what}"),
    };
    let slow = match monitor.degraded_above_ms {
        Some(ms) => format!("an answer takes more than {ms} ms"),
        None => "never".to_owned(),
    };
    let down = match monitor.min_outage_seconds {
        0 => in_a_row(monitor.failures_to_open, "fail"),
        seconds => format!("{}, for {seconds} s or longer", in_a_row(monitor.failures_to_open, "fail")),
    };
    let parent = parent.map(about::name);
    let tags = monitor.tags.iter().collect::<Vec<_>>().join(", ");
    let rule = |label: &str, value: String| (label.to_owned(), value);
    vec![
        rule("Request", format!("{}, expects {}", monitor.method.as_str(), monitor.expected_status)),
        rule("Time-out", format!("{} s", monitor.timeout_seconds)),
        rule("Down when", down),
        rule("Up again when", in_a_row(monitor.successes_to_close, "succeed")),
        rule("Slow when", slow),
        rule("Tags", if tags.is_empty() { "none".to_owned() } else { tags }),
        rule("Depends on", parent.unwrap_or_else(|| "nothing".to_owned())),
    ]
}

fn check_row(check: &CheckResult, monitor: &Monitor) -> CheckRow {
    let (state, words) = seen(check, monitor.expected_status);
    let by_hand = if check.is_manual { ", by hand" } else { "" };
    CheckRow {
        at: at(check.checked_at),
        state,
        words: format!("{words}{by_hand}"),
        total: check.response_time_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms")),
    }
}

/// The state and the sentence of one result.
pub(crate) fn seen(check: &CheckResult, expected_status: i32) -> (State, String) {
    let code = check.status_code.map(i32::from);
    let state = match check.status {
        CheckStatus::Up => State::Operational,
        CheckStatus::Degraded => State::Degraded,
        CheckStatus::Down => State::Major,
        CheckStatus::NoData => State::NoData,
    };
    let words = match (check.failure, code, check.status) {
        (Some(class), _, _) => class.explain(code, expected_status),
        (None, _, CheckStatus::NoData) => "Could not be run on our side.".to_owned(),
        (None, Some(code), CheckStatus::Degraded) => format!("{code}, slow"),
        (None, Some(code), _) => code.to_string(),
        (None, None, _) => "Answered".to_owned(),
    };
    (state, words)
}

/// "23 Nov 2026, 10:30:02"; the heading of the column names the zone.
fn at(at: Timestamp) -> String {
    format!("{}, {}", words::date(at), at.to_jiff().strftime("%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::check::{FailureClass, Phases};
    use domain::id::MonitorId;

    fn check(status: CheckStatus, failure: Option<FailureClass>, status_code: Option<i16>) -> CheckResult {
        CheckResult {
            monitor_id: MonitorId::new(uuid::Uuid::from_u128(1)),
            checked_at: Timestamp::from_ms(1_795_428_131_120),
            status,
            failure,
            status_code,
            response_time_ms: Some(12),
            phases: Phases::default(),
            is_manual: false,
        }
    }

    #[test]
    fn a_result_reads_as_its_status_or_as_what_went_wrong() {
        assert_eq!(seen(&check(CheckStatus::Up, None, Some(204)), 204), (State::Operational, "204".into()));
        assert_eq!(
            seen(&check(CheckStatus::Degraded, None, Some(200)), 200),
            (State::Degraded, "200, slow".into())
        );
        let failed = check(CheckStatus::Down, Some(FailureClass::UnexpectedStatus), Some(503));
        assert_eq!(seen(&failed, 200), (State::Major, "The server answered 503 instead of 200.".into()));
    }

    #[test]
    fn the_time_of_a_check_has_seconds() {
        assert_eq!(at(Timestamp::from_ms(1_795_428_131_120)), "23 Nov 2026, 10:02:11");
    }
}
