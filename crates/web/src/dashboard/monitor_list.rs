//! `/orgs/{org}/monitors`: the list with its filters, and what is done to many monitors at once.

use std::collections::HashMap;

use actions::monitors::{Change, SnoozeEnd};
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Monitor, MonitorKind, MonitorState};
use domain::plan::QuotaKind;
use domain::service::Service;
use domain::time::{DAY_MS, HOUR_MS, Timestamp};
use domain::verdict::{MonitorVerdict, Policy};
use store::state_intervals::StateInterval;

use super::input::{Fields, field};
use super::monitor_filter::{Filter, Part, Shown, count_tags, part};
use super::monitor_words as about;
use super::screen::{Screen, refused, room};
use crate::error::Problem;
use crate::extract::CsrfForm;
use crate::page::html;
use crate::view::dashboard::Room;
use crate::view::dashboard::monitors::{Chip, DayBar, FilterForm, ListPage, Row};
use crate::view::plan::interval;
use crate::view::{Choice, Errors, State};

const HOURS: usize = 24;
/// Tags offered above the list, the most used ones.
const CHIPS: usize = 40;

pub(crate) async fn list(screen: Screen) -> Response {
    let query = screen.uri.query().unwrap_or_default().to_owned();
    let body = async { Ok(html(&page(&screen, &query, Errors::default()).await?)) };
    screen.answer(body).await
}

/// Pauses, resumes or snoozes what was ticked, and goes back to the list as it was.
pub(crate) async fn bulk(screen: Screen, CsrfForm(fields): CsrfForm<Fields>) -> Response {
    let body = async {
        let back = field(&fields, "back");
        let done = match read(&fields) {
            Ok((ids, change)) => {
                actions::monitors::change_many(&screen.state.ctx, &screen.membership, &ids, change).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(_) => {
                let (filter, place) = Filter::read(back);
                let query = filter.query(place);
                let mark = if query.is_empty() { "" } else { "&" };
                let path = format!("{}/monitors?{query}{mark}done=monitors-changed", screen.root());
                Ok(Redirect::to(&path).into_response())
            }
            Err(error) => {
                let refused = refused(error)?;
                Ok(refused.show(&page(&screen, back, refused.errors.clone()).await?))
            }
        }
    };
    screen.answer(body).await
}

/// What was ticked and which button was pressed. An id that is none does not exist.
fn read(fields: &Fields) -> actions::Result<(Vec<MonitorId>, Change)> {
    let ids = fields.iter().filter(|(name, _)| name == "ids").map(|(_, id)| id.parse());
    let ids: Vec<MonitorId> = ids.collect::<Result<_, _>>().map_err(|_| actions::Error::NotFound)?;
    if ids.is_empty() {
        return Err(actions::Error::field("", "required", "Tick at least one monitor."));
    }
    let change = match field(fields, "action") {
        "pause" => Change::Pause,
        "resume" => Change::Resume,
        "unsnooze" => Change::EndSnooze,
        // What is no number of minutes is refused like one that is too large.
        "snooze" => Change::Snooze(SnoozeEnd::AfterMinutes(field(fields, "minutes").parse().unwrap_or(0))),
        _ => return Err(actions::Error::field("", "unknown", "Choose what to do with the ticked monitors.")),
    };
    Ok((ids, change))
}

async fn page(screen: &Screen, query: &str, errors: Errors) -> Result<ListPage, Problem> {
    let now = screen.now();
    let (filter, after) = Filter::read(query);
    let mut conn = screen.read().await?;
    let services = store::services::list(&mut conn, screen.scope()).await?;
    let stored = store::monitors::list(&mut conn, screen.scope(), None).await?;
    let monitors: Vec<Monitor> = stored.into_iter().map(|monitor| screen.known(monitor)).collect();
    let part = part(&monitors, &filter, after, now);
    let ids: Vec<MonitorId> = part.rows.iter().map(|monitor| monitor.id).collect();
    let since = now.plus_ms(-DAY_MS);
    let spans = store::state_intervals::list_of(&mut conn, screen.scope(), &ids, since).await?;
    drop(conn);
    let mut by_monitor: HashMap<MonitorId, Vec<StateInterval>> = HashMap::new();
    for span in spans {
        by_monitor.entry(span.monitor_id).or_default().push(span);
    }
    let names: HashMap<ServiceId, &str> =
        services.iter().map(|service| (service.id, service.name.as_str())).collect();
    let rows = part.rows.iter().map(|monitor| {
        let spans = by_monitor.get(&monitor.id).map_or(&[][..], Vec::as_slice);
        row(screen, monitor, names.get(&monitor.service_id).copied().unwrap_or_default(), spans)
    });
    Ok(ListPage {
        rows: rows.collect(),
        shell: screen.shell().await?,
        errors,
        is_empty: monitors.is_empty(),
        chips: chips(&filter, &monitors),
        part: part_words(&part),
        query: filter.query(after),
        next: part.next.map(|place| filter.query(Some(place))),
        first: (part.before > 0).then(|| filter.query(None)),
        room: monitors_room(screen, &services, &monitors),
        filter: form(filter),
    })
}

fn form(filter: Filter) -> FilterForm {
    let choice = |value: &str, label: &str, is_chosen| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        is_chosen,
    };
    let states = Shown::ALL.map(|shown| choice(shown.word(), shown.label(), filter.state == Some(shown)));
    let kinds =
        MonitorKind::OFFERED.map(|kind| choice(kind.as_str(), about::kind(kind), filter.kind == Some(kind)));
    FilterForm {
        states: [choice("", "Any state", filter.state.is_none())].into_iter().chain(states).collect(),
        kinds: [choice("", "Any kind", filter.kind.is_none())].into_iter().chain(kinds).collect(),
        text: filter.text,
        tag: filter.tag,
    }
}

/// The chosen tag and the most used ones, in alphabetical order.
fn chips(filter: &Filter, monitors: &[Monitor]) -> Vec<Chip> {
    let mut counts: Vec<(&str, usize)> = count_tags(monitors).into_iter().collect();
    counts.sort_by_key(|(tag, count)| (*tag != filter.tag, std::cmp::Reverse(*count)));
    counts.truncate(CHIPS);
    counts.sort_unstable();
    counts
        .into_iter()
        .map(|(tag, count)| {
            let is_chosen = tag == filter.tag;
            let other = if is_chosen { String::new() } else { tag.to_owned() };
            let path = Filter { tag: other, ..filter.clone() }.query(None);
            Chip { tag: tag.to_owned(), count, path, is_chosen }
        })
        .collect()
}

fn part_words(part: &Part<'_>) -> String {
    if part.rows.len() == part.total {
        return String::new();
    }
    format!("{} to {} of {}", part.before + 1, part.before + part.rows.len(), part.total)
}

fn row(screen: &Screen, monitor: &Monitor, service: &str, spans: &[StateInterval]) -> Row {
    let now = screen.now();
    let interval_seconds = screen.limits().clamp_interval(monitor.interval_seconds);
    let policy = Policy::of(monitor, interval_seconds);
    Row {
        id: monitor.id.to_string(),
        name: about::name(monitor),
        service: service.to_owned(),
        state: about::state(monitor),
        words: about::answer(monitor),
        interval: interval(interval_seconds),
        response_time: monitor.last_response_time_ms.map(|ms| format!("{ms} ms")).unwrap_or_default(),
        checked: about::checked(monitor, now),
        tags: monitor.tags.iter().map(str::to_owned).collect(),
        snoozed: about::snoozed(monitor, now),
        day: day_bar(spans, MonitorVerdict::of(monitor).known_until(policy, now), now),
    }
}

/// The worst state of each of the last 24 hours; `known_until` ends the span that is open.
fn day_bar(spans: &[StateInterval], known_until: Timestamp, now: Timestamp) -> DayBar {
    let start = now.plus_ms(-DAY_MS);
    let mut hours = [MonitorState::NoData; HOURS];
    for (hour, from) in hours.iter_mut().zip((0i64..).map(|hour| start.plus_ms(hour * HOUR_MS))) {
        let until = from.plus_ms(HOUR_MS);
        let seen = spans.iter().filter(|span| {
            span.started_at < until
                && span.ended_at.unwrap_or(known_until) > from
                && span.started_at < known_until
        });
        *hour = seen.map(|span| span.state).max_by_key(|state| badness(*state)).unwrap_or_default();
    }
    let mut runs: Vec<(usize, usize, State)> = Vec::new();
    for (index, state) in hours.iter().enumerate() {
        let state = State::from(*state);
        match runs.last_mut() {
            Some((_, length, before)) if *before == state => *length += 1,
            _ => runs.push((index, 1, state)),
        }
    }
    let count = |wanted: MonitorState| hours.iter().filter(|state| **state == wanted).count();
    let label = match (count(MonitorState::Down), count(MonitorState::Degraded), count(MonitorState::NoData))
    {
        (0, 0, HOURS) => "No data in the last 24 hours".to_owned(),
        (0, 0, _) => "No outage in the last 24 hours".to_owned(),
        (0, slow, _) => format!("Slow in {slow} of the last 24 hours"),
        (down, _, _) => format!("Down in {down} of the last 24 hours"),
    };
    DayBar { runs, label }
}

const fn badness(state: MonitorState) -> u8 {
    match state {
        MonitorState::NoData => 0,
        MonitorState::Up => 1,
        MonitorState::Degraded => 2,
        MonitorState::Down => 3,
    }
}

/// Of the service that has most; blocked only when no service has room.
fn monitors_room(screen: &Screen, services: &[Service], monitors: &[Monitor]) -> Room {
    let mut counts: HashMap<ServiceId, i64> = services.iter().map(|service| (service.id, 0)).collect();
    for monitor in monitors {
        counts.entry(monitor.service_id).and_modify(|count| *count += 1);
    }
    let limits = screen.limits();
    let most = counts.values().copied().max().unwrap_or_default();
    let mut shown = room(&limits, QuotaKind::MonitorsPerService, most, "per service");
    if counts.values().any(|count| limits.check(QuotaKind::MonitorsPerService, *count).is_ok()) {
        shown.blocked = None;
    }
    shown.used = match monitors.len() {
        1 => format!("1 monitor, {}", limit_words(&limits)),
        many => format!("{many} monitors, {}", limit_words(&limits)),
    };
    shown
}

fn limit_words(limits: &domain::plan::Limits) -> String {
    match limits.quota(QuotaKind::MonitorsPerService) {
        domain::plan::Quota::Limited(limit) => format!("up to {limit} per service"),
        domain::plan::Quota::Unlimited => "no limit".to_owned(),
    }
}

#[cfg(test)]
#[path = "monitor_list_tests.rs"]
mod tests;
