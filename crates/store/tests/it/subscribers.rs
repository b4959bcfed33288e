//! Subscribers: pending, confirmed, gone.

use domain::id::SubscriberId;
use domain::subscriber::Subscriber;
use domain::time::Timestamp;
use store::Database;
use store::subscribers::{self, Pending};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::tenant::Tenant;

const NEWEST: (Timestamp, Uuid) = (Timestamp::from_ms(i64::MAX), Uuid::max());

async fn asks(database: &Database, tenant: &Tenant, number: u128, email: &str, token: &[u8], now: Timestamp) {
    let pending = Pending {
        id: SubscriberId::new(Uuid::from_u128(number)),
        page: tenant.page.id,
        email,
        token_hash: token,
        expires_at: now.plus_s(100),
    };
    let mut tx = database.write().await.unwrap();
    subscribers::put_pending(&mut tx, tenant.scope, &pending, now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn by_token(database: &Database, tenant: &Tenant, token: &[u8], now: Timestamp) -> Option<Subscriber> {
    let mut conn = database.read().await.unwrap();
    subscribers::find_by_token(&mut conn, tenant.scope, tenant.page.id, token, now).await.unwrap()
}

async fn confirms(database: &Database, tenant: &Tenant, number: u128, now: Timestamp) -> bool {
    let mut tx = database.write().await.unwrap();
    let id = SubscriberId::new(Uuid::from_u128(number));
    let done = subscribers::update_confirmed(&mut tx, tenant.scope, id, now).await.unwrap();
    tx.commit().await.unwrap();
    done
}

#[db_test]
async fn asking_again_renews_the_token_of_the_same_row(database: TestDatabase) {
    let acme = Tenant::acme(&database).await;
    asks(&database, &acme, 1, "carol@example.org", b"one", START).await;
    asks(&database, &acme, 2, "carol@example.org", b"two", START.plus_s(50)).await;
    assert_eq!(by_token(&database, &acme, b"one", START).await, None, "the older link is dead");
    let found = by_token(&database, &acme, b"two", START.plus_s(149)).await.unwrap();
    assert_eq!((found.id.uuid().as_u128(), found.is_confirmed), (1, false));
    assert_eq!(by_token(&database, &acme, b"two", START.plus_s(150)).await, None, "expired");
    let mut conn = database.read().await.unwrap();
    let known =
        subscribers::find_by_email(&mut conn, acme.scope, acme.page.id, "carol@example.org").await.unwrap();
    let known = known.unwrap();
    assert_eq!((known.subscriber, known.mailed_at), (found, START.plus_s(50)));
}

#[db_test]
async fn a_token_works_on_its_page_and_once(database: TestDatabase) {
    // T-12
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    asks(&database, &acme, 1, "carol@example.org", b"one", START).await;
    assert_eq!(by_token(&database, &globex, b"one", START).await, None);
    assert!(!confirms(&database, &globex, 1, START).await);
    assert!(confirms(&database, &acme, 1, START.plus_s(1)).await);
    assert!(!confirms(&database, &acme, 1, START.plus_s(2)).await, "spent");
    assert_eq!(by_token(&database, &acme, b"one", START).await, None);
    // Whoever asks for a confirmed address changes nothing.
    asks(&database, &acme, 2, "carol@example.org", b"two", START.plus_s(3)).await;
    assert_eq!(by_token(&database, &acme, b"two", START.plus_s(3)).await, None);
    let mut conn = database.read().await.unwrap();
    let id = SubscriberId::new(Uuid::from_u128(1));
    let found = subscribers::find(&mut conn, acme.scope, id).await.unwrap().unwrap();
    assert_eq!((found.is_confirmed, found.confirmed_at), (true, Some(START.plus_s(1))));
    assert_eq!(subscribers::find(&mut conn, globex.scope, id).await.unwrap(), None);
}

#[db_test]
async fn only_confirmed_ones_count_and_get_mail(database: TestDatabase) {
    // X57
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    for (number, email) in [(1, "a@example.org"), (2, "b@example.org"), (3, "c@example.org")] {
        asks(&database, &acme, number, email, email.as_bytes(), START.plus_s(5)).await;
    }
    asks(&database, &globex, 4, "a@example.org", b"globex", START).await;
    for number in [1, 3] {
        assert!(confirms(&database, &acme, number, START.plus_s(9)).await);
    }
    let mut conn = database.read().await.unwrap();
    assert_eq!(subscribers::count_confirmed(&mut conn, acme.scope).await.unwrap(), 2);
    assert_eq!(subscribers::count_confirmed(&mut conn, globex.scope).await.unwrap(), 0);
    let told = subscribers::list_confirmed(&mut conn, acme.scope, acme.page.id).await.unwrap();
    assert_eq!(
        told.iter().map(|one| one.email.as_str()).collect::<Vec<_>>(),
        ["a@example.org", "c@example.org"]
    );
    let elsewhere = subscribers::list_confirmed(&mut conn, acme.scope, globex.page.id).await.unwrap();
    assert!(elsewhere.is_empty());

    let all = subscribers::list(&mut conn, acme.scope, NEWEST, 2).await.unwrap();
    assert_eq!(all.iter().map(|one| one.id.uuid().as_u128()).collect::<Vec<_>>(), [3, 2]);
    let rest =
        subscribers::list(&mut conn, acme.scope, (all[1].created_at, all[1].id.uuid()), 2).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.id.uuid().as_u128()).collect::<Vec<_>>(), [1]);
}

#[db_test]
async fn an_address_is_forgotten_by_its_tenant_only(database: TestDatabase) {
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    asks(&database, &acme, 1, "carol@example.org", b"one", START).await;
    let id = SubscriberId::new(Uuid::from_u128(1));
    let mut tx = database.write().await.unwrap();
    assert_eq!(subscribers::find_scope(&mut tx, id).await.unwrap(), Some(acme.scope));
    assert!(!subscribers::delete(&mut tx, globex.scope, id).await.unwrap());
    assert!(subscribers::delete(&mut tx, acme.scope, id).await.unwrap());
    assert!(!subscribers::delete(&mut tx, acme.scope, id).await.unwrap());
    assert_eq!(subscribers::find_scope(&mut tx, id).await.unwrap(), None);
}

#[db_test]
async fn owners_with_a_proved_address_are_found(database: TestDatabase) {
    // D13
    let (acme, globex) = (Tenant::acme(&database).await, Tenant::globex(&database).await);
    let mut conn = database.read().await.unwrap();
    let owners = subscribers::list_verified_owners(&mut conn, acme.scope).await.unwrap();
    assert_eq!(
        owners.iter().map(|owner| (owner.id, owner.email.as_str())).collect::<Vec<_>>(),
        [(acme.owner.id, "alice@example.org")]
    );
    assert!(subscribers::list_verified_owners(&mut conn, globex.scope).await.unwrap().is_empty());
}
