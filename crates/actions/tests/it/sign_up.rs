//! Signing up (S23, X1, X3, X4, T-15, D1).

use actions::accounts::{self, Client, Registration};
use actions::{Error, ids};
use domain::notification::Message;
use domain::organization::Role;
use domain::plan::Tier;
use testkit::{TestContext, db_test};

use crate::people::{ALICE, OTHER_PASSWORD, PASSWORD, alice, client, home, registration, signs_up, user};

#[db_test]
async fn signing_up_makes_person_organization_page_session_and_mail(test: TestContext) {
    // S23, X24, D13
    let input = Registration {
        email: " Alice@Acme.dev ".to_owned(),
        password: PASSWORD.to_owned(),
        display_name: Some("Alice".to_owned()),
        org_name: Some("Acme Ltd".to_owned()),
    };
    let signed_up = accounts::register(&test, &home(), &input).await.unwrap();
    let session = &signed_up.new_session.session;
    let person = user(&test, session.user_id).await;
    assert_eq!((person.email.as_str(), person.email_display.as_str()), ("alice@acme.dev", "Alice@acme.dev"));
    assert_eq!(person.display_name.as_deref(), Some("Alice"));
    assert!(!person.is_email_verified);
    assert!(person.password_hash.starts_with("$argon2id$"));
    assert_eq!(session.expires_at.since(test.now()), 72 * 3_600_000, "S25");

    let mut conn = test.db.read().await.unwrap();
    let memberships = store::organizations::list_memberships(&mut conn, person.id).await.unwrap();
    let [membership] = memberships.as_slice() else { panic!("one organization") };
    let organization = &membership.organization;
    assert_eq!((organization.slug.as_str(), organization.name.as_str()), ("acme-ltd", "Acme Ltd"));
    assert_eq!((organization.tier, membership.role), (Tier::Free, Role::Owner));
    let page = store::status_pages::find_default(&mut conn, membership.scope()).await.unwrap().unwrap();
    assert_eq!((page.slug.as_str(), page.title.as_str(), page.is_public), ("status", "Acme Ltd", true));

    let mails = test.takes_mail().await;
    let [(recipient, Message::VerifyEmail { link })] = mails.as_slice() else { panic!("one mail to verify") };
    assert_eq!(recipient, "Alice@acme.dev");
    assert!(link.starts_with("https://status.example.com/verify?token="), "{link} (T-04)");
}

#[db_test]
async fn an_address_can_sign_up_once_however_it_is_written(test: TestContext) {
    // D1, X3
    alice(&test).await;
    for email in ["ALICE@Acme.Dev", " alice@ACME.dev"] {
        let answer = accounts::register(&test, &client(email), &registration(email)).await;
        let Err(Error::Conflict { code, message }) = answer else { panic!("{email} signed up twice") };
        assert_eq!((code, message.as_str()), ("email_taken", "Email already registered"));
    }
    assert!(test.takes_mail().await.is_empty());
}

#[db_test]
async fn the_address_of_a_deleted_account_stays_taken(test: TestContext) {
    let alice = alice(&test).await;
    accounts::delete(&test, alice.new_session.session.user_id, PASSWORD).await.unwrap();
    let answer = accounts::register(&test, &home(), &registration(ALICE)).await;
    assert!(matches!(answer, Err(Error::Conflict { code: "email_taken", .. })));
}

#[db_test]
async fn equal_names_get_different_slugs(test: TestContext) {
    // X1
    let first = signs_up(&test, "alice@acme.dev").await;
    let second = signs_up(&test, "bob@acme.dev").await;
    assert_eq!(first.organization.slug, "acme");
    assert_ne!(second.organization.slug, "acme");
    assert!(second.organization.slug.starts_with("acme-"), "{}", second.organization.slug);
    assert_eq!(second.organization.name, "Acme");
}

#[db_test(flavor = "multi_thread")]
async fn sixty_four_sign_ups_at_once_all_get_a_slug_and_one_address_one_account(test: TestContext) {
    let test = TestContext {
        ctx: actions::Context { ids: std::sync::Arc::new(ids::RandomIds), ..test.ctx },
        ..test
    };
    let quiet = Client { registers_per_hour: 0, ..home() };
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let (test, quiet) = (test.clone(), quiet.clone());
            // Every address twice, all of one domain, so that all want the slug `acme`.
            let input = registration(&format!("person{}@acme.dev", number / 2));
            tokio::spawn(async move { accounts::register(&test, &quiet, &input).await })
        })
        .collect();
    let (mut slugs, mut refused) = (Vec::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(signed_up) => slugs.push(signed_up.organization.slug),
            Err(Error::Conflict { code: "email_taken", .. }) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!((slugs.len(), refused), (32, 32));
}

#[db_test]
async fn everything_wrong_is_said_at_once_and_nothing_is_written(test: TestContext) {
    // X4
    let input = Registration {
        email: ALICE.to_owned(),
        password: "short".to_owned(),
        display_name: Some("a\nb".to_owned()),
        org_name: Some("x".repeat(101)),
    };
    let Err(Error::Invalid(fields)) = accounts::register(&test, &home(), &input).await else { panic!() };
    let found: Vec<_> = fields.iter().map(|field| (field.field, field.code)).collect();
    let expected =
        [("password", "too_short"), ("display_name", "forbidden_character"), ("org_name", "too_long")];
    assert_eq!(found, expected);
    let Err(Error::Invalid(fields)) = accounts::register(&test, &home(), &Registration::default()).await
    else {
        panic!()
    };
    assert_eq!((fields[0].field, fields[0].code), ("email", "empty"));
    assert!(test.takes_mail().await.is_empty());
    // Wrong input is no try: five real ones still fit (T-15).
    for number in 0..5 {
        let input = registration(&format!("alice{number}@example.org"));
        accounts::register(&test, &home(), &input).await.unwrap();
    }
}

#[db_test]
async fn sign_ups_are_limited_by_client_and_by_address(test: TestContext) {
    // T-15: 5 an hour per client, 3 a day per address.
    for number in 0..5 {
        let input = registration(&format!("alice{number}@example.org"));
        accounts::register(&test, &home(), &input).await.unwrap();
    }
    let sixth = accounts::register(&test, &home(), &registration("alice5@example.org")).await;
    assert!(matches!(sixth, Err(Error::Throttled { retry_after_s: 3600 })), "{sixth:?}");
    test.clock.advance_s(3600);
    accounts::register(&test, &home(), &registration("alice5@example.org")).await.unwrap();

    for number in 0..3 {
        let answer = accounts::register(&test, &client(&number.to_string()), &registration(ALICE)).await;
        assert_eq!(answer.is_ok(), number == 0);
    }
    let fourth = accounts::register(&test, &client("another"), &registration(ALICE)).await;
    assert!(matches!(fourth, Err(Error::Throttled { retry_after_s: 86_400 })), "{fourth:?}");
    test.takes_mail().await;
}

#[db_test]
async fn a_closed_installation_takes_nobody_but_those_the_operator_makes(test: TestContext) {
    let test = test.with_policy(|policy| policy.is_registration_open = false);
    let answer = accounts::register(&test, &home(), &registration(ALICE)).await;
    assert!(matches!(answer, Err(Error::Forbidden(_))));
    let (made, organization) =
        accounts::create_by_operator(&test, ALICE, PASSWORD, Some("Acme"), true).await.unwrap();
    assert!(made.is_email_verified);
    assert_eq!(organization.slug, "acme");
    assert!(test.takes_mail().await.is_empty());
    let begun = accounts::log_in(&test, &home(), ALICE, PASSWORD).await.unwrap();

    accounts::set_password_by_operator(&test, "Alice@acme.dev", OTHER_PASSWORD, false).await.unwrap();
    assert!(!crate::people::is_alive(&test, &begun).await);
    accounts::log_in(&test, &home(), ALICE, OTHER_PASSWORD).await.unwrap();
    let unknown = accounts::set_password_by_operator(&test, "bob@acme.dev", OTHER_PASSWORD, false).await;
    assert!(matches!(unknown, Err(Error::NotFound)));
}
