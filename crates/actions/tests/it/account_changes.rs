//! What a logged-in person changes: password, name, the end of the account (H-10, X5, X12, X18).

use actions::Error;
use actions::accounts;
use actions::patch::{Patch, Version};
use domain::notification::Message;
use domain::organization::Role;
use domain::time::DAY_MS;
use testkit::{TestContext, db_test};

use crate::people::{
    ALICE, OTHER_PASSWORD, PASSWORD, alice, home, is_alive, logs_in, mailed_token, signs_up, user,
};

#[db_test]
async fn a_new_password_ends_the_other_sessions_and_open_links(test: TestContext) {
    // H-10, X5
    let first = alice(&test).await.new_session;
    let second = logs_in(&test, ALICE, PASSWORD).await.unwrap();
    accounts::forgot_password(&test, &home(), ALICE).await.unwrap();
    let reset = mailed_token(&test).await;
    let (alice, present) = (second.session.user_id, second.session.id);

    let wrong = accounts::change_password(&test, alice, present, OTHER_PASSWORD, OTHER_PASSWORD).await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].field == "current_password"));
    let weak = accounts::change_password(&test, alice, present, PASSWORD, "alice@acme.dev").await;
    assert!(matches!(weak, Err(Error::Invalid(fields)) if fields[0].code == "password_is_email"));
    assert!(is_alive(&test, &first).await);

    accounts::change_password(&test, alice, present, PASSWORD, OTHER_PASSWORD).await.unwrap();
    assert!(!is_alive(&test, &first).await && is_alive(&test, &second).await);
    let answer = accounts::reset_password(&test, &reset, PASSWORD).await;
    assert!(matches!(answer, Err(Error::InvalidToken)));
    assert!(matches!(logs_in(&test, ALICE, PASSWORD).await, Err(Error::Unauthorized)));
    logs_in(&test, ALICE, OTHER_PASSWORD).await.unwrap();
    let mails = test.takes_mail().await;
    assert!(matches!(mails.as_slice(), [(to, Message::PasswordChanged {})] if to == ALICE));
}

#[db_test]
async fn a_found_session_cannot_be_used_to_guess_the_password(test: TestContext) {
    let begun = alice(&test).await.new_session.session;
    for _ in 0..10 {
        let answer = accounts::change_password(&test, begun.user_id, begun.id, "wrong", OTHER_PASSWORD).await;
        assert!(matches!(answer, Err(Error::Invalid(_))));
    }
    let answer = accounts::change_password(&test, begun.user_id, begun.id, PASSWORD, OTHER_PASSWORD).await;
    assert!(matches!(answer, Err(Error::Throttled { .. })));
}

#[db_test(flavor = "multi_thread")]
async fn no_session_with_the_old_password_outlives_its_change(test: TestContext) {
    // H-10 under concurrency: log-ins run while the password changes.
    let present = alice(&test).await.new_session.session;
    let log_ins: Vec<_> = (0..16)
        .map(|_| {
            let test = test.clone();
            tokio::spawn(async move { logs_in(&test, ALICE, PASSWORD).await })
        })
        .collect();
    let (user, id) = (present.user_id, present.id);
    accounts::change_password(&test, user, id, PASSWORD, OTHER_PASSWORD).await.unwrap();
    for log_in in log_ins {
        let _ = log_in.await.unwrap();
    }
    let mut conn = test.db.read().await.unwrap();
    let alive = store::sessions::list(&mut conn, user, test.now()).await.unwrap();
    assert_eq!(alive.iter().map(|session| session.id).collect::<Vec<_>>(), [id]);
    drop(conn);
    test.takes_mail().await;
}

#[db_test]
async fn the_name_is_set_removed_and_guarded_by_its_version(test: TestContext) {
    let id = alice(&test).await.new_session.session.user_id;
    let version = user(&test, id).await.updated_at;
    let set = Patch::Set(" Alice ".to_owned());
    let after = accounts::update_profile(&test, id, Version::Exactly(version), set.clone()).await.unwrap();
    assert_eq!(after.display_name.as_deref(), Some("Alice"));
    assert!(after.updated_at > version);
    let stale = accounts::update_profile(&test, id, Version::Exactly(version), set).await;
    assert!(matches!(stale, Err(Error::Stale)));
    let bad = accounts::update_profile(&test, id, Version::Any, Patch::Set("a\0b".to_owned())).await;
    assert!(matches!(bad, Err(Error::Invalid(_))));
    accounts::update_profile(&test, id, Version::Any, Patch::Keep).await.unwrap();
    assert_eq!(user(&test, id).await.display_name.as_deref(), Some("Alice"));
    accounts::update_profile(&test, id, Version::Any, Patch::Clear).await.unwrap();
    assert_eq!(user(&test, id).await.display_name, None);
}

#[db_test]
async fn deleting_an_account_takes_its_own_organization_along(test: TestContext) {
    // X5, X18
    let signed_up = alice(&test).await;
    let alice = signed_up.new_session.session.user_id;
    let wrong = accounts::delete(&test, alice, OTHER_PASSWORD).await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].code == "wrong_password"));
    accounts::delete(&test, alice, PASSWORD).await.unwrap();

    assert!(!is_alive(&test, &signed_up.new_session).await);
    assert!(matches!(logs_in(&test, ALICE, PASSWORD).await, Err(Error::Unauthorized)));
    let mut conn = test.db.read().await.unwrap();
    let slug = &signed_up.organization.slug;
    let found = store::organizations::find_membership_by_slug(&mut conn, alice, slug).await.unwrap();
    assert!(found.is_none());
    drop(conn);
    assert_ne!(signs_up(&test, "bob@acme.dev").await.organization.slug, *slug, "the slug is held");
    test.takes_mail().await;

    test.clock.advance_ms(30 * DAY_MS);
    accounts::purge(&test).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    assert!(store::users::is_email_taken(&mut conn, ALICE).await.unwrap(), "30 days are not over");
    drop(conn);
    test.clock.advance_ms(1);
    accounts::purge(&test).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    assert!(!store::users::is_email_taken(&mut conn, ALICE).await.unwrap());
    drop(conn);
    signs_up(&test, ALICE).await;
    test.takes_mail().await;
}

#[db_test]
async fn the_only_owner_of_an_organization_with_others_cannot_leave_them_alone(test: TestContext) {
    // X5, X12
    let (alice, bob) = (alice(&test).await, signs_up(&test, "bob@acme.dev").await);
    let verify_bob = mailed_token(&test).await;
    let (alice_id, bob_id) = (alice.new_session.session.user_id, bob.new_session.session.user_id);
    let organization = alice.organization.id;
    let mut tx = test.db.write().await.unwrap();
    let membership =
        store::organizations::find_membership(&mut tx, alice_id, organization).await.unwrap().unwrap();
    let scope = membership.scope();
    store::organizations::insert_member(&mut tx, scope, bob_id, Role::Owner, test.now()).await.unwrap();
    tx.commit().await.unwrap();

    // Bob owns it too, but has not verified his address yet.
    let answer = accounts::delete(&test, alice_id, PASSWORD).await;
    let Err(Error::Conflict { code: "last_owner", message }) = answer else { panic!("{answer:?}") };
    assert!(message.contains("Acme"), "{message}");
    assert_eq!(accounts::why_not_delete(&test, alice_id).await.unwrap(), Some(message));
    logs_in(&test, ALICE, PASSWORD).await.unwrap();

    accounts::verify_email(&test, &verify_bob).await.unwrap();
    assert_eq!(accounts::why_not_delete(&test, alice_id).await.unwrap(), None);
    accounts::delete(&test, alice_id, PASSWORD).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    let still = store::organizations::find_membership(&mut conn, bob_id, organization).await.unwrap();
    assert!(still.is_some(), "the organization stays with Bob");
    let others = store::organizations::count_others(&mut conn, scope, bob_id).await.unwrap();
    assert_eq!(others.members, 0);
}

#[db_test]
async fn the_operator_brings_a_deleted_account_back_with_what_went_along(test: TestContext) {
    // X18
    let signed_up = alice(&test).await;
    let alice = signed_up.new_session.session.user_id;
    let living = accounts::restore_by_operator(&test, ALICE).await;
    assert!(matches!(living, Err(Error::NotFound)), "{living:?}");
    let mut tx = test.db.write().await.unwrap();
    store::users::update_verified(&mut tx, alice, ALICE, test.now()).await.unwrap();
    tx.commit().await.unwrap();
    let input = actions::organizations::NewOrganization { name: "Old".to_owned(), slug: None };
    let old = actions::organizations::create(&test, alice, input).await.unwrap();
    actions::organizations::delete(&test, &old, Version::Any, "old").await.unwrap();
    test.clock.advance_s(60);
    accounts::delete(&test, alice, PASSWORD).await.unwrap();

    test.clock.advance_s(29 * 86_400);
    let back = accounts::restore_by_operator(&test, "Alice@acme.dev").await.unwrap();
    let slugs: Vec<_> = back.iter().map(|one| one.slug.as_str()).collect();
    assert_eq!(slugs, [signed_up.organization.slug.as_str()], "what had been deleted before stays deleted");
    assert!(!is_alive(&test, &signed_up.new_session).await, "no session comes back");
    logs_in(&test, ALICE, PASSWORD).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::organizations::list_memberships(&mut conn, alice).await.unwrap().len(), 1);
    drop(conn);

    accounts::delete(&test, alice, PASSWORD).await.unwrap();
    test.clock.advance_ms(30 * DAY_MS);
    let late = accounts::restore_by_operator(&test, ALICE).await;
    assert!(matches!(late, Err(Error::NotFound)), "{late:?}");
}
