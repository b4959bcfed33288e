//! Sessions: alive until they expire or are ended.

use domain::id::{OrgId, SessionId, UserId};
use domain::time::Timestamp;
use domain::user::{SESSION_SECONDS, Session};
use store::{Database, sessions, users};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::people::{alice, bob, organization_of};

async fn begin(database: &Database, user: UserId, number: u128, created_at: Timestamp) -> Session {
    let session = Session {
        id: SessionId::new(Uuid::from_u128(number)),
        user_id: user,
        organization_id: None,
        ip: Some("203.0.113.7".to_owned()),
        user_agent: Some("Firefox".to_owned()),
        created_at,
        last_seen_at: created_at,
        expires_at: created_at.plus_s(SESSION_SECONDS),
    };
    let mut tx = database.write().await.unwrap();
    sessions::insert(&mut tx, &session, &number.to_be_bytes()).await.unwrap();
    tx.commit().await.unwrap();
    session
}

#[db_test]
async fn a_session_is_found_by_id_and_by_hash_until_it_expires(database: TestDatabase) {
    // S25: 72 hours
    let alice = alice(&database).await;
    let session = begin(&database, alice.id, 1, START).await;
    let mut conn = database.read().await.unwrap();
    let last = START.plus_s(72 * 3600).plus_ms(-1);
    let found = sessions::find_alive(&mut conn, session.id, last).await.unwrap().unwrap();
    assert_eq!((found.session, found.email), (session.clone(), alice.email.clone()));
    let hash = 1_u128.to_be_bytes();
    assert!(sessions::find_alive_by_hash(&mut conn, &hash, last).await.unwrap().is_some());
    assert!(sessions::find_alive_by_hash(&mut conn, b"", last).await.unwrap().is_none());
    let end = START.plus_s(72 * 3600);
    assert!(sessions::find_alive(&mut conn, session.id, end).await.unwrap().is_none());
    assert!(sessions::find_alive_by_hash(&mut conn, &hash, end).await.unwrap().is_none());
}

#[db_test]
async fn the_session_of_a_deleted_person_is_dead(database: TestDatabase) {
    let alice = alice(&database).await;
    let session = begin(&database, alice.id, 1, START).await;
    let mut tx = database.write().await.unwrap();
    users::delete(&mut tx, alice.id, START).await.unwrap();
    assert!(sessions::find_alive(&mut tx, session.id, START).await.unwrap().is_none());
}

#[db_test]
async fn people_see_and_end_their_own_sessions_only(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let old = begin(&database, alice.id, 1, START).await;
    let new = begin(&database, alice.id, 2, START.plus_s(60)).await;
    let bobs = begin(&database, bob.id, 3, START).await;
    let mut tx = database.write().await.unwrap();
    let list = sessions::list(&mut tx, alice.id, START).await.unwrap();
    assert_eq!(list, [new.clone(), old.clone()], "the newest first");
    assert!(!sessions::delete(&mut tx, alice.id, bobs.id).await.unwrap());
    assert_eq!(sessions::delete_others(&mut tx, alice.id, new.id).await.unwrap(), 1);
    assert_eq!(sessions::list(&mut tx, alice.id, START).await.unwrap(), std::slice::from_ref(&new));
    assert!(sessions::delete(&mut tx, alice.id, new.id).await.unwrap());
    assert!(!sessions::delete(&mut tx, alice.id, new.id).await.unwrap());
    assert_eq!(sessions::delete_all(&mut tx, bob.id).await.unwrap(), 1);
    assert!(sessions::find_alive(&mut tx, bobs.id, START).await.unwrap().is_none());
}

#[db_test]
async fn a_session_remembers_its_organization_and_when_it_was_seen(database: TestDatabase) {
    // D3
    let alice = alice(&database).await;
    let session = begin(&database, alice.id, 1, START).await;
    let organization: OrgId = organization_of(&database, "acme", &[]).await.organization_id();
    let mut tx = database.write().await.unwrap();
    sessions::update_organization(&mut tx, session.id, organization).await.unwrap();
    let found = sessions::find_alive(&mut tx, session.id, START).await.unwrap().unwrap();
    assert_eq!(found.session.organization_id, Some(organization));
    sessions::touch(&mut tx, session.id, START.plus_s(9)).await.unwrap();
    sessions::touch(&mut tx, session.id, START.plus_s(8)).await.unwrap();
    let found = sessions::find_alive(&mut tx, session.id, START).await.unwrap().unwrap();
    assert_eq!(found.session.last_seen_at, START.plus_s(9));
}

#[db_test]
async fn the_purge_takes_expired_sessions_only(database: TestDatabase) {
    let alice = alice(&database).await;
    let old = begin(&database, alice.id, 1, START).await;
    begin(&database, alice.id, 2, START.plus_s(60)).await;
    let mut tx = database.write().await.unwrap();
    assert_eq!(sessions::purge(&mut tx, old.expires_at).await.unwrap(), 0);
    assert_eq!(sessions::purge(&mut tx, old.expires_at.plus_ms(1)).await.unwrap(), 1);
    assert_eq!(sessions::list(&mut tx, alice.id, START).await.unwrap().len(), 1);
}
