//! Numbers and instants as people read them: in UTC, and on public pages in the zone of the page. Every text that shows a
//! clock time says in which.

use domain::time::{Day, Timestamp};
use domain::zone::Zone;

use crate::view::Moment;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// "12 s", "4 min", "2 h 5 min", "3 days": at most two units, rounded down.
pub fn lasting(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) if minutes % 60 == 0 => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        (1, _, _) => "1 day".to_owned(),
        _ => format!("{days} days"),
    }
}

/// "23 Nov".
pub fn day(day: Day) -> String {
    date_parts(&Zone::UTC, day.start()).map_or_else(String::new, |(_, month, day)| format!("{day} {month}"))
}

/// "23 Nov 2026".
pub fn date(at: Timestamp) -> String {
    In(&Zone::UTC).date(at)
}

/// "23 Nov 2026, 10:15 UTC".
pub fn instant(at: Timestamp) -> String {
    In(&Zone::UTC).instant(at)
}

/// As [`In::moment`], in UTC.
pub fn moment(at: Timestamp, now: Timestamp) -> Moment {
    In(&Zone::UTC).moment(at, now)
}

/// The words of a zone.
#[derive(Debug, Clone, Copy)]
pub struct In<'a>(pub &'a Zone);

impl In<'_> {
    /// "10:15".
    fn clock(self, at: Timestamp) -> String {
        self.0.at(at).strftime("%H:%M").to_string()
    }

    /// "10:15 CET"; zones without a short name have their distance to UTC.
    fn clock_of(self, at: Timestamp) -> String {
        self.0.at(at).strftime("%H:%M %Z").to_string()
    }

    /// "23 Nov 2026".
    pub fn date(self, at: Timestamp) -> String {
        date_parts(self.0, at).map_or_else(String::new, |(year, month, day)| format!("{day} {month} {year}"))
    }

    /// "23 Nov 2026, 10:15 CET".
    pub fn instant(self, at: Timestamp) -> String {
        format!("{}, {}", self.date(at), self.clock_of(at))
    }

    /// Clock time today, date and time otherwise, with how long ago below it.
    pub fn moment(self, at: Timestamp, now: Timestamp) -> Moment {
        let is_today = self.0.day(at) == self.0.day(now);
        let text = if is_today { self.clock_of(at) } else { self.instant(at) };
        Moment { datetime: at.to_string(), text, note: Some(format!("{} ago", lasting(now.since(at)))) }
    }

    /// "10:15 to 10:22 CET", with dates where the days differ, and both zones where clocks were set between.
    pub fn span(self, start: Timestamp, end: Timestamp) -> String {
        if self.0.day(start) != self.0.day(end) {
            return format!("{} to {}", self.instant(start), self.instant(end));
        }
        let is_one_clock = self.0.at(start).offset() == self.0.at(end).offset();
        let begin = if is_one_clock { self.clock(start) } else { self.clock_of(start) };
        format!("{begin} to {}", self.clock_of(end))
    }
}

/// Year, month name, day of the month.
fn date_parts(zone: &Zone, at: Timestamp) -> Option<(i16, &'static str, i8)> {
    let date = zone.at(at).date();
    let month = usize::try_from(date.month()).ok()?.checked_sub(1)?;
    Some((date.year(), MONTHS.get(month).copied()?, date.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_read_like_speech() {
        let minute = 60_000;
        let cases = [
            (-5, "0 s"),
            (59_999, "59 s"),
            (minute, "1 min"),
            (60 * minute, "1 h"),
            (125 * minute, "2 h 5 min"),
            (24 * 60 * minute, "1 day"),
            (3 * 24 * 60 * minute, "3 days"),
        ];
        for (ms, expected) in cases {
            assert_eq!(lasting(ms), expected);
        }
    }

    #[test]
    fn instants_name_their_zone() {
        let at = Timestamp::from_ms(1_795_428_131_120);
        assert_eq!(instant(at), "23 Nov 2026, 10:02 UTC");
        assert_eq!(moment(at, at.plus_s(60)).text, "10:02 UTC");
        assert_eq!(moment(at, at.plus_s(86_400)).text, "23 Nov 2026, 10:02 UTC");
        assert_eq!(day(at.day()), "23 Nov");
    }
    #[test]
    fn a_page_tells_times_in_its_zone() {
        // X37
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let words = In(&zone);
        assert_eq!(words.instant(at("2026-11-23T23:30:00Z")), "24 Nov 2026, 00:30 CET");
        let (late, later) = (at("2026-07-01T21:59:00Z"), at("2026-07-01T22:01:00Z"));
        assert_eq!(words.moment(late, later).text, "1 Jul 2026, 23:59 CEST");
        assert_eq!(words.span(later, later.plus_s(120)), "00:01 to 00:03 CEST");
        let (before, after) = (at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
        assert_eq!(words.span(before, after), "02:30 CEST to 02:30 CET");
        let kathmandu = Zone::parse("Asia/Kathmandu").unwrap();
        assert_eq!(In(&kathmandu).moment(late, later).text, "03:44 +0545");
    }
}
