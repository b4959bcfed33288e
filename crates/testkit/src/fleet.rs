//! Monitors without HTTP: an organization with one service, and monitors of it written straight into the store.

use domain::id::{MonitorId, OrgId, ServiceId, UserId};
use domain::monitor::{Method, Monitor, MonitorKind, MonitorState, Settings, Tags};
use domain::organization::{Organization, Role};
use domain::plan::Tier;
use domain::service::{IncidentMode, Service};
use domain::time::Timestamp;
use domain::user::User;
use store::organizations::Membership;
use store::{Database, OrgScope};
use uuid::Uuid;

use crate::START;

/// An organization, its owner and a service for monitors to stand on.
#[derive(Clone)]
pub struct Fleet {
    pub db: Database,
    pub owner: Membership,
    pub service: ServiceId,
    number: u128,
}

impl Fleet {
    /// Organization `number`; two fleets of one database need different numbers.
    pub async fn new(db: &Database, number: u128, tier: Tier) -> Self {
        let (organization, user) =
            (OrgId::new(Uuid::from_u128(number)), UserId::new(Uuid::from_u128(number)));
        let mut tx = db.write().await.unwrap();
        store::users::insert(&mut tx, &owner(user, number)).await.unwrap();
        let row = Organization {
            id: organization,
            slug: format!("fleet-{number}"),
            name: format!("Fleet {number}"),
            tier,
            created_at: START,
            updated_at: START,
            deleted_at: None,
        };
        let scope = store::organizations::insert_unless_taken(&mut tx, &row).await.unwrap().unwrap();
        store::organizations::insert_member(&mut tx, scope, user, Role::Owner, START).await.unwrap();
        tx.commit().await.unwrap();
        let mut conn = db.read().await.unwrap();
        let owner =
            store::organizations::find_membership(&mut conn, user, organization).await.unwrap().unwrap();
        drop(conn);
        let mut fleet = Self { db: db.clone(), owner, service: ServiceId::new(Uuid::nil()), number };
        fleet.service = fleet.adds_service(1).await;
        fleet
    }

    pub fn scope(&self) -> OrgScope {
        self.owner.scope()
    }

    fn id(&self, number: u128) -> Uuid {
        Uuid::from_u128((self.number << 64) | number)
    }

    /// A further service, on no page.
    pub async fn adds_service(&self, number: u128) -> ServiceId {
        self.adds_service_of(number, IncidentMode::default()).await
    }

    /// A further service, on no page, that deals with outages like this.
    pub async fn adds_service_of(&self, number: u128, incident_mode: IncidentMode) -> ServiceId {
        let service = Service {
            id: ServiceId::new(self.id(number)),
            organization_id: self.owner.organization.id,
            name: format!("Service {number}"),
            slug: format!("service-{number}"),
            description: None,
            group_name: None,
            position: 0,
            is_visible: true,
            manual_status: None,
            incident_mode,
            created_at: START,
            updated_at: START,
        };
        let mut tx = self.db.write().await.unwrap();
        store::services::insert(&mut tx, self.scope(), &service).await.unwrap();
        tx.commit().await.unwrap();
        service.id
    }

    /// A monitor that is not stored yet: every 60 s, two failures open, one success closes.
    pub fn monitor(&self, number: u128, url: &str) -> Monitor {
        Monitor {
            id: MonitorId::new(self.id(number)),
            organization_id: self.owner.organization.id,
            service_id: self.service,
            parent_id: None,
            kind: MonitorKind::Http,
            name: None,
            url: url.to_owned(),
            method: Method::Get,
            settings: Settings::default(),
            sealed_secrets: None,
            expected_status: 200,
            timeout_seconds: 10,
            interval_seconds: 60,
            planned_interval_seconds: 60,
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
            created_at: START,
            updated_at: START,
        }
    }

    /// Stores monitors that are due at `due_at`.
    pub async fn adds(&self, monitors: &[Monitor], due_at: Timestamp) {
        let mut tx = self.db.write().await.unwrap();
        for monitor in monitors {
            store::monitors::insert(&mut tx, self.scope(), monitor, due_at).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Stores so many plain monitors of one address, due at `due_at`.
    pub async fn adds_many(&self, count: u128, url: &str, due_at: Timestamp) -> Vec<MonitorId> {
        let monitors: Vec<Monitor> = (1..=count).map(|number| self.monitor(number, url)).collect();
        self.adds(&monitors, due_at).await;
        monitors.iter().map(|monitor| monitor.id).collect()
    }

    /// The stored monitor; panics when it is gone.
    pub async fn finds(&self, id: MonitorId) -> Monitor {
        let mut conn = self.db.read().await.unwrap();
        store::monitors::find(&mut conn, self.scope(), id).await.unwrap().unwrap()
    }
}

fn owner(id: UserId, number: u128) -> User {
    let email = format!("owner-{number}@example.org");
    User {
        id,
        email: email.clone(),
        email_display: email,
        password_hash: "$argon2id$".to_owned(),
        display_name: None,
        is_email_verified: true,
        totp_secret: None,
        totp_confirmed_at: None,
        totp_last_step: 0,
        created_at: START,
        updated_at: START,
    }
}
