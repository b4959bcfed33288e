//! Fills a database as the product would have filled it: owners, organizations, pages, services, monitors, history.

use actions::Context;
use anyhow::Context as _;
use domain::check::CheckStatus;
use domain::id::{MonitorId, OrgId, PageId, ServiceId, UserId};
use domain::monitor::{Method, Monitor, MonitorKind, MonitorState, Settings, Tags};
use domain::organization::{Organization, Role};
use domain::plan::Tier;
use domain::service::Service;
use domain::status_page::{Placement, StatusPage};
use domain::time::{DAY_MS, Timestamp};
use domain::user::User;
use domain::verdict::MonitorVerdict;
use store::{OrgScope, Tx};

/// The owner of everything.
pub(crate) const EMAIL: &str = "alice@example.com";
pub(crate) const PASSWORD: &str = "long enough to be fine";
/// The only page of every organization.
const PAGE: &str = "status";
/// Days of history that a page shows.
const DAYS: i64 = 90;

/// The way to write: one transaction, one instant.
pub(crate) struct Seed<'a> {
    ctx: &'a Context,
    tx: Tx,
    now: Timestamp,
    owner: UserId,
}

/// Where a service was put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) scope: OrgScope,
    pub(crate) page: PageId,
}

impl<'a> Seed<'a> {
    /// Makes the owner.
    pub(crate) async fn begin(ctx: &'a Context) -> anyhow::Result<Self> {
        let now = ctx.now();
        let password_hash = ctx.passwords.hash(PASSWORD, &ctx.ids.secret()).await?;
        let owner = UserId::new(ctx.uuid(now));
        let user = User {
            id: owner,
            email: EMAIL.to_owned(),
            email_display: EMAIL.to_owned(),
            password_hash,
            display_name: None,
            is_email_verified: true,
            totp_secret: None,
            totp_confirmed_at: None,
            totp_last_step: 0,
            created_at: now,
            updated_at: now,
        };
        let mut tx = ctx.db.write().await?;
        store::users::insert(&mut tx, &user).await?;
        Ok(Self { ctx, tx, now, owner })
    }

    pub(crate) async fn commit(self) -> anyhow::Result<()> {
        self.tx.commit().await?;
        self.ctx.db.close().await;
        Ok(())
    }

    /// An organization that began before the history, with one public page: `/p/{slug}`.
    pub(crate) async fn organization(&mut self, slug: &str) -> anyhow::Result<Place> {
        let began = self.now.plus_ms(-(DAYS + 10) * DAY_MS);
        let organization = Organization {
            id: OrgId::new(self.ctx.uuid(self.now)),
            slug: slug.to_owned(),
            name: format!("{slug} Ltd"),
            tier: Tier::Team,
            created_at: began,
            updated_at: began,
            deleted_at: None,
        };
        let scope = store::organizations::insert_unless_taken(&mut self.tx, &organization).await?;
        let scope = scope.context("the slug is taken")?;
        store::organizations::insert_member(&mut self.tx, scope, self.owner, Role::Owner, self.now).await?;
        let page = StatusPage {
            id: PageId::new(self.ctx.uuid(self.now)),
            organization_id: organization.id,
            slug: PAGE.to_owned(),
            title: organization.name,
            is_public: true,
            is_default: true,
            time_zone: domain::zone::Zone::UTC,
            rule: domain::uptime::Rule::default(),
            created_at: began,
            updated_at: began,
        };
        store::status_pages::insert(&mut self.tx, scope, &page).await?;
        Ok(Place { scope, page: page.id })
    }

    /// A service on the page, in the group.
    pub(crate) async fn service(
        &mut self,
        place: Place,
        position: i32,
        group: &str,
    ) -> anyhow::Result<ServiceId> {
        let began = self.now.plus_ms(-(DAYS + 10) * DAY_MS);
        let service = Service {
            id: ServiceId::new(self.ctx.uuid(self.now)),
            organization_id: place.scope.organization_id(),
            name: format!("Service number {position}"),
            slug: format!("service-{position}"),
            description: Some(format!("What service number {position} does for its users")),
            group_name: Some(group.to_owned()),
            position,
            is_visible: true,
            manual_status: None,
            incident_mode: domain::service::IncidentMode::default(),
            created_at: began,
            updated_at: began,
        };
        store::services::insert(&mut self.tx, place.scope, &service).await?;
        let placement = Placement {
            organization_id: place.scope.organization_id(),
            status_page_id: place.page,
            service_id: service.id,
            public_name: None,
            group_name: None,
            position: None,
            is_visible: true,
        };
        store::services::insert_placement(&mut self.tx, place.scope, &placement, self.now).await?;
        Ok(service.id)
    }

    /// A monitor without results, due at `due_at`; `url` is made from its id.
    pub(crate) async fn monitor(
        &mut self,
        place: Place,
        service: ServiceId,
        interval_seconds: i32,
        due_at: impl FnOnce(MonitorId, Timestamp) -> Timestamp,
        url: impl FnOnce(MonitorId) -> String,
    ) -> anyhow::Result<MonitorId> {
        let began = self.now.plus_ms(-(DAYS + 10) * DAY_MS);
        let id = MonitorId::new(self.ctx.uuid(self.now));
        let monitor = Monitor {
            id,
            organization_id: place.scope.organization_id(),
            service_id: service,
            parent_id: None,
            kind: MonitorKind::Http,
            name: None,
            url: url(id),
            method: Method::Get,
            settings: Settings::default(),
            sealed_secrets: None,
            expected_status: 200,
            timeout_seconds: 10,
            interval_seconds,
            planned_interval_seconds: interval_seconds,
            failures_to_open: 2,
            successes_to_close: 1,
            min_outage_seconds: 0,
            degraded_above_ms: None,
            is_active: true,
            state: MonitorState::NoData,
            state_since: None,
            run_length: 0,
            run_status: None,
            run_started_at: None,
            last_checked_at: None,
            last_failure: None,
            last_status_code: None,
            last_response_time_ms: None,
            certificate_expires_at: None,
            flapping_since: None,
            tags: Tags::default(),
            snoozed_until: None,
            created_at: began,
            updated_at: began,
        };
        store::monitors::insert(&mut self.tx, place.scope, &monitor, due_at(id, self.now)).await?;
        Ok(id)
    }

    /// Ninety days of history that ends now: up, with an outage of some minutes every `every` days.
    pub(crate) async fn history(
        &mut self,
        place: Place,
        service: ServiceId,
        monitor: MonitorId,
        every: i64,
    ) -> anyhow::Result<()> {
        let mut up_since = self.now.plus_ms(-(DAYS + 5) * DAY_MS);
        let mut spans = vec![(MonitorState::Up, up_since)];
        for day in (1..DAYS).filter(|day| day % every == 0) {
            let down_at = self.now.plus_ms(-(DAYS - day) * DAY_MS);
            up_since = down_at.plus_s(60 * (3 + day % 17));
            spans.extend([(MonitorState::Down, down_at), (MonitorState::Up, up_since)]);
        }
        for (state, at) in spans {
            store::state_intervals::close(&mut self.tx, place.scope, monitor, at).await?;
            store::state_intervals::open(&mut self.tx, place.scope, monitor, service, state, at).await?;
        }
        let verdict = MonitorVerdict {
            state: MonitorState::Up,
            state_since: Some(up_since),
            run_status: Some(CheckStatus::Up),
            run_length: 1000,
            run_started_at: Some(up_since),
            last_checked_at: Some(self.now),
            flapping_since: None,
        };
        store::monitors::update_verdict(&mut self.tx, place.scope, monitor, &verdict).await?;
        Ok(())
    }
}
