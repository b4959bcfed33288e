//! The tier table at its edges, through the actions (S30, S31, S37, S44, S45, X65, D7, D10). Monitors and subscribers
//! have their own.

use actions::Error;
use actions::invitations::{self, NewInvitation};
use actions::services::{self, NewPlacement, NewService};
use domain::organization::Role;
use domain::plan::{QuotaKind, Tier};
use domain::service::Service;
use store::organizations::Membership;
use testkit::{TestContext, db_test};

use crate::tenants::{Somebody, adds_page, owner};

async fn adds_service(test: &TestContext, by: &Membership, name: &str) -> actions::Result<Service> {
    let input = NewService { name: name.to_owned(), is_visible: true, ..NewService::default() };
    services::create(test, by, input).await
}

/// The refusal names the limit, the use and the way out (X72).
#[expect(clippy::needless_pass_by_value, reason = "takes the answer of an action as it comes")]
fn assert_limit<T: std::fmt::Debug>(
    answer: actions::Result<T>,
    kind: QuotaKind,
    limit: u32,
    required: Option<Tier>,
) {
    let Err(Error::LimitReached(reached)) = answer else { panic!("{kind:?} {limit}: {answer:?}") };
    assert_eq!((reached.kind, reached.limit, reached.current), (kind, limit, i64::from(limit)));
    assert_eq!(reached.required, required);
    let words = reached.to_string();
    assert!(words.contains("Tier limit reached for") && words.contains(&limit.to_string()), "S44: {words}");
}

#[db_test]
async fn status_pages_one_five_and_any_number(test: TestContext) {
    // S30
    for (tier, limit, required) in [
        (Tier::Free, Some(1), Some(Tier::Pro)),
        (Tier::Pro, Some(5), Some(Tier::Team)),
        (Tier::Team, None, None),
    ] {
        let owner = owner(&test, tier.as_str(), tier).await;
        for n in 1..limit.unwrap_or(8) {
            adds_page(&test, &owner.membership, &format!("Page {n}")).await.unwrap();
        }
        let over = adds_page(&test, &owner.membership, "One more").await;
        match limit {
            Some(limit) => assert_limit(over, QuotaKind::StatusPages, limit, required),
            None => assert!(over.is_ok()),
        }
    }
}

#[db_test]
async fn services_per_page_five_fifty_and_any_number(test: TestContext) {
    // S31
    for (tier, limit, required) in [
        (Tier::Free, Some(5), Some(Tier::Pro)),
        (Tier::Pro, Some(50), Some(Tier::Team)),
        (Tier::Team, None, None),
    ] {
        let owner = owner(&test, tier.as_str(), tier).await;
        for n in 0..limit.unwrap_or(51) {
            adds_service(&test, &owner.membership, &format!("Service {n}")).await.unwrap();
        }
        let over = adds_service(&test, &owner.membership, "One more").await;
        match limit {
            Some(limit) => assert_limit(over, QuotaKind::ServicesPerPage, limit, required),
            None => assert!(over.is_ok()),
        }
    }
}

#[db_test]
async fn placing_a_service_on_a_full_page_is_refused_and_on_another_is_not(test: TestContext) {
    // X67, D4: placements count, not services
    let mut alice = owner(&test, "alice", Tier::Pro).await;
    let second = adds_page(&test, &alice.membership, "Second").await.unwrap();
    let mut services = Vec::new();
    for n in 0..6 {
        services.push(adds_service(&test, &alice.membership, &format!("Service {n}")).await.unwrap());
    }
    downgrades(&test, &mut alice).await;
    for (n, service) in services.iter().enumerate() {
        let place =
            || services::place(&test, &alice.membership, second.id, service.id, NewPlacement::default());
        if n < 5 {
            assert!(place().await.unwrap().1, "it is new there");
            assert!(!place().await.unwrap().1, "asking again changes it only");
        } else {
            assert_limit(place().await, QuotaKind::ServicesPerPage, 5, Some(Tier::Pro));
        }
    }
    services::displace(&test, &alice.membership, second.id, services[0].id).await.unwrap();
    let last = services::place(&test, &alice.membership, second.id, services[5].id, NewPlacement::default());
    assert!(last.await.unwrap().1, "a place was given back");
}

async fn downgrades(test: &TestContext, owner: &mut Somebody) {
    let slug = owner.membership.organization.slug.clone();
    actions::organizations::set_tier_by_operator(test, &slug, Tier::Free).await.unwrap();
    owner.membership = owner.now(test).await.unwrap();
}

#[db_test]
async fn members_one_three_and_any_number(test: TestContext) {
    // S37, X14: the owner and pending invitations count
    for (tier, limit, required) in [
        (Tier::Free, Some(1), Some(Tier::Pro)),
        (Tier::Pro, Some(3), Some(Tier::Team)),
        (Tier::Team, None, None),
    ] {
        let owner = owner(&test, tier.as_str(), tier).await;
        let invite = async |n: u32| {
            let input = NewInvitation { email: format!("guest-{n}@example.org"), role: Role::Member };
            invitations::invite(&test, &owner.membership, input).await
        };
        for n in 1..limit.unwrap_or(8) {
            invite(n).await.unwrap();
        }
        match limit {
            Some(limit) => assert_limit(invite(99).await, QuotaKind::Members, limit, required),
            None => assert!(invite(99).await.is_ok()),
        }
    }
    test.takes_mail().await;
}

#[db_test]
async fn without_plans_nothing_is_limited(test: TestContext) {
    // D7
    let test = test.with_policy(|policy| policy.are_plans_enforced = false);
    let alice = owner(&test, "alice", Tier::Free).await;
    adds_page(&test, &alice.membership, "Second").await.unwrap();
    for n in 0..6 {
        adds_service(&test, &alice.membership, &format!("Service {n}")).await.unwrap();
    }
    let input = NewInvitation { email: "bob@example.org".to_owned(), role: Role::Member };
    invitations::invite(&test, &alice.membership, input).await.unwrap();
    for n in 0..3 {
        let input = actions::organizations::NewOrganization { name: format!("Acme {n}"), slug: None };
        actions::organizations::create(&test, alice.id(), input).await.unwrap();
    }
    test.takes_mail().await;
}

#[db_test]
async fn a_tier_set_by_the_operator_counts_from_the_next_request(test: TestContext) {
    let mut alice = owner(&test, "alice", Tier::Pro).await;
    adds_page(&test, &alice.membership, "Second").await.unwrap();
    downgrades(&test, &mut alice).await;
    // D10: what is there stays.
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::status_pages::count(&mut conn, alice.membership.scope()).await.unwrap(), 2);
    let Err(Error::LimitReached(reached)) = adds_page(&test, &alice.membership, "Third").await else {
        panic!("a third page on the free tier")
    };
    assert_eq!((reached.limit, reached.current, reached.required), (1, 2, Some(Tier::Pro)));
    let none = actions::organizations::set_tier_by_operator(&test, "no-such", Tier::Pro).await;
    assert!(matches!(none, Err(Error::NotFound)));
}
