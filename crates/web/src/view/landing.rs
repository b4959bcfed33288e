//! The landing page. Its example is the markup of a real status page, not a picture of one.

use super::plan::TierTable;
use super::{Site, State};
use crate::bars::{Bar, DAYS, Ruler, Strip};
use askama::Template;
use domain::time::Day;

/// `GET /`.
#[derive(Debug, Clone, Template)]
#[template(path = "landing/landing.html")]
pub struct LandingPage {
    site: Site,
    is_logged_in: bool,
    tiers: TierTable,
    ruler: Ruler,
    samples: Vec<Sample>,
}

#[derive(Debug, Clone)]
struct Sample {
    name: &'static str,
    uptime: &'static str,
    note: &'static str,
    strip: Strip,
}

impl LandingPage {
    pub fn new(site: Site, is_logged_in: bool, today: Day) -> Self {
        use State::{Degraded, Major, Partial};
        let samples = vec![
            sample(
                "api",
                "API",
                "99.996 %",
                "4 min down",
                today,
                &[(18, Partial, "14 min"), (70, Degraded, "23 min")],
            ),
            sample("web", "Website", "100 %", "none down", today, &[]),
            sample("mail", "E-mail", "99.983 %", "21 min down", today, &[(47, Major, "21 min")]),
        ];
        Self { site, is_logged_in, tiers: TierTable::new(None), ruler: Ruler::ending(today, DAYS), samples }
    }
}

fn sample(
    id: &str,
    name: &'static str,
    uptime: &'static str,
    note: &'static str,
    today: Day,
    events: &[(usize, State, &str)],
) -> Sample {
    let bars = (0..DAYS)
        .map(|index| {
            let event = events.iter().find(|event| event.0 == index);
            let back = i64::try_from(DAYS - 1 - index).unwrap_or(0);
            Bar {
                state: event.map_or(State::Operational, |event| event.1),
                day: crate::words::day(today.plus(-back)),
                note: event.map_or_else(String::new, |event| event.2.to_owned()),
            }
        })
        .collect();
    let label = format!("{name}, last 90 days: {uptime}");
    Sample { name, uptime, note, strip: Strip { id: format!("sample-{id}"), label, bars } }
}
