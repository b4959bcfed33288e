//! Two-factor log-in (T-15, H-25).

use actions::Error;
use actions::accounts;
use domain::id::UserId;
use domain::user::TokenPurpose;
use testkit::{TestContext, db_test};

use crate::people::{ALICE, OTHER_PASSWORD, PASSWORD, alice, home, logs_in};

/// The app on a person's phone.
struct App(totp_rs::Totp);

impl App {
    fn with(secret: &str) -> Self {
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
        Self(totp_rs::Builder::new().with_secret(secret).build().unwrap())
    }

    fn shows(&self, test: &TestContext) -> String {
        self.0.generate(u64::try_from(test.now().ms() / 1000).unwrap()).to_string()
    }

    /// A code that is right neither now nor a step away.
    fn wrong_code(&self, test: &TestContext) -> String {
        let now = u64::try_from(test.now().ms() / 1000).unwrap();
        let near: Vec<_> =
            [now - 30, now, now + 30].into_iter().map(|time| self.0.generate(time).to_string()).collect();
        (0..10).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

/// Alice, who has proved her address.
async fn verified(test: &TestContext) -> UserId {
    let id = alice(test).await.new_session.session.user_id;
    let mut tx = test.db.write().await.unwrap();
    store::users::update_verified(&mut tx, id, ALICE, test.now()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn turned_on(test: &TestContext) -> (UserId, App, Vec<String>) {
    let id = verified(test).await;
    let fresh = accounts::start_totp(test, id, PASSWORD).await.unwrap();
    assert!(fresh.otpauth_url.starts_with("otpauth://totp/"), "{}", fresh.otpauth_url);
    let app = App::with(&fresh.secret);
    let codes = accounts::confirm_totp(test, id, &app.shows(test)).await.unwrap();
    test.clock.advance_s(60);
    (id, app, codes)
}

/// The first step with the right password.
async fn challenged(test: &TestContext) -> String {
    match logs_in(test, ALICE, PASSWORD).await {
        Err(Error::SecondFactor { challenge }) => challenge,
        other => panic!("{other:?}"),
    }
}

#[db_test]
async fn the_second_factor_counts_from_its_confirmation_on(test: TestContext) {
    let id = verified(&test).await;
    let not_started = accounts::confirm_totp(&test, id, "123456").await;
    assert!(matches!(not_started, Err(Error::Conflict { code: "totp_not_started", .. })));
    let first = accounts::start_totp(&test, id, PASSWORD).await.unwrap();
    let fresh = accounts::start_totp(&test, id, PASSWORD).await.unwrap();
    assert_ne!(first.secret, fresh.secret);
    let pending = accounts::pending_totp(&test, id).await.unwrap().unwrap();
    assert_eq!((&pending.secret, &pending.otpauth_url), (&fresh.secret, &fresh.otpauth_url));
    logs_in(&test, ALICE, PASSWORD).await.unwrap();
    let app = App::with(&fresh.secret);
    let wrong = accounts::confirm_totp(&test, id, &app.wrong_code(&test)).await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].code == "wrong_code"));

    let codes = accounts::confirm_totp(&test, id, &app.shows(&test)).await.unwrap();
    assert_eq!(codes.len(), 10);
    assert!(accounts::pending_totp(&test, id).await.unwrap().is_none());
    challenged(&test).await;
    let again = accounts::start_totp(&test, id, PASSWORD).await;
    assert!(matches!(again, Err(Error::Conflict { code: "totp_is_on", .. })));
    let again = accounts::confirm_totp(&test, id, &app.shows(&test)).await;
    assert!(matches!(again, Err(Error::Conflict { code: "totp_is_on", .. })));
}

#[db_test]
async fn the_secret_is_sealed_in_the_database(test: TestContext) {
    // T-22
    let id = verified(&test).await;
    let fresh = accounts::start_totp(&test, id, PASSWORD).await.unwrap();
    let plain = totp_rs::Secret::try_from_base32(&fresh.secret).unwrap().as_bytes().to_vec();
    let stored = crate::people::user(&test, id).await.totp_secret.unwrap();
    assert!(!stored.windows(plain.len()).any(|window| window == plain));
}

#[db_test]
async fn a_wrong_password_is_answered_as_without_a_second_factor(test: TestContext) {
    turned_on(&test).await;
    assert!(matches!(logs_in(&test, ALICE, OTHER_PASSWORD).await, Err(Error::Unauthorized)));
}

#[db_test]
async fn a_code_is_accepted_once(test: TestContext) {
    let (_, app, _) = turned_on(&test).await;
    let code = app.shows(&test);
    let challenge = challenged(&test).await;
    accounts::complete_totp(&test, &home(), &challenge, &code).await.unwrap();
    let reused = accounts::complete_totp(&test, &home(), &challenge, &code).await;
    assert!(matches!(reused, Err(Error::InvalidToken)), "the challenge is spent");
    let challenge = challenged(&test).await;
    let replayed = accounts::complete_totp(&test, &home(), &challenge, &code).await;
    assert!(matches!(replayed, Err(Error::Unauthorized)), "somebody read it over a shoulder");
    test.clock.advance_s(30);
    accounts::complete_totp(&test, &home(), &challenge, &app.shows(&test)).await.unwrap();
}

#[db_test]
async fn a_recovery_code_is_accepted_once(test: TestContext) {
    let (_, _, codes) = turned_on(&test).await;
    let challenge = challenged(&test).await;
    let typed = codes[0].to_uppercase().replace('-', " ");
    accounts::complete_totp(&test, &home(), &challenge, &typed).await.unwrap();
    let challenge = challenged(&test).await;
    let reused = accounts::complete_totp(&test, &home(), &challenge, &codes[0]).await;
    assert!(matches!(reused, Err(Error::Unauthorized)));
    accounts::complete_totp(&test, &home(), &challenge, &codes[1]).await.unwrap();
}

#[db_test(flavor = "multi_thread")]
async fn of_sixty_four_that_use_one_code_at_once_exactly_one_succeeds(test: TestContext) {
    let (_, app, codes) = turned_on(&test).await;
    for code in [app.shows(&test), codes[0].clone()] {
        // Each with a challenge of its own would burn the others; five tries share one.
        let challenge = challenged(&test).await;
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (test, challenge, code) = (test.clone(), challenge.clone(), code.clone());
                tokio::spawn(async move { accounts::complete_totp(&test, &home(), &challenge, &code).await })
            })
            .collect();
        let mut successes = 0;
        for task in tasks {
            successes += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!(successes, 1);
    }
}

#[db_test]
async fn five_wrong_codes_burn_the_challenge(test: TestContext) {
    // T-15, H-25
    let (_, app, _) = turned_on(&test).await;
    let challenge = challenged(&test).await;
    for _ in 0..5 {
        let answer = accounts::complete_totp(&test, &home(), &challenge, &app.wrong_code(&test)).await;
        assert!(matches!(answer, Err(Error::Unauthorized)));
    }
    let answer = accounts::complete_totp(&test, &home(), &challenge, &app.shows(&test)).await;
    assert!(matches!(answer, Err(Error::InvalidToken)), "{answer:?}");
    let challenge = challenged(&test).await;
    accounts::complete_totp(&test, &home(), &challenge, &app.shows(&test)).await.unwrap();
}

#[db_test]
async fn asking_for_challenges_again_and_again_is_limited(test: TestContext) {
    // H-25: whoever has the password gets 10 challenges an hour, not more tries.
    turned_on(&test).await;
    for _ in 0..10 {
        challenged(&test).await;
    }
    assert!(matches!(logs_in(&test, ALICE, PASSWORD).await, Err(Error::Throttled { .. })));
}

#[db_test]
async fn a_challenge_lasts_five_minutes_and_no_longer_than_the_password(test: TestContext) {
    let (id, app, _) = turned_on(&test).await;
    let challenge = challenged(&test).await;
    assert_eq!(TokenPurpose::TotpChallenge.lifetime_s(), 300);
    test.clock.advance_s(300);
    let late = accounts::complete_totp(&test, &home(), &challenge, &app.shows(&test)).await;
    assert!(matches!(late, Err(Error::InvalidToken)));

    let challenge = challenged(&test).await;
    let present = domain::id::SessionId::new(test.uuid(test.now()));
    accounts::change_password(&test, id, present, PASSWORD, OTHER_PASSWORD).await.unwrap();
    let late = accounts::complete_totp(&test, &home(), &challenge, &app.shows(&test)).await;
    assert!(matches!(late, Err(Error::InvalidToken)), "H-10");
    test.takes_mail().await;
}

#[db_test]
async fn turning_it_off_needs_password_and_code(test: TestContext) {
    let (id, app, codes) = turned_on(&test).await;
    let answer = accounts::disable_totp(&test, id, OTHER_PASSWORD, &app.shows(&test)).await;
    assert!(matches!(answer, Err(Error::Invalid(fields)) if fields[0].field == "password"));
    let answer = accounts::disable_totp(&test, id, PASSWORD, &app.wrong_code(&test)).await;
    assert!(matches!(answer, Err(Error::Invalid(fields)) if fields[0].field == "code"));
    challenged(&test).await;
    accounts::disable_totp(&test, id, PASSWORD, &codes[3]).await.unwrap();
    logs_in(&test, ALICE, PASSWORD).await.unwrap();
    let answer = accounts::disable_totp(&test, id, PASSWORD, &app.shows(&test)).await;
    assert!(matches!(answer, Err(Error::Conflict { code: "totp_is_off", .. })));
    let answer = accounts::renew_recovery_codes(&test, id, &codes[4]).await;
    assert!(matches!(answer, Err(Error::Conflict { code: "totp_is_off", .. })));
}

#[db_test]
async fn new_recovery_codes_replace_the_old_ones(test: TestContext) {
    let (id, app, old) = turned_on(&test).await;
    let answer = accounts::renew_recovery_codes(&test, id, &app.wrong_code(&test)).await;
    assert!(matches!(answer, Err(Error::Invalid(_))));
    let new = accounts::renew_recovery_codes(&test, id, &app.shows(&test)).await.unwrap();
    assert_eq!(new.len(), 10);
    let challenge = challenged(&test).await;
    let answer = accounts::complete_totp(&test, &home(), &challenge, &old[0]).await;
    assert!(matches!(answer, Err(Error::Unauthorized)));
    accounts::complete_totp(&test, &home(), &challenge, &new[9]).await.unwrap();
}

#[db_test]
async fn setting_it_up_needs_the_password_and_a_proved_address(test: TestContext) {
    let id = alice(&test).await.new_session.session.user_id;
    let unproved = accounts::start_totp(&test, id, PASSWORD).await;
    assert!(matches!(unproved, Err(Error::Forbidden(_))));
    assert!(crate::people::user(&test, id).await.totp_secret.is_none());
    let mut tx = test.db.write().await.unwrap();
    store::users::update_verified(&mut tx, id, ALICE, test.now()).await.unwrap();
    tx.commit().await.unwrap();
    let wrong = accounts::start_totp(&test, id, OTHER_PASSWORD).await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].field == "password"));
    accounts::start_totp(&test, id, PASSWORD).await.unwrap();
}

/// Whoever signed up with Alice's address has a second factor, as was possible before the address had to be proved.
async fn squatted(test: &TestContext) -> UserId {
    let (id, _, _) = turned_on(test).await;
    let mut user = crate::people::user(test, id).await;
    let mut tx = test.db.write().await.unwrap();
    store::users::delete(&mut tx, id, test.now()).await.unwrap();
    store::users::purge(&mut tx, test.now().plus_ms(1)).await.unwrap();
    user.is_email_verified = false;
    store::users::insert(&mut tx, &user).await.unwrap();
    store::recovery_codes::insert(&mut tx, id, b"a stranger's").await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn resets(test: &TestContext, password: &str) {
    accounts::forgot_password(test, &home(), ALICE).await.unwrap();
    let token = crate::people::mailed_token(test).await;
    accounts::reset_password(test, &token, password).await.unwrap();
    test.takes_mail().await;
}

#[db_test]
async fn the_first_proof_of_an_address_frees_it_from_a_strangers_second_factor(test: TestContext) {
    let id = squatted(&test).await;
    challenged(&test).await;
    resets(&test, OTHER_PASSWORD).await;
    logs_in(&test, ALICE, OTHER_PASSWORD).await.unwrap();
    let user = crate::people::user(&test, id).await;
    assert!(user.is_email_verified && user.totp_secret.is_none());
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::recovery_codes::count(&mut conn, id).await.unwrap(), 0);
}

#[db_test]
async fn a_reset_password_does_not_switch_the_second_factor_off(test: TestContext) {
    turned_on(&test).await;
    resets(&test, OTHER_PASSWORD).await;
    let answer = logs_in(&test, ALICE, OTHER_PASSWORD).await;
    assert!(matches!(answer, Err(Error::SecondFactor { .. })), "a stolen mailbox is not enough: {answer:?}");
}

#[db_test]
async fn the_operator_switches_it_off_when_asked_to(test: TestContext) {
    let (id, _, _) = turned_on(&test).await;
    accounts::set_password_by_operator(&test, ALICE, OTHER_PASSWORD, false).await.unwrap();
    let answer = logs_in(&test, ALICE, OTHER_PASSWORD).await;
    assert!(matches!(answer, Err(Error::SecondFactor { .. })), "{answer:?}");
    accounts::set_password_by_operator(&test, ALICE, PASSWORD, true).await.unwrap();
    logs_in(&test, ALICE, PASSWORD).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::recovery_codes::count(&mut conn, id).await.unwrap(), 0);
}
