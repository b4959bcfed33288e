//! One-time secrets and recovery codes: each is spent once.

use domain::id::{TokenId, UserId};
use domain::user::{Token, TokenPurpose};
use store::{Database, recovery_codes, tokens};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::people::{alice, bob};

const RESET: TokenPurpose = TokenPurpose::ResetPassword;
const VERIFY: TokenPurpose = TokenPurpose::VerifyEmail;

async fn issue(database: &Database, user: UserId, purpose: TokenPurpose, hash: &[u8]) -> Token {
    let number = hash.iter().fold(0, |sum, byte| sum * 256 + u128::from(*byte));
    let token = Token {
        id: TokenId::new(Uuid::from_u128(number)),
        user_id: user,
        purpose,
        address: "Alice@example.org".to_owned(),
        attempts: 0,
        expires_at: START.plus_s(60),
    };
    let mut tx = database.write().await.unwrap();
    tokens::insert(&mut tx, &token, hash, START).await.unwrap();
    tx.commit().await.unwrap();
    token
}

#[db_test]
async fn a_token_is_spent_once_for_its_purpose_before_it_expires(database: TestDatabase) {
    // T-12
    let alice = alice(&database).await;
    let token = issue(&database, alice.id, RESET, b"one").await;
    let mut tx = database.write().await.unwrap();
    assert_eq!(tokens::spend(&mut tx, b"one", VERIFY, START).await.unwrap(), None, "another purpose");
    assert_eq!(tokens::spend(&mut tx, b"", RESET, START).await.unwrap(), None);
    assert_eq!(tokens::spend(&mut tx, b"one", RESET, token.expires_at).await.unwrap(), None, "too late");
    let last = token.expires_at.plus_ms(-1);
    assert_eq!(tokens::find_alive(&mut tx, b"one", RESET, last).await.unwrap(), Some(token.clone()));
    assert_eq!(tokens::spend(&mut tx, b"one", RESET, last).await.unwrap(), Some(token));
    assert_eq!(tokens::spend(&mut tx, b"one", RESET, last).await.unwrap(), None, "spent");
    assert_eq!(tokens::find_alive(&mut tx, b"one", RESET, last).await.unwrap(), None);
}

#[db_test]
async fn tries_at_a_challenge_are_counted_while_it_lives(database: TestDatabase) {
    let alice = alice(&database).await;
    let challenge = TokenPurpose::TotpChallenge;
    let token = issue(&database, alice.id, challenge, b"one").await;
    let mut tx = database.write().await.unwrap();
    for attempts in 1..=3 {
        let counted = tokens::count_attempt(&mut tx, b"one", challenge, START).await.unwrap().unwrap();
        assert_eq!(counted.attempts, attempts);
    }
    assert_eq!(tokens::count_attempt(&mut tx, b"one", challenge, token.expires_at).await.unwrap(), None);
    tokens::spend(&mut tx, b"one", challenge, START).await.unwrap().unwrap();
    assert_eq!(tokens::count_attempt(&mut tx, b"one", challenge, START).await.unwrap(), None);
}

#[db_test]
async fn burning_reaches_one_person_and_one_purpose_or_all(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    issue(&database, alice.id, RESET, b"reset").await;
    issue(&database, alice.id, VERIFY, b"verify").await;
    issue(&database, bob.id, RESET, b"bob").await;
    let mut tx = database.write().await.unwrap();
    let pending = tokens::find_pending_address(&mut tx, alice.id, RESET, START).await.unwrap();
    assert_eq!(pending.as_deref(), Some("Alice@example.org"));
    tokens::burn(&mut tx, alice.id, RESET, START).await.unwrap();
    assert_eq!(tokens::find_pending_address(&mut tx, alice.id, RESET, START).await.unwrap(), None);
    assert_eq!(tokens::find_alive(&mut tx, b"reset", RESET, START).await.unwrap(), None);
    assert!(tokens::find_alive(&mut tx, b"verify", VERIFY, START).await.unwrap().is_some());
    tokens::burn_all(&mut tx, alice.id, START).await.unwrap();
    assert_eq!(tokens::find_alive(&mut tx, b"verify", VERIFY, START).await.unwrap(), None);
    assert!(tokens::find_alive(&mut tx, b"bob", RESET, START).await.unwrap().is_some());
}

#[db_test]
async fn the_purge_takes_expired_tokens_only(database: TestDatabase) {
    let alice = alice(&database).await;
    let token = issue(&database, alice.id, RESET, b"one").await;
    let mut tx = database.write().await.unwrap();
    assert_eq!(tokens::purge(&mut tx, token.expires_at).await.unwrap(), 0);
    assert_eq!(tokens::purge(&mut tx, token.expires_at.plus_ms(1)).await.unwrap(), 1);
}

#[db_test]
async fn a_recovery_code_works_once_and_for_its_owner(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let mut tx = database.write().await.unwrap();
    recovery_codes::insert(&mut tx, alice.id, b"one").await.unwrap();
    recovery_codes::insert(&mut tx, alice.id, b"two").await.unwrap();
    assert!(!recovery_codes::spend(&mut tx, bob.id, b"one", START).await.unwrap());
    assert!(recovery_codes::spend(&mut tx, alice.id, b"one", START).await.unwrap());
    assert!(!recovery_codes::spend(&mut tx, alice.id, b"one", START).await.unwrap());
    assert_eq!(recovery_codes::count(&mut tx, alice.id).await.unwrap(), 1);
    recovery_codes::delete_all(&mut tx, alice.id).await.unwrap();
    assert!(!recovery_codes::spend(&mut tx, alice.id, b"two", START).await.unwrap());
}
