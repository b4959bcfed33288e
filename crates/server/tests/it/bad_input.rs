//! Whatever is sent: a clear 4xx problem with a pointer to the field, never a 5xx, never half a write.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use testkit::{HttpAnswer, Person, TestApp, db_test};

async fn raw(person: &Person<'_>, path: &str, kind: &str, body: impl Into<Body>) -> HttpAnswer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", person.token))
        .header(header::CONTENT_TYPE, kind)
        .body(body.into())
        .unwrap();
    person.app.send(request).await
}

fn pointer(answer: &HttpAnswer) -> String {
    answer.json()["errors"][0]["pointer"]
        .as_str()
        .unwrap_or_else(|| panic!("no pointer: {}", answer.text))
        .to_owned()
}

#[db_test]
async fn broken_json_is_400_and_wrong_json_is_422_with_a_pointer(app: TestApp) {
    let alice = app.alice().await;
    for broken in ["", "{", "{\"name\": \"API\"", "nul", "{\"name\": \"API\"} x", "[1,]", "\u{feff}{}"] {
        let answer = raw(&alice, "/api/v1/services", "application/json", broken.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{broken}: {}", answer.text);
        assert_eq!(answer.code(), "malformed");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    for (wrong, at) in [
        (json!({"name": 7}), "/name"),
        (json!({"name": "API", "position": "first"}), "/position"),
        (json!({"name": "API", "position": 1e99}), "/position"),
        (json!({"name": "API", "is_visible": "yes"}), "/is_visible"),
        (json!({"name": "API", "status_page_id": "cm_00000000000000000000000000"}), "/status_page_id"),
        (json!({"name": ""}), "/name"),
        (json!({"name": "   "}), "/name"),
        (json!({"name": "x".repeat(300)}), "/name"),
        (json!({"name": "API\u{0}"}), "/name"),
        (json!({"name": "API\u{202e}IPA"}), "/name"),
        (json!({"name": "API", "slug": "Ünïcode"}), "/slug"),
        (json!({"name": "API", "slug": "a--b"}), "/slug"),
        (json!({"name": "API", "slug": "../etc"}), "/slug"),
        (json!({"name": "API", "slug": "аpi"}), "/slug"),
        (json!({"name": "API", "description": "x".repeat(100_000)}), "/description"),
    ] {
        let answer = alice.post("/api/v1/services", &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", answer.text);
        assert_eq!(pointer(&answer), at, "{wrong}");
    }
    let unknown = alice.post("/api/v1/services", &json!({"name": "API", "colour": "red"})).await;
    assert_eq!((unknown.status, pointer(&unknown).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "/colour"));
    let missing = alice.post("/api/v1/services", &json!({})).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    for not_an_object in [json!([]), json!(null), json!("API"), json!(3)] {
        let answer = alice.post("/api/v1/services", &not_an_object).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{not_an_object}: {}", answer.text);
    }
    let list = alice.get("/api/v1/services").await.json();
    assert_eq!(list["data"], json!([]), "nothing was written");
}

#[db_test]
async fn a_body_of_ten_megabytes_is_413_and_another_type_is_415(app: TestApp) {
    let alice = app.alice().await;
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let answer = raw(&alice, "/api/v1/services", "application/json", large).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    for kind in ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"] {
        let answer = raw(&alice, "/api/v1/services", kind, "{\"name\": \"API\"}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let deep = "[".repeat(100_000);
    let answer = raw(&alice, "/api/v1/services", "application/json", deep).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
}

#[db_test]
async fn unknown_paths_methods_and_ids_are_problems_below_api_and_pages_elsewhere(app: TestApp) {
    let alice = app.alice().await;
    let answer = alice.get("/api/v1/nothing").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    let answer = alice.request(Method::PUT, "/api/v1/services", None).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
    );
    for id in ["7", "cm_", "pg_00000000000000000000000000", "%00", "..%2f..", "null"] {
        let answer = alice.get(&format!("/api/v1/services/{id}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}: {}", answer.text);
    }
    let page = app.get("/nothing").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.text.contains("There is no page here"));
}

#[db_test]
async fn a_stale_version_is_412_and_the_newest_one_is_changed(app: TestApp) {
    let alice = app.alice().await;
    let id = alice.creates_service("API").await;
    let path = format!("/api/v1/services/{id}");
    let tag = alice.get(&path).await.header("etag").unwrap().to_owned();
    let change = |tag: String, name: &str| {
        let (bearer, body) = (format!("Bearer {}", alice.token), json!({ "name": name }));
        let path = path.clone();
        let app = alice.app;
        async move {
            let headers = [("authorization", bearer.as_str()), ("if-match", tag.as_str())];
            app.json(Method::PATCH, &path, &headers, Some(&body)).await
        }
    };
    assert_eq!(change(tag.clone(), "First").await.status, StatusCode::OK);
    let late = change(tag, "Second").await;
    assert_eq!((late.status, late.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale"));
    assert_eq!(
        change("\"never given out\"".to_owned(), "Third").await.status,
        StatusCode::PRECONDITION_FAILED
    );
    assert_eq!(alice.get(&path).await.json()["name"], Value::from("First"));
}

#[db_test]
async fn a_session_in_a_cookie_changes_nothing_without_proof_that_our_page_asked(app: TestApp) {
    // X8, T-07.
    let alice = app.alice().await;
    let post = |extra: Vec<(&'static str, String)>| {
        let mut headers = vec![("cookie", alice.cookie.clone())];
        headers.extend(extra);
        let app = alice.app;
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            app.json(Method::POST, "/api/v1/services", &headers, Some(&json!({"name": "API"}))).await
        }
    };
    for headers in [
        vec![],
        vec![("origin", "https://evil.example".to_owned())],
        vec![("sec-fetch-site", "cross-site".to_owned())],
        vec![("sec-fetch-site", "same-site".to_owned()), ("origin", testkit::PUBLIC_URL.to_owned())],
        vec![("sec-fetch-site", "same-origin".to_owned())],
        vec![("sec-fetch-site", "same-origin".to_owned()), ("x-csrf-token", "guess".to_owned())],
    ] {
        let answer = post(headers.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}: {}", answer.text);
    }
    let reading = app.json(Method::GET, "/api/v1/services", &[("cookie", &alice.cookie)], None).await;
    assert_eq!(reading.status, StatusCode::OK);
    assert_eq!(reading.json()["data"], json!([]));
}
