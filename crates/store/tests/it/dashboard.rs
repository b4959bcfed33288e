//! The counts of the dashboard (S54).

use domain::id::{IncidentId, PageId};
use domain::incident::{Impact, Incident, IncidentStatus};
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::status_page::{Placement, StatusPage};
use store::dashboard::{self, StateCount, Usage};
use testkit::{Fleet, START, TestDatabase, db_test};
use uuid::Uuid;

#[db_test]
async fn usage_counts_the_fullest_page_and_service(database: TestDatabase) {
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let second = fleet.adds_service(2).await;
    let mut monitors = [fleet.monitor(1, "https://example.com/"), fleet.monitor(2, "https://example.com/2")];
    monitors[1].is_active = false;
    fleet.adds(&monitors, START).await;
    let page = StatusPage {
        id: PageId::new(Uuid::from_u128(9)),
        organization_id: fleet.scope().organization_id(),
        slug: "main".to_owned(),
        title: "Main".to_owned(),
        is_public: true,
        is_default: true,
        time_zone: domain::zone::Zone::UTC,
        rule: domain::uptime::Rule::default(),
        created_at: START,
        updated_at: START,
    };
    let mut tx = database.write().await.unwrap();
    store::status_pages::insert(&mut tx, fleet.scope(), &page).await.unwrap();
    for service_id in [fleet.service, second] {
        let placement = Placement {
            organization_id: page.organization_id,
            status_page_id: page.id,
            service_id,
            public_name: None,
            group_name: None,
            position: None,
            is_visible: true,
        };
        store::services::insert_placement(&mut tx, fleet.scope(), &placement, START).await.unwrap();
    }
    let usage = dashboard::count_usage(&mut tx, fleet.scope()).await.unwrap();
    assert_eq!(
        usage,
        Usage { status_pages: 1, services_per_page: 2, monitors_per_service: 2, subscribers: 0 }
    );
    let nothing = Usage { status_pages: 0, services_per_page: 0, monitors_per_service: 0, subscribers: 0 };
    assert_eq!(dashboard::count_usage(&mut tx, other.scope()).await.unwrap(), nothing);
    let counts = dashboard::count_monitors(&mut tx, fleet.scope()).await.unwrap();
    let count = |is_active| StateCount { state: MonitorState::NoData, is_active, count: 1 };
    assert_eq!(counts, [count(false), count(true)]);
    assert!(dashboard::count_monitors(&mut tx, other.scope()).await.unwrap().is_empty());
}

#[db_test]
async fn open_incidents_are_those_of_the_organization_that_are_not_resolved(database: TestDatabase) {
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let incident = |number: u128, resolved_at| Incident {
        id: IncidentId::new(Uuid::from_u128(number)),
        organization_id: fleet.scope().organization_id(),
        title: format!("Incident {number}"),
        status: IncidentStatus::Investigating,
        impact: Impact::Minor,
        started_at: START.plus_s(i64::try_from(number).unwrap()),
        resolved_at,
        origin: domain::incident::IncidentOrigin::Person,
        is_edited: false,
        created_at: START,
        updated_at: START,
    };
    let rows = [incident(1, None), incident(2, Some(START)), incident(3, None)];
    let mut tx = database.write().await.unwrap();
    for row in &rows {
        store::incidents::insert(&mut tx, fleet.scope(), row).await.unwrap();
    }
    let open = dashboard::list_open_incidents(&mut tx, fleet.scope()).await.unwrap();
    assert_eq!(open, [rows[2].clone(), rows[0].clone()]);
    assert!(dashboard::list_open_incidents(&mut tx, other.scope()).await.unwrap().is_empty());
}
