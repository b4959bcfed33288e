//! People: look-ups, edits, the second factor, deletion.

use domain::organization::Role;
use store::organizations::{self, Others};
use store::{Error, users};
use testkit::{START, TestDatabase, db_test};

use crate::people::{alice, bob, organization, organization_of, person};

#[db_test]
async fn a_person_is_found_by_id_and_by_canonical_address(database: TestDatabase) {
    let alice = alice(&database).await;
    let mut conn = database.read().await.unwrap();
    assert_eq!(users::find(&mut conn, alice.id).await.unwrap().as_ref(), Some(&alice));
    assert_eq!(users::find_by_email(&mut conn, "alice@example.org").await.unwrap(), Some(alice));
    assert_eq!(users::find_by_email(&mut conn, "Alice@example.org").await.unwrap(), None, "canonical only");
    assert!(users::is_email_taken(&mut conn, "alice@example.org").await.unwrap());
    assert!(!users::is_email_taken(&mut conn, "bob@example.org").await.unwrap());
}

#[db_test]
async fn an_address_has_one_account(database: TestDatabase) {
    // S18, X3
    alice(&database).await;
    let mut tx = database.write().await.unwrap();
    let second = users::insert(&mut tx, &person(9, "ALICE@example.org")).await;
    assert!(matches!(second, Err(Error::Conflict(key)) if key == "users.email"));
}

#[db_test]
async fn name_password_and_address_are_changed(database: TestDatabase) {
    let before = alice(&database).await;
    bob(&database).await;
    let later = START.plus_s(1);
    let mut tx = database.write().await.unwrap();
    users::update_display_name(&mut tx, before.id, Some("Alice"), later).await.unwrap();
    users::update_password(&mut tx, before.id, "$new$", later).await.unwrap();
    users::update_email(&mut tx, before.id, "a@example.net", "A@example.net", later).await.unwrap();
    let after = users::lock(&mut tx, before.id).await.unwrap().unwrap();
    assert_eq!(after.display_name.as_deref(), Some("Alice"));
    assert_eq!(after.password_hash, "$new$");
    assert_eq!((after.email.as_str(), after.email_display.as_str()), ("a@example.net", "A@example.net"));
    assert!(after.is_email_verified, "who confirms a change has proved the address");
    assert_eq!(after.updated_at, later);
    tx.commit().await.unwrap();

    let mut tx = database.write().await.unwrap();
    let taken = users::update_email(&mut tx, before.id, "bob@example.org", "bob@example.org", later).await;
    assert!(matches!(taken, Err(Error::Conflict(key)) if key == "users.email"));
}

#[db_test]
async fn only_the_present_address_can_be_verified(database: TestDatabase) {
    let alice = alice(&database).await;
    let mut tx = database.write().await.unwrap();
    assert!(!users::update_verified(&mut tx, alice.id, "old@example.org", START).await.unwrap());
    assert!(users::update_verified(&mut tx, alice.id, "alice@example.org", START).await.unwrap());
    assert!(users::find(&mut tx, alice.id).await.unwrap().unwrap().is_email_verified);
}

#[db_test]
async fn the_second_factor_is_confirmed_once_and_each_step_accepted_once(database: TestDatabase) {
    let alice = alice(&database).await;
    let mut tx = database.write().await.unwrap();
    assert!(!users::confirm_totp(&mut tx, alice.id, START).await.unwrap(), "there is no secret yet");
    assert!(users::update_totp_secret(&mut tx, alice.id, b"sealed", START).await.unwrap());
    assert!(!users::find(&mut tx, alice.id).await.unwrap().unwrap().has_totp());
    assert!(users::confirm_totp(&mut tx, alice.id, START).await.unwrap());
    assert!(!users::confirm_totp(&mut tx, alice.id, START).await.unwrap());
    assert!(!users::update_totp_secret(&mut tx, alice.id, b"other", START).await.unwrap());

    assert!(users::advance_totp(&mut tx, alice.id, 7).await.unwrap());
    assert!(!users::advance_totp(&mut tx, alice.id, 7).await.unwrap());
    assert!(!users::advance_totp(&mut tx, alice.id, 6).await.unwrap());
    assert!(users::advance_totp(&mut tx, alice.id, 8).await.unwrap());

    users::clear_totp(&mut tx, alice.id, START).await.unwrap();
    let off = users::find(&mut tx, alice.id).await.unwrap().unwrap();
    assert_eq!((off.totp_secret, off.totp_confirmed_at, off.totp_last_step), (None, None, 8));
}

#[db_test]
async fn a_deleted_person_is_gone_but_keeps_the_address_until_the_purge(database: TestDatabase) {
    // X18
    let alice = alice(&database).await;
    let bob = bob(&database).await;
    organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    users::delete(&mut tx, alice.id, START).await.unwrap();
    assert_eq!(users::find(&mut tx, alice.id).await.unwrap(), None);
    assert_eq!(users::find_by_email(&mut tx, &alice.email).await.unwrap(), None);
    assert_eq!(users::lock(&mut tx, alice.id).await.unwrap(), None);
    assert!(users::is_email_taken(&mut tx, &alice.email).await.unwrap());

    assert_eq!(users::purge(&mut tx, START).await.unwrap(), 0, "deleted at this very instant");
    assert_eq!(users::purge(&mut tx, START.plus_ms(1)).await.unwrap(), 1);
    assert!(!users::is_email_taken(&mut tx, &alice.email).await.unwrap());
    assert!(users::find(&mut tx, bob.id).await.unwrap().is_some());
}

#[db_test]
async fn those_left_in_an_organization_are_counted_without_the_one_who_goes(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let scope = organization_of(&database, "acme", &[(alice.id, Role::Owner), (bob.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    let without_alice = organizations::count_others(&mut tx, scope, alice.id).await.unwrap();
    assert_eq!(without_alice, Others { members: 1, owners: 0 }, "an unverified owner does not count (X12)");
    users::update_verified(&mut tx, bob.id, &bob.email, START).await.unwrap();
    let without_alice = organizations::count_others(&mut tx, scope, alice.id).await.unwrap();
    assert_eq!(without_alice, Others { members: 1, owners: 1 });
    assert!(organizations::delete_member(&mut tx, scope, bob.id).await.unwrap());
    assert!(!organizations::delete_member(&mut tx, scope, bob.id).await.unwrap());
    let without_alice = organizations::count_others(&mut tx, scope, alice.id).await.unwrap();
    assert_eq!(without_alice, Others { members: 0, owners: 0 });
}

#[db_test]
async fn a_made_slug_gives_way_to_one_that_is_taken(database: TestDatabase) {
    // X1
    organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    let second = organization(7, "acme", START);
    assert!(organizations::insert_unless_taken(&mut tx, &second).await.unwrap().is_none());
    let other = organization(7, "acme-2", START);
    let scope = organizations::insert_unless_taken(&mut tx, &other).await.unwrap().unwrap();
    assert_eq!(scope.organization_id(), other.id);
    assert!(organizations::delete(&mut tx, scope, START).await.unwrap());
    assert!(!organizations::delete(&mut tx, scope, START).await.unwrap());
    let again = organization(8, "acme-2", START);
    let held = organizations::insert_unless_taken(&mut tx, &again).await.unwrap();
    assert!(held.is_none(), "the slug of a deleted organization is held (X18)");
}
