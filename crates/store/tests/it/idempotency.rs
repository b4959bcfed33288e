//! Kept answers of requests with an Idempotency-Key.

use domain::time::Timestamp;
use store::{Tx, idempotency};
use testkit::{START, TestDatabase, db_test};

async fn claim(tx: &mut Tx, scope: &[u8], fingerprint: &[u8], now: Timestamp) -> bool {
    let (expired, stuck) = (now.plus_s(-86_400), now.plus_s(-60));
    idempotency::claim(tx, scope, "key", fingerprint, now, expired, stuck).await.unwrap()
}

#[db_test]
async fn a_key_is_claimed_once_per_scope_and_answered_from_then_on(database: TestDatabase) {
    let mut tx = database.write().await.unwrap();
    assert!(claim(&mut tx, b"alice", b"one", START).await);
    assert!(!claim(&mut tx, b"alice", b"one", START.plus_s(1)).await);
    assert!(claim(&mut tx, b"charlie", b"two", START).await, "keys of others are others");
    let running = idempotency::find(&mut tx, b"alice", "key").await.unwrap().unwrap();
    assert_eq!((running.fingerprint.as_slice(), running.status), (&b"one"[..], None));

    let settle =
        async |tx: &mut Tx, at| idempotency::settle(tx, b"alice", "key", at, 201, "[]", "{}").await.unwrap();
    assert!(!settle(&mut tx, START.plus_s(5)).await, "not the claim of this instant");
    assert!(settle(&mut tx, START).await);
    let kept = idempotency::find(&mut tx, b"alice", "key").await.unwrap().unwrap();
    assert_eq!(
        (kept.status, kept.headers.as_deref(), kept.body.as_deref()),
        (Some(201), Some("[]"), Some("{}"))
    );
    assert!(!idempotency::release(&mut tx, b"alice", "key", START).await.unwrap(), "an answer stays");
    assert!(!claim(&mut tx, b"alice", b"two", START.plus_s(86_399)).await);
    assert!(claim(&mut tx, b"alice", b"two", START.plus_s(86_400)).await, "a day later it is new");
    assert_eq!(idempotency::find(&mut tx, b"alice", "key").await.unwrap().unwrap().body, None);
}

#[db_test]
async fn a_claim_is_given_back_or_taken_over_when_it_is_stuck(database: TestDatabase) {
    let mut tx = database.write().await.unwrap();
    assert!(claim(&mut tx, b"alice", b"one", START).await);
    assert!(idempotency::release(&mut tx, b"alice", "key", START).await.unwrap());
    assert_eq!(idempotency::find(&mut tx, b"alice", "key").await.unwrap(), None);
    assert!(claim(&mut tx, b"alice", b"one", START).await);
    assert!(!claim(&mut tx, b"alice", b"one", START.plus_s(59)).await);
    assert!(claim(&mut tx, b"alice", b"one", START.plus_s(60)).await);
    assert!(!idempotency::release(&mut tx, b"alice", "key", START).await.unwrap(), "taken over since");
    assert_eq!(idempotency::purge(&mut tx, START.plus_s(60)).await.unwrap(), 0);
    assert_eq!(idempotency::purge(&mut tx, START.plus_s(61)).await.unwrap(), 1);
}
