//! Response times of one monitor as a chart: from roll-ups of hours or days to shapes. Pure; times are UTC.

use std::fmt::Write as _;

use domain::latency::Latency;
use domain::rollup::Rollup;
use domain::time::{DAY_MS, Day, HOUR_MS, Interval, Timestamp};

use crate::view::dashboard::chart::{Chart, HEIGHT, Row, STEP, Series, Tick};
use crate::words;

/// What a person can choose with `?range=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    Day,
    Week,
    Quarter,
}

impl Range {
    pub(crate) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Quarter];

    /// The shortest one when the word is none of ours.
    pub(crate) fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|range| range.key() == word).unwrap_or(Self::Day)
    }

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Quarter => "90d",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Quarter => "90 d",
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Day => "last 24 hours",
            Self::Week => "last 7 days",
            Self::Quarter => "last 90 days",
        }
    }

    pub(crate) const fn is_in_days(self) -> bool {
        matches!(self, Self::Quarter)
    }

    /// Length of a column.
    const fn grain_ms(self) -> i64 {
        if self.is_in_days() { DAY_MS } else { HOUR_MS }
    }

    const fn count(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Week => 168,
            Self::Quarter => 90,
        }
    }

    /// Whole hours or days since 1970: the first, and the one after the last, which is under way.
    pub(crate) const fn buckets(self, now: Timestamp) -> (i64, i64) {
        let end = now.ms().div_euclid(self.grain_ms()) + 1;
        (end - self.count(), end)
    }

    /// Where its first column begins.
    pub(crate) const fn begin(self, now: Timestamp) -> Timestamp {
        Timestamp::from_ms(self.buckets(now).0 * self.grain_ms())
    }
}

/// Everything that good answers of a range say together.
pub(crate) fn sketch(rollups: &[Rollup]) -> Latency {
    let mut all = Latency::default();
    for rollup in rollups {
        all.merge(&rollup.latency);
    }
    all
}

/// `None`: nothing answered in that time. `outages`: when it was down.
pub(crate) fn of(range: Range, rollups: &[Rollup], outages: &[Interval], now: Timestamp) -> Option<Chart> {
    let all = sketch(rollups);
    let (median, slow) = (all.percentile(500)?, all.percentile(950)?);
    let first = range.buckets(now).0;
    let slowest = rollups.iter().filter_map(|rollup| rollup.latency.percentile(950)).max()?;
    let tallest = rollups.iter().filter_map(Rollup::mean_ms).max()?;
    let step = step_ms(i64::from(slowest).max(tallest));
    let scale = Scale { first, top_ms: step * 4 };
    let line = |class, name, permille, value: u32| Series {
        class,
        name,
        value: format!("{value} ms"),
        path: scale.line(rollups, permille),
    };
    let failed: i32 = rollups.iter().map(|rollup| rollup.down).sum();
    let failures = if failed == 0 { "no check failed".to_owned() } else { format!("{failed} checks failed") };
    Some(Chart {
        title: format!("Response time, {}", range.words()),
        description: format!(
            "Half of the answers came within {median} ms, 95 percent within {slow} ms; {failures}."
        ),
        grain: if range.is_in_days() { "Each column is a day" } else { "Each column is an hour" },
        width: range.count() * STEP,
        heights: heights(step),
        times: times(range, now),
        columns: columns(&scale, rollups),
        lines: vec![line("p50", "Median", 500, median), line("p95", "95 % within", 950, slow)],
        outages: outage_path(range, outages, now),
        heads: vec!["Median", "95 %", "DNS", "Connect", "TLS", "First byte", "Checks", "Failed"],
        rows: rollups.iter().rev().map(|rollup| row(range, rollup)).collect(),
    })
}

/// From buckets and milliseconds to the box of the paths.
struct Scale {
    first: i64,
    top_ms: i64,
}

impl Scale {
    fn x(&self, rollup: &Rollup) -> i64 {
        (rollup.bucket - self.first) * STEP
    }

    fn height(&self, ms: i64) -> i64 {
        ms * HEIGHT / self.top_ms
    }

    /// Steps from column to column, interrupted where nothing answered.
    fn line(&self, rollups: &[Rollup], permille: u32) -> String {
        let mut path = String::new();
        let mut before = None;
        for rollup in rollups {
            let Some(ms) = rollup.latency.percentile(permille) else { continue };
            let y = HEIGHT - self.height(i64::from(ms));
            let start = if before == Some(rollup.bucket - 1) {
                format!("V{y}")
            } else {
                format!("M{} {y}", self.x(rollup))
            };
            let _ = write!(path, "{start}h{STEP}");
            before = Some(rollup.bucket);
        }
        path
    }
}

/// Mean milliseconds of the phases, from the ground up, and what is left of the mean.
fn parts(rollup: &Rollup) -> [i64; 5] {
    let count = i64::from(rollup.response_time_count);
    let mean = |sum: i64| sum.checked_div(count).unwrap_or(0);
    let phases = rollup.phases;
    let known =
        [mean(phases.dns_ms), mean(phases.connect_ms), mean(phases.tls_ms), mean(phases.first_byte_ms)];
    let rest = (rollup.mean_ms().unwrap_or(0) - known.iter().sum::<i64>()).max(0);
    let [dns, connect, tls, first_byte] = known;
    [dns, connect, tls, first_byte, rest]
}

fn columns(scale: &Scale, rollups: &[Rollup]) -> Vec<Series> {
    const PARTS: [(&str, &str); 5] =
        [("g1", "DNS"), ("g2", "Connect"), ("g3", "TLS"), ("g4", "First byte"), ("g5", "Rest")];
    let mut paths: [String; 5] = Default::default();
    let mut sums = [0_i64; 5];
    let mut count = 0_i64;
    for rollup in rollups.iter().filter(|rollup| rollup.response_time_count > 0) {
        let of_all = i64::from(rollup.response_time_count);
        count += of_all;
        let mut ground_ms = 0;
        for ((path, sum), ms) in paths.iter_mut().zip(&mut sums).zip(parts(rollup)) {
            let (low, high) = (scale.height(ground_ms), scale.height(ground_ms + ms));
            if high > low {
                let x = scale.x(rollup) + 1;
                let _ = write!(path, "M{x} {}h{}v{}h-{}z", HEIGHT - low, STEP - 2, low - high, STEP - 2);
            }
            ground_ms += ms;
            *sum += ms * of_all;
        }
    }
    let series = PARTS.into_iter().zip(paths).zip(sums).map(|(((class, name), path), sum)| Series {
        class,
        name,
        value: format!("{} ms", sum.checked_div(count).unwrap_or(0)),
        path,
    });
    series.filter(|series| !series.path.is_empty()).collect()
}

/// A step of the height such that four of them hold the highest value.
fn step_ms(highest: i64) -> i64 {
    const STEPS: [i64; 15] = [1, 5, 10, 25, 50, 100, 150, 250, 500, 1000, 1500, 2500, 5000, 10_000, 15_000];
    STEPS.into_iter().find(|step| step * 4 >= highest).unwrap_or_else(|| highest / 4 + 1)
}

fn heights(step: i64) -> Vec<Tick> {
    (0..=4)
        .map(|index| Tick {
            at: format!("{}%", index * 25),
            text: (step * (4 - index)).to_string(),
            is_minor: false,
        })
        .collect()
}

/// Every sixth hour of a day, with every third where there is room; the days of a week; first and middle of each month.
fn times(range: Range, now: Timestamp) -> Vec<Tick> {
    let (first, end) = range.buckets(now);
    let tick = |bucket: i64| {
        let at = Timestamp::from_ms(bucket * range.grain_ms());
        let (text, is_minor) = match range {
            Range::Day => match bucket.rem_euclid(24) {
                hour if hour % 3 == 0 => (clock(at), hour % 6 != 0),
                _ => return None,
            },
            Range::Week => match bucket.rem_euclid(24) {
                0 => (words::day(at.day()), at.day().0 % 2 != 0),
                _ => return None,
            },
            Range::Quarter => match at.to_jiff().strftime("%d").to_string().as_str() {
                "01" => (words::day(at.day()), false),
                "15" => (words::day(at.day()), true),
                _ => return None,
            },
        };
        // A word at the very end would be cut.
        let permille = (bucket - first) * 1000 / (end - first);
        (permille <= 940).then(|| Tick { at: percent(permille), text, is_minor })
    };
    (first..end).filter_map(tick).collect()
}

/// "10:00".
fn clock(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M").to_string()
}

fn percent(permille: i64) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}

fn outage_path(range: Range, outages: &[Interval], now: Timestamp) -> String {
    let begin = range.begin(now);
    let whole = Interval { start: begin, end: begin.plus_ms(range.count() * range.grain_ms()) };
    let mut path = String::new();
    for outage in outages.iter().filter_map(|outage| outage.intersect(whole)) {
        let x = outage.start.since(begin) * STEP / range.grain_ms();
        // A short one is still to be seen.
        let width = (outage.length_ms() * STEP / range.grain_ms()).max(range.count() * STEP / 200).max(1);
        let _ = write!(path, "M{x} 0h{width}v{HEIGHT}h-{width}z");
    }
    path
}

fn row(range: Range, rollup: &Rollup) -> Row {
    let at = if range.is_in_days() {
        words::date(Day(rollup.bucket).start())
    } else {
        let at = Timestamp::from_ms(rollup.bucket * HOUR_MS);
        format!("{}, {}", words::day(at.day()), clock(at))
    };
    let ms = |value: Option<i64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
    let percentile = |permille| ms(rollup.latency.percentile(permille).map(i64::from));
    let [dns, connect, tls, first_byte, _] =
        parts(rollup).map(|part| ms(Some(part).filter(|_| rollup.response_time_count > 0)));
    let checks = rollup.up + rollup.degraded + rollup.down + rollup.no_data;
    let cells = vec![
        percentile(500),
        percentile(950),
        dns,
        connect,
        tls,
        first_byte,
        checks.to_string(),
        rollup.down.to_string(),
    ];
    Row { at, cells }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::rollup::PhaseSums;

    /// 23 Nov 2026, 10:02:11.
    const NOW: Timestamp = Timestamp::from_ms(1_795_428_131_120);

    fn hour(ago: i64, took_ms: u32) -> Rollup {
        let mut latency = Latency::default();
        latency.add(took_ms);
        Rollup {
            bucket: NOW.hour() - ago,
            up: 1,
            response_time_sum_ms: i64::from(took_ms),
            response_time_count: 1,
            phases: PhaseSums { dns_ms: 2, connect_ms: 3, tls_ms: 5, first_byte_ms: 10 },
            latency,
            ..Rollup::default()
        }
    }

    #[test]
    fn a_range_ends_with_the_hour_or_day_that_is_under_way() {
        for (range, count) in [(Range::Day, 24), (Range::Week, 168), (Range::Quarter, 90)] {
            let (first, end) = range.buckets(NOW);
            assert_eq!(end - first, count, "{range:?}");
            assert_eq!(Range::parse(range.key()), range);
        }
        assert_eq!(Range::Day.buckets(NOW).1, NOW.hour() + 1);
        assert_eq!(Range::Quarter.buckets(NOW).1, NOW.day().0 + 1);
        assert_eq!(Range::parse("for ever"), Range::Day);
    }

    #[test]
    fn gaps_stay_gaps_and_neighbours_are_joined() {
        let chart = of(Range::Day, &[hour(20, 40), hour(19, 40), hour(2, 40)], &[], NOW).unwrap();
        let line = &chart.lines[0].path;
        assert_eq!(line.matches('M').count(), 2, "{line}");
        assert_eq!(line.matches('V').count(), 1, "{line}");
        assert_eq!(line.matches('h').count(), 3, "{line}");
        assert_eq!(chart.rows.len(), 3);
    }

    #[test]
    fn columns_are_stacked_by_phase_with_what_is_left_on_top() {
        let chart = of(Range::Day, &[hour(0, 25)], &[], NOW).unwrap();
        let told: Vec<_> = chart.columns.iter().map(|part| (part.name, part.value.as_str())).collect();
        let expected = [
            ("DNS", "2 ms"),
            ("Connect", "3 ms"),
            ("TLS", "5 ms"),
            ("First byte", "10 ms"),
            ("Rest", "5 ms"),
        ];
        assert_eq!(told, expected);
        // 40 ms are the height, so 2 ms are a twentieth of it, at the right end and on the ground.
        assert_eq!(chart.columns[0].path, "M231 1000h8v-50h-8z");
        assert_eq!(chart.columns[1].path, "M231 950h8v-75h-8z");
    }

    #[test]
    fn an_outage_is_drawn_where_it_was_and_never_vanishes() {
        let begin = Range::Day.begin(NOW);
        let outage = |from: i64, to: i64| Interval { start: begin.plus_ms(from), end: begin.plus_ms(to) };
        let path = outage_path(Range::Day, &[outage(HOUR_MS, 3 * HOUR_MS)], NOW);
        assert_eq!(path, "M10 0h20v1000h-20z");
        assert_eq!(outage_path(Range::Day, &[outage(0, 1000)], NOW), "M0 0h1v1000h-1z");
        assert_eq!(outage_path(Range::Day, &[outage(-HOUR_MS, 0)], NOW), "");
    }

    #[test]
    fn nothing_answered_is_no_chart() {
        assert!(of(Range::Day, &[], &[], NOW).is_none());
        let failed = Rollup { bucket: NOW.hour(), down: 3, ..Rollup::default() };
        assert!(of(Range::Day, &[failed], &[], NOW).is_none());
    }

    #[test]
    fn the_height_is_a_round_number_that_holds_the_highest() {
        for (highest, step) in [(1, 1), (4, 1), (5, 5), (38, 10), (460, 150), (601, 250), (60_000, 15_000)] {
            assert_eq!(step_ms(highest), step, "{highest}");
        }
        assert!(step_ms(200_000) * 4 >= 200_000);
    }

    #[test]
    fn words_of_the_axis_are_few_and_inside() {
        let texts = |range| times(range, NOW).into_iter().map(|tick| tick.text).collect::<Vec<_>>();
        assert_eq!(
            texts(Range::Day),
            ["12:00", "15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00"]
        );
        assert_eq!(texts(Range::Week).len(), 7);
        assert_eq!(texts(Range::Quarter), ["1 Sep", "15 Sep", "1 Oct", "15 Oct", "1 Nov", "15 Nov"]);
    }
}
