//! Time zones of the IANA database, which decide where a day begins (X37). The database is part of the program, so that
//! a name that was taken once is known on every machine and means the same there.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::time::{Day, Interval, Timestamp};

static KNOWN: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
static EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

/// A zone by its name in the IANA database: `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// No zone has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Choose a time zone of the IANA database, such as Europe/Berlin or UTC.")]
pub struct UnknownZone;

impl Zone {
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Case does not matter; the name is kept as the database spells it.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("UTC") {
            return Ok(Self::UTC);
        }
        let found = KNOWN.get(name).map_err(|_| UnknownZone)?;
        if found.is_unknown() || found.iana_name().is_none() { Err(UnknownZone) } else { Ok(Self(found)) }
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The names that [`Self::parse`] takes, for lists to choose from.
    pub fn names() -> Vec<String> {
        KNOWN.available().map(|name| name.as_str().to_owned()).collect()
    }

    /// Date and clock of this zone.
    pub fn at(&self, instant: Timestamp) -> jiff::Zoned {
        instant.to_jiff().to_zoned(self.0.clone())
    }

    /// The day on the calendar of this zone.
    pub fn day(&self, instant: Timestamp) -> Day {
        Day(i64::from((self.0.to_datetime(instant.to_jiff()).date() - EPOCH).get_days()))
    }

    /// The first instant of a day. A day that the calendar of the zone skipped begins where the next one does.
    pub fn start(&self, day: Day) -> Timestamp {
        let date = TimeZone::UTC.to_datetime(day.start().to_jiff()).date();
        let midnight = date.to_zoned(self.0.clone()).and_then(|midnight| midnight.start_of_day());
        midnight.map_or_else(
            |_| day.start(),
            |midnight| Timestamp::from_ms(midnight.timestamp().as_millisecond()),
        )
    }

    /// A window cut where days of this zone begin, in order. Days are 24 hours long but for those on which clocks are
    /// set: 23 and 25, or what the zone decides.
    pub fn days(&self, window: Interval) -> Vec<(Day, Interval)> {
        let mut days = Vec::new();
        let (mut day, mut start) = (self.day(window.start), window.start);
        while start < window.end {
            let next = self.start(day.plus(1)).min(window.end);
            if next > start {
                days.push((day, Interval { start, end: next }));
                start = next;
            }
            day = day.plus(1);
        }
        days
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

/// For what was stored: a name that this program does not know is UTC, so that a page never fails for it.
impl From<String> for Zone {
    fn from(name: String) -> Self {
        Self::parse(&name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY_MS, HOUR_MS};
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hours(zone: &str, day: &str) -> i64 {
        let zone = Zone::parse(zone).unwrap();
        let day = at(&format!("{day}T12:00:00Z")).day();
        zone.start(day.plus(1)).since(zone.start(day)) / HOUR_MS
    }

    #[test]
    fn names_are_taken_in_any_case_and_kept_as_the_database_spells_them() {
        for (given, kept) in [
            ("UTC", "UTC"),
            ("utc", "UTC"),
            (" europe/berlin ", "Europe/Berlin"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ] {
            assert_eq!(Zone::parse(given).map(|zone| zone.name().to_owned()), Ok(kept.to_owned()), "{given}");
        }
        for wrong in ["", "Mars/Olympus", "Etc/Unknown", "+02:00", "../etc/passwd", "CEST", "Europe/Berlin\0"]
        {
            assert_eq!(Zone::parse(wrong), Err(UnknownZone), "{wrong:?}");
        }
        assert_eq!(Zone::from("Mars/Olympus".to_owned()), Zone::UTC);
        let names = Zone::names();
        assert!(names.len() > 400, "{}", names.len());
        assert!(names.iter().all(|name| Zone::parse(name).is_ok()));
    }

    #[test]
    fn days_on_which_clocks_are_set_are_shorter_or_longer() {
        // X37
        assert_eq!(hours("Europe/Berlin", "2026-03-28"), 24);
        assert_eq!(hours("Europe/Berlin", "2026-03-29"), 23);
        assert_eq!(hours("Europe/Berlin", "2026-10-25"), 25);
        assert_eq!(hours("America/New_York", "2026-11-01"), 25);
        // Clocks are set at midnight itself: the day begins at one o'clock.
        assert_eq!(hours("Africa/Cairo", "2026-04-24"), 23);
        assert_eq!(
            Zone::parse("Africa/Cairo").unwrap().start(at("2026-04-24T12:00:00Z").day()),
            at("2026-04-23T22:00:00Z")
        );
        // A day that never was.
        assert_eq!(hours("Pacific/Apia", "2011-12-30"), 0);
    }

    #[test]
    fn a_window_is_cut_where_the_days_of_the_zone_begin() {
        let zone = Zone::parse("Asia/Kathmandu").unwrap();
        let window = Interval { start: at("2026-11-20T18:00:00Z"), end: at("2026-11-21T18:15:00Z") };
        let days = zone.days(window);
        let cuts: Vec<String> = days.iter().map(|(_, part)| part.start.to_string()).collect();
        assert_eq!(cuts, ["2026-11-20T18:00:00.000Z", "2026-11-20T18:15:00.000Z"]);
        assert_eq!(days[1].0, at("2026-11-21T00:00:00Z").day());
        assert_eq!(days[1].1.length_ms(), DAY_MS);
        assert_eq!(zone.days(Interval { start: window.start, end: window.start }), []);
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_the_day_that_its_zone_says(
            ms in 0_i64..4_000_000_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
                "Pacific/Apia", "Africa/Cairo", "America/Sao_Paulo", "Asia/Kathmandu", "America/Nuuk"]),
        ) {
            let (zone, instant) = (Zone::parse(zone).unwrap(), Timestamp::from_ms(ms));
            let day = zone.day(instant);
            prop_assert!(zone.start(day) <= instant);
            let window = Interval { start: instant.plus_ms(-3 * DAY_MS), end: instant.plus_ms(3 * DAY_MS) };
            let days = zone.days(window);
            prop_assert_eq!(days.iter().map(|(_, part)| part.length_ms()).sum::<i64>(), 6 * DAY_MS);
            prop_assert!(days.windows(2).all(|pair| pair[0].1.end == pair[1].1.start && pair[0].0 < pair[1].0));
        }
    }
}
