//! The part of the past that a question is about: `from` and `to`, or the last `days`.

use domain::time::{DAY_MS, Interval, Timestamp};
use domain::uptime::window_of_days;
use domain::zone::Zone;

use crate::error::Problem;

/// As asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub days: Option<i64>,
}

/// What a question may ask for, in days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub default_days: i64,
    pub most_days: i64,
}

impl Wanted {
    /// The window up to now at most; `days` are those of the zone, today included.
    pub(super) fn window(self, bounds: Bounds, zone: &Zone, now: Timestamp) -> Result<Interval, Problem> {
        let most = bounds.most_days;
        match (self.from, self.to, self.days) {
            (None, None, days) => match days.unwrap_or(bounds.default_days) {
                days if (1..=most).contains(&days) => Ok(window_of_days(days, zone, now)),
                _ => Err(Problem::unprocessable("days", "out_of_range", format!("Choose 1 to {most} days."))),
            },
            (_, _, Some(_)) => {
                let detail = "Give either days, or from and to.";
                Err(Problem::unprocessable("days", "conflicting", detail))
            }
            (None, Some(_), None) => {
                Err(Problem::unprocessable("from", "missing", "Give the beginning of the time, too."))
            }
            (Some(start), to, None) => {
                let end = to.unwrap_or(now).min(now);
                if start.ms() < 0 || start >= end {
                    let detail = "Choose a beginning in the past, before the end.";
                    return Err(Problem::unprocessable("from", "out_of_range", detail));
                }
                if end.since(start) > most * DAY_MS {
                    let detail = format!("Choose a time of at most {most} days.");
                    return Err(Problem::unprocessable("from", "too_long", detail));
                }
                Ok(Interval { start, end })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { default_days: 90, most_days: 400 };

    fn read(from: Option<&str>, to: Option<&str>, days: Option<i64>) -> Result<String, String> {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let wanted = Wanted { from: from.map(at), to: to.map(at), days };
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let window = wanted.window(BOUNDS, &zone, at("2026-11-23T10:00:00Z"));
        window
            .map(|window| format!("{} {}", window.start, window.end))
            .map_err(|problem| format!("{} {}", problem.errors[0].pointer, problem.errors[0].code))
    }

    #[test]
    fn a_window_is_days_of_the_zone_or_any_time_of_the_past() {
        for (from, to, days, expected) in [
            (None, None, Some(1), Ok("2026-11-22T23:00:00.000Z 2026-11-23T10:00:00.000Z")),
            // The clocks of Berlin were set in between.
            (None, None, None, Ok("2026-08-25T22:00:00.000Z 2026-11-23T10:00:00.000Z")),
            (
                Some("2026-11-01T00:00:00Z"),
                None,
                None,
                Ok("2026-11-01T00:00:00.000Z 2026-11-23T10:00:00.000Z"),
            ),
            (
                Some("2026-11-01T00:00:00Z"),
                Some("2027-01-01T00:00:00Z"),
                None,
                Ok("2026-11-01T00:00:00.000Z 2026-11-23T10:00:00.000Z"),
            ),
            (None, None, Some(0), Err("days out_of_range")),
            (None, None, Some(401), Err("days out_of_range")),
            (None, None, Some(i64::MAX), Err("days out_of_range")),
            (Some("2026-11-01T00:00:00Z"), None, Some(3), Err("days conflicting")),
            (None, Some("2026-11-01T00:00:00Z"), None, Err("from missing")),
            (Some("2026-12-01T00:00:00Z"), None, None, Err("from out_of_range")),
            (Some("2026-11-02T00:00:00Z"), Some("2026-11-02T00:00:00Z"), None, Err("from out_of_range")),
            (Some("1969-11-02T00:00:00Z"), Some("1970-11-02T00:00:00Z"), None, Err("from out_of_range")),
            (Some("2025-10-01T00:00:00Z"), None, None, Err("from too_long")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(read(from, to, days), expected, "{from:?} {to:?} {days:?}");
        }
    }
}
