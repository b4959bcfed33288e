//! The scale: a service's last days as bars, the ruler above them, and the same facts as rows of a table.

use crate::view::State;
use domain::time::Day;
use std::fmt::Write;

/// Days on a public page.
pub const DAYS: usize = 90;

/// At most so many bars of a strip are links with a title of their own; the table names the rest (4 kB a strip).
const LINKED: usize = 14;

/// One day of one service.
#[derive(Debug, Clone)]
pub struct Bar {
    pub state: State,
    /// "23 Nov".
    pub day: String,
    /// What happened: "39 min down". May be empty.
    pub note: String,
}

impl Bar {
    /// The bar in words: "23 Nov: major outage, 39 min down".
    pub fn label(&self) -> String {
        let words = self.state.words_lower();
        if self.note.is_empty() {
            format!("{}: {words}", self.day)
        } else {
            format!("{}: {words}, {}", self.day, self.note)
        }
    }

    const fn is_event(&self) -> bool {
        !matches!(self.state, State::Operational | State::NoData)
    }
}

/// The bars of one service, oldest first.
#[derive(Debug, Clone)]
pub struct Strip {
    /// Unique on the page, made of letters, digits and hyphens: the rows of the table are its link targets.
    pub id: String,
    /// "API, last 90 days: 99.966 %".
    pub label: String,
    pub bars: Vec<Bar>,
}

/// A bar as drawn.
pub struct Drawn<'a> {
    pub x: usize,
    pub class: &'static str,
    /// Index of the bar when it is a link to its row.
    pub link: Option<usize>,
    bar: &'a Bar,
}

impl Drawn<'_> {
    pub fn label(&self) -> String {
        self.bar.label()
    }
}

/// Days of equal meaning in the table; only days without data are joined.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub index: usize,
    /// "23 Nov" or "26 Aug to 17 Sep".
    pub days: String,
    pub state: State,
    pub note: String,
}

impl Strip {
    /// Width of the drawing: 3 for a bar, 2 for the gap between two.
    pub fn width(&self) -> usize {
        (self.bars.len() * 5).saturating_sub(2)
    }

    /// The newest events are links, the rest are plain.
    pub fn drawn(&self) -> impl Iterator<Item = Drawn<'_>> {
        let events = self.bars.iter().filter(|bar| bar.is_event()).count();
        let mut skip = events.saturating_sub(LINKED);
        self.bars.iter().enumerate().map(move |(index, bar)| {
            let mut link = None;
            if bar.is_event() {
                if skip == 0 {
                    link = Some(index);
                } else {
                    skip -= 1;
                }
            }
            Drawn { x: index * 5, class: class(bar.state), link, bar }
        })
    }

    /// Every day that was not simply operational, newest first.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let mut first = "";
        let mut previous = State::Operational;
        for (index, bar) in self.bars.iter().enumerate() {
            if bar.state == State::NoData && previous == State::NoData {
                if let Some(row) = rows.last_mut() {
                    row.days = format!("{first} to {}", bar.day);
                }
            } else if bar.state != State::Operational {
                first = &bar.day;
                rows.push(Row { index, days: bar.day.clone(), state: bar.state, note: bar.note.clone() });
            }
            previous = bar.state;
        }
        rows.reverse();
        rows
    }
}

const fn class(state: State) -> &'static str {
    match state {
        State::Operational => "",
        State::Degraded => "d",
        State::Partial => "p",
        State::Major => "m",
        State::Maintenance => "w",
        State::NoData => "n",
    }
}

/// The ruler over all strips of a page: a tick a day, longer on Mondays, longest where a month begins.
#[derive(Debug, Clone)]
pub struct Ruler {
    /// SVG path data in a box of `width` × 12.
    pub ticks: String,
    pub width: usize,
    /// Where each month's name stands, in percent of the width, and the name.
    pub months: Vec<(String, &'static str)>,
}

impl Ruler {
    /// For `days` days of which `last` is the newest.
    pub fn ending(last: Day, days: usize) -> Self {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let width = (days * 5).saturating_sub(2);
        let mut ticks = String::with_capacity(days * 12);
        let mut months = Vec::new();
        let mut day = last.plus(1 - i64::try_from(days).unwrap_or(0));
        for index in 0..days {
            let date = jiff::tz::TimeZone::UTC.to_datetime(day.start().to_jiff()).date();
            let length = match (date.day(), date.weekday()) {
                (1, _) => 12,
                (_, jiff::civil::Weekday::Monday) => 7,
                _ => 4,
            };
            let _ = write!(ticks, "M{}.5 12v-{length}", index * 5 + 1);
            // A name close to the right end would run into "Today".
            if date.day() == 1 && index * 100 < days * 86 {
                let name = usize::try_from(date.month() - 1).ok().and_then(|month| MONTHS.get(month));
                let permille = index * 5 * 1000 / width.max(1);
                months.push((format!("{}.{}%", permille / 10, permille % 10), name.copied().unwrap_or("")));
            }
            day = day.plus(1);
        }
        Self { ticks, width, months }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(states: &[State]) -> Strip {
        let bars = states
            .iter()
            .enumerate()
            .map(|(index, state)| Bar { state: *state, day: format!("day {index}"), note: String::new() })
            .collect();
        Strip { id: "s".into(), label: "API".into(), bars }
    }

    #[test]
    fn quiet_days_need_no_row_and_days_without_data_share_one() {
        use State::{Major, NoData, Operational};
        let rows = strip(&[NoData, NoData, NoData, Operational, Major, Operational]).rows();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].index, rows[0].days.as_str(), rows[0].state), (4, "day 4", Major));
        assert_eq!((rows[1].index, rows[1].days.as_str(), rows[1].state), (0, "day 0 to day 2", NoData));
    }

    #[test]
    fn only_the_newest_events_are_links() {
        let strip = strip(&[State::Partial; DAYS]);
        let links: Vec<usize> = strip.drawn().filter_map(|bar| bar.link).collect();
        assert_eq!(links, (DAYS - LINKED..DAYS).collect::<Vec<_>>());
        assert_eq!(strip.rows().len(), DAYS);
    }

    #[test]
    fn the_ruler_names_months_and_stretches_mondays() {
        let today = "2026-11-23T10:00:00Z".parse::<domain::time::Timestamp>().unwrap().day();
        let ruler = Ruler::ending(today, DAYS);
        let names: Vec<&str> = ruler.months.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, ["Sep", "Oct", "Nov"]);
        assert_eq!(ruler.ticks.matches('M').count(), DAYS);
        assert!(ruler.ticks.ends_with("M446.5 12v-7"), "23 November 2026 is a Monday");
        assert_eq!(ruler.ticks.matches("v-12").count(), 3);
    }

    #[test]
    fn a_month_that_begins_near_today_is_not_named() {
        let today = "2026-12-03T10:00:00Z".parse::<domain::time::Timestamp>().unwrap().day();
        let names: Vec<&str> = Ruler::ending(today, DAYS).months.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, ["Oct", "Nov"]);
    }
}
