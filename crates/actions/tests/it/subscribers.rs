//! Subscribing: one answer for all, bounded mail, tokens that work once, places that are counted.

use std::collections::BTreeSet;

use actions::patch::Version;
use actions::status_pages::{self, NewPage};
use actions::subscribers::{self, Outcome, Visitor};
use actions::{Error, Result};
use domain::id::SubscriberId;
use domain::notification::Message;
use domain::organization::Role;
use domain::plan::Tier;
use domain::subscriber::Subscriber;
use domain::time::{DAY_MS, HOUR_MS};
use store::organizations::Membership;
use store::page_view::PublicPage;
use testkit::{TestContext, db_test};
use uuid::Uuid;

use crate::acme::{Acme, acme, anybody, confirmation_token, page, recipients};

async fn asks(test: &TestContext, page: &PublicPage, email: &str) -> Outcome {
    subscribers::request(test, page, email, &anybody()).await.unwrap()
}

async fn confirmed(test: &TestContext, acme: &Acme) -> i64 {
    let mut conn = test.db.read().await.unwrap();
    store::subscribers::count_confirmed(&mut conn, acme.by.scope()).await.unwrap()
}

async fn list(test: &TestContext, acme: &Acme) -> Vec<Subscriber> {
    let newest = (domain::time::Timestamp::from_ms(i64::MAX), Uuid::max());
    let mut conn = test.db.read().await.unwrap();
    store::subscribers::list(&mut conn, acme.by.scope(), newest, 500).await.unwrap()
}

/// Confirmed rows without the mails.
async fn fills(test: &TestContext, acme: &Acme, number: usize) {
    let mut tx = test.db.write().await.unwrap();
    for index in 0..number {
        let email = format!("reader{index}@example.org");
        let pending = store::subscribers::Pending {
            id: SubscriberId::new(test.uuid(test.now())),
            page: acme.page.page.id,
            email: &email,
            token_hash: email.as_bytes(),
            expires_at: test.now(),
        };
        store::subscribers::put_pending(&mut tx, acme.by.scope(), &pending, test.now()).await.unwrap();
        store::subscribers::update_confirmed(&mut tx, acme.by.scope(), pending.id, test.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[db_test]
async fn the_answer_is_the_same_whatever_is_known_of_the_address(test: TestContext) {
    // D1, T-13
    let acme = acme(&test, Tier::Team).await;
    acme.subscribes(&test, "known@example.org").await;
    assert_eq!(asks(&test, &acme.page, "New@Example.org").await, Outcome::Done);
    let mails = test.takes_mail().await;
    assert_eq!(recipients(&mails), BTreeSet::from(["new@example.org"]));
    let silent = [
        "known@example.org",
        "new@example.org",
        " NEW@example.org ",
        "abuse@example.org",
        "Postmaster@example.org",
    ];
    for email in silent {
        assert_eq!(asks(&test, &acme.page, email).await, Outcome::Done, "{email}");
    }
    assert_eq!(test.takes_mail().await, []);
    assert_eq!(list(&test, &acme).await.len(), 2, "nothing was added for the addresses of duties");
    let wrong = subscribers::request(&test, &acme.page, "no address", &anybody()).await;
    assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
}

#[db_test]
async fn a_new_link_comes_after_a_day_and_the_older_one_dies(test: TestContext) {
    // T-13, X55
    let acme = acme(&test, Tier::Team).await;
    asks(&test, &acme.page, "carol@example.org").await;
    let first = confirmation_token(&test.takes_mail().await, "carol@example.org");
    test.clock.advance_ms(DAY_MS - 1);
    asks(&test, &acme.page, "carol@example.org").await;
    assert_eq!(test.takes_mail().await, []);
    test.clock.advance_ms(1);
    asks(&test, &acme.page, "carol@example.org").await;
    let second = confirmation_token(&test.takes_mail().await, "carol@example.org");
    let dead = subscribers::confirm(&test, &acme.page, &first).await;
    assert!(matches!(dead, Err(Error::InvalidToken)), "{dead:?}");
    test.clock.advance_ms(2 * DAY_MS);
    let expired = subscribers::confirm(&test, &acme.page, &second).await;
    assert!(matches!(expired, Err(Error::InvalidToken)), "48 hours are over: {expired:?}");
    test.clock.advance_ms(-1);
    assert_eq!(subscribers::confirm(&test, &acme.page, &second).await.unwrap(), Outcome::Done);
}

#[db_test]
async fn one_address_gets_three_mails_a_day_over_all_pages(test: TestContext) {
    // T-13, H-32: subscription bombing.
    let acme = acme(&test, Tier::Team).await;
    let mut pages = vec![acme.page.clone()];
    for number in 0..29 {
        let slug = format!("page-{number}");
        let input =
            NewPage { title: slug.clone(), slug: Some(slug.clone()), is_public: true, ..NewPage::default() };
        status_pages::create(&test, &acme.by, input).await.unwrap();
        pages.push(page(&test, &acme.page.organization_slug, Some(&slug)).await);
    }
    for _ in 0..10 {
        for page in &pages {
            assert_eq!(asks(&test, page, "victim@example.org").await, Outcome::Done);
        }
    }
    assert_eq!(test.takes_mail().await.len(), 3, "of 300 requests");
    test.clock.advance_ms(DAY_MS);
    for page in &pages {
        asks(&test, page, "victim@example.org").await;
    }
    assert_eq!(test.takes_mail().await.len(), 3, "the next day");
}

#[db_test]
async fn one_page_sends_a_hundred_confirmation_mails_an_hour(test: TestContext) {
    // T-13
    let acme = acme(&test, Tier::Team).await;
    acme.subscribes(&test, "known@example.org").await;
    for number in 0..130 {
        asks(&test, &acme.page, &format!("reader{number}@example.org")).await;
        // Known addresses use nothing up.
        asks(&test, &acme.page, "known@example.org").await;
    }
    assert_eq!(test.takes_mail().await.len(), 99, "and one before");
    test.clock.advance_ms(HOUR_MS);
    asks(&test, &acme.page, "reader129@example.org").await;
    assert_eq!(test.takes_mail().await.len(), 1);
}

#[db_test]
async fn one_client_asks_five_times_an_hour_and_uses_nothing_up_after_that(test: TestContext) {
    // T-13
    let acme = acme(&test, Tier::Team).await;
    let visitor = Visitor { bucket: "203.0.113.9".to_owned(), per_hour: 5 };
    for number in 0..9 {
        let email = format!("reader{number}@example.org");
        let asked = subscribers::request(&test, &acme.page, &email, &visitor).await.unwrap();
        assert_eq!(asked, Outcome::Done, "the same answer");
    }
    assert_eq!(test.takes_mail().await.len(), 5);
    asks(&test, &acme.page, "reader8@example.org").await;
    assert_eq!(test.takes_mail().await.len(), 1, "another client may");
    test.clock.advance_ms(HOUR_MS);
    subscribers::request(&test, &acme.page, "reader7@example.org", &visitor).await.unwrap();
    assert_eq!(test.takes_mail().await.len(), 1);
}

#[db_test(flavor = "multi_thread")]
async fn requests_at_once_for_one_address_mail_once(test: TestContext) {
    // T-13
    let acme = acme(&test, Tier::Team).await;
    let requests: Vec<_> = (0..16)
        .map(|_| {
            let (ctx, page) = (test.ctx.clone(), acme.page.clone());
            tokio::spawn(async move {
                subscribers::request(&ctx, &page, "carol@example.org", &anybody()).await.unwrap()
            })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), Outcome::Done);
    }
    assert_eq!(test.takes_mail().await.len(), 1);
}

/// How many of 64 at once confirm, and how many are told that the page is full.
async fn sixty_four(test: &TestContext, page: &PublicPage, tokens: &[String]) -> (usize, usize) {
    let tries: Vec<_> = (0..64)
        .map(|index| {
            let (ctx, page) = (test.ctx.clone(), page.clone());
            let token = tokens[index % tokens.len()].clone();
            tokio::spawn(async move { subscribers::confirm(&ctx, &page, &token).await })
        })
        .collect();
    let mut outcomes: Vec<Result<Outcome>> = Vec::new();
    for one in tries {
        outcomes.push(one.await.unwrap());
    }
    let count =
        |wanted| outcomes.iter().filter(|outcome| matches!(outcome, Ok(done) if *done == wanted)).count();
    let (done, full) = (count(Outcome::Done), count(Outcome::Full));
    let dead = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::InvalidToken))).count();
    assert_eq!(done + full + dead, 64, "{outcomes:?}");
    (done, full)
}

#[db_test(flavor = "multi_thread")]
async fn a_token_is_spent_once_by_64_at_once(test: TestContext) {
    // T-12
    let acme = acme(&test, Tier::Team).await;
    asks(&test, &acme.page, "carol@example.org").await;
    let token = confirmation_token(&test.takes_mail().await, "carol@example.org");
    assert_eq!(sixty_four(&test, &acme.page, &[token]).await, (1, 0));
    assert_eq!(confirmed(&test, &acme).await, 1);
}

#[db_test(flavor = "multi_thread")]
async fn at_one_below_the_limit_64_confirmations_at_once_make_one_subscriber(test: TestContext) {
    // S33, X66
    let acme = acme(&test, Tier::Free).await;
    fills(&test, &acme, 24).await;
    let mut tokens = Vec::new();
    for number in 0..64 {
        let email = format!("late{number}@example.org");
        asks(&test, &acme.page, &email).await;
        tokens.push(confirmation_token(&test.takes_mail().await, &email));
    }
    assert_eq!(sixty_four(&test, &acme.page, &tokens).await, (1, 63));
    assert_eq!(confirmed(&test, &acme).await, 25);
    // The owner is told once (X58).
    let mails = test.takes_mail().await;
    assert_eq!(mails.len(), 1);
    assert!(matches!(&mails[0].1, Message::SubscribersFull { limit: 25, .. }));
}

#[db_test]
async fn a_full_page_says_so_to_everybody_and_its_links_work_again_with_room(test: TestContext) {
    // X58, X57
    let acme = acme(&test, Tier::Free).await;
    asks(&test, &acme.page, "carol@example.org").await;
    let token = confirmation_token(&test.takes_mail().await, "carol@example.org");
    fills(&test, &acme, 25).await;
    for email in ["dave@example.org", "reader3@example.org", "carol@example.org"] {
        assert_eq!(asks(&test, &acme.page, email).await, Outcome::Full, "{email}");
    }
    assert_eq!(subscribers::confirm(&test, &acme.page, &token).await.unwrap(), Outcome::Full);
    let mails = test.takes_mail().await;
    assert_eq!(
        recipients(&mails),
        BTreeSet::from([acme.owner.email.as_str()]),
        "only the owner is written to"
    );
    assert_eq!(mails.len(), 1);
    test.clock.advance_ms(31 * DAY_MS);
    asks(&test, &acme.page, "dave@example.org").await;
    assert_eq!(test.takes_mail().await.len(), 1, "a month later again");
    test.clock.advance_ms(-31 * DAY_MS);

    let slug = &acme.by.organization.slug;
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Pro).await.unwrap();
    assert_eq!(subscribers::confirm(&test, &acme.page, &token).await.unwrap(), Outcome::Done);
    assert_eq!(confirmed(&test, &acme).await, 26);
}

#[db_test]
async fn a_token_that_was_never_given_out_does_nothing(test: TestContext) {
    // H-23
    let acme = acme(&test, Tier::Team).await;
    asks(&test, &acme.page, "carol@example.org").await;
    test.takes_mail().await;
    let long = "x".repeat(5000);
    for token in ["", " ", "x", &"A".repeat(43), &"ü".repeat(43), &long] {
        let answer = subscribers::confirm(&test, &acme.page, token).await;
        assert!(matches!(answer, Err(Error::InvalidToken)), "{token:?}: {answer:?}");
    }
    assert_eq!(confirmed(&test, &acme).await, 0);
}

#[db_test]
async fn leaving_needs_the_proof_of_this_very_subscriber(test: TestContext) {
    // T-14
    let acme = acme(&test, Tier::Team).await;
    acme.subscribes(&test, "carol@example.org").await;
    let carol = list(&test, &acme).await[0].id;
    let other = SubscriberId::new(Uuid::from_u128(5));
    for proof in ["", "x", &test.keys.unsubscribe_token(other)] {
        let answer = subscribers::unsubscribe(&test, carol, proof).await;
        assert!(matches!(answer, Err(Error::InvalidToken)), "{answer:?}");
    }
    assert_eq!(confirmed(&test, &acme).await, 1);
    test.clock.advance_ms(4000 * DAY_MS);
    for _ in 0..2 {
        subscribers::unsubscribe(&test, carol, &test.keys.unsubscribe_token(carol)).await.unwrap();
    }
    assert_eq!(list(&test, &acme).await, []);
}

#[db_test]
async fn an_admin_invites_confirms_and_removes_addresses(test: TestContext) {
    // S12, X67
    let acme = acme(&test, Tier::Free).await;
    let added = subscribers::add(&test, &acme.by, None, "Carol@example.org").await.unwrap();
    assert_eq!((added.email.as_str(), added.is_confirmed), ("carol@example.org", false));
    assert_eq!(recipients(&test.takes_mail().await), BTreeSet::from(["carol@example.org"]));
    let again = subscribers::add(&test, &acme.by, None, "carol@example.org").await;
    assert!(matches!(again, Err(Error::Conflict { code: "already_asked", .. })), "{again:?}");

    let by_hand = subscribers::confirm_as_admin(&test, &acme.by, added.id).await.unwrap();
    assert_eq!((by_hand.is_confirmed, by_hand.confirmed_at), (true, Some(test.now())));
    assert_eq!(subscribers::confirm_as_admin(&test, &acme.by, added.id).await.unwrap(), by_hand);
    let again = subscribers::add(&test, &acme.by, None, "carol@example.org").await;
    assert!(matches!(again, Err(Error::Conflict { code: "already_subscribed", .. })), "{again:?}");
    let role = subscribers::add(&test, &acme.by, None, "abuse@example.org").await;
    assert!(matches!(role, Err(Error::Invalid(_))), "{role:?}");

    let late = subscribers::add(&test, &acme.by, None, "dave@example.org").await.unwrap();
    fills(&test, &acme, 24).await;
    for full in [
        subscribers::confirm_as_admin(&test, &acme.by, late.id).await,
        subscribers::add(&test, &acme.by, None, "erin@example.org").await,
    ] {
        let Err(Error::LimitReached(reached)) = full else { panic!("{full:?}") };
        assert_eq!((reached.limit, reached.current, reached.required), (25, 25, Some(Tier::Pro)));
    }
    subscribers::remove(&test, &acme.by, added.id, Version::Any).await.unwrap();
    subscribers::confirm_as_admin(&test, &acme.by, late.id).await.unwrap();
    let gone = subscribers::remove(&test, &acme.by, added.id, Version::Any).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
}

#[db_test]
async fn members_do_not_manage_subscribers_and_strangers_find_none(test: TestContext) {
    // X11, T-02
    let acme = acme(&test, Tier::Team).await;
    let added = subscribers::add(&test, &acme.by, None, "carol@example.org").await.unwrap();
    let member = Membership { role: Role::Member, ..acme.by.clone() };
    let answer = subscribers::remove(&test, &member, added.id, Version::Any).await;
    assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
    let charlie = testkit::Fleet::new(&test.db, 7, Tier::Team).await.owner;
    let answer = subscribers::remove(&test, &charlie, added.id, Version::Any).await;
    assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    let answer = subscribers::confirm_as_admin(&test, &charlie, added.id).await;
    assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    let mut verified = charlie.clone();
    verified.is_email_verified = true;
    let answer = subscribers::add(&test, &verified, Some(acme.page.page.id), "dave@example.org").await;
    assert!(answer.is_err(), "{answer:?}");
    test.takes_mail().await;
    assert_eq!(list(&test, &acme).await.len(), 1);
}
