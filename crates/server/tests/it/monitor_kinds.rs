//! Monitors of other kinds than plain HTTP over the API: settings, secrets that nobody reads, a check before saving.

use egress::EgressConfig;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Answer, HttpAnswer, Target, TestApp, TestDatabase, db_test};
use tokio::net::TcpListener;

/// An app that may reach the servers of this test.
fn near(database: TestDatabase) -> TestApp {
    let rules =
        EgressConfig { allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()], ..EgressConfig::default() };
    TestApp::with(database, |_| {}, rules)
}

fn pointers(answer: &HttpAnswer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|one| one["pointer"].as_str().unwrap().to_owned()).collect()
}

#[db_test]
async fn a_monitor_of_a_kind_is_made_shown_and_changed(app: TestApp) {
    let alice = app.alice().await;
    let service = alice.creates_service("Database").await;
    let body = json!({"service_id": service, "kind": "tcp", "name": "Orders",
        "settings": {"host": "db.example.com", "port": 5432, "expect": "ready"}});
    let made = alice.post("/api/v1/monitors", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let monitor = made.json();
    assert_eq!((&monitor["kind"], &monitor["target"]), (&json!("tcp"), &json!("db.example.com:5432")));
    assert_eq!((&monitor["name"], &monitor["url"]), (&json!("Orders"), &Value::Null));
    let settings =
        json!({"host": "db.example.com", "port": 5432, "tls": false, "send": null, "expect": "ready"});
    assert_eq!(monitor["settings"], settings);
    let path = format!("/api/v1/monitors/{}", monitor["id"].as_str().unwrap());
    let changed = alice.patch(&path, &json!({"settings": {"host": "db.example.com", "port": 5433}})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(changed.json()["settings"]["expect"], Value::Null, "settings are replaced as a whole");
}

#[db_test]
async fn secrets_are_written_and_never_read(app: TestApp) {
    // T-22
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let body = json!({"service_id": service, "url": "https://example.com/", "kind": "http",
        "settings": {"auth": {"scheme": "basic", "username": "probe"}},
        "secrets": {"password": "hush-hush", "headers": [{"name": "x-key", "value": "very-secret"}]}});
    let made = alice.post("/api/v1/monitors", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let held = json!({"password": true, "token": false, "headers": ["x-key"]});
    assert_eq!(made.json()["secrets"], held);
    let path = format!("/api/v1/monitors/{}", made.json()["id"].as_str().unwrap());
    for answer in [made, alice.get(&path).await, alice.get("/api/v1/monitors").await] {
        assert!(
            !answer.text.contains("hush-hush") && !answer.text.contains("very-secret"),
            "{}",
            answer.text
        );
    }
    let cleared = alice.patch(&path, &json!({"secrets": {"headers": null}})).await;
    assert_eq!(cleared.json()["secrets"], json!({"password": true, "token": false, "headers": []}));
    let without = alice.patch(&path, &json!({"secrets": {"password": null}})).await;
    assert_eq!(pointers(&without), ["/secrets/password"], "basic authentication needs one");
}

#[db_test]
async fn what_is_wrong_with_settings_is_pointed_at(app: TestApp) {
    // T-01, T-23
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    for (kind, settings, pointer) in [
        ("tcp", json!({"host": "127.0.0.1", "port": 5432}), "/settings/host"),
        ("tcp", json!({"host": "db.example.com", "port": 25}), "/settings/port"),
        ("tcp", json!({"host": "db.example.com", "port": 5432, "colour": 1}), "/settings"),
        ("dns", json!({"name": ""}), "/settings/name"),
        ("icmp", json!({"host": "169.254.169.254"}), "/settings/host"),
        ("grpc", json!({"host": "10.0.0.1", "port": 443}), "/settings/host"),
        ("websocket", json!({"url": "https://example.com/"}), "/settings/url"),
        ("domain_expiry", json!({"domain": "-"}), "/settings/domain"),
        ("tls_certificate", json!({"host": "[::1]"}), "/settings/host"),
    ] {
        let body = json!({"service_id": service, "kind": kind, "settings": settings});
        let answer = alice.post("/api/v1/monitors", &body).await;
        assert!(pointers(&answer).contains(&pointer.to_owned()), "{kind}: {}", answer.text);
    }
    let bomb = json!({"service_id": service, "url": "https://example.com/",
        "settings": {"assertions": [{"of": "body", "test": "matches", "value": "(a{1000}){1000}"}]}});
    let answer = alice.post("/api/v1/monitors", &bomb).await;
    assert_eq!(pointers(&answer), ["/settings/assertions/0/value"]);
    assert!(alice.get("/api/v1/monitors").await.json()["data"].as_array().unwrap().is_empty());
}

#[db_test]
async fn a_check_is_tried_before_it_is_saved(database: TestDatabase) {
    let app = near(database);
    let (alice, target) = (app.alice().await, Target::start().await);
    target.answer("/", Answer::status(503));
    let test = async |body: Value| alice.post("/api/v1/monitors/test", &body).await;

    let tried = test(json!({ "url": target.url("/") })).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text);
    let seen = tried.json();
    assert_eq!((&seen["status"], &seen["failure"]), (&json!("down"), &json!("unexpected_status")));
    assert_eq!(seen["error_message"], "The server answered 503 instead of 200.");
    assert!(seen["phases"]["connect_ms"].is_number() && seen["response_time_ms"].is_number(), "{seen}");
    assert!(
        alice.get("/api/v1/monitors").await.json()["data"].as_array().unwrap().is_empty(),
        "nothing is saved"
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = json!({"kind": "tcp", "settings": {"host": "127.0.0.1", "port": port}});
    assert_eq!(test(tcp).await.json()["status"], "up");

    let service = alice.creates_service("API").await;
    let new = json!({"service_id": service, "url": target.url("/secret"),
        "settings": {"auth": {"scheme": "bearer"}}, "secrets": {"token": "tok-123"}});
    let made = alice.post("/api/v1/monitors", &new).await.json();
    let stored = test(json!({ "monitor_id": made["id"], "expected_status": 200 })).await;
    assert_eq!(stored.status, StatusCode::OK, "{}", stored.text);
    let seen = target.requests();
    assert_eq!(seen.last().and_then(|request| request.header("authorization")), Some("Bearer tok-123"));

    let refused = test(json!({"kind": "heartbeat"})).await;
    assert_eq!(pointers(&refused), ["/kind"], "nothing is asked");
    let mut last = StatusCode::OK;
    for _ in 0..6 {
        last = test(json!({ "url": target.url("/") })).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[db_test]
async fn kinds_that_nothing_receives_yet_are_refused(app: TestApp) {
    let alice = app.alice().await;
    let service = alice.creates_service("Backup").await;
    for kind in ["heartbeat", "manual"] {
        let answer = alice.post("/api/v1/monitors", &json!({"service_id": service, "kind": kind})).await;
        assert_eq!(pointers(&answer), ["/kind"], "{kind}: {}", answer.text);
    }
}
