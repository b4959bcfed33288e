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

/// Parts of an address that name nothing, each of which some layer below could stumble over: NUL, half an UTF-8
/// character, a surrogate, a path, a long word.
const NOTHING: [&str; 6] = ["%00", "a%00b", "%ff", "%ED%A0%80", "..%2f..%2fetc", "%F0%9F%92%A9"];

fn filled(template: &str, word: &str, organization: &str) -> Vec<String> {
    let fill = |organization: &str| {
        template
            .split('/')
            .map(|part| match part {
                "{org}" => organization,
                part if part.starts_with('{') => word,
                part => part,
            })
            .collect::<Vec<_>>()
            .join("/")
    };
    vec![fill(word), fill(organization)]
}

/// Everything but what ends the session or the organization of the person who asks.
fn is_harmless(path: &str) -> bool {
    !["logout", "/settings/delete", "/settings/leave", "/settings/slug", "/account/delete", "/sessions"]
        .iter()
        .any(|end| path.contains(end))
}

#[db_test]
async fn addresses_of_nothing_are_404_for_everybody_and_pages_stay_pages(app: TestApp) {
    let alice = app.alice().await;
    for path in ["/p/%00", "/p/acme/%00", "/p/x/%00", "/orgs/%00", "/p/%00/incident/%00", "/p/%ff"] {
        for answer in [app.get(path).await, alice.opens(path).await] {
            let is_log_in = answer.header("location").is_some_and(|to| to.starts_with("/login"));
            assert!(is_log_in || answer.status == StatusCode::NOT_FOUND, "{path}: {}", answer.status);
        }
    }
    assert_eq!(alice.get("/api/v1/organizations/%00").await.status, StatusCode::NOT_FOUND);
    let bearer = format!("Bearer {}", alice.token);
    let headers = [("authorization", bearer.as_str()), ("x-organization", "a_b/../c")];
    let named = app.json(Method::GET, "/api/v1/services", &headers, None).await;
    assert_eq!(named.status, StatusCode::NOT_FOUND);
    let templates: Vec<String> = app
        .pages
        .iter()
        .filter(|route| route.method == "GET" && route.path.contains('{') && !route.path.contains("/static/"))
        // Documents for machines answer as an API does.
        .filter(|route| !["/api/", "/history.atom", "/badge"].iter().any(|part| route.path.contains(part)))
        .map(|route| route.path.clone())
        .collect();
    assert!(templates.len() > 15);
    for path in templates.iter().flat_map(|path| NOTHING.iter().flat_map(|word| filled(path, word, "acme"))) {
        for answer in [app.get(&path).await, alice.opens(&path).await] {
            assert!(!answer.status.is_server_error(), "{path}: {} {}", answer.status, answer.text);
            let kind = answer.header("content-type").unwrap_or_default();
            assert!(!kind.contains("json"), "{path}: {} {kind}", answer.status);
        }
    }
}

#[db_test]
async fn what_the_address_of_a_page_cannot_be_is_answered_with_a_page(app: TestApp) {
    let alice = app.alice().await;
    for path in [
        "/p/acme/incident/7",
        "/p/acme/status/incidents/7",
        "/p/%ff",
        "/invite?token=a&token=b",
        "/invite?token=%00",
    ] {
        let answer = app.get(path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{path}");
    }
    let answer = alice.opens("/orgs/acme/services/%ff").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    let answer = alice.get("/api/v1/services/%ff").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[db_test]
async fn an_address_with_a_nul_has_no_account_like_any_other_that_is_unknown(app: TestApp) {
    // X2
    let alice = app.alice().await;
    let path = "/api/v1/auth/login";
    let unknown = json!({"email": "nobody@acme.example", "password": "a quiet lamp by the window"});
    let unknown = app.json(Method::POST, path, &[], Some(&unknown)).await;
    for email in ["a\u{0}b", "alice@acme.example\u{0}", "\u{0}", "", "a b", "\u{d7ff}"] {
        let body = json!({"email": email, "password": "a quiet lamp by the window"});
        let answer = app.json(Method::POST, path, &[], Some(&body)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{email:?}: {}", answer.text);
        assert_eq!(answer.without_request_id(), unknown.without_request_id());
        let form = app.submits("/login", "", &[("email", email), ("password", "x\u{0}y")]).await;
        assert!(form.status.is_client_error(), "{email:?}: {}", form.status);
        assert_eq!(form.header("set-cookie"), None);
        let fields = [("email", email), ("password", "x\u{0}y"), ("org_name", email)];
        for other in ["/forgot", "/signup", "/p/acme/status/subscribe"] {
            let form = app.submits(other, "", &fields).await;
            assert!(!form.status.is_server_error(), "{other} {email:?}: {}", form.status);
        }
    }
    for attempt in 0..12 {
        let body = json!({"email": "a\u{0}b", "password": "x"});
        let answer = app.json(Method::POST, path, &[], Some(&body)).await;
        let is_throttled = answer.status == StatusCode::TOO_MANY_REQUESTS;
        assert!(is_throttled || answer.status == StatusCode::UNAUTHORIZED, "{attempt}: {}", answer.text);
        if attempt == 11 {
            assert!(is_throttled, "what is no address is counted, too");
        }
    }
    assert_eq!(alice.get("/api/v1/auth/me").await.status, StatusCode::OK);
    app.delivers_outbox().await;
}

/// Names of the fields of all forms.
const FIELDS: [&str; 24] = [
    "email",
    "password",
    "display_name",
    "org_name",
    "name",
    "title",
    "slug",
    "body",
    "description",
    "url",
    "group_name",
    "public_name",
    "code",
    "role",
    "status",
    "impact",
    "challenge",
    "next",
    "support_url",
    "support_email",
    "footer_text",
    "confirm",
    "current_password",
    "new_password",
];

#[db_test]
async fn forms_with_bytes_that_are_no_text_are_refused_without_a_failure(app: TestApp) {
    let alice = app.alice().await;
    let account = alice.opens("/account").await.text;
    let (_, rest) = account.split_once("name=\"csrf\" value=\"").unwrap();
    let (csrf, _) = rest.split_once('"').unwrap();
    let posts: Vec<String> =
        app.pages.iter().filter(|route| route.method == "POST").map(|route| route.path.clone()).collect();
    for path in posts.iter().filter(|path| is_harmless(path)) {
        for value in ["a%00b", "%ff", "%ED%A0%80", "a%0d%0aBcc:b"] {
            let fields: Vec<String> = FIELDS.iter().map(|field| format!("{field}={value}")).collect();
            let body = format!("csrf={csrf}&{}", fields.join("&"));
            for path in filled(path, "in_00000000000000000000000000", "acme") {
                let request = Request::post(&path)
                    .header(header::COOKIE, &alice.cookie)
                    .header("sec-fetch-site", "same-origin")
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(Body::from(body.clone()))
                    .unwrap();
                let answer = app.send(request).await;
                assert!(
                    !answer.status.is_server_error(),
                    "{path} {value}: {} {}",
                    answer.status,
                    answer.text
                );
            }
        }
    }
    app.delivers_outbox().await;
}

/// The names of the text fields of an operation's body.
fn text_fields(document: &Value, operation: &Value) -> Vec<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let properties = document["components"]["schemas"][name]["properties"].as_object();
    properties.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

#[db_test]
async fn json_with_characters_that_are_no_text_is_refused_without_a_failure(app: TestApp) {
    let alice = app.alice().await;
    let paths = app.document["paths"].as_object().unwrap().clone();
    let mut tried = 0;
    for (template, operations) in &paths {
        for (method, operation) in operations.as_object().unwrap() {
            if !is_harmless(template) || method == "get" {
                continue;
            }
            let fields = text_fields(&app.document, operation);
            for value in ["\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"a\u{1}b\""] {
                let pairs: Vec<String> = fields.iter().map(|field| format!("\"{field}\": {value}")).collect();
                let whole = format!("{{{}}}", pairs.join(", "));
                let bodies = pairs.iter().map(|pair| format!("{{{pair}}}")).chain([whole]);
                for body in bodies {
                    for path in filled(template, "%00", "acme").into_iter().chain([template.clone()]) {
                        let answer = send(&alice, method, &path, body.clone().into_bytes()).await;
                        assert!(!answer.status.is_server_error(), "{method} {path} {body}: {}", answer.text);
                        tried += 1;
                    }
                }
            }
        }
    }
    assert!(tried > 300, "{tried}");
    app.delivers_outbox().await;
}

async fn send(person: &Person<'_>, method: &str, path: &str, body: Vec<u8>) -> HttpAnswer {
    let request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path.replace(['{', '}'], ""))
        .header(header::AUTHORIZATION, format!("Bearer {}", person.token))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    person.app.send(request).await
}

#[db_test]
async fn bytes_that_are_no_utf8_and_keys_that_come_twice_are_refused(app: TestApp) {
    let alice = app.alice().await;
    for (body, status) in [
        (&b"{\"name\": \"\xff\"}"[..], StatusCode::BAD_REQUEST),
        (b"{\"name\": \"\xed\xa0\x80\"}", StatusCode::BAD_REQUEST),
        (b"{\"\xff\": 1}", StatusCode::BAD_REQUEST),
        (b"\xff\xfe{\x00}\x00", StatusCode::BAD_REQUEST),
        (b"{\"name\": \"\\ud800\"}", StatusCode::BAD_REQUEST),
        (b"{\"name\": \"One\", \"name\": \"Two\"}", StatusCode::UNPROCESSABLE_ENTITY),
        (b"{\"name\": \"One\", \"n\\u0061me\": \"Two\"}", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = send(&alice, "post", "/api/v1/services", body.to_vec()).await;
        assert_eq!(answer.status, status, "{}: {}", String::from_utf8_lossy(body), answer.text);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    assert_eq!(alice.get("/api/v1/services").await.json()["data"], json!([]), "nothing was written");
}

#[db_test]
async fn head_is_get_without_a_body_and_a_wrong_method_names_the_right_ones(app: TestApp) {
    let alice = app.alice().await;
    for path in
        ["/", "/p/acme", "/p/acme/status", "/p/%00", "/login", "/docs", "/readyz", "/livez", "/health"]
    {
        let (get, head) = (app.get(path).await, app.json(Method::HEAD, path, &[], None).await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    assert_eq!(alice.request(Method::HEAD, "/api/v1/services", None).await.status, StatusCode::OK);
    for (method, path, allowed) in [
        (Method::PUT, "/api/v1/services", "GET,HEAD,POST"),
        (Method::DELETE, "/p/acme", "GET,HEAD"),
        (Method::POST, "/readyz", "GET,HEAD"),
        (Method::GET, "/logout", "POST"),
    ] {
        let answer = alice.request(method.clone(), path, None).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        let mut allow: Vec<&str> =
            answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow.join(","), allowed, "{method} {path}");
    }
}
