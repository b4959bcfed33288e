//! What tests of accounts and organizations need to exist first.

use domain::id::{OrgId, UserId};
use domain::organization::{Organization, Role};
use domain::plan::Tier;
use domain::time::Timestamp;
use domain::user::User;
use store::{Database, OrgScope};
use testkit::START;
use uuid::Uuid;

/// A person who was not stored yet.
pub(crate) fn person(number: u128, email: &str) -> User {
    User {
        id: UserId::new(Uuid::from_u128(number)),
        email: email.to_ascii_lowercase(),
        email_display: email.to_owned(),
        password_hash: "$argon2id$".to_owned(),
        display_name: None,
        is_email_verified: false,
        totp_secret: None,
        totp_confirmed_at: None,
        totp_last_step: 0,
        created_at: START,
        updated_at: START,
    }
}

pub(crate) async fn alice(database: &Database) -> User {
    stored(database, person(1, "Alice@example.org")).await
}

pub(crate) async fn bob(database: &Database) -> User {
    stored(database, person(2, "bob@example.org")).await
}

async fn stored(database: &Database, user: User) -> User {
    let mut tx = database.write().await.unwrap();
    store::users::insert(&mut tx, &user).await.unwrap();
    tx.commit().await.unwrap();
    user
}

pub(crate) fn organization(number: u128, slug: &str, now: Timestamp) -> Organization {
    Organization {
        id: OrgId::new(Uuid::from_u128(number)),
        slug: slug.to_owned(),
        name: slug.to_owned(),
        tier: Tier::Free,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

/// An organization with these members.
pub(crate) async fn organization_of(database: &Database, slug: &str, members: &[(UserId, Role)]) -> OrgScope {
    let mut tx = database.write().await.unwrap();
    let id = 100 + slug.bytes().map(u128::from).sum::<u128>();
    let scope = store::organizations::insert_unless_taken(&mut tx, &organization(id, slug, START))
        .await
        .unwrap()
        .unwrap();
    for (user, role) in members {
        store::organizations::insert_member(&mut tx, scope, *user, *role, START).await.unwrap();
    }
    tx.commit().await.unwrap();
    scope
}
