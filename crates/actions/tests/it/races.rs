//! Sixty-four at once: a limit, a slug, a token, the last owner, each holds (X12, X66, X73, T-12, T-21, Q-09).

use actions::idempotency::{self, Begun};
use actions::invitations::{self, NewInvitation};
use actions::organizations::{self, NewOrganization, OrganizationPatch};
use actions::patch::Version;
use actions::services::{self, NewPlacement, NewService};
use actions::{Error, members};
use domain::organization::Role;
use domain::plan::Tier;
use testkit::{TestContext, db_test};

use crate::tenants::{adds_page, invites, joins, owner};

const MANY: usize = 64;

/// Runs them all at once; how many succeeded, and what the others answered.
async fn race<T: Send + 'static>(
    tasks: impl Iterator<Item = impl Future<Output = actions::Result<T>> + Send + 'static>,
) -> (usize, Vec<Error>) {
    let running: Vec<_> = tasks.map(tokio::spawn).collect();
    let (mut succeeded, mut refused) = (0, Vec::new());
    for task in running {
        match task.await.unwrap() {
            Ok(_) => succeeded += 1,
            Err(error) => refused.push(error),
        }
    }
    (succeeded, refused)
}

fn assert_one(outcome: (usize, Vec<Error>), is_expected: impl Fn(&Error) -> bool) {
    let (succeeded, refused) = outcome;
    assert!(refused.iter().all(is_expected), "{refused:?}");
    assert_eq!((succeeded, refused.len()), (1, MANY - 1));
}

const fn is_limit(error: &Error) -> bool {
    matches!(error, Error::LimitReached(_))
}

fn is_conflict(error: &Error, expected: &str) -> bool {
    matches!(error, Error::Conflict { code, .. } if *code == expected)
}

#[db_test(flavor = "multi_thread")]
async fn the_last_page_of_a_tier_is_had_once(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Pro).await;
    for title in ["Two", "Three", "Four"] {
        adds_page(&test, &alice.membership, title).await.unwrap();
    }
    let tasks = (0..MANY).map(|n| {
        let (test, by) = (test.clone(), alice.membership.clone());
        async move { adds_page(&test, &by, &format!("Page {n}")).await }
    });
    assert_one(race(tasks).await, is_limit);
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::status_pages::count(&mut conn, alice.membership.scope()).await.unwrap(), 5);
}

#[db_test(flavor = "multi_thread")]
async fn the_last_place_on_a_page_is_had_once(test: TestContext) {
    // S31: five on the free tier
    let alice = owner(&test, "alice", Tier::Free).await;
    let create = |n: usize| {
        let (test, by) = (test.clone(), alice.membership.clone());
        let input = NewService { name: format!("Service {n}"), is_visible: true, ..NewService::default() };
        async move { services::create(&test, &by, input).await }
    };
    for n in 0..4 {
        create(n).await.unwrap();
    }
    assert_one(race((10..10 + MANY).map(create)).await, is_limit);
}

#[db_test(flavor = "multi_thread")]
async fn a_service_is_placed_once_however_often_it_is_asked_for(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Team).await;
    let input = NewService { name: "API".to_owned(), is_visible: true, ..NewService::default() };
    let service = services::create(&test, &alice.membership, input).await.unwrap();
    let page = adds_page(&test, &alice.membership, "Second").await.unwrap();
    let tasks = (0..MANY).map(|_| {
        let (test, by) = (test.clone(), alice.membership.clone());
        async move { services::place(&test, &by, page.id, service.id, NewPlacement::default()).await }
    });
    let running: Vec<_> = tasks.map(tokio::spawn).collect();
    let mut new = 0;
    for task in running {
        new += usize::from(task.await.unwrap().unwrap().1);
    }
    assert_eq!(new, 1);
}

#[db_test(flavor = "multi_thread")]
async fn the_last_seat_is_given_once(test: TestContext) {
    // S37, X14: three on Pro; a pending invitation counts
    let alice = owner(&test, "alice", Tier::Pro).await;
    invites(&test, &alice.membership, "bob@example.org", Role::Member).await;
    let tasks = (0..MANY).map(|n| {
        let (test, by) = (test.clone(), alice.membership.clone());
        let input = NewInvitation { email: format!("guest-{n}@example.org"), role: Role::Member };
        async move { invitations::invite(&test, &by, input).await }
    });
    // Some are cut off by the throttle before they reach the limit.
    assert_one(race(tasks).await, |error| is_limit(error) || matches!(error, Error::Throttled { .. }));
    assert_eq!(test.takes_mail().await.len(), 1);
}

#[db_test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_once(test: TestContext) {
    // T-12
    let alice = owner(&test, "alice", Tier::Team).await;
    let bob = owner(&test, "bob", Tier::Free).await;
    let token = invites(&test, &alice.membership, &bob.email, Role::Admin).await;
    let tasks = (0..MANY).map(|_| {
        let (test, token, user, session) = (test.clone(), token.clone(), bob.id(), bob.session);
        async move { invitations::accept(&test, user, session, &token).await }
    });
    assert_one(race(tasks).await, |error| matches!(error, Error::InvalidToken));
}

#[db_test(flavor = "multi_thread")]
async fn a_chosen_slug_goes_to_one(test: TestContext) {
    // X1
    let test = test.with_policy(|policy| policy.are_plans_enforced = false);
    let alice = owner(&test, "alice", Tier::Free).await;
    let tasks = (0..MANY).map(|_| {
        let (test, user) = (test.clone(), alice.id());
        let input = NewOrganization { name: "Globex".to_owned(), slug: Some("globex".to_owned()) };
        async move { organizations::create(&test, user, input).await }
    });
    assert_one(race(tasks).await, |error| is_conflict(error, "slug_taken"));
}

#[db_test(flavor = "multi_thread")]
async fn a_slug_that_is_left_and_wanted_at_once_has_one_owner(test: TestContext) {
    // X1: whoever of the two comes first, the slug never belongs to both.
    let alice = owner(&test, "alice", Tier::Team).await;
    let bob = owner(&test, "bob", Tier::Team).await;
    let old = alice.membership.organization.slug.clone();
    let move_to = |by: &crate::tenants::Somebody, slug: &str| {
        let (test, by) = (test.clone(), by.membership.clone());
        let patch = OrganizationPatch { slug: Some(slug.to_owned()), ..OrganizationPatch::default() };
        async move { organizations::update(&test, &by, Version::Any, patch).await }
    };
    let (leaves, takes) =
        tokio::join!(tokio::spawn(move_to(&alice, "rocket")), tokio::spawn(move_to(&bob, &old)));
    leaves.unwrap().unwrap();
    let refused = takes.unwrap().unwrap_err();
    assert!(is_conflict(&refused, "slug_taken"), "{refused}");
}

#[db_test(flavor = "multi_thread")]
async fn the_last_free_organization_of_a_person_is_made_once(test: TestContext) {
    // X73
    let alice = owner(&test, "alice", Tier::Free).await;
    let tasks = (0..MANY).map(|n| {
        let (test, user) = (test.clone(), alice.id());
        let input = NewOrganization { name: format!("Acme {n}"), slug: None };
        async move { organizations::create(&test, user, input).await }
    });
    assert_one(race(tasks).await, |error| matches!(error, Error::PersonalLimit { limit: 2, current: 2, .. }));
}

#[db_test(flavor = "multi_thread")]
async fn two_owners_who_demote_each_other_leave_one(test: TestContext) {
    // X12
    let alice = owner(&test, "alice", Tier::Team).await;
    let bob = joins(&test, &alice, "bob", Role::Owner).await;
    let tasks = (0..MANY).map(|n| {
        let (test, by, other) = (test.clone(), alice.clone(), bob.clone());
        let (by, other) = if n % 2 == 0 { (by, other) } else { (other, by) };
        async move {
            match n % 4 {
                0 | 1 => {
                    members::change_role(&test, &by.membership, other.id(), Role::Member).await.map(drop)
                }
                2 => members::leave(&test, &by.membership).await,
                _ => members::remove(&test, &by.membership, other.id()).await,
            }
        }
    });
    let (succeeded, _) = race(tasks).await;
    assert!(succeeded >= 1);
    let mut conn = test.db.read().await.unwrap();
    let left = store::members::list(&mut conn, alice.membership.scope()).await.unwrap();
    let owners = left.iter().filter(|member| member.role == Role::Owner).count();
    assert_eq!(owners, 1, "{left:?}");
}

#[db_test(flavor = "multi_thread")]
async fn a_key_is_claimed_once(test: TestContext) {
    let tasks = (0..MANY).map(|_| {
        let test = test.clone();
        async move { idempotency::begin(&test, b"alice", "key", b"request").await }
    });
    let running: Vec<_> = tasks.map(tokio::spawn).collect();
    let mut run = 0;
    for task in running {
        match task.await.unwrap().unwrap() {
            Begun::Run(_) => run += 1,
            other => assert_eq!(other, Begun::Running),
        }
    }
    assert_eq!(run, 1);
}
