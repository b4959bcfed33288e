//! `Idempotency-Key` over HTTP: what was done once is not done again (`ux.md` 1.6). What happens while the first
//! request runs and when it fails stands beside the layer.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{HttpAnswer, Person, TestApp, db_test};

async fn with_key(person: &Person<'_>, path: &str, key: &str, body: &Value) -> HttpAnswer {
    let bearer = format!("Bearer {}", person.token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-organization", person.organization.as_str()),
        ("idempotency-key", key),
    ];
    person.app.json(Method::POST, path, &headers, Some(body)).await
}

async fn names(person: &Person<'_>) -> Vec<String> {
    let list = person.get("/api/v1/services").await.json();
    list["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[db_test]
async fn a_repeated_request_gets_the_stored_answer_and_makes_nothing(app: TestApp) {
    let alice = app.alice().await;
    let body = json!({"name": "API"});
    let first = with_key(&alice, "/api/v1/services", "one", &body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = with_key(&alice, "/api/v1/services", "one", &body).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    for kept in ["location", "etag", "content-type"] {
        assert_eq!(again.header(kept), first.header(kept), "{kept}");
    }
    assert_eq!(names(&alice).await, ["API"]);

    // An incident brings mail with it: once.
    let incident = json!({"title": "Down", "service_id": first.json()["id"]});
    let opened = with_key(&alice, "/api/v1/incidents", "two", &incident).await;
    let again = with_key(&alice, "/api/v1/incidents", "two", &incident).await;
    assert_eq!((opened.status, &opened.text), (StatusCode::CREATED, &again.text));
    let incidents = alice.get("/api/v1/incidents").await.json();
    assert_eq!(incidents["data"].as_array().unwrap().len(), 1);

    app.clock.advance_s(24 * 3600 + 1);
    let later = with_key(&app.logs_in(&alice).await, "/api/v1/services", "one", &body).await;
    assert_eq!((later.status, later.header("idempotency-replayed")), (StatusCode::CREATED, None));
}

#[db_test]
async fn a_key_that_was_used_for_another_request_is_refused(app: TestApp) {
    let alice = app.alice().await;
    with_key(&alice, "/api/v1/services", "one", &json!({"name": "API"})).await;
    for (path, body) in [
        ("/api/v1/services", json!({"name": "Shop"})),
        ("/api/v1/services?x=1", json!({"name": "API"})),
        ("/api/v1/pages", json!({"name": "API"})),
    ] {
        let other = with_key(&alice, path, "one", &body).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", other.text);
        assert_eq!(other.json()["errors"][0]["code"], "key_reused");
    }
    assert_eq!(names(&alice).await, ["API"]);
}

#[db_test]
async fn the_key_of_another_organization_or_person_is_another_key(app: TestApp) {
    // T-02: neither the answer nor its existence crosses over.
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let body = json!({"name": "API"});
    let hers = with_key(&alice, "/api/v1/services", "one", &body).await;
    let his = with_key(&charlie, "/api/v1/services", "one", &body).await;
    assert_eq!((his.status, his.header("idempotency-replayed")), (StatusCode::CREATED, None));
    assert_ne!(his.json()["id"], hers.json()["id"]);

    let mut elsewhere = alice.clone();
    let second = alice.post("/api/v1/organizations", &json!({"name": "Acme Labs"})).await;
    second.json()["id"].as_str().unwrap().clone_into(&mut elsewhere.organization);
    let there = with_key(&elsewhere, "/api/v1/services", "one", &body).await;
    assert_eq!((there.status, there.header("idempotency-replayed")), (StatusCode::CREATED, None));
}

#[db_test]
async fn a_refused_request_frees_its_key_and_a_key_must_be_readable(app: TestApp) {
    let alice = app.alice().await;
    let refused = with_key(&alice, "/api/v1/services", "one", &json!({"name": ""})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mended = with_key(&alice, "/api/v1/services", "one", &json!({"name": "API"})).await;
    assert_eq!(mended.status, StatusCode::CREATED, "{}", mended.text);
    for key in ["", &"x".repeat(256)] {
        let answer = with_key(&alice, "/api/v1/services", key, &json!({"name": "Shop"})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{key:?}");
        assert_eq!(answer.json()["errors"][0]["pointer"], "Idempotency-Key");
    }
}
