//! Services and placements (S1, S27, D4, X15, X17).

use domain::id::ServiceId;
use domain::service::{Service, ServiceStatus};
use domain::status_page::Placement;
use store::{Error, OrgScope, services, status_pages};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::people::organization_of;
use crate::status_pages::page;

fn service(scope: OrgScope, number: u128, slug: &str) -> Service {
    Service {
        id: ServiceId::new(Uuid::from_u128(number)),
        organization_id: scope.organization_id(),
        name: slug.to_owned(),
        slug: slug.to_owned(),
        description: None,
        group_name: None,
        position: 0,
        is_visible: true,
        manual_status: None,
        incident_mode: domain::service::IncidentMode::default(),
        created_at: START,
        updated_at: START,
    }
}

fn placement(scope: OrgScope, page: u128, service: u128) -> Placement {
    Placement {
        organization_id: scope.organization_id(),
        status_page_id: domain::id::PageId::new(Uuid::from_u128(page)),
        service_id: ServiceId::new(Uuid::from_u128(service)),
        public_name: None,
        group_name: None,
        position: None,
        is_visible: true,
    }
}

#[db_test]
async fn services_are_read_back_by_position_then_name(database: TestDatabase) {
    // S27
    let acme = organization_of(&database, "acme", &[]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let (mut last, second, first) =
        (service(acme, 1, "aaa"), service(acme, 2, "ccc"), service(acme, 3, "bbb"));
    last.position = 1;
    last.description = Some("The API".to_owned());
    last.group_name = Some("Core".to_owned());
    last.is_visible = false;
    last.manual_status = Some(ServiceStatus::PartialOutage);
    let mut tx = database.write().await.unwrap();
    for row in [&last, &second, &first] {
        services::insert(&mut tx, acme, row).await.unwrap();
    }
    assert_eq!(services::list(&mut tx, acme).await.unwrap(), [first, second, last.clone()]);
    assert_eq!(services::find(&mut tx, acme, last.id).await.unwrap(), Some(last.clone()));
    assert!(services::is_slug_taken(&mut tx, acme, "aaa").await.unwrap());

    // T-02: each function with the scope of another organization
    assert!(services::list(&mut tx, globex).await.unwrap().is_empty());
    assert_eq!(services::find(&mut tx, globex, last.id).await.unwrap(), None);
    assert!(!services::is_slug_taken(&mut tx, globex, "aaa").await.unwrap());
    assert!(!services::update(&mut tx, globex, &last, START).await.unwrap());
    assert!(!services::delete(&mut tx, globex, last.id, START).await.unwrap());
    assert_eq!(services::find(&mut tx, acme, last.id).await.unwrap(), Some(last));
}

#[db_test]
async fn only_the_newest_version_can_be_changed(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    let mut row = service(acme, 1, "api");
    services::insert(&mut tx, acme, &row).await.unwrap();
    row.name = "The API".to_owned();
    row.manual_status = Some(ServiceStatus::UnderMaintenance);
    row.updated_at = START.plus_ms(1);
    assert!(services::update(&mut tx, acme, &row, START).await.unwrap());
    assert!(!services::update(&mut tx, acme, &row, START).await.unwrap(), "an old version");
    assert_eq!(services::find(&mut tx, acme, row.id).await.unwrap(), Some(row));
}

#[db_test]
async fn a_deleted_service_gives_its_slug_back_and_leaves_every_page(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    status_pages::insert(&mut tx, acme, &page(acme, 10, "main")).await.unwrap();
    let row = service(acme, 1, "api");
    services::insert(&mut tx, acme, &row).await.unwrap();
    services::insert_placement(&mut tx, acme, &placement(acme, 10, 1), START).await.unwrap();
    assert!(services::delete(&mut tx, acme, row.id, START).await.unwrap());
    assert_eq!(services::find(&mut tx, acme, row.id).await.unwrap(), None);
    assert!(services::list_placements(&mut tx, acme).await.unwrap().is_empty());
    services::insert(&mut tx, acme, &service(acme, 2, "api")).await.unwrap();
    assert_eq!(services::purge(&mut tx, START).await.unwrap(), 0);
    assert_eq!(services::purge(&mut tx, START.plus_ms(1)).await.unwrap(), 1);
    tx.commit().await.unwrap();

    let mut tx = database.write().await.unwrap();
    let taken = services::insert(&mut tx, acme, &service(acme, 3, "api")).await.unwrap_err();
    assert!(matches!(&taken, Error::Conflict(key) if key == "services.organization_id_slug"), "{taken}");
}

#[db_test]
async fn a_service_stands_on_pages_in_their_order(database: TestDatabase) {
    // X17, D4
    let acme = organization_of(&database, "acme", &[]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    let main = page(acme, 10, "main");
    status_pages::insert(&mut tx, acme, &main).await.unwrap();
    status_pages::insert(&mut tx, acme, &page(acme, 11, "other")).await.unwrap();
    services::insert(&mut tx, acme, &service(acme, 1, "aaa")).await.unwrap();
    services::insert(&mut tx, acme, &service(acme, 2, "bbb")).await.unwrap();
    for (page, service) in [(10, 1), (10, 2), (11, 1)] {
        services::insert_placement(&mut tx, acme, &placement(acme, page, service), START).await.unwrap();
    }
    let mut changed = placement(acme, 10, 1);
    changed.public_name = Some("Website".to_owned());
    changed.group_name = Some("Core".to_owned());
    changed.position = Some(5);
    changed.is_visible = false;
    assert!(services::update_placement(&mut tx, acme, &changed).await.unwrap());
    let here = services::list_placements_of(&mut tx, acme, main.id).await.unwrap();
    assert_eq!(here, [placement(acme, 10, 2), changed.clone()]);
    let found = services::find_placement(&mut tx, acme, main.id, changed.service_id).await.unwrap();
    assert_eq!(found, Some(changed.clone()));
    assert_eq!(services::count_placements(&mut tx, acme, main.id).await.unwrap(), 2);
    assert_eq!(services::list_placements(&mut tx, acme).await.unwrap().len(), 3);

    // T-02
    let (page_id, service_id) = (main.id, changed.service_id);
    assert!(!services::update_placement(&mut tx, globex, &changed).await.unwrap());
    assert!(!services::delete_placement(&mut tx, globex, page_id, service_id).await.unwrap());
    assert_eq!(services::find_placement(&mut tx, globex, page_id, service_id).await.unwrap(), None);
    assert!(services::list_placements_of(&mut tx, globex, page_id).await.unwrap().is_empty());
    assert_eq!(services::count_placements(&mut tx, globex, page_id).await.unwrap(), 0);

    assert!(services::delete_placement(&mut tx, acme, page_id, service_id).await.unwrap());
    assert!(!services::delete_placement(&mut tx, acme, page_id, service_id).await.unwrap());
    status_pages::delete(&mut tx, acme, page_id, START).await.unwrap();
    let left = services::list_placements(&mut tx, acme).await.unwrap();
    assert_eq!(left, [placement(acme, 11, 1)], "not those of a deleted page");
    tx.commit().await.unwrap();
}

#[db_test]
async fn a_placement_cannot_point_into_another_organization(database: TestDatabase) {
    // X15: the composite keys refuse it, whatever the program asks for.
    let acme = organization_of(&database, "acme", &[]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    status_pages::insert(&mut tx, acme, &page(acme, 10, "main")).await.unwrap();
    status_pages::insert(&mut tx, globex, &page(globex, 20, "main")).await.unwrap();
    services::insert(&mut tx, acme, &service(acme, 1, "api")).await.unwrap();
    services::insert(&mut tx, globex, &service(globex, 2, "api")).await.unwrap();
    tx.commit().await.unwrap();
    for (page, service) in [(20, 1), (10, 2), (20, 2), (99, 1)] {
        let mut tx = database.write().await.unwrap();
        let row = placement(acme, page, service);
        let refused = services::insert_placement(&mut tx, acme, &row, START).await.unwrap_err();
        assert!(matches!(refused, Error::Reference), "{page} {service}: {refused}");
    }
    let mut tx = database.write().await.unwrap();
    services::insert_placement(&mut tx, acme, &placement(acme, 10, 1), START).await.unwrap();
    let twice = services::insert_placement(&mut tx, acme, &placement(acme, 10, 1), START).await.unwrap_err();
    assert!(matches!(twice, Error::Conflict(_)), "{twice}");
}
