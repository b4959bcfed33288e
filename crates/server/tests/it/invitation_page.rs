//! The link of an invitation in a browser (X14, H-24, H-31).

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::json;
use testkit::{HttpAnswer, PASSWORD, TestApp, db_test};

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
