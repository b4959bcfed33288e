//! Organizations, memberships, slugs (S19, X1, X13, X18).

use domain::id::UserId;
use domain::organization::Role;
use domain::plan::Tier;
use domain::time::DAY_MS;
use store::{Database, Error, organizations};
use testkit::{START, TestDatabase, db_test};
use uuid::Uuid;

use crate::people::{alice, bob, organization, organization_of};

#[db_test]
async fn a_membership_is_found_by_id_and_by_slug_and_by_members_only(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    let mut conn = database.read().await.unwrap();
    let id = acme.organization_id();
    let found = organizations::find_membership(&mut conn, alice.id, id).await.unwrap().unwrap();
    assert_eq!((found.organization.slug.as_str(), found.role), ("acme", Role::Owner));
    assert_eq!((found.is_email_verified, found.scope()), (false, acme));
    let found = organizations::find_membership_by_slug(&mut conn, alice.id, "acme").await.unwrap().unwrap();
    assert_eq!(found.organization.id, id);
    assert!(organizations::find_membership(&mut conn, bob.id, id).await.unwrap().is_none());
    assert!(organizations::find_membership_by_slug(&mut conn, bob.id, "acme").await.unwrap().is_none());
    assert_eq!(organizations::list_all(&mut conn).await.unwrap(), [found.organization]);
}

#[db_test]
async fn memberships_are_listed_by_the_last_use(database: TestDatabase) {
    // D3
    let alice = alice(&database).await;
    let owner = [(alice.id, Role::Owner)];
    let acme = organization_of(&database, "acme", &owner).await;
    organization_of(&database, "globex", &owner).await;
    let mut tx = database.write().await.unwrap();
    organizations::touch_member(&mut tx, acme, alice.id, START.plus_s(1)).await.unwrap();
    let all = organizations::list_memberships(&mut tx, alice.id).await.unwrap();
    let slugs: Vec<&str> = all.iter().map(|membership| membership.organization.slug.as_str()).collect();
    assert_eq!(slugs, ["acme", "globex"]);
}

#[db_test]
async fn a_person_is_a_member_once(database: TestDatabase) {
    // X13
    let alice = alice(&database).await;
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    let twice = organizations::insert_member(&mut tx, acme, alice.id, Role::Member, START).await.unwrap_err();
    assert!(matches!(&twice, Error::Conflict(key) if key.starts_with("organization_members.")), "{twice}");
}

#[db_test]
async fn a_stranger_to_the_database_cannot_become_a_member(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    let nobody = UserId::new(Uuid::from_u128(99));
    let refused = organizations::insert_member(&mut tx, acme, nobody, Role::Member, START).await.unwrap_err();
    assert!(matches!(refused, Error::Reference), "{refused}");
}

#[db_test]
async fn leaving_takes_one_member_out(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner), (bob.id, Role::Member)]).await;
    let mut tx = database.write().await.unwrap();
    assert!(organizations::delete_member(&mut tx, acme, bob.id).await.unwrap());
    assert!(!organizations::delete_member(&mut tx, acme, bob.id).await.unwrap());
    let id = acme.organization_id();
    assert!(organizations::find_membership(&mut tx, bob.id, id).await.unwrap().is_none());
    assert!(organizations::find_membership(&mut tx, alice.id, id).await.unwrap().is_some());
}

#[db_test]
async fn others_are_counted_by_what_they_may_do(database: TestDatabase) {
    // X12: only verified owners count
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner), (bob.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    let others = organizations::count_others(&mut tx, acme, alice.id).await.unwrap();
    assert_eq!((others.members, others.owners), (1, 0));
    store::users::update_verified(&mut tx, bob.id, &bob.email, START).await.unwrap();
    let others = organizations::count_others(&mut tx, acme, alice.id).await.unwrap();
    assert_eq!((others.members, others.owners), (1, 1));
}

#[db_test]
async fn the_lock_reads_the_tier_and_the_row_as_they_are(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    assert_eq!(organizations::lock_tier(&mut tx, acme).await.unwrap(), Tier::Free);
    assert!(organizations::update_tier(&mut tx, "acme", Tier::Pro, START).await.unwrap().is_some());
    assert!(organizations::update_tier(&mut tx, "globex", Tier::Pro, START).await.unwrap().is_none());
    assert_eq!(organizations::lock_tier(&mut tx, acme).await.unwrap(), Tier::Pro);
    let row = organizations::lock(&mut tx, acme).await.unwrap().unwrap();
    assert_eq!((row.tier, row.updated_at), (Tier::Pro, START.plus_ms(1)), "a later version in one instant");
    organizations::update_tier(&mut tx, "acme", Tier::Team, START.plus_s(9)).await.unwrap();
    assert_eq!(organizations::lock(&mut tx, acme).await.unwrap().unwrap().updated_at, START.plus_s(9));
}

#[db_test]
async fn only_the_newest_version_can_be_changed_and_a_slug_is_had_once(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    let mut row = organizations::lock(&mut tx, acme).await.unwrap().unwrap();
    row.name = "Acme Ltd".to_owned();
    row.updated_at = START.plus_ms(1);
    assert!(organizations::update(&mut tx, acme, &row, START).await.unwrap());
    assert!(!organizations::update(&mut tx, acme, &row, START).await.unwrap(), "an old version");
    assert_eq!(organizations::lock(&mut tx, acme).await.unwrap().unwrap(), row);
    row.slug = "globex".to_owned();
    let taken = organizations::update(&mut tx, acme, &row, row.updated_at).await.unwrap_err();
    assert!(matches!(&taken, Error::Conflict(key) if key == "organizations.slug"), "{taken}");
}

#[db_test]
async fn a_taken_or_held_slug_is_refused_and_the_transaction_goes_on(database: TestDatabase) {
    // X1
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    organizations::hold_slug(&mut tx, acme, "old-acme", START.plus_s(10)).await.unwrap();
    let insert = async |tx: &mut store::Tx, number: u128, slug: &str, now| {
        organizations::insert_unless_taken(tx, &organization(number, slug, now)).await.unwrap()
    };
    assert!(insert(&mut tx, 7, "acme", START).await.is_none());
    assert!(insert(&mut tx, 7, "old-acme", START.plus_s(9)).await.is_none());
    assert!(insert(&mut tx, 7, "old-acme", START.plus_s(10)).await.is_some(), "not held any more");
    tx.commit().await.unwrap();
}

#[db_test]
async fn a_held_slug_leads_its_members_home_until_it_expires(database: TestDatabase) {
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let acme = organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    let globex = organization_of(&database, "globex", &[(bob.id, Role::Owner)]).await;
    let (own, other) = (Some(acme.organization_id()), Some(globex.organization_id()));
    let mut tx = database.write().await.unwrap();
    organizations::hold_slug(&mut tx, acme, "old-acme", START.plus_s(10)).await.unwrap();
    let find = async |tx: &mut store::Tx, user, now| {
        organizations::find_membership_by_old_slug(tx, user, "old-acme", now).await.unwrap()
    };
    assert_eq!(find(&mut tx, alice.id, START).await.unwrap().organization.slug, "acme");
    assert!(find(&mut tx, bob.id, START).await.is_none());
    assert!(find(&mut tx, alice.id, START.plus_s(10)).await.is_none());
    let is_held = async |tx: &mut store::Tx, own, now| {
        organizations::is_slug_held(tx, "old-acme", own, now).await.unwrap()
    };
    assert!(is_held(&mut tx, None, START).await && is_held(&mut tx, other, START).await);
    assert!(!is_held(&mut tx, own, START).await, "it may be taken back");
    assert!(!is_held(&mut tx, other, START.plus_s(10)).await);

    organizations::hold_slug(&mut tx, globex, "old-acme", START.plus_s(20)).await.unwrap();
    assert!(!is_held(&mut tx, other, START).await && is_held(&mut tx, own, START).await, "replaced");
    assert_eq!(organizations::purge_redirects(&mut tx, START.plus_s(20)).await.unwrap(), 0);
    assert_eq!(organizations::purge_redirects(&mut tx, START.plus_s(21)).await.unwrap(), 1);
    organizations::hold_slug(&mut tx, acme, "old-acme", START.plus_s(10)).await.unwrap();
    organizations::release_slug(&mut tx, "old-acme").await.unwrap();
    assert!(!is_held(&mut tx, None, START).await);
}

#[db_test]
async fn a_deleted_organization_is_found_by_its_owner_only_until_it_is_purged(database: TestDatabase) {
    // X18
    let (alice, bob) = (alice(&database).await, bob(&database).await);
    let members = [(alice.id, Role::Owner), (bob.id, Role::Admin)];
    let acme = organization_of(&database, "acme", &members).await;
    let id = acme.organization_id();
    let mut tx = database.write().await.unwrap();
    assert!(!organizations::restore(&mut tx, acme, START).await.unwrap(), "it is alive");
    assert!(organizations::delete(&mut tx, acme, START.plus_s(1)).await.unwrap());
    assert!(!organizations::delete(&mut tx, acme, START.plus_s(2)).await.unwrap());
    assert!(organizations::find_membership(&mut tx, alice.id, id).await.unwrap().is_none());
    assert!(organizations::list_memberships(&mut tx, alice.id).await.unwrap().is_empty());
    assert!(organizations::lock(&mut tx, acme).await.unwrap().is_none());
    let restorable = async |tx: &mut store::Tx, user: UserId, since| {
        let found = organizations::find_restorable(tx, user, id, since).await.unwrap();
        let listed = organizations::list_restorable(tx, user, since).await.unwrap();
        assert_eq!(found.is_some(), !listed.is_empty());
        found.is_some()
    };
    assert!(restorable(&mut tx, alice.id, START).await);
    assert!(!restorable(&mut tx, alice.id, START.plus_s(1)).await, "too long ago");
    assert!(!restorable(&mut tx, bob.id, START).await, "owners only");
    assert!(organizations::restore(&mut tx, acme, START.plus_s(3)).await.unwrap());
    assert!(organizations::find_membership(&mut tx, alice.id, id).await.unwrap().is_some());

    organizations::delete(&mut tx, acme, START).await.unwrap();
    assert_eq!(organizations::purge(&mut tx, START).await.unwrap(), 0);
    assert_eq!(organizations::purge(&mut tx, START.plus_ms(DAY_MS)).await.unwrap(), 1);
    assert!(organizations::list_all(&mut tx).await.unwrap().is_empty());
}

#[db_test]
async fn owned_organizations_of_a_tier_are_counted(database: TestDatabase) {
    // X73
    let alice = alice(&database).await;
    organization_of(&database, "acme", &[(alice.id, Role::Owner)]).await;
    organization_of(&database, "globex", &[(alice.id, Role::Admin)]).await;
    let gone = organization_of(&database, "initech", &[(alice.id, Role::Owner)]).await;
    let mut tx = database.write().await.unwrap();
    organizations::delete(&mut tx, gone, START).await.unwrap();
    let mut count =
        async |tier, since| organizations::count_owned(&mut tx, alice.id, tier, since).await.unwrap();
    assert_eq!(count(Tier::Free, None).await, 1);
    assert_eq!(count(Tier::Free, Some(START.plus_ms(-1))).await, 2, "the deleted one can be restored");
    assert_eq!(count(Tier::Free, Some(START)).await, 1, "not any more");
    organizations::update_tier(&mut tx, "acme", Tier::Pro, START).await.unwrap();
    assert_eq!(organizations::count_owned(&mut tx, alice.id, Tier::Free, None).await.unwrap(), 0);
    assert_eq!(organizations::count_owned(&mut tx, alice.id, Tier::Pro, None).await.unwrap(), 1);
}

#[db_test(flavor = "multi_thread")]
async fn of_sixty_four_organizations_with_one_slug_one_is_made(database: TestDatabase) {
    // X1, Q-09
    let tasks: Vec<_> =
        (0..64_u128).map(|number| tokio::spawn(attempt((*database).clone(), number))).collect();
    let mut made = 0;
    for task in tasks {
        made += usize::from(task.await.unwrap());
    }
    assert_eq!(made, 1);
}

async fn attempt(database: Database, number: u128) -> bool {
    let mut tx = database.write().await.unwrap();
    let row = organization(1000 + number, "acme", START);
    let scope = organizations::insert_unless_taken(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    scope.is_some()
}
