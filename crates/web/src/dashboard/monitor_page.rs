//! One monitor: its state, figures, response times, outages, settings and last checks.

use actions::monitors;
use domain::check::{CheckResult, CheckStatus, Phases};
use domain::monitor::{Monitor, MonitorKind, MonitorState};
use domain::rollup::Rollup;
use domain::time::{DAY_MS, Day, Interval, Timestamp};
use domain::uptime::{Timeline, format_percent, uptime};
use domain::verdict::{MonitorVerdict, Policy};

use super::monitor_chart::{self, Range};
use super::monitor_settings;
use super::monitor_words as about;
use super::screen::Screen;
use super::states;
use crate::error::Problem;
use crate::public::timeline::{DAYS, Lens};
use crate::view::State;
use crate::view::dashboard::monitors::{CheckRow, RangeLink, ShowPage, Spell};
use crate::view::plan::interval;
use crate::words;

/// Rows in the table of checks.
const LAST_CHECKS: i64 = 50;
/// Rows in the list of outages.
const LAST_SPELLS: usize = 20;
/// Length of the longest bar of a check, in pixels.
const BAR_PX: u32 = 150;

pub(crate) async fn of(screen: &Screen, monitor: &Monitor) -> Result<ShowPage, Problem> {
    let (now, scope) = (screen.now(), screen.scope());
    let range = Range::parse(&screen.parameter("range").unwrap_or_default());
    let mut conn = screen.read().await?;
    let service = store::services::find(&mut conn, scope, monitor.service_id).await?;
    let checks = store::check_results::list(&mut conn, scope, monitor.id, None, LAST_CHECKS).await?;
    let parent = match monitor.parent_id {
        Some(id) => store::monitors::find(&mut conn, scope, id).await?,
        None => None,
    };
    drop(conn);
    let lens = states::lens(screen).await?;
    let past = Past::read(screen, monitor, range, &lens).await?;
    let held = monitors::secrets_held(&screen.state.ctx, monitor)?;
    let is_asked = !matches!(monitor.kind, MonitorKind::Heartbeat | MonitorKind::Manual);
    Ok(ShowPage {
        shell: screen.shell().await?,
        id: monitor.id.to_string(),
        name: about::name(monitor),
        state: about::state(monitor),
        words: about::standing(monitor, now),
        flapping: about::flapping(monitor, now),
        snoozed: about::snoozed(monitor, now),
        is_active: monitor.is_active,
        is_asked,
        service: service.map(|service| (service.id.to_string(), service.name)).unwrap_or_default(),
        interval: if is_asked { rhythm(screen, monitor) } else { String::new() },
        figures: past.figures(monitor, range, &lens),
        ranges: Range::ALL
            .into_iter()
            .map(|one| RangeLink { key: one.key(), label: one.label(), is_chosen: one == range })
            .collect(),
        range: range.words(),
        chart: monitor_chart::of(range, &past.rollups, &past.outages(), now),
        spells: past.spells(range.begin(now), now),
        checks: check_rows(&checks, monitor.expected_status),
        settings: monitor_settings::words(monitor, &held),
        tags: monitor.tags.iter().map(str::to_owned).collect(),
        rules: if is_asked { rules(monitor, parent.as_ref(), now) } else { Vec::new() },
    })
}

/// What is known of a monitor over time.
struct Past {
    /// Of the range that is looked at.
    rollups: Vec<Rollup>,
    /// Of all days that uptime is told for, in order; the last one may not have ended.
    spans: Vec<(Interval, MonitorState)>,
    is_open: bool,
}

impl Past {
    async fn read(screen: &Screen, monitor: &Monitor, range: Range, lens: &Lens) -> Result<Self, Problem> {
        let (now, scope) = (screen.now(), screen.scope());
        let (from, to) = range.buckets(now);
        let mut conn = screen.read().await?;
        let spans = store::state_intervals::list(&mut conn, scope, monitor.id, lens.window.start).await?;
        let rollups = if range.is_in_days() {
            store::rollups::list_days(&mut conn, scope, monitor.id, Day(from), Day(to)).await?
        } else {
            store::rollups::list_hours(&mut conn, scope, monitor.id, from, to).await?
        };
        drop(conn);
        let policy = Policy::of(monitor, screen.limits().clamp_interval(monitor.interval_seconds));
        let known_until = MonitorVerdict::of(monitor).known_until(policy, now);
        let is_open = spans.last().is_some_and(|span| span.ended_at.is_none());
        let spans = spans.into_iter().map(|span| {
            (Interval { start: span.started_at, end: span.ended_at.unwrap_or(known_until) }, span.state)
        });
        Ok(Self { rollups, spans: spans.collect(), is_open })
    }

    fn outages(&self) -> Vec<Interval> {
        let down = self.spans.iter().filter(|(_, state)| *state == MonitorState::Down);
        down.map(|(span, _)| *span).collect()
    }

    /// Since `begin`, newest first.
    fn spells(&self, begin: Timestamp, now: Timestamp) -> Vec<Spell> {
        let last = self.spans.len().saturating_sub(1);
        let row = |(index, (span, state)): (usize, &(Interval, MonitorState))| {
            let words = match state {
                MonitorState::Up => return None,
                MonitorState::Down => "Down",
                MonitorState::Degraded => "Degraded",
                MonitorState::NoData => "Not watched",
            };
            let is_open = self.is_open && index == last;
            let end = if is_open { now } else { span.end };
            let length = words::lasting(end.since(span.start));
            (end > begin).then(|| Spell {
                state: (*state).into(),
                words,
                began: words::instant(span.start),
                lasting: if is_open { format!("{length} so far") } else { length },
            })
        };
        self.spans.iter().enumerate().rev().filter_map(row).take(LAST_SPELLS).collect()
    }

    /// As `(label, value, unit)`.
    fn figures(&self, monitor: &Monitor, range: Range, lens: &Lens) -> Vec<(String, String, String)> {
        let now = lens.now;
        let seen = uptime(
            &Timeline { monitors: &self.spans, ..Timeline::default() },
            lens.window,
            &lens.zone,
            lens.rule,
        );
        let known = |label: String, value: Option<String>, unit: &str| match value {
            Some(value) => (label, value, format!(" {unit}")),
            None => (label, "–".to_owned(), String::new()),
        };
        let percent = seen.uptime.map(|uptime| format_percent(uptime).trim_end_matches(" %").to_owned());
        let all = monitor_chart::sketch(&self.rollups);
        let percentile = |permille| all.percentile(permille).map(|ms| ms.to_string());
        let label = range.label();
        let mut figures = vec![known(format!("Uptime, {DAYS} days"), percent, "%")];
        if matches!(monitor.kind, MonitorKind::Heartbeat | MonitorKind::Manual) {
            return figures;
        }
        let last = monitor.last_response_time_ms.map(|ms| ms.to_string());
        figures.extend([
            known(format!("Median, {label}"), percentile(500), "ms"),
            known(format!("95 % within, {label}"), percentile(950), "ms"),
            known("Last answer".to_owned(), last, "ms"),
        ]);
        figures.extend(monitor.certificate_expires_at.map(|at| {
            let days = at.since(now).max(0) / DAY_MS;
            let unit = if days == 1 { "day left" } else { "days left" };
            known("Certificate".to_owned(), Some(days.to_string()), unit)
        }));
        figures
    }
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

fn rules(monitor: &Monitor, parent: Option<&Monitor>, now: Timestamp) -> Vec<(String, String)> {
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
    let rule = |label: &str, value: String| (label.to_owned(), value);
    let mut rules = vec![
        rule("Time-out", format!("{} s", monitor.timeout_seconds)),
        rule("Down when", down),
        rule("Up again when", in_a_row(monitor.successes_to_close, "succeed")),
        rule("Slow when", slow),
        rule("Depends on", parent.unwrap_or_else(|| "nothing".to_owned())),
    ];
    if let Some(at) = monitor.certificate_expires_at {
        rules.push(rule("Certificate", about::ends(at, now)));
    }
    rules
}

fn check_rows(checks: &[CheckResult], expected_status: i32) -> Vec<CheckRow> {
    let longest = checks.iter().filter_map(|check| check.response_time_ms).max().unwrap_or(0).max(1);
    checks.iter().map(|check| check_row(check, expected_status, longest.unsigned_abs())).collect()
}

fn check_row(check: &CheckResult, expected_status: i32, longest_ms: u32) -> CheckRow {
    let (state, words) = seen(check, expected_status);
    let by_hand = if check.is_manual { ", by hand" } else { "" };
    let Phases { dns_ms, connect_ms, tls_ms, first_byte_ms } = check.phases;
    let phases = [dns_ms, connect_ms, tls_ms, first_byte_ms];
    CheckRow {
        at: at(check.checked_at),
        state,
        words: format!("{words}{by_hand}"),
        phases: phases.map(|phase| phase.map_or_else(|| "–".to_owned(), |ms| ms.to_string())),
        total: check.response_time_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms")),
        bar: bar(phases, check.response_time_ms, longest_ms),
    }
}

/// The phases and what is left of the whole, in pixels, as `(class, left end, width)`.
fn bar(phases: [Option<u32>; 4], whole_ms: Option<i32>, longest_ms: u32) -> Vec<(&'static str, u32, u32)> {
    let Some(whole_ms) = whole_ms.map(i32::unsigned_abs) else { return Vec::new() };
    let known: u64 = phases.iter().flatten().map(|ms| u64::from(*ms)).sum();
    let rest = u64::from(whole_ms).saturating_sub(known);
    let parts = phases.map(|phase| u64::from(phase.unwrap_or(0))).into_iter().chain([rest]);
    let pixel = |ms: u64| {
        u32::try_from(ms * u64::from(BAR_PX) / u64::from(longest_ms.max(1))).unwrap_or(BAR_PX).min(BAR_PX)
    };
    let mut before_ms = 0;
    let mut bar = Vec::new();
    for (class, ms) in ["g1", "g2", "g3", "g4", "g5"].into_iter().zip(parts) {
        let (left, right) = (pixel(before_ms), pixel(before_ms + ms));
        before_ms += ms;
        if right > left {
            bar.push((class, left, right - left));
        }
    }
    bar
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
    use domain::check::FailureClass;
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
    fn the_bar_of_a_check_is_as_long_as_it_took_and_has_its_phases() {
        let phases = [Some(10), None, Some(20), Some(30)];
        assert_eq!(
            bar(phases, Some(75), 150),
            [("g1", 0, 10), ("g3", 10, 20), ("g4", 30, 30), ("g5", 60, 15)]
        );
        assert_eq!(bar(phases, None, 150), []);
        assert_eq!(bar([Some(u32::MAX), None, None, None], Some(1), 1).last(), Some(&("g1", 0, BAR_PX)));
    }

    #[test]
    fn what_it_was_is_listed_newest_first_without_the_good_times() {
        let span = |from, to, state| {
            (Interval { start: Timestamp::from_ms(from), end: Timestamp::from_ms(to) }, state)
        };
        let past = Past {
            rollups: Vec::new(),
            spans: vec![
                span(0, 60_000, MonitorState::Down),
                span(60_000, 120_000, MonitorState::Up),
                span(120_000, 180_000, MonitorState::Degraded),
            ],
            is_open: true,
        };
        let told = |begin| {
            let spells = past.spells(Timestamp::from_ms(begin), Timestamp::from_ms(240_000));
            spells.into_iter().map(|one| format!("{} {}", one.words, one.lasting)).collect::<Vec<_>>()
        };
        assert_eq!(told(0), ["Degraded 2 min so far", "Down 1 min"]);
        assert_eq!(told(60_000), ["Degraded 2 min so far"]);
    }

    #[test]
    fn the_time_of_a_check_has_seconds() {
        assert_eq!(at(Timestamp::from_ms(1_795_428_131_120)), "23 Nov 2026, 10:02:11");
    }
}
