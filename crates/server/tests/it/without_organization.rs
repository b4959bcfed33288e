//! A person who is in no organization: a way on, a way out, and a way back (X20, S26, X18).

use http::StatusCode;
use serde_json::json;
use testkit::{PASSWORD, Person, TestApp, db_test};

/// Charlie, whose only organization was just deleted by him.
async fn charlie(app: &TestApp) -> Person<'_> {
    let mut charlie = app.charlie().await;
    let deleted = charlie.submits("/orgs/globex/settings/delete", &[("confirm", "globex")]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", deleted.text);
    charlie.organization.clear();
    charlie
}

#[db_test]
async fn the_api_says_so(app: TestApp) {
    // S26
    let charlie = charlie(&app).await;
    for path in ["/api/v1/services", "/api/v1/dashboard", "/api/v1/monitors"] {
        let answer = charlie.get(path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::FORBIDDEN, "no_organization"),
            "{path}"
        );
        assert_eq!(answer.json()["detail"], "No organization");
    }
    assert_eq!(charlie.get("/api/v1/auth/me").await.status, StatusCode::OK);
    let made = charlie.post("/api/v1/organizations", &json!({"name": "Second"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "X20: {}", made.text);
    assert_eq!(charlie.get("/api/v1/services").await.status, StatusCode::OK);
}

#[db_test]
async fn the_account_stays_in_reach_with_a_way_out(app: TestApp) {
    // X20
    let charlie = charlie(&app).await;
    let page = charlie.opens("/account").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("action=\"/logout\"") && page.text.contains("href=\"/organizations/new\""));
    assert!(!page.text.contains("/orgs/"), "nothing leads to an organization that is not there");

    let renamed = charlie.submits("/account/name", &[("display_name", "Charlie C.")]).await;
    assert_eq!(renamed.header("location"), Some("/account?done=name-saved"));
    assert!(charlie.opens("/account?done=name-saved").await.text.contains("Your name is saved."));
    let started = charlie.submits("/account/two-factor/start", &[("totp_password", PASSWORD)]).await;
    assert_eq!(started.header("location"), Some("/account/two-factor"));
    assert!(charlie.opens("/account/two-factor").await.text.contains("Give this key to your authenticator"));
    let out = charlie.submits("/logout", &[]).await;
    assert_eq!(out.header("location"), Some("/login?done=logged-out"));

    let charlie = app.logs_in(&charlie).await;
    let gone = charlie.submits("/account/delete", &[("delete_password", PASSWORD)]).await;
    assert!(gone.text.contains("Your account is deleted"), "{}", gone.text);
}

#[db_test]
async fn an_unproved_person_gets_the_mail_again_and_stays_on_the_account(app: TestApp) {
    let charlie = app.registers_unverified("Charlie", "Globex").await;
    charlie.submits("/orgs/globex/settings/delete", &[("confirm", "globex")]).await;
    let answer = charlie.submits("/verify/resend", &[]).await;
    assert_eq!(answer.header("location"), Some("/account?done=verification-sent"));
    assert!(charlie.opens("/account?done=verification-sent").await.text.contains("The mail is on its way."));
    assert_eq!(app.delivers_outbox().await.len(), 1);
}

#[db_test]
async fn a_deleted_organization_is_offered_to_its_owner_for_thirty_days(app: TestApp) {
    // X18, X20
    let charlie = charlie(&app).await;
    assert_eq!(charlie.opens("/orgs").await.header("location"), Some("/organizations/new"));
    let page = charlie.opens("/organizations/new").await;
    assert!(page.text.contains("action=\"/logout\""), "{}", page.text);
    assert!(page.text.contains("Globex") && page.text.contains("action=\"/orgs/globex/settings/restore\""));
    let alice = app.alice().await;
    assert!(!alice.opens("/organizations/new").await.text.contains("Globex"));
    let foreign = alice.submits("/orgs/globex/settings/restore", &[]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);

    let back = charlie.submits("/orgs/globex/settings/restore", &[]).await;
    assert_eq!(back.header("location"), Some("/orgs/globex"));
    assert_eq!(charlie.opens("/orgs/globex").await.status, StatusCode::OK);
    assert!(!charlie.opens("/organizations/new").await.text.contains("settings/restore"));

    charlie.submits("/orgs/globex/settings/delete", &[("confirm", "globex")]).await;
    app.clock.advance_s(30 * 86_400 + 1);
    let charlie = app.logs_in(&charlie).await;
    assert!(!charlie.opens("/organizations/new").await.text.contains("settings/restore"));
}
