//! Incidents, their services and updates, and the pages that show them.

use domain::id::{IncidentId, IncidentUpdateId, PageId};
use domain::incident::{Impact, Incident, IncidentStatus, IncidentUpdate};
use domain::service::ServiceStatus;
use domain::status_page::StatusPage;
use domain::time::Timestamp;
use store::incidents::{self, Part};
use store::{Database, OrgScope};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::tenant::Tenant;

fn incident(scope: OrgScope, number: u128, made_s: i64) -> Incident {
    Incident {
        id: IncidentId::new(Uuid::from_u128(number)),
        organization_id: scope.organization_id(),
        title: format!("Incident {number}"),
        status: IncidentStatus::Investigating,
        impact: Impact::Major,
        started_at: START.plus_s(made_s - 60),
        resolved_at: None,
        origin: domain::incident::IncidentOrigin::Person,
        is_edited: false,
        created_at: START.plus_s(made_s),
        updated_at: START.plus_s(made_s),
    }
}

fn resolved(mut incident: Incident, at: Timestamp) -> Incident {
    incident.status = IncidentStatus::Resolved;
    incident.resolved_at = Some(at);
    incident
}

async fn stored(database: &Database, scope: OrgScope, incident: Incident) -> Incident {
    let mut tx = database.write().await.unwrap();
    incidents::insert(&mut tx, scope, &incident).await.unwrap();
    tx.commit().await.unwrap();
    incident
}

const ALL: Part = Part {
    is_open: None,
    since: Timestamp::from_ms(0),
    before: (Timestamp::from_ms(i64::MAX), Uuid::max()),
    limit: 10,
};

async fn numbers(database: &Database, scope: OrgScope, part: Part) -> Vec<u128> {
    let found = incidents::list(&mut database.read().await.unwrap(), scope, part).await.unwrap();
    found.iter().map(|incident| incident.id.uuid().as_u128()).collect()
}

#[db_test]
async fn the_list_is_newest_first_in_parts_and_of_one_tenant(database: TestDatabase) {
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    stored(&database, globex.scope, incident(globex.scope, 9, 0)).await;
    for (number, made_s) in [(1, 0), (2, 10), (3, 10), (4, 20)] {
        stored(&database, acme.scope, incident(acme.scope, number, made_s)).await;
    }
    assert_eq!(numbers(&database, acme.scope, ALL).await, [4, 3, 2, 1]);
    assert_eq!(numbers(&database, acme.scope, Part { limit: 2, ..ALL }).await, [4, 3]);
    // Two of the same instant: the id decides, and none is skipped.
    let before = (START.plus_s(10), Uuid::from_u128(3));
    assert_eq!(numbers(&database, acme.scope, Part { before, ..ALL }).await, [2, 1]);
    assert_eq!(numbers(&database, globex.scope, ALL).await, [9]);
}

#[db_test]
async fn old_resolved_incidents_are_left_out_and_open_ones_never(database: TestDatabase) {
    // S38, D10
    let Tenant { scope, .. } = Tenant::acme(&database).await;
    stored(&database, scope, incident(scope, 1, -1000)).await;
    stored(&database, scope, resolved(incident(scope, 2, -900), START.plus_s(-500))).await;
    stored(&database, scope, resolved(incident(scope, 3, -800), START.plus_s(-100))).await;
    let recent = Part { since: START.plus_s(-200), ..ALL };
    assert_eq!(numbers(&database, scope, ALL).await, [3, 2, 1]);
    assert_eq!(numbers(&database, scope, recent).await, [3, 1]);
    assert_eq!(numbers(&database, scope, Part { is_open: Some(true), ..recent }).await, [1]);
    assert_eq!(numbers(&database, scope, Part { is_open: Some(false), ..recent }).await, [3]);
}

#[db_test]
async fn an_incident_is_found_changed_by_version_and_deleted_by_its_tenant_only(database: TestDatabase) {
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    let before = stored(&database, acme.scope, incident(acme.scope, 1, 0)).await;
    let mut tx = database.write().await.unwrap();
    assert_eq!(incidents::find(&mut tx, acme.scope, before.id).await.unwrap().as_ref(), Some(&before));
    assert_eq!(incidents::find(&mut tx, globex.scope, before.id).await.unwrap(), None);
    assert_eq!(incidents::lock(&mut tx, acme.scope, before.id).await.unwrap().as_ref(), Some(&before));
    assert_eq!(incidents::lock(&mut tx, globex.scope, before.id).await.unwrap(), None);

    let mut after = resolved(before.clone(), START.plus_s(30));
    after.title = "Solved".to_owned();
    after.impact = Impact::Critical;
    after.started_at = START.plus_s(-90);
    after.updated_at = START.plus_s(30);
    assert!(!incidents::update(&mut tx, globex.scope, &after, before.updated_at).await.unwrap());
    assert!(!incidents::update(&mut tx, acme.scope, &after, START.plus_s(1)).await.unwrap(), "stale");
    assert!(incidents::update(&mut tx, acme.scope, &after, before.updated_at).await.unwrap());
    assert_eq!(incidents::find(&mut tx, acme.scope, before.id).await.unwrap(), Some(after));

    assert!(!incidents::delete(&mut tx, globex.scope, before.id).await.unwrap());
    assert!(incidents::delete(&mut tx, acme.scope, before.id).await.unwrap());
    assert!(!incidents::delete(&mut tx, acme.scope, before.id).await.unwrap());
}

#[db_test]
async fn services_of_an_incident_are_set_listed_and_taken_off(database: TestDatabase) {
    // X39, X15
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    let (web, api) = (acme.adds_service(1, "Web").await, acme.adds_service(2, "API").await);
    let foreign = globex.adds_service(1, "Foreign").await;
    let one = stored(&database, acme.scope, incident(acme.scope, 1, 0)).await;
    let two = stored(&database, acme.scope, incident(acme.scope, 2, 100)).await;
    let (partial, major) = (ServiceStatus::PartialOutage, ServiceStatus::MajorOutage);

    let mut tx = database.write().await.unwrap();
    for (id, service, status) in [(one.id, web, partial), (one.id, api, partial), (two.id, web, partial)] {
        incidents::put_service(&mut tx, acme.scope, id, service, status).await.unwrap();
    }
    incidents::put_service(&mut tx, acme.scope, one.id, web, major).await.unwrap();
    tx.commit().await.unwrap();

    let mut conn = database.read().await.unwrap();
    let found = incidents::list_services(&mut conn, acme.scope, one.id).await.unwrap();
    let pairs: Vec<_> = found.iter().map(|service| (service.service_id, service.status)).collect();
    assert_eq!(pairs, [(api, partial), (web, major)], "by name");
    assert!(incidents::list_services(&mut conn, globex.scope, one.id).await.unwrap().is_empty());
    let between = incidents::list_services_made_between(&mut conn, acme.scope, START, START).await.unwrap();
    assert_eq!(between, found, "both ends belong to it");
    let both =
        incidents::list_services_made_between(&mut conn, acme.scope, START, START.plus_s(100)).await.unwrap();
    assert_eq!(both.len(), 3);
    drop(conn);

    let mut tx = database.write().await.unwrap();
    incidents::delete_services(&mut tx, globex.scope, one.id).await.unwrap();
    assert_eq!(incidents::list_services(&mut tx, acme.scope, one.id).await.unwrap().len(), 2);
    incidents::delete_services(&mut tx, acme.scope, one.id).await.unwrap();
    assert!(incidents::list_services(&mut tx, acme.scope, one.id).await.unwrap().is_empty());
    tx.commit().await.unwrap();

    let mut tx = database.write().await.unwrap();
    let refused = incidents::put_service(&mut tx, acme.scope, one.id, foreign, major).await;
    assert!(matches!(refused, Err(store::Error::Reference)), "{refused:?}");
}

#[db_test]
async fn updates_are_listed_newest_first_by_effect(database: TestDatabase) {
    // X41
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    let one = stored(&database, acme.scope, incident(acme.scope, 1, 0)).await;
    let update = |number, at_s| IncidentUpdate {
        id: IncidentUpdateId::new(Uuid::from_u128(number)),
        organization_id: acme.scope.organization_id(),
        incident_id: one.id,
        status: IncidentStatus::Identified,
        body: "A *bad* deploy".to_owned(),
        created_at: START.plus_s(at_s),
    };
    let (first, backdated) = (update(1, 10), update(2, 5));
    let mut tx = database.write().await.unwrap();
    for update in [&first, &backdated] {
        incidents::insert_update(&mut tx, acme.scope, update).await.unwrap();
    }
    let found = incidents::list_updates(&mut tx, acme.scope, one.id).await.unwrap();
    assert_eq!(found, [first, backdated]);
    assert!(incidents::list_updates(&mut tx, globex.scope, one.id).await.unwrap().is_empty());
    tx.commit().await.unwrap();

    let mut tx = database.write().await.unwrap();
    let stolen = IncidentUpdate { organization_id: globex.scope.organization_id(), ..update(3, 20) };
    let refused = incidents::insert_update(&mut tx, globex.scope, &stolen).await;
    assert!(matches!(refused, Err(store::Error::Reference)), "{refused:?}");
}

#[db_test]
async fn pages_to_tell_are_the_public_ones_that_show_a_service(database: TestDatabase) {
    // X21, X22, X54
    let acme = Tenant::acme(&database).await;
    let further = |number: u128, slug: &str| StatusPage {
        id: PageId::new(Uuid::from_u128(number)),
        slug: slug.to_owned(),
        title: format!("Page {slug}"),
        is_default: false,
        ..acme.page.clone()
    };
    let hidden_there = further(0x1001, "hidden-there");
    let private = StatusPage { is_public: false, ..further(0x1002, "private") };
    let elsewhere = further(0x1003, "elsewhere");
    for page in [&hidden_there, &private, &elsewhere] {
        acme.adds_page(page).await;
    }
    let (web, api) = (acme.adds_service(1, "Web").await, acme.adds_service(2, "API").await);
    acme.places(web, acme.page.id, Some("Shop"), true).await;
    acme.places(api, acme.page.id, None, true).await;
    acme.places(web, hidden_there.id, None, false).await;
    acme.places(web, private.id, None, true).await;
    acme.places(api, elsewhere.id, None, true).await;
    let one = stored(&database, acme.scope, incident(acme.scope, 1, 0)).await;
    let mut tx = database.write().await.unwrap();
    incidents::put_service(&mut tx, acme.scope, one.id, web, ServiceStatus::MajorOutage).await.unwrap();
    tx.commit().await.unwrap();

    let mut conn = database.read().await.unwrap();
    let pages = incidents::list_pages_to_tell(&mut conn, acme.scope, one.id).await.unwrap();
    let found: Vec<_> =
        pages.iter().map(|page| (page.id, page.organization_slug.as_str(), page.slug.as_str())).collect();
    assert_eq!(found, [(acme.page.id, "acme", "main")]);
    let services =
        incidents::list_services_on_page(&mut conn, acme.scope, one.id, acme.page.id).await.unwrap();
    assert_eq!(services, [("Shop".to_owned(), ServiceStatus::MajorOutage)]);
    let nothing =
        incidents::list_services_on_page(&mut conn, acme.scope, one.id, hidden_there.id).await.unwrap();
    assert!(nothing.is_empty());
}

#[db_test]
async fn nobody_is_told_while_no_owner_has_proved_an_address(database: TestDatabase) {
    // D13
    let globex = Tenant::globex(&database).await;
    let web = globex.adds_service(1, "Web").await;
    globex.places(web, globex.page.id, None, true).await;
    let one = stored(&database, globex.scope, incident(globex.scope, 1, 0)).await;
    let mut tx = database.write().await.unwrap();
    incidents::put_service(&mut tx, globex.scope, one.id, web, ServiceStatus::MajorOutage).await.unwrap();
    assert!(incidents::list_pages_to_tell(&mut tx, globex.scope, one.id).await.unwrap().is_empty());
    store::users::update_verified(&mut tx, globex.owner.id, &globex.owner.email, START).await.unwrap();
    assert_eq!(incidents::list_pages_to_tell(&mut tx, globex.scope, one.id).await.unwrap().len(), 1);
}
