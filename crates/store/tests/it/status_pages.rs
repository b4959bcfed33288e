//! Status pages (S21, X15, X16, X18, X24).

use domain::id::PageId;
use domain::status_page::StatusPage;
use domain::uptime::{MaintenanceRule, Rule};
use domain::zone::Zone;
use store::{Error, OrgScope, status_pages};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::people::organization_of;

pub(crate) fn page(scope: OrgScope, number: u128, slug: &str) -> StatusPage {
    StatusPage {
        id: PageId::new(Uuid::from_u128(number)),
        organization_id: scope.organization_id(),
        slug: slug.to_owned(),
        title: format!("Page {slug}"),
        is_public: true,
        is_default: false,
        time_zone: Zone::UTC,
        rule: Rule::default(),
        created_at: START,
        updated_at: START,
    }
}

#[db_test]
async fn pages_are_read_back_the_default_first_and_by_their_organization_only(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let (first, mut second) = (page(acme, 1, "aaa"), page(acme, 2, "bbb"));
    second.is_default = true;
    second.is_public = false;
    let mut tx = database.write().await.unwrap();
    status_pages::insert(&mut tx, acme, &first).await.unwrap();
    status_pages::insert(&mut tx, acme, &second).await.unwrap();
    assert_eq!(status_pages::list(&mut tx, acme).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(status_pages::find(&mut tx, acme, first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(status_pages::find_default(&mut tx, acme).await.unwrap(), Some(second.clone()));
    assert_eq!(status_pages::count(&mut tx, acme).await.unwrap(), 2);
    assert!(status_pages::is_slug_taken(&mut tx, acme, "aaa").await.unwrap());

    // T-02: each function with the scope of another organization
    assert!(status_pages::list(&mut tx, globex).await.unwrap().is_empty());
    assert_eq!(status_pages::find(&mut tx, globex, first.id).await.unwrap(), None);
    assert_eq!(status_pages::find_default(&mut tx, globex).await.unwrap(), None);
    assert_eq!(status_pages::count(&mut tx, globex).await.unwrap(), 0);
    assert!(!status_pages::is_slug_taken(&mut tx, globex, "aaa").await.unwrap());
    assert!(!status_pages::update(&mut tx, globex, &first, START).await.unwrap());
    assert!(!status_pages::update_default(&mut tx, globex, first.id, START).await.unwrap());
    assert!(!status_pages::delete(&mut tx, globex, first.id, START).await.unwrap());
    assert!(!status_pages::restore(&mut tx, globex, first.id, START).await.unwrap());
    assert_eq!(status_pages::list(&mut tx, acme).await.unwrap(), [second, first]);
}

#[db_test]
async fn a_slug_is_unique_in_its_organization_deleted_pages_included(database: TestDatabase) {
    // X16, X18
    let acme = organization_of(&database, "acme", &[]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    status_pages::insert(&mut tx, acme, &page(acme, 1, "main")).await.unwrap();
    status_pages::insert(&mut tx, globex, &page(globex, 2, "main")).await.unwrap();
    status_pages::delete(&mut tx, acme, page(acme, 1, "main").id, START).await.unwrap();
    assert!(status_pages::is_slug_taken(&mut tx, acme, "main").await.unwrap());
    let taken = status_pages::insert(&mut tx, acme, &page(acme, 3, "main")).await.unwrap_err();
    assert!(matches!(&taken, Error::Conflict(key) if key == "status_pages.organization_id_slug"), "{taken}");
}

#[db_test]
async fn only_the_newest_version_can_be_changed(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    let mut row = page(acme, 1, "main");
    status_pages::insert(&mut tx, acme, &row).await.unwrap();
    row.title = "All systems".to_owned();
    row.slug = "all".to_owned();
    row.is_public = false;
    row.time_zone = Zone::parse("Europe/Berlin").unwrap();
    row.rule =
        Rule { partial_outage_percent: 50, degraded_percent: 10, maintenance_rule: MaintenanceRule::Down };
    row.updated_at = START.plus_ms(1);
    assert!(status_pages::update(&mut tx, acme, &row, START).await.unwrap());
    assert!(!status_pages::update(&mut tx, acme, &row, START).await.unwrap(), "an old version");
    assert_eq!(status_pages::find(&mut tx, acme, row.id).await.unwrap(), Some(row));
}

#[db_test]
async fn there_is_one_default_page(database: TestDatabase) {
    // X24
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    let (mut first, second) = (page(acme, 1, "one"), page(acme, 2, "two"));
    first.is_default = true;
    status_pages::insert(&mut tx, acme, &first).await.unwrap();
    status_pages::insert(&mut tx, acme, &second).await.unwrap();
    assert!(status_pages::update_default(&mut tx, acme, second.id, START).await.unwrap());
    let pages = status_pages::list(&mut tx, acme).await.unwrap();
    let defaults: Vec<bool> = pages.iter().map(|page| page.is_default).collect();
    assert_eq!((pages[0].id, defaults), (second.id, vec![true, false]));
    assert!(pages.iter().all(|page| page.updated_at > START), "both are new versions");
    tx.commit().await.unwrap();

    let mut tx = database.write().await.unwrap();
    let mut third = page(acme, 3, "three");
    third.is_default = true;
    let refused = status_pages::insert(&mut tx, acme, &third).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
}

#[db_test]
async fn a_deleted_page_can_be_restored_until_it_is_purged(database: TestDatabase) {
    // X18
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    let row = page(acme, 1, "main");
    status_pages::insert(&mut tx, acme, &row).await.unwrap();
    assert!(!status_pages::restore(&mut tx, acme, row.id, START).await.unwrap(), "it is alive");
    assert!(status_pages::delete(&mut tx, acme, row.id, START.plus_s(1)).await.unwrap());
    assert!(!status_pages::delete(&mut tx, acme, row.id, START.plus_s(1)).await.unwrap());
    assert_eq!(status_pages::find(&mut tx, acme, row.id).await.unwrap(), None);
    assert_eq!(status_pages::count(&mut tx, acme).await.unwrap(), 0);
    let since = async |tx: &mut store::Tx, since| {
        status_pages::find_restorable(tx, acme, row.id, since).await.unwrap().is_some()
    };
    assert!(since(&mut tx, START).await);
    assert!(!since(&mut tx, START.plus_s(1)).await, "too long ago");
    assert!(status_pages::restore(&mut tx, acme, row.id, START.plus_s(2)).await.unwrap());
    assert!(status_pages::find(&mut tx, acme, row.id).await.unwrap().is_some());
    status_pages::delete(&mut tx, acme, row.id, START).await.unwrap();
    assert_eq!(status_pages::purge(&mut tx, START).await.unwrap(), 0);
    assert_eq!(status_pages::purge(&mut tx, START.plus_ms(1)).await.unwrap(), 1);
    assert!(!status_pages::is_slug_taken(&mut tx, acme, "main").await.unwrap());
}
