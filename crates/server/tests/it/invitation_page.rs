//! The link of an invitation in a browser (X14, H-24, H-31).

use axum::body::Body;
use domain::notification::Message;
use http::{Request, StatusCode, header};
use serde_json::json;
use testkit::{HttpAnswer, PASSWORD, Person, TestApp, db_test};

async fn posts(app: &TestApp, path: &str, cookie: &str, form: &str) -> HttpAnswer {
    let request = Request::post(path)
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    app.send(request).await
}

#[db_test]
async fn an_invited_stranger_makes_an_account_and_is_a_member_once(app: TestApp) {
    let alice = app.alice().await;
    let path = format!("/api/v1/organizations/{}/invitations", alice.organization);
    let invited = alice.post(&path, &json!({"email": "bob@initech.example", "role": "member"})).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{}", invited.text);
    app.delivers_outbox().await;
    let mails = app.mails_to("bob@initech.example");
    let link = serde_json::to_value(&mails[0].message).unwrap()["link"].as_str().unwrap().to_owned();
    let link = link.strip_prefix(testkit::PUBLIC_URL).unwrap().to_owned();
    let token = link.split_once("token=").unwrap().1;

    for _ in 0..3 {
        let page = app.get(&link).await;
        assert_eq!(page.status, StatusCode::OK, "opening it spends nothing: {}", page.text);
        assert!(page.text.contains("Join Acme") && page.text.contains("bob@initech.example"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    }
    let weak = posts(&app, &format!("/invite/{token}"), "", "display_name=Bob&password=short").await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("display_name=Bob&password={}", PASSWORD.replace(' ', "+"));
    let joined = posts(&app, &format!("/invite/{token}"), "", &form).await;
    assert_eq!(joined.header("location"), Some("/orgs/acme"), "{} {}", joined.status, joined.text);
    let cookie = joined.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let overview = app.json(http::Method::GET, "/orgs/acme", &[("cookie", &cookie)], None).await;
    assert_eq!(overview.status, StatusCode::OK);
    app.delivers_outbox().await;

    let again = posts(&app, &format!("/invite/{token}"), &cookie, "").await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    let members = alice.get(&format!("/api/v1/organizations/{}/members", alice.organization)).await.json();
    assert_eq!(members["data"].as_array().unwrap().len(), 2);
}

/// Where the newest invitation to an address leads.
fn link(app: &TestApp, email: &str) -> String {
    let newest = app.mails_to(email).pop().unwrap().message;
    let Message::Invitation { link, .. } = newest else { panic!("no invitation") };
    link.strip_prefix(testkit::PUBLIC_URL).unwrap().to_owned()
}

/// Alice of Acme, where nobody signs up.
async fn made_by_the_operator(app: &TestApp) -> Person<'_> {
    let email = "alice@acme.example".to_owned();
    let made = actions::accounts::create_by_operator(&app.ctx, &email, PASSWORD, Some("Acme"), true).await;
    let (user, organization) = made.unwrap();
    let alice = Person {
        app,
        email,
        token: String::new(),
        cookie: String::new(),
        user_id: user.id.to_string(),
        organization: organization.id.to_string(),
    };
    let alice = app.logs_in(&alice).await;
    app.moves(&alice, domain::plan::Tier::Team).await;
    alice
}

#[db_test]
async fn an_invitation_is_the_whole_way_in_where_sign_up_is_closed(database: testkit::TestDatabase) {
    // H-24: the account comes from the link alone, with a proved address, and with nothing else.
    let closed = |policy: &mut actions::Policy| policy.is_registration_open = false;
    let app = &TestApp::with(database, closed, egress::EgressConfig::default());
    let alice = made_by_the_operator(app).await;
    let path = format!("/api/v1/organizations/{}/invitations", alice.organization);
    alice.post(&path, &json!({"email": "bob@initech.example", "role": "member"})).await;
    app.delivers_outbox().await;
    let link = link(app, "bob@initech.example");
    let token = link.split_once("token=").unwrap().1;
    assert!(app.get(&link).await.text.contains("Make an account and join"));

    let joined = app.submits(&format!("/invite/{token}"), "", &[("password", PASSWORD)]).await;
    assert_eq!(joined.header("location"), Some("/orgs/acme"), "{} {}", joined.status, joined.text);
    assert!(joined.header("set-cookie").unwrap().starts_with("__Host-session="));
    assert!(app.delivers_outbox().await.is_empty(), "the link has proved the address: no mail asks again");
    let body = json!({"email": "bob@initech.example", "password": PASSWORD});
    let answer = app.json(http::Method::POST, "/api/v1/auth/login", &[], Some(&body)).await;
    let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    let me = app.json(http::Method::GET, "/api/v1/auth/me", &[("authorization", &bearer)], None).await.json();
    assert_eq!(me["is_email_verified"], true);
    assert_eq!(me["organizations"].as_array().unwrap().len(), 1, "no organization of his own: {me}");
    assert_eq!(me["organizations"][0]["slug"], "acme");
    assert_eq!(me["organizations"][0]["role"], "member");
}

#[db_test]
async fn somebody_else_is_asked_to_log_in_as_the_invited_person(app: TestApp) {
    let alice = app.alice().await;
    let charlie = app.charlie().await;
    let bob = app.registers("Bob", "Initech").await;
    let path = format!("/api/v1/organizations/{}/invitations", alice.organization);
    alice.post(&path, &json!({"email": bob.email, "role": "viewer"})).await;
    let sent = app.delivers_outbox().await;
    let link =
        serde_json::to_value(&sent.last().unwrap().message).unwrap()["link"].as_str().unwrap().to_owned();
    let link = link.strip_prefix(testkit::PUBLIC_URL).unwrap().to_owned();
    assert!(charlie.opens(&link).await.text.contains("Log in as"));
    let token = link.split_once("token=").unwrap().1;
    posts(&app, &format!("/invite/{token}"), &charlie.cookie, "").await;
    assert_eq!(charlie.opens("/orgs/acme").await.status, StatusCode::NOT_FOUND);
    let joined = posts(&app, &format!("/invite/{token}"), &bob.cookie, "").await;
    assert_eq!(joined.header("location"), Some("/orgs/acme"), "{}", joined.text);
    assert!(app.get("/invite?token=nothing").await.status.is_client_error());
}
