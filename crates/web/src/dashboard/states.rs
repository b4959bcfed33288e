//! The state of every service of an organization, as its pages would show it.

use domain::plan::Limits;
use domain::service::Service;
use domain::time::{DAY_MS, Timestamp};
use domain::uptime::format_percent;
use store::page_view::{PlacedMonitor, PlacedService};

use super::screen::Screen;
use crate::error::Problem;
use crate::public::timeline::{DAYS, Seen, shown};
use crate::view::State;

pub(crate) struct States {
    seen: Seen,
    limits: Limits,
    now: Timestamp,
}

impl States {
    pub(crate) async fn load(screen: &Screen) -> Result<Self, Problem> {
        let since = screen.now().plus_ms(-DAYS * DAY_MS);
        let mut conn = screen.read().await?;
        let seen = Seen {
            monitors: store::overview::list_monitors(&mut conn, screen.scope()).await?,
            intervals: store::overview::list_intervals(&mut conn, screen.scope(), since).await?,
            incidents: store::overview::list_effects(&mut conn, screen.scope(), since).await?,
        };
        Ok(Self { seen, limits: screen.limits(), now: screen.now() })
    }

    pub(crate) fn of(&self, service: &Service) -> State {
        shown(self.seen.effective(&self.limits, &placed(service), self.now))
    }

    /// "99.966 %"; "–" without data.
    pub(crate) fn uptime(&self, service: &Service) -> String {
        let uptime = self.seen.uptime(&self.limits, &placed(service), self.now);
        uptime.uptime.map_or_else(|| "–".to_owned(), format_percent)
    }

    pub(crate) fn monitors_of(&self, service: &Service) -> usize {
        let of_service = |monitor: &&PlacedMonitor| monitor.service_id == service.id;
        self.seen.monitors.iter().filter(of_service).filter(|monitor| monitor.deleted_at.is_none()).count()
    }
}

fn placed(service: &Service) -> PlacedService {
    PlacedService {
        id: service.id,
        name: service.name.clone(),
        description: None,
        group_name: None,
        manual_status: service.manual_status,
        created_at: service.created_at,
    }
}
