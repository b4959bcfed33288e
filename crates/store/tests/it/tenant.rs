//! An organization with an owner, a public page and services on it.

use domain::id::{PageId, ServiceId};
use domain::organization::Role;
use domain::service::Service;
use domain::status_page::{Placement, StatusPage};
use domain::user::User;
use store::{Database, OrgScope};
use testkit::START;
use uuid::Uuid;

use crate::people;

pub(crate) struct Tenant {
    pub(crate) database: Database,
    pub(crate) scope: OrgScope,
    pub(crate) owner: User,
    pub(crate) page: StatusPage,
}

impl Tenant {
    /// Alice's, with a verified owner.
    pub(crate) async fn acme(database: &Database) -> Self {
        let owner = people::alice(database).await;
        let mut tx = database.write().await.unwrap();
        store::users::update_verified(&mut tx, owner.id, &owner.email, START).await.unwrap();
        tx.commit().await.unwrap();
        Self::of(database, owner, "acme", 0x1000).await
    }

    /// Charlie's. Nobody in it has proved an address.
    pub(crate) async fn globex(database: &Database) -> Self {
        let owner = people::bob(database).await;
        Self::of(database, owner, "globex", 0x2000).await
    }

    async fn of(database: &Database, owner: User, slug: &str, number: u128) -> Self {
        let scope = people::organization_of(database, slug, &[(owner.id, Role::Owner)]).await;
        let page = StatusPage {
            id: PageId::new(Uuid::from_u128(number)),
            organization_id: scope.organization_id(),
            slug: "main".to_owned(),
            title: slug.to_owned(),
            is_public: true,
            is_default: true,
            time_zone: domain::zone::Zone::UTC,
            rule: domain::uptime::Rule::default(),
            created_at: START,
            updated_at: START,
        };
        let tenant = Self { database: database.clone(), scope, owner, page };
        tenant.adds_page(&tenant.page).await;
        tenant
    }

    /// A further page.
    pub(crate) async fn adds_page(&self, page: &StatusPage) {
        let mut tx = self.database.write().await.unwrap();
        store::status_pages::insert(&mut tx, self.scope, page).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A visible service that stands on no page.
    pub(crate) async fn adds_service(&self, number: u128, name: &str) -> ServiceId {
        let service = Service {
            id: ServiceId::new(Uuid::from_u128(self.page.id.uuid().as_u128() + 0x100 + number)),
            organization_id: self.scope.organization_id(),
            name: name.to_owned(),
            slug: name.to_lowercase(),
            description: None,
            group_name: None,
            position: 0,
            is_visible: true,
            manual_status: None,
            incident_mode: domain::service::IncidentMode::default(),
            created_at: START,
            updated_at: START,
        };
        let mut tx = self.database.write().await.unwrap();
        store::services::insert(&mut tx, self.scope, &service).await.unwrap();
        tx.commit().await.unwrap();
        service.id
    }

    pub(crate) async fn places(
        &self,
        service: ServiceId,
        page: PageId,
        public_name: Option<&str>,
        is_visible: bool,
    ) {
        let placement = Placement {
            organization_id: self.scope.organization_id(),
            status_page_id: page,
            service_id: service,
            public_name: public_name.map(str::to_owned),
            group_name: None,
            position: None,
            is_visible,
        };
        let mut tx = self.database.write().await.unwrap();
        store::services::insert_placement(&mut tx, self.scope, &placement, START).await.unwrap();
        tx.commit().await.unwrap();
    }
}
