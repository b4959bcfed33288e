//! What a page says in figures: the state and the uptime of each of its services. Documents, feed and badges are written
//! from it, by the function that the page is drawn with (`timeline::Seen::uptime`, D8).

use domain::id::{PageId, ServiceId};
use domain::overview::Indicator;
use domain::plan::{Feature, Limits};
use domain::service::ServiceStatus;
use domain::time::{DAY_MS, Interval, Timestamp};
use store::page_view::{PlacedService, PublicPage};

use super::assemble::{Facts, standing};
use super::timeline::{DAYS, Lens, shown};
use crate::view::State;

/// How far back a percentage looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// The last 24 hours.
    Day,
    /// So many days of the page's zone, today included.
    Week,
    Month,
    /// As on the page.
    Quarter,
}

impl Period {
    pub(super) const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The word in addresses.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    fn lens(self, page: &Lens) -> Lens {
        let days = match self {
            Self::Day => {
                let window = Interval { start: page.now.plus_ms(-DAY_MS), end: page.now };
                return Lens { window, ..page.clone() };
            }
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => DAYS,
        };
        Lens::of_days(days, page.zone.clone(), page.rule, page.now)
    }
}

/// State and uptime of all services of a page at one moment.
#[derive(Debug)]
pub struct Figures {
    pub(super) id: PageId,
    pub(super) title: String,
    /// Absolute, of the page.
    pub(super) url: String,
    pub(super) time_zone: String,
    /// When something on the page changed last.
    pub(super) changed_at: Timestamp,
    pub(super) indicator: Indicator,
    /// The headline of the page, in words.
    pub(super) description: String,
    pub(super) state: State,
    /// Whether the tier of the organization has badges with percentages (S42).
    pub(super) has_sla_badge: bool,
    /// In the order of the page.
    pub(super) services: Vec<ServiceFigures>,
}

#[derive(Debug)]
pub(super) struct ServiceFigures {
    pub(super) id: ServiceId,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) status: ServiceStatus,
    /// As drawn: without data it is not said to work.
    pub(super) state: State,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// For the periods that were asked for. `None`: no data.
    uptimes: Vec<(Period, Option<u32>)>,
}

impl ServiceFigures {
    /// In 1/100 000, rounded down. `None`: no data, or not asked for.
    pub(super) fn uptime(&self, period: Period) -> Option<u32> {
        self.uptimes.iter().find(|(known, _)| *known == period).and_then(|(_, uptime)| *uptime)
    }
}

impl Figures {
    pub(super) fn of(
        open: &PublicPage,
        url: String,
        facts: &Facts,
        limits: &Limits,
        periods: &[Period],
    ) -> Self {
        let standing = standing(facts, limits);
        let uptimes = |service: &PlacedService| {
            let uptime = |period: &Period| {
                (*period, facts.seen.uptime(limits, service, &period.lens(&facts.lens)).uptime)
            };
            periods.iter().map(uptime).collect()
        };
        let services =
            facts.services.iter().zip(&standing.statuses).map(|(service, effective)| ServiceFigures {
                id: service.id,
                name: service.name.clone(),
                description: service.description.clone(),
                status: effective.status,
                state: shown(*effective),
                created_at: service.created_at,
                updated_at: service.updated_at,
                uptimes: uptimes(service),
            });
        Self {
            id: open.page.id,
            title: open.page.title.clone(),
            url,
            time_zone: open.page.time_zone.name().to_owned(),
            changed_at: changed_at(open, facts),
            indicator: standing.indicator,
            description: standing.headline.title,
            state: standing.headline.state,
            has_sla_badge: limits.has(Feature::SlaBadge),
            services: services.collect(),
        }
    }
}

/// The newest of everything that can be seen on the page to have changed.
fn changed_at(open: &PublicPage, facts: &Facts) -> Timestamp {
    let services = facts.services.iter().map(|service| service.updated_at);
    let updates = facts.updates.iter().map(|update| update.created_at);
    let incidents =
        facts.seen.incidents.iter().flat_map(|one| [Some(one.started_at), one.resolved_at]).flatten();
    let flips = facts.seen.intervals.iter().flat_map(|span| [Some(span.started_at), span.ended_at]).flatten();
    let all = services.chain(updates).chain(incidents).chain(flips);
    all.filter(|at| *at <= facts.lens.now).fold(open.page.updated_at, Timestamp::max)
}
