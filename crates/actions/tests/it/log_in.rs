//! Logging in and out (S24, X2, X4, X9, T-08, T-15, D2).

use actions::accounts::{self, Client};
use actions::{Error, Passwords};
use domain::id::SessionId;
use testkit::{TestContext, db_test};
use uuid::Uuid;

use crate::people::{
    ALICE, OTHER_PASSWORD, PASSWORD, alice, client, home, is_alive, logs_in, mailed_token, user,
};

#[db_test]
async fn each_log_in_begins_a_session_of_its_own(test: TestContext) {
    // T-08
    let first = alice(&test).await.new_session;
    let second = logs_in(&test, "Alice@ACME.dev", PASSWORD).await.unwrap();
    assert_eq!(first.session.user_id, second.session.user_id);
    assert_ne!(first.session.id, second.session.id);
    assert_ne!(first.secret, second.secret);
    assert!(is_alive(&test, &first).await && is_alive(&test, &second).await);
    test.clock.advance_s(72 * 3600);
    assert!(!is_alive(&test, &first).await, "S25: 72 hours");
}

#[db_test]
async fn wrong_password_and_unknown_address_get_one_answer(test: TestContext) {
    // X2, D1
    alice(&test).await;
    for (email, password) in
        [(ALICE, OTHER_PASSWORD), (ALICE, ""), ("nobody@acme.dev", PASSWORD), ("nobody", PASSWORD), ("", "")]
    {
        let answer = logs_in(&test, email, password).await;
        assert!(matches!(answer, Err(Error::Unauthorized)), "{email}: {answer:?}");
        assert_eq!(answer.unwrap_err().to_string(), "Invalid credentials", "S24");
    }
}

#[db_test]
async fn an_unknown_address_costs_the_same_work_as_a_known_one(test: TestContext) {
    // X2, T-11. The bounds are wide because other tests run beside this one.
    let mut test = test;
    test.ctx.passwords = Passwords::new();
    alice(&test).await;
    let quiet = Client { log_ins_per_hour: 0, ..home() };
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..9 {
        for (kind, email) in [ALICE, "nobody@acme.dev"].into_iter().enumerate() {
            let begun = std::time::Instant::now();
            assert!(accounts::log_in(&test, &quiet, email, OTHER_PASSWORD).await.is_err());
            times[kind].push(begun.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    assert!(unknown * 2 > known && known * 2 > unknown, "known {known:?}, unknown {unknown:?}");
}

#[db_test]
async fn ten_wrong_passwords_an_hour_are_the_most_for_one_account(test: TestContext) {
    // T-15, known and unknown addresses alike
    alice(&test).await;
    for email in [ALICE, "nobody@acme.dev"] {
        for number in 0..10 {
            let answer = accounts::log_in(&test, &client(&number.to_string()), email, "wrong").await;
            assert!(matches!(answer, Err(Error::Unauthorized)));
        }
        let answer = accounts::log_in(&test, &client("elsewhere"), email, PASSWORD).await;
        assert!(matches!(answer, Err(Error::Throttled { retry_after_s: 3600 })), "{answer:?}");
    }
    test.clock.advance_s(3600);
    accounts::log_in(&test, &client("elsewhere"), ALICE, PASSWORD).await.unwrap();

    for _ in 0..10 {
        let _ = accounts::log_in(&test, &client("elsewhere"), ALICE, "wrong").await;
    }
    test.clock.advance_s(3600);
    let answer = accounts::log_in(&test, &client("third"), ALICE, PASSWORD).await;
    let Err(Error::Throttled { retry_after_s }) = answer else { panic!("20 a day: {answer:?}") };
    assert_eq!(retry_after_s, 22 * 3600);
}

#[db_test]
async fn one_client_may_fail_twenty_times_an_hour_over_all_accounts(test: TestContext) {
    // T-15
    alice(&test).await;
    for number in 0..20 {
        let _ = logs_in(&test, &format!("nobody{number}@acme.dev"), "wrong").await;
    }
    assert!(matches!(logs_in(&test, ALICE, PASSWORD).await, Err(Error::Throttled { .. })));
    accounts::log_in(&test, &client("elsewhere"), ALICE, PASSWORD).await.unwrap();
}

#[db_test]
async fn log_ins_that_succeed_are_not_limited(test: TestContext) {
    alice(&test).await;
    for _ in 0..30 {
        logs_in(&test, ALICE, PASSWORD).await.unwrap();
    }
}

#[db_test]
async fn who_resets_the_password_is_not_locked_out_by_others(test: TestContext) {
    // X9: no lock-out that an attacker can trigger
    alice(&test).await;
    for number in 0..10 {
        let _ = accounts::log_in(&test, &client(&number.to_string()), ALICE, "wrong").await;
    }
    accounts::forgot_password(&test, &home(), ALICE).await.unwrap();
    let token = mailed_token(&test).await;
    accounts::reset_password(&test, &token, OTHER_PASSWORD).await.unwrap();
    logs_in(&test, ALICE, OTHER_PASSWORD).await.unwrap();
    test.takes_mail().await;
}

#[db_test]
async fn a_hash_of_old_parameters_is_replaced_at_log_in(test: TestContext) {
    // X4
    let mut test = test;
    let id = alice(&test).await.new_session.session.user_id;
    let before = user(&test, id).await.password_hash;
    logs_in(&test, ALICE, PASSWORD).await.unwrap();
    assert_eq!(user(&test, id).await.password_hash, before);
    test.ctx.passwords = Passwords::new();
    logs_in(&test, ALICE, PASSWORD).await.unwrap();
    let after = user(&test, id).await.password_hash;
    assert!(after.contains("m=19456,t=2,p=1"), "{after}");
    logs_in(&test, ALICE, PASSWORD).await.unwrap();
}

#[db_test]
async fn people_end_their_own_sessions(test: TestContext) {
    let first = alice(&test).await.new_session;
    let (second, third) =
        (logs_in(&test, ALICE, PASSWORD).await.unwrap(), logs_in(&test, ALICE, PASSWORD).await.unwrap());
    let alice = first.session.user_id;
    accounts::log_out(&test, alice, first.session.id).await.unwrap();
    accounts::log_out(&test, alice, first.session.id).await.unwrap();
    assert!(!is_alive(&test, &first).await);
    let foreign = accounts::end_session(&test, alice, SessionId::new(Uuid::from_u128(1))).await;
    assert!(matches!(foreign, Err(Error::NotFound)));
    assert_eq!(accounts::end_other_sessions(&test, alice, third.session.id).await.unwrap(), 1);
    assert!(!is_alive(&test, &second).await && is_alive(&test, &third).await);
    accounts::end_session(&test, alice, third.session.id).await.unwrap();
    assert!(!is_alive(&test, &third).await);
}

#[db_test]
async fn a_session_is_noted_as_seen_every_few_minutes(test: TestContext) {
    let begun = alice(&test).await.new_session.session;
    for (after_s, seen_s) in [(60, 0), (240, 300), (60, 300)] {
        test.clock.advance_s(after_s);
        let mut conn = test.db.read().await.unwrap();
        let stored = store::sessions::find_alive(&mut conn, begun.id, test.now()).await.unwrap().unwrap();
        drop(conn);
        accounts::touch_session(&test, &stored.session).await.unwrap();
        let mut conn = test.db.read().await.unwrap();
        let stored = store::sessions::find_alive(&mut conn, begun.id, test.now()).await.unwrap().unwrap();
        assert_eq!(stored.session.last_seen_at, begun.created_at.plus_s(seen_s));
    }
}
