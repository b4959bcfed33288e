//! The state of every service of an organization, as its pages would show it.

use domain::plan::Limits;
use domain::service::Service;
use domain::uptime::format_percent;
use store::page_view::{PlacedMonitor, PlacedService};

use super::screen::Screen;
use crate::error::Problem;
use crate::public::timeline::{DAYS, Lens, Seen, shown};
use crate::view::State;

pub(crate) struct States {
    seen: Seen,
    limits: Limits,
    lens: Lens,
}

/// As the default page shows the last days: a service may stand on several, each with a zone and a rule of its own.
pub(crate) async fn lens(screen: &Screen) -> Result<Lens, Problem> {
    let page = store::status_pages::find_default(&mut screen.read().await?, screen.scope()).await?;
    let (zone, rule) = page.map(|page| (page.time_zone, page.rule)).unwrap_or_default();
    Ok(Lens::of_days(DAYS, zone, rule, screen.now()))
}

impl States {
    pub(crate) async fn load(screen: &Screen) -> Result<Self, Problem> {
        let lens = lens(screen).await?;
        let since = lens.window.start;
        let mut conn = screen.read().await?;
        let seen = Seen {
            monitors: store::overview::list_monitors(&mut conn, screen.scope()).await?,
            intervals: store::overview::list_intervals(&mut conn, screen.scope(), since).await?,
            incidents: store::overview::list_effects(&mut conn, screen.scope(), since).await?,
        };
        Ok(Self { seen, limits: screen.limits(), lens })
    }

    pub(crate) fn of(&self, service: &Service) -> State {
        shown(self.seen.effective(&self.limits, &placed(service), self.lens.now))
    }

    /// "99.966 %"; "–" without data.
    pub(crate) fn uptime(&self, service: &Service) -> String {
        let uptime = self.seen.uptime(&self.limits, &placed(service), &self.lens);
        uptime.uptime.map_or_else(|| "–".to_owned(), format_percent)
    }

    pub(crate) fn monitors_of(&self, service: &Service) -> usize {
        let of_service = |monitor: &&PlacedMonitor| monitor.service_id == service.id;
        self.seen.monitors.iter().filter(of_service).filter(|monitor| monitor.deleted_at.is_none()).count()
    }
}

fn placed(service: &Service) -> PlacedService {
    service.clone().into()
}
