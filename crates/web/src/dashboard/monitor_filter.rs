//! Which monitors a list shows, in which order, and where its parts begin. Pure: the states are those that are known
//! now, so an overdue monitor is found under "no data" and not under what it was before.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use domain::id::MonitorId;
use domain::monitor::{Monitor, MonitorKind, MonitorState};
use domain::time::Timestamp;

use super::monitor_words as about;

/// Rows of one part.
pub(crate) const ROWS: usize = 50;

/// What people choose by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Down,
    Degraded,
    NoData,
    Up,
    Paused,
    Snoozed,
}

impl Shown {
    pub(crate) const ALL: [Self; 6] =
        [Self::Down, Self::Degraded, Self::NoData, Self::Up, Self::Paused, Self::Snoozed];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Degraded => "degraded",
            Self::NoData => "no_data",
            Self::Up => "up",
            Self::Paused => "paused",
            Self::Snoozed => "snoozed",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Down => "Down",
            Self::Degraded => "Slow",
            Self::NoData => "No data",
            Self::Up => "Answers",
            Self::Paused => "Paused",
            Self::Snoozed => "Snoozed",
        }
    }

    fn holds(self, monitor: &Monitor, now: Timestamp) -> bool {
        match self {
            Self::Snoozed => monitor.is_snoozed(now),
            other => other == Self::of(monitor),
        }
    }

    const fn of(monitor: &Monitor) -> Self {
        match monitor.state {
            _ if !monitor.is_active => Self::Paused,
            MonitorState::Down => Self::Down,
            MonitorState::Degraded => Self::Degraded,
            MonitorState::NoData => Self::NoData,
            MonitorState::Up => Self::Up,
        }
    }
}

/// What the query of the list says; a word that is not ours chooses nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Part of the name or the target, without regard to case.
    pub(crate) text: String,
    pub(crate) state: Option<Shown>,
    pub(crate) kind: Option<MonitorKind>,
    pub(crate) tag: String,
}

impl Filter {
    /// Reads a query; the first value of a name that is there twice.
    pub(crate) fn read(query: &str) -> (Self, Option<Place>) {
        let value = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let filter = Self {
            text: value("q"),
            state: Shown::ALL.into_iter().find(|shown| shown.word() == value("state")),
            kind: MonitorKind::ALL.into_iter().find(|kind| kind.as_str() == value("kind")),
            tag: value("tag"),
        };
        (filter, Place::read(&value("cursor")))
    }

    /// The query of this list, from its beginning or from after `place`.
    pub(crate) fn query(&self, place: Option<Place>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let kind = self.kind.map_or("", MonitorKind::as_str);
        let state = self.state.map_or("", Shown::word);
        let cursor = place.map(|place| place.to_string()).unwrap_or_default();
        for (name, value) in
            [("q", &*self.text), ("state", state), ("kind", kind), ("tag", &*self.tag), ("cursor", &*cursor)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    fn holds(&self, monitor: &Monitor, text: &str, now: Timestamp) -> bool {
        self.state.is_none_or(|state| state.holds(monitor, now))
            && self.kind.is_none_or(|kind| kind == monitor.kind)
            && (self.tag.is_empty() || monitor.tags.has(&self.tag))
            && (text.is_empty()
                || about::name(monitor).to_lowercase().contains(text)
                || monitor.target().to_lowercase().contains(text))
    }
}

/// Where a monitor stands in the list: what is broken first, then the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    rank: u8,
    created_at: Timestamp,
    id: MonitorId,
}

impl Place {
    fn of(monitor: &Monitor) -> Self {
        Self { rank: Shown::of(monitor) as u8, created_at: monitor.created_at, id: monitor.id }
    }

    /// `None`: made up; the list begins at its beginning.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (rank, ms, id) = (parts.next()?, parts.next()?, parts.next()?);
        let created_at = Timestamp::from_ms(ms.parse().ok()?);
        Some(Self { rank: rank.parse().ok()?, created_at, id: id.parse().ok()? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.rank, self.created_at.ms(), self.id)
    }
}

/// One part of what a filter holds.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// At most [`ROWS`].
    pub(crate) rows: Vec<&'a Monitor>,
    /// How many stand before the first row.
    pub(crate) before: usize,
    /// How many the filter holds in all.
    pub(crate) total: usize,
    /// After the last row, when there are more.
    pub(crate) next: Option<Place>,
}

/// The part after `after`; `None`: the first one.
pub(crate) fn part<'a>(
    monitors: &'a [Monitor],
    filter: &Filter,
    after: Option<Place>,
    now: Timestamp,
) -> Part<'a> {
    let text = filter.text.to_lowercase();
    let mut held: Vec<(Place, &Monitor)> = monitors
        .iter()
        .filter(|monitor| filter.holds(monitor, &text, now))
        .map(|monitor| (Place::of(monitor), monitor))
        .collect();
    held.sort_unstable_by_key(|(place, _)| *place);
    let before =
        after.map_or(0, |after| held.partition_point(|(place, _)| place.cmp(&after) != Ordering::Greater));
    let total = held.len();
    let rows: Vec<(Place, &Monitor)> = held.into_iter().skip(before).take(ROWS).collect();
    let next = rows.last().map(|(place, _)| *place).filter(|_| before + rows.len() < total);
    Part { rows: rows.into_iter().map(|(_, monitor)| monitor).collect(), before, total, next }
}

/// How many monitors have each tag.
pub(crate) fn count_tags(monitors: &[Monitor]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for tag in monitors.iter().flat_map(|monitor| monitor.tags.iter()) {
        *counts.entry(tag).or_default() += 1;
    }
    counts
}
