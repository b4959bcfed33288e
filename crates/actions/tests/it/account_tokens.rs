//! Secrets that come by mail: verify, reset, change of address (T-12, H-23, D1).

use std::future::Future;

use actions::accounts;
use actions::{Error, Result};
use domain::notification::Message;
use testkit::{TestContext, db_test};

use crate::people::{
    ALICE, OTHER_PASSWORD, PASSWORD, alice, client, home, is_alive, logs_in, mailed_token, signs_up,
    token_in, user,
};

const NEW_ADDRESS: &str = "Alice@example.org";

async fn resets(test: &TestContext) -> String {
    accounts::forgot_password(test, &home(), ALICE).await.unwrap();
    mailed_token(test).await
}

#[db_test]
async fn the_mailed_secret_verifies_the_address_once(test: TestContext) {
    let alice = signs_up(&test, ALICE).await.new_session.session.user_id;
    let token = mailed_token(&test).await;
    accounts::verify_email(&test, &token).await.unwrap();
    assert!(user(&test, alice).await.is_email_verified);
    assert!(matches!(accounts::verify_email(&test, &token).await, Err(Error::InvalidToken)));
}

#[db_test]
async fn what_we_never_gave_out_is_refused_before_the_database(test: TestContext) {
    // H-23: the database is closed, so that a look-up would be an error of another kind.
    test.db.close().await;
    let unknown_alphabet = "ä".repeat(43);
    for token in
        ["", " ", "\0", "short", unknown_alphabet.as_str(), "'; DROP TABLE users; --", &"a".repeat(44)]
    {
        let answers = [
            accounts::verify_email(&test, token).await,
            accounts::reset_password(&test, token, PASSWORD).await,
            accounts::confirm_email(&test, token).await,
            accounts::complete_totp(&test, &home(), token, "123456").await.map(drop),
        ];
        assert!(
            answers.iter().all(|answer| matches!(answer, Err(Error::InvalidToken))),
            "{token:?} {answers:?}"
        );
    }
}

#[db_test]
async fn a_secret_of_one_purpose_is_worth_nothing_for_another(test: TestContext) {
    signs_up(&test, ALICE).await;
    let verify = mailed_token(&test).await;
    let reset = resets(&test).await;
    assert!(matches!(accounts::verify_email(&test, &reset).await, Err(Error::InvalidToken)));
    let answer = accounts::reset_password(&test, &verify, OTHER_PASSWORD).await;
    assert!(matches!(answer, Err(Error::InvalidToken)));
    assert!(matches!(accounts::confirm_email(&test, &verify).await, Err(Error::InvalidToken)));
    accounts::verify_email(&test, &verify).await.unwrap();
    accounts::reset_password(&test, &reset, OTHER_PASSWORD).await.unwrap();
    test.takes_mail().await;
}

#[db_test]
async fn every_secret_expires_in_its_time(test: TestContext) {
    // T-12: verify and change 24 hours, reset 30 minutes
    let signed_up = signs_up(&test, ALICE).await;
    let verify = mailed_token(&test).await;
    test.clock.advance_s(24 * 3600);
    assert!(matches!(accounts::verify_email(&test, &verify).await, Err(Error::InvalidToken)));

    let reset = resets(&test).await;
    test.clock.advance_s(30 * 60);
    let answer = accounts::reset_password(&test, &reset, OTHER_PASSWORD).await;
    assert!(matches!(answer, Err(Error::InvalidToken)));

    let user = signed_up.new_session.session.user_id;
    accounts::change_email(&test, user, PASSWORD, NEW_ADDRESS).await.unwrap();
    let change = mailed_token(&test).await;
    test.clock.advance_s(24 * 3600);
    assert!(matches!(accounts::confirm_email(&test, &change).await, Err(Error::InvalidToken)));

    // One millisecond less and each of them works.
    accounts::resend_verification(&test, &home(), ALICE).await.unwrap();
    let verify = mailed_token(&test).await;
    test.clock.advance_ms(24 * 3_600_000 - 1);
    accounts::verify_email(&test, &verify).await.unwrap();
    let reset = resets(&test).await;
    test.clock.advance_ms(30 * 60_000 - 1);
    accounts::reset_password(&test, &reset, OTHER_PASSWORD).await.unwrap();
    test.takes_mail().await;
    accounts::change_email(&test, user, OTHER_PASSWORD, NEW_ADDRESS).await.unwrap();
    let change = mailed_token(&test).await;
    test.clock.advance_ms(24 * 3_600_000 - 1);
    accounts::confirm_email(&test, &change).await.unwrap();
    test.takes_mail().await;
}

/// Spends one secret 64 times at once; gives how often that worked.
async fn spends_64_times<F>(test: &TestContext, spend: impl Fn(TestContext) -> F) -> usize
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let tasks: Vec<_> = (0..64).map(|_| tokio::spawn(spend(test.clone()))).collect();
    let mut successes = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => successes += 1,
            Err(Error::InvalidToken) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    successes
}

#[db_test(flavor = "multi_thread")]
async fn of_sixty_four_that_spend_a_secret_at_once_exactly_one_succeeds(test: TestContext) {
    // T-12
    let alice = signs_up(&test, ALICE).await.new_session.session.user_id;
    let verify = mailed_token(&test).await;
    let token = verify.clone();
    let spent = spends_64_times(&test, move |test| {
        let token = token.clone();
        async move { accounts::verify_email(&test, &token).await }
    });
    assert_eq!(spent.await, 1);

    let reset = resets(&test).await;
    let spent = spends_64_times(&test, move |test| {
        let token = reset.clone();
        async move { accounts::reset_password(&test, &token, OTHER_PASSWORD).await }
    });
    assert_eq!(spent.await, 1);
    assert_eq!(test.takes_mail().await.len(), 1, "one notice");

    accounts::change_email(&test, alice, OTHER_PASSWORD, NEW_ADDRESS).await.unwrap();
    let change = mailed_token(&test).await;
    let spent = spends_64_times(&test, move |test| {
        let token = change.clone();
        async move { accounts::confirm_email(&test, &token).await }
    });
    assert_eq!(spent.await, 1);
    test.takes_mail().await;
}

#[db_test]
async fn a_new_link_replaces_the_one_before(test: TestContext) {
    alice(&test).await;
    let first = resets(&test).await;
    let second = resets(&test).await;
    assert_ne!(first, second);
    let answer = accounts::reset_password(&test, &first, OTHER_PASSWORD).await;
    assert!(matches!(answer, Err(Error::InvalidToken)));
    accounts::reset_password(&test, &second, OTHER_PASSWORD).await.unwrap();
    test.takes_mail().await;
}

#[db_test]
async fn a_reset_ends_every_session_and_every_other_secret(test: TestContext) {
    // T-12, H-10
    let begun = signs_up(&test, ALICE).await.new_session;
    let verify = mailed_token(&test).await;
    accounts::change_email(&test, begun.session.user_id, PASSWORD, NEW_ADDRESS).await.unwrap();
    let change = mailed_token(&test).await;
    let reset = resets(&test).await;
    accounts::reset_password(&test, &reset, OTHER_PASSWORD).await.unwrap();

    assert!(!is_alive(&test, &begun).await);
    assert!(matches!(accounts::verify_email(&test, &verify).await, Err(Error::InvalidToken)));
    assert!(matches!(accounts::confirm_email(&test, &change).await, Err(Error::InvalidToken)));
    assert!(matches!(logs_in(&test, ALICE, PASSWORD).await, Err(Error::Unauthorized)));
    logs_in(&test, ALICE, OTHER_PASSWORD).await.unwrap();
    assert!(user(&test, begun.session.user_id).await.is_email_verified, "the mail was read");
    let mails = test.takes_mail().await;
    assert!(matches!(mails.as_slice(), [(to, Message::PasswordChanged {})] if to == ALICE));
}

#[db_test]
async fn a_refused_password_does_not_cost_the_link(test: TestContext) {
    alice(&test).await;
    let reset = resets(&test).await;
    let answer = accounts::reset_password(&test, &reset, "password123").await;
    assert!(matches!(answer, Err(Error::Invalid(fields)) if fields[0].field == "password"));
    accounts::reset_password(&test, &reset, OTHER_PASSWORD).await.unwrap();
    test.takes_mail().await;
}

#[db_test]
async fn asking_for_mail_tells_nothing_about_an_address(test: TestContext) {
    // D1
    let signed_up = signs_up(&test, ALICE).await;
    let verify = mailed_token(&test).await;
    accounts::verify_email(&test, &verify).await.unwrap();
    for email in [ALICE, "nobody@acme.dev"] {
        accounts::forgot_password(&test, &client(email), email).await.unwrap();
        accounts::resend_verification(&test, &client(email), email).await.unwrap();
    }
    let mails = test.takes_mail().await;
    assert_eq!(mails.len(), 1, "a reset for the known one; the verified one needs no link");
    assert!(matches!(&mails[0], (to, Message::ResetPassword { .. }) if to == ALICE));

    // A deleted account is as unknown as any other.
    accounts::delete(&test, signed_up.new_session.session.user_id, PASSWORD).await.unwrap();
    accounts::forgot_password(&test, &home(), ALICE).await.unwrap();
    assert!(test.takes_mail().await.is_empty());
}

#[db_test]
async fn mail_can_be_asked_for_three_times_an_hour_and_address(test: TestContext) {
    // T-15: also 10 an hour per client, known and unknown addresses alike
    signs_up(&test, ALICE).await;
    for email in [ALICE, "nobody@acme.dev"] {
        for number in 0..4 {
            let from = client(&format!("{email}{number}"));
            let answers = [
                accounts::forgot_password(&test, &from, email).await,
                accounts::resend_verification(&test, &from, email).await,
            ];
            for answer in answers {
                assert_eq!(matches!(answer, Err(Error::Throttled { retry_after_s: 3600 })), number == 3);
            }
        }
    }
    assert_eq!(test.takes_mail().await.len(), 1 + 3 + 3);
    for number in 0..11 {
        let answer = accounts::forgot_password(&test, &home(), &format!("nobody{number}@acme.dev")).await;
        assert_eq!(answer.is_err(), number == 10);
    }
}

#[db_test]
async fn a_change_of_address_needs_password_and_mail_and_tells_the_old_one(test: TestContext) {
    let signed_up = signs_up(&test, ALICE).await;
    let verify_old = mailed_token(&test).await;
    let alice = signed_up.new_session.session.user_id;
    let wrong = accounts::change_email(&test, alice, OTHER_PASSWORD, NEW_ADDRESS).await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].code == "wrong_password"));
    accounts::change_email(&test, alice, PASSWORD, NEW_ADDRESS).await.unwrap();
    assert_eq!(user(&test, alice).await.email, ALICE, "nothing changes before the mail is read");
    let mails = test.takes_mail().await;
    assert_eq!((mails.len(), mails[0].0.as_str()), (1, "Alice@example.org"));
    accounts::confirm_email(&test, &token_in(&mails[0].1)).await.unwrap();

    let after = user(&test, alice).await;
    assert_eq!((after.email.as_str(), after.email_display.as_str()), ("alice@example.org", NEW_ADDRESS));
    assert!(after.is_email_verified);
    assert!(is_alive(&test, &signed_up.new_session).await);
    assert!(matches!(accounts::verify_email(&test, &verify_old).await, Err(Error::InvalidToken)));
    let mails = test.takes_mail().await;
    let [(to, Message::EmailChanged { new_address })] = mails.as_slice() else { panic!("one notice") };
    assert_eq!((to.as_str(), new_address.as_str()), (ALICE, NEW_ADDRESS));
    assert!(matches!(logs_in(&test, ALICE, PASSWORD).await, Err(Error::Unauthorized)));
    logs_in(&test, NEW_ADDRESS, PASSWORD).await.unwrap();
}

#[db_test]
async fn an_address_taken_meanwhile_is_not_taken_over(test: TestContext) {
    let alice = alice(&test).await.new_session.session.user_id;
    accounts::change_email(&test, alice, PASSWORD, "bob@acme.dev").await.unwrap();
    let change = mailed_token(&test).await;
    signs_up(&test, "bob@acme.dev").await;
    test.takes_mail().await;
    let answer = accounts::confirm_email(&test, &change).await;
    assert!(matches!(answer, Err(Error::Conflict { code: "email_taken", .. })));
    assert_eq!(user(&test, alice).await.email, ALICE);
    let answer = accounts::change_email(&test, alice, PASSWORD, "bob@acme.dev").await;
    assert!(matches!(answer, Err(Error::Conflict { code: "email_taken", .. })));
}
