//! Numbers and instants as people read them. UTC everywhere, and every text that shows a clock time says so.

use domain::time::{Day, Timestamp};

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

/// "10:15".
pub fn clock(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M").to_string()
}

/// "23 Nov".
pub fn day(day: Day) -> String {
    date_parts(day.start()).map_or_else(String::new, |(_, month, day)| format!("{day} {month}"))
}

/// "23 Nov 2026".
pub fn date(at: Timestamp) -> String {
    date_parts(at).map_or_else(String::new, |(year, month, day)| format!("{day} {month} {year}"))
}

/// "23 Nov 2026, 10:15 UTC".
pub fn instant(at: Timestamp) -> String {
    format!("{}, {} UTC", date(at), clock(at))
}

/// Clock time today, date and time otherwise, with how long ago below it.
pub fn moment(at: Timestamp, now: Timestamp) -> Moment {
    let text = if at.day() == now.day() { format!("{} UTC", clock(at)) } else { instant(at) };
    Moment { datetime: at.to_string(), text, note: Some(format!("{} ago", lasting(now.since(at)))) }
}

/// "10:15 to 10:22 UTC", with dates where the days differ or are not `today`.
pub fn span(start: Timestamp, end: Timestamp) -> String {
    if start.day() == end.day() {
        format!("{} to {} UTC", clock(start), clock(end))
    } else {
        format!("{} to {}", instant(start), instant(end))
    }
}

/// First letter of the month and its number, for rulers: year, month name, day of the month.
fn date_parts(at: Timestamp) -> Option<(i16, &'static str, i8)> {
    let date = at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
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
}
