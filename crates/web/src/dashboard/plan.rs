//! `/orgs/{org}/plan`: what the tier allows and how much of it is used.

use axum::response::Response;
use domain::plan::{QuotaKind, Tier};

use super::screen::Screen;
use crate::page::html;
use crate::view::dashboard::organization::PlanPage;
use crate::view::plan::{TierTable, Usage};

pub(crate) async fn show(screen: Screen) -> Response {
    let body = async {
        let mut conn = screen.read().await?;
        let used = store::dashboard::count_usage(&mut conn, screen.scope()).await?;
        let seats = store::members::count_seats(&mut conn, screen.scope(), screen.now()).await?;
        drop(conn);
        let limits = screen.limits();
        let usage = QuotaKind::ALL.map(|kind| {
            let count = match kind {
                QuotaKind::StatusPages => used.status_pages,
                QuotaKind::ServicesPerPage => used.services_per_page,
                QuotaKind::MonitorsPerService => used.monitors_per_service,
                QuotaKind::Subscribers => used.subscribers,
                QuotaKind::Members => seats,
            };
            Usage::new(kind, count, limits.quota(kind))
        });
        let organization = &screen.membership.organization;
        let is_enforced = screen.state.ctx.policy.are_plans_enforced;
        let (sentence, way, command) = if is_enforced {
            let command = PlanPage::command_of_operator(&organization.slug);
            (sentence(organization.tier), PlanPage::WAY_BY_OPERATOR, command)
        } else {
            let all = "This installation sets no limits: everything is included.";
            (all.to_owned(), "The tiers are those of an installation that enforces plans.", String::new())
        };
        let tiers = TierTable::new(is_enforced.then_some(organization.tier));
        Ok(html(&PlanPage {
            sentence,
            usage: usage.into(),
            tiers,
            way: way.to_owned(),
            command,
            shell: screen.shell().await?,
        }))
    };
    screen.answer(body).await
}

fn sentence(tier: Tier) -> String {
    format!("{}, ${} a month.", tier.label(), tier.monthly_price_cents() / 100)
}
