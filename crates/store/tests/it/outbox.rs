//! The outbox: queued once, claimed by lease and in fairness, settled once.

use std::collections::BTreeSet;

use domain::id::{DeliveryId, OrgId};
use domain::notification::Delivery;
use domain::time::Timestamp;
use store::outbox::{self, NewDelivery};
use store::{Database, OrgScope};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::tenant::Tenant;

async fn queues(database: &Database, organization: Option<OrgId>, number: u128, now: Timestamp) -> bool {
    let (key, recipient) = (format!("key:{number}"), format!("{number}@example.org"));
    let delivery = NewDelivery {
        id: DeliveryId::new(Uuid::from_u128(number)),
        organization_id: organization,
        dedup_key: &key,
        recipient: &recipient,
        payload: "{}",
    };
    let mut tx = database.write().await.unwrap();
    let is_new = outbox::insert(&mut tx, &delivery, now).await.unwrap();
    tx.commit().await.unwrap();
    is_new
}

async fn claim(database: &Database, now: Timestamp, per_organization: i64, limit: i64) -> Vec<Delivery> {
    let mut tx = database.write().await.unwrap();
    let claimed = outbox::claim(&mut tx, now, now.plus_s(60), per_organization, limit).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

fn numbers(deliveries: &[Delivery]) -> BTreeSet<u128> {
    deliveries.iter().map(|delivery| delivery.id.uuid().as_u128()).collect()
}

async fn waiting(database: &Database) -> BTreeSet<u128> {
    numbers(&outbox::list_queued(&mut database.read().await.unwrap()).await.unwrap())
}

#[db_test]
async fn the_same_key_is_queued_once(database: TestDatabase) {
    // X59
    assert!(queues(&database, None, 1, START).await);
    let again = NewDelivery {
        id: DeliveryId::new(Uuid::from_u128(2)),
        organization_id: None,
        dedup_key: "key:1",
        recipient: "other@example.org",
        payload: "{}",
    };
    let mut tx = database.write().await.unwrap();
    assert!(!outbox::insert(&mut tx, &again, START).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(waiting(&database).await, BTreeSet::from([1]));
}

#[db_test]
async fn a_claim_is_a_lease(database: TestDatabase) {
    // F-02
    queues(&database, None, 1, START).await;
    assert!(claim(&database, START.plus_ms(-1), 9, 9).await.is_empty(), "not due yet");
    let claimed = claim(&database, START, 9, 9).await;
    assert_eq!((claimed[0].recipient.as_str(), claimed[0].attempts), ("1@example.org", 0));
    assert!(claim(&database, START.plus_s(59), 9, 9).await.is_empty(), "somebody has it");
    assert_eq!(claim(&database, START.plus_s(60), 9, 9).await, claimed, "and lost it");
}

#[db_test]
async fn organizations_take_turns(database: TestDatabase) {
    // X59: a long queue of one organization holds up nobody else.
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    for number in 1..=20 {
        queues(&database, Some(acme.scope.organization_id()), number, START).await;
    }
    queues(&database, Some(globex.scope.organization_id()), 21, START.plus_s(1)).await;
    queues(&database, None, 22, START.plus_s(2)).await;
    let now = START.plus_s(3);
    assert_eq!(numbers(&claim(&database, now, 4, 8).await), BTreeSet::from([1, 2, 3, 4, 21, 22]));
    assert_eq!(numbers(&claim(&database, now, 4, 3).await), BTreeSet::from([5, 6, 7]), "oldest first");
}

#[db_test(flavor = "multi_thread")]
async fn workers_at_once_get_each_message_exactly_once(database: TestDatabase) {
    // F-02, X52
    for number in 1..=60 {
        queues(&database, None, number, START).await;
    }
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let database = (*database).clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                for _ in 0..30 {
                    mine.extend(claim(&database, START, 8, 8).await);
                }
                mine
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), 60, "none twice, none left");
    assert_eq!(numbers(&all).len(), 60);
}

#[db_test]
async fn a_message_is_settled_once_and_its_text_is_gone(database: TestDatabase) {
    // T-22
    let acme = Tenant::acme(&database).await;
    let organization = acme.scope.organization_id();
    for number in 1..=3 {
        queues(&database, Some(organization), number, START).await;
    }
    let id = |number| DeliveryId::new(Uuid::from_u128(number));
    claim(&database, START, 9, 9).await;
    let mut tx = database.write().await.unwrap();
    assert!(outbox::settle_sent(&mut tx, id(1), START).await.unwrap());
    assert!(!outbox::settle_sent(&mut tx, id(1), START).await.unwrap());
    assert!(!outbox::settle_retry(&mut tx, id(1), "deferred", START).await.unwrap());
    assert!(outbox::settle_failed(&mut tx, id(2), "refused", START).await.unwrap());
    assert!(!outbox::settle_failed(&mut tx, id(2), "refused", START).await.unwrap());
    assert!(outbox::settle_retry(&mut tx, id(3), "deferred", START.plus_s(5)).await.unwrap());
    tx.commit().await.unwrap();

    assert_eq!(waiting(&database).await, BTreeSet::from([3]));
    let rows = database.digest(organization).await;
    let outbox_rows: Vec<&str> = rows.lines().filter(|line| line.contains("key:")).collect();
    assert_eq!(outbox_rows.len(), 3, "{rows}");
    assert_eq!(
        outbox_rows.iter().filter(|row| row.contains("{}")).count(),
        1,
        "only what waits has a text: {rows}"
    );
    assert!(rows.contains("refused") && rows.contains("deferred"), "{rows}");

    assert!(claim(&database, START.plus_ms(4999), 9, 9).await.is_empty());
    let again = claim(&database, START.plus_s(5), 9, 9).await;
    assert_eq!((numbers(&again), again[0].attempts), (BTreeSet::from([3]), 1));
}

#[db_test]
async fn what_waits_for_a_recipient_can_be_taken_back(database: TestDatabase) {
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    for number in [1, 2] {
        queues(&database, Some(acme.scope.organization_id()), number, START).await;
    }
    let queued = async |scope: OrgScope, recipient: &str| {
        let mut conn = database.read().await.unwrap();
        outbox::list_queued_to(&mut conn, scope, recipient).await.unwrap()
    };
    let id = DeliveryId::new(Uuid::from_u128(1));
    assert_eq!(queued(acme.scope, "1@example.org").await, [(id, "key:1".to_owned())]);
    assert!(queued(globex.scope, "1@example.org").await.is_empty());
    let mut tx = database.write().await.unwrap();
    assert!(!outbox::settle_suppressed(&mut tx, globex.scope, id, START).await.unwrap());
    assert!(outbox::settle_suppressed(&mut tx, acme.scope, id, START).await.unwrap());
    assert!(!outbox::settle_suppressed(&mut tx, acme.scope, id, START).await.unwrap());
    tx.commit().await.unwrap();
    assert!(queued(acme.scope, "1@example.org").await.is_empty());
    assert_eq!(waiting(&database).await, BTreeSet::from([2]));
}
