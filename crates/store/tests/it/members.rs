//! Members and invitations of an organization (S20, S37, X12, X14).

use domain::id::{InvitationId, UserId};
use domain::invitation::Invitation;
use domain::organization::Role;
use domain::time::Timestamp;
use store::{Error, OrgScope, invitations, members};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::people::{alice, bob, organization_of};

fn invitation(scope: OrgScope, number: u128, by: UserId, email: &str, expires_at: Timestamp) -> Invitation {
    Invitation {
        id: InvitationId::new(Uuid::from_u128(number)),
        organization_id: scope.organization_id(),
        email: email.to_owned(),
        role: Role::Member,
        invited_by: by,
        created_at: START.plus_ms(i64::try_from(number).unwrap()),
        expires_at,
        accepted_at: None,
    }
}

#[db_test]
async fn members_are_listed_and_changed_within_their_organization(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner), (bob.id, Role::Member)]).await;
    let globex = organization_of(&database, "globex", &[(bob.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    let listed = members::list(&mut tx, acme).await.unwrap();
    let people: Vec<_> = listed.iter().map(|member| (member.email.as_str(), member.role)).collect();
    assert_eq!(people, [("Alice@example.org", Role::Owner), ("bob@example.org", Role::Member)]);
    assert_eq!(members::find(&mut tx, acme, bob.id).await.unwrap().as_ref(), listed.last());
    assert!(members::is_member(&mut tx, acme, "alice@example.org").await.unwrap());

    // T-02: the same questions for another organization
    assert_eq!(members::find(&mut tx, globex, alice.id).await.unwrap(), None);
    assert!(!members::is_member(&mut tx, globex, "alice@example.org").await.unwrap());
    assert!(!members::update_role(&mut tx, globex, alice.id, Role::Viewer).await.unwrap());
    assert!(members::update_role(&mut tx, acme, bob.id, Role::Admin).await.unwrap());
    assert_eq!(members::find(&mut tx, acme, bob.id).await.unwrap().unwrap().role, Role::Admin);
    assert_eq!(members::find(&mut tx, globex, bob.id).await.unwrap().unwrap().role, Role::Owner);
}

#[db_test]
async fn only_verified_members_count_as_owners(database: TestDatabase) {
    // X12
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner), (bob.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    store::users::update_verified(&mut tx, bob.id, &bob.email, START).await.unwrap();
    let verified = members::list_verified(&mut tx, acme).await.unwrap();
    assert_eq!(verified.iter().map(|member| member.user_id).collect::<Vec<_>>(), [bob.id]);
}

#[db_test]
async fn pending_invitations_take_a_seat_until_they_expire(database: TestDatabase) {
    // X14
    let alice = alice(&database).await;
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    let row = invitation(acme, 1, alice.id, "bob@example.org", START.plus_s(10));
    invitations::insert(&mut tx, acme, &row, b"one").await.unwrap();
    assert_eq!(members::count_seats(&mut tx, acme, START).await.unwrap(), 2);
    assert_eq!(members::count_seats(&mut tx, acme, START.plus_s(10)).await.unwrap(), 1);
    assert_eq!(members::count_seats(&mut tx, globex, START).await.unwrap(), 0);
}

#[db_test]
async fn an_address_has_one_pending_invitation(database: TestDatabase) {
    let alice = alice(&database).await;
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    let expires = START.plus_s(10);
    let first = invitation(acme, 1, alice.id, "bob@example.org", expires);
    invitations::insert(&mut tx, acme, &first, b"one").await.unwrap();
    invitations::delete_expired(&mut tx, acme, "bob@example.org", START).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = database.write().await.unwrap();
    let second = invitation(acme, 2, alice.id, "bob@example.org", expires);
    let taken = invitations::insert(&mut tx, acme, &second, b"two").await.unwrap_err();
    assert!(matches!(&taken, Error::Conflict(key) if key == "invitations.organization_id_email"), "{taken}");
    drop(tx);

    let mut tx = database.write().await.unwrap();
    invitations::delete_expired(&mut tx, acme, "bob@example.org", expires).await.unwrap();
    invitations::insert(&mut tx, acme, &second, b"two").await.unwrap();
    assert_eq!(invitations::list_pending(&mut tx, acme).await.unwrap(), std::slice::from_ref(&second));
    assert_eq!(invitations::find_pending(&mut tx, acme, second.id).await.unwrap(), Some(second));
    assert_eq!(invitations::find_pending(&mut tx, acme, first.id).await.unwrap(), None);
}

#[db_test]
async fn a_secret_opens_its_invitation_once(database: TestDatabase) {
    // T-12
    let alice = alice(&database).await;
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    let expires = START.plus_s(10);
    let row = invitation(acme, 1, alice.id, "bob@example.org", expires);
    invitations::insert(&mut tx, acme, &row, b"old").await.unwrap();
    assert!(invitations::renew(&mut tx, acme, row.id, b"new", expires).await.unwrap());
    assert!(!invitations::renew(&mut tx, globex, row.id, b"x", expires).await.unwrap());
    let preview = invitations::find_preview(&mut tx, b"new", START).await.unwrap().unwrap();
    assert_eq!((preview.organization_name.as_str(), preview.role), ("acme", Role::Member));
    assert_eq!(preview.email, "bob@example.org");
    for (secret, now) in [(&b"old"[..], START), (&b"new"[..], expires), (&b""[..], START)] {
        assert!(invitations::find_opened(&mut tx, secret, now).await.unwrap().is_none());
        assert!(invitations::find_preview(&mut tx, secret, now).await.unwrap().is_none());
    }
    let opened = invitations::find_opened(&mut tx, b"new", START).await.unwrap().unwrap();
    assert_eq!((opened.id, opened.scope(), opened.role), (row.id, acme, Role::Member));
    let spend = async |tx: &mut store::Tx, scope, secret: &'static [u8], now| {
        invitations::spend(tx, scope, row.id, secret, now).await.unwrap()
    };
    assert!(!spend(&mut tx, acme, b"old", START).await, "renewed since");
    assert!(!spend(&mut tx, acme, b"new", expires).await, "expired");
    assert!(!spend(&mut tx, globex, b"new", START).await, "another tenant");
    assert!(spend(&mut tx, acme, b"new", START).await);
    assert!(!spend(&mut tx, acme, b"new", START).await, "spent");
    assert!(invitations::find_opened(&mut tx, b"new", START).await.unwrap().is_none());
    assert!(invitations::list_pending(&mut tx, acme).await.unwrap().is_empty());
    assert!(!invitations::delete(&mut tx, acme, row.id).await.unwrap(), "nothing is pending");
    assert_eq!(invitations::purge(&mut tx, expires).await.unwrap(), 0);
    assert_eq!(invitations::purge(&mut tx, expires.plus_ms(1)).await.unwrap(), 1);
}

#[db_test]
async fn invitations_are_revoked_one_by_one_or_by_their_sender(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner), (bob.id, Role::Admin)]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    let expires = START.plus_s(10);
    let by_alice = invitation(acme, 1, alice.id, "one@example.org", expires);
    let by_bob = invitation(acme, 2, bob.id, "two@example.org", expires);
    invitations::insert(&mut tx, acme, &by_alice, b"one").await.unwrap();
    invitations::insert(&mut tx, acme, &by_bob, b"two").await.unwrap();
    assert!(!invitations::delete(&mut tx, globex, by_alice.id).await.unwrap());
    assert_eq!(invitations::delete_sent_by(&mut tx, globex, bob.id).await.unwrap(), 0);
    assert_eq!(invitations::delete_sent_by(&mut tx, acme, bob.id).await.unwrap(), 1);
    assert_eq!(invitations::list_pending(&mut tx, acme).await.unwrap(), std::slice::from_ref(&by_alice));
    assert!(invitations::delete(&mut tx, acme, by_alice.id).await.unwrap());
}
