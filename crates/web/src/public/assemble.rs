//! From what the store knows to what the page shows; pure.

use std::collections::BTreeMap;

use domain::id::IncidentId;
use domain::incident::Impact;
use domain::overview::{EffectiveStatus, Headline as Summary, Indicator, headline};
use domain::plan::Limits;
use domain::service::ServiceStatus;
use domain::time::{Day, Timestamp};
use domain::uptime::{DayBar, Uptime, format_percent};
use store::page_view::{PlacedIncident, PlacedInterval, PlacedService, PlacedUpdate};

use super::timeline::{self, Lens, Seen};
use crate::bars::{Bar, DAYS, Ruler, Strip};
use crate::view::public::{Group, Headline, HistoryDay, HistoryEntry, Incident, Page, Service, StatusPage};
use crate::view::{State, Update};
use crate::words::{self, In};

/// Days of history below the services.
const HISTORY_DAYS: i64 = 7;
/// Outages shorter than this are in the bars, not in the history.
const SHORTEST_OUTAGE_MS: i64 = 1000;

/// Everything the six reads of a page give.
pub(super) struct Facts {
    pub services: Vec<PlacedService>,
    pub seen: Seen,
    pub updates: Vec<PlacedUpdate>,
    /// Of the page.
    pub lens: Lens,
}

/// How the page stands: what every surface of it says alike.
pub(super) struct Standing {
    /// In the order of the services.
    pub statuses: Vec<EffectiveStatus>,
    pub indicator: Indicator,
    pub headline: Headline,
}

pub(super) fn standing(facts: &Facts, limits: &Limits) -> Standing {
    let now = facts.lens.now;
    let statuses: Vec<EffectiveStatus> =
        facts.services.iter().map(|service| facts.seen.effective(limits, service, now)).collect();
    let named: Vec<(&str, ServiceStatus)> = facts
        .services
        .iter()
        .zip(&statuses)
        .map(|(service, effective)| (service.name.as_str(), effective.status))
        .collect();
    let open: Vec<Impact> = unique(&facts.seen.incidents)
        .filter(|incident| incident.resolved_at.is_none())
        .map(|incident| incident.impact)
        .collect();
    let summary = headline(&named, &open);
    Standing { headline: head(&summary, &statuses, facts, now), indicator: summary.indicator, statuses }
}

/// The whole page.
pub(super) fn status_page(mut page: Page, facts: &Facts, limits: &Limits) -> StatusPage {
    let standing = standing(facts, limits);
    let incidents = incidents(facts);
    page.watched = watched(facts, limits);
    StatusPage {
        headline: standing.headline,
        incidents: incidents.iter().filter(|incident| !incident.is_resolved).cloned().collect(),
        groups: groups(facts, limits, &standing.statuses),
        ruler: Ruler::ending(facts.lens.zone.day(facts.lens.now), DAYS),
        ruler_label: format!("{DAYS} days"),
        rule: facts.lens.rule.sentence(),
        history: history(facts, limits),
        page,
    }
}

fn head(summary: &Summary, statuses: &[EffectiveStatus], facts: &Facts, now: Timestamp) -> Headline {
    let has_data = statuses.iter().any(|effective| effective.has_data);
    let state = match summary.indicator {
        Indicator::None if has_data => State::Operational,
        Indicator::None => State::NoData,
        Indicator::Minor => State::Degraded,
        Indicator::Major => State::Partial,
        Indicator::Critical => State::Major,
        Indicator::Maintenance => State::Maintenance,
    };
    let last = facts
        .seen
        .monitors
        .iter()
        .filter(|monitor| monitor.is_active)
        .filter_map(|m| m.last_checked_at)
        .max();
    let checked = match last {
        Some(at) => format!("Checked {} ago.", words::lasting(now.since(at))),
        None => String::new(),
    };
    let (title, sentence) = match (facts.services.is_empty(), state) {
        (true, _) => {
            ("Nothing is on this page yet".to_owned(), "Its owner has not added a service.".to_owned())
        }
        (_, State::NoData) if last.is_some() => (
            "No recent checks".to_owned(),
            "The checks have stopped coming in; what they saw last says nothing about now.".to_owned(),
        ),
        (_, State::NoData) => {
            ("Waiting for the first check".to_owned(), "Nothing has been measured yet.".to_owned())
        }
        _ => (summary.description(), sentence(facts, statuses)),
    };
    Headline { state, title, sentence, checked }
}

/// What works and what does not.
fn sentence(facts: &Facts, statuses: &[EffectiveStatus]) -> String {
    let broken: Vec<&str> = facts
        .services
        .iter()
        .zip(statuses)
        .filter(|(_, effective)| effective.status.is_broken())
        .map(|(service, _)| service.name.as_str())
        .collect();
    let fine = facts.services.len() - broken.len();
    match (broken.as_slice(), fine) {
        ([], _) => String::new(),
        ([one], 0) => format!("{one} is affected."),
        ([one], 1) => format!("{one} is affected; the other service works."),
        ([one], fine) => format!("{one} is affected; the other {fine} services work."),
        ([many @ .., last], 0) => format!("{} and {last} are affected.", many.join(", ")),
        ([many @ .., last], 1) => {
            format!("{} and {last} are affected; the other service works.", many.join(", "))
        }
        ([many @ .., last], fine) => {
            format!("{} and {last} are affected; the other {fine} services work.", many.join(", "))
        }
    }
}

/// "Watched every 60 s from 1 location".
fn watched(facts: &Facts, limits: &Limits) -> String {
    let shortest = facts
        .seen
        .monitors
        .iter()
        .filter(|monitor| monitor.is_active)
        .map(|monitor| limits.clamp_interval(monitor.interval_seconds))
        .min();
    match shortest {
        None => String::new(),
        Some(seconds) if seconds % 60 == 0 && seconds > 60 => {
            format!("Watched every {} min from 1 location", seconds / 60)
        }
        Some(seconds) => format!("Watched every {seconds} s from 1 location"),
    }
}

/// Services in the order of the list; a group stands where its first service stands.
fn groups(facts: &Facts, limits: &Limits, statuses: &[EffectiveStatus]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, (service, effective)) in facts.services.iter().zip(statuses).enumerate() {
        let shown = shown_service(facts, limits, service, *effective, index);
        match groups.iter_mut().find(|group| group.name == service.group_name) {
            Some(group) => group.services.push(shown),
            None => groups.push(Group { name: service.group_name.clone(), services: vec![shown] }),
        }
    }
    // Services without a group have no heading, so they can only stand first.
    groups.sort_by_key(|group| group.name.is_some());
    groups
}

fn shown_service(
    facts: &Facts,
    limits: &Limits,
    service: &PlacedService,
    effective: EffectiveStatus,
    index: usize,
) -> Service {
    let uptime = facts.seen.uptime(limits, service, &facts.lens);
    let percent = uptime.uptime.map_or_else(|| "–".to_owned(), format_percent);
    let state = timeline::shown(effective);
    Service {
        name: service.name.clone(),
        description: service.description.clone(),
        state,
        note: note(&uptime),
        strip: Strip {
            id: format!("s{index}"),
            label: format!("{}, last {DAYS} days: {percent}", service.name),
            bars: uptime.days.iter().map(bar).collect(),
        },
        uptime: percent,
    }
}

fn note(uptime: &Uptime) -> String {
    let days = uptime.days.iter().filter(|day| day.has_data()).count();
    match (uptime.uptime, uptime.down_minutes()) {
        (None, _) => "no data".to_owned(),
        (_, 0) if days < DAYS => format!("{days} {}", if days == 1 { "day" } else { "days" }),
        (_, 0) => "none down".to_owned(),
        (_, minutes) => format!("{} down", words::lasting(minutes * 60_000)),
    }
}

fn bar(day: &DayBar) -> Bar {
    let note = match day.down_minutes() {
        0 => String::new(),
        minutes => format!("{} down", words::lasting(minutes * 60_000)),
    };
    Bar { state: day.worst.map_or(State::NoData, State::from), day: words::day(day.day), note }
}

/// Incidents once each, although the list has a row per service.
pub(super) fn unique(rows: &[PlacedIncident]) -> impl Iterator<Item = &PlacedIncident> {
    let mut last: Option<IncidentId> = None;
    rows.iter().filter(move |row| last.replace(row.id) != Some(row.id))
}

/// All incidents of the list as shown, newest first.
pub(super) fn incidents(facts: &Facts) -> Vec<Incident> {
    unique(&facts.seen.incidents).map(|first| incident(facts, first)).collect()
}

fn incident(facts: &Facts, first: &PlacedIncident) -> Incident {
    let (now, words) = (facts.lens.now, In(&facts.lens.zone));
    let rows: Vec<&PlacedIncident> = facts.seen.incidents.iter().filter(|row| row.id == first.id).collect();
    let worst = rows.iter().map(|row| row.service_status).max().unwrap_or_default();
    let end = first.resolved_at.unwrap_or(now);
    let mut began = words.moment(first.started_at, now);
    if let Some(resolved) = first.resolved_at {
        began.text = words.span(first.started_at, resolved);
        began.note = None;
    }
    Incident {
        id: first.id.to_string(),
        title: first.title.clone(),
        state: worst.into(),
        status: first.status.label().to_owned(),
        is_resolved: first.resolved_at.is_some(),
        began,
        lasting: words::lasting(end.since(first.started_at)),
        services: rows.iter().map(|row| (row.service_name.clone(), row.service_status.into())).collect(),
        next_update: None,
        updates: facts
            .updates
            .iter()
            .filter(|update| update.incident_id == first.id)
            .map(|update| Update {
                status: update.status.label().to_owned(),
                at: words.moment(update.created_at, now),
                body: crate::markdown::render(&update.body),
                changes: Vec::new(),
            })
            .collect(),
    }
}

/// The last seven days: incidents, and outages that only monitors saw; quiet days in a row are one line.
fn history(facts: &Facts, limits: &Limits) -> Vec<HistoryDay> {
    let (zone, words) = (&facts.lens.zone, In(&facts.lens.zone));
    let today = zone.day(facts.lens.now);
    let mut by_day: BTreeMap<Day, Vec<(Timestamp, HistoryEntry)>> = BTreeMap::new();
    for first in unique(&facts.seen.incidents) {
        let text = match first.resolved_at {
            Some(end) => format!(
                "Resolved after {}, {}.",
                words::lasting(end.since(first.started_at)),
                words.span(first.started_at, end)
            ),
            None => format!("{} since {}.", first.status.label(), words.instant(first.started_at)),
        };
        let entry =
            HistoryEntry { incident_id: Some(first.id.to_string()), title: first.title.clone(), text };
        by_day.entry(zone.day(first.started_at)).or_default().push((first.started_at, entry));
    }
    for span in &facts.seen.intervals {
        if let Some(entry) = outage(facts, limits, span) {
            by_day.entry(zone.day(span.started_at)).or_default().push((span.started_at, entry));
        }
    }
    let mut days = Vec::new();
    let mut quiet: Option<(Day, Day)> = None;
    for back in 0..HISTORY_DAYS {
        let day = today.plus(-back);
        match by_day.remove(&day) {
            Some(mut entries) => {
                days.extend(quiet.take().map(|range| quiet_days(range, today)));
                entries.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
                let entries = entries.into_iter().map(|(_, entry)| entry).collect();
                days.push(HistoryDay { label: day_label(day, today), entries });
            }
            None => quiet = Some((day, quiet.map_or(day, |(_, newest)| newest))),
        }
    }
    days.extend(quiet.map(|range| quiet_days(range, today)));
    days
}

fn quiet_days((oldest, newest): (Day, Day), today: Day) -> HistoryDay {
    let label = if oldest == newest {
        day_label(newest, today)
    } else {
        // One month is named once: "17–23 Nov" fits the column where "17 Nov – 23 Nov" does not.
        let (oldest, newest) = (words::day(oldest), words::day(newest));
        match (oldest.split_once(' '), newest.split_once(' ')) {
            (Some((first, month)), Some((_, same))) if month == same => format!("{first}–{newest}"),
            _ => format!("{oldest} – {newest}"),
        }
    };
    HistoryDay { label, entries: Vec::new() }
}

fn day_label(day: Day, today: Day) -> String {
    if day == today { "Today".to_owned() } else { words::day(day) }
}

/// "API was down from 10:15 to 10:22 UTC (7 min)."
fn outage(facts: &Facts, limits: &Limits, span: &PlacedInterval) -> Option<HistoryEntry> {
    let (now, words) = (facts.lens.now, In(&facts.lens.zone));
    let service = facts.services.iter().find(|service| service.id == span.service_id)?;
    let verb = match span.state {
        domain::monitor::MonitorState::Down => "down",
        domain::monitor::MonitorState::Degraded => "slow",
        _ => return None,
    };
    let end = timeline::known_end(span, limits, now);
    let ms = end.since(span.started_at);
    if ms < SHORTEST_OUTAGE_MS {
        return None;
    }
    let name = &service.name;
    let text = if span.ended_at.is_none() && end == now {
        format!("{name} has been {verb} since {} ({}).", words.instant(span.started_at), words::lasting(ms))
    } else {
        format!("{name} was {verb} from {} ({}).", words.span(span.started_at, end), words::lasting(ms))
    };
    Some(HistoryEntry { incident_id: None, title: format!("{name}: {verb}"), text })
}
