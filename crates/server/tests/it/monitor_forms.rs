//! The form of monitors in a browser: one for each kind, refused at its fields, tried before it is saved, and with
//! secrets that no page shows (S4, S34, T-22).

use egress::EgressConfig;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Answer, HttpAnswer, Person, Target, TestApp, TestDatabase, db_test};
use tokio::net::TcpListener;

/// An app that may reach the servers of this test.
fn near(database: TestDatabase) -> TestApp {
    let rules =
        EgressConfig { allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()], ..EgressConfig::default() };
    TestApp::with(database, |_| {}, rules)
}

/// The fields that a form of every asked kind has, as they come from a browser.
const RHYTHM: [(&str, &str); 6] = [
    ("interval_seconds", "3600"),
    ("timeout_seconds", "10"),
    ("failures_to_open", "2"),
    ("successes_to_close", "1"),
    ("min_outage_seconds", "0"),
    ("is_active", "true"),
];

async fn submits(person: &Person<'_>, path: &str, kind: &str, fields: &[(&str, &str)]) -> HttpAnswer {
    let fields: Vec<_> = [("kind", kind)].iter().chain(fields).chain(&RHYTHM).copied().collect();
    person.submits(path, &fields).await
}

/// The monitor that a form led to, as the API shows it.
async fn made(person: &Person<'_>, answer: &HttpAnswer) -> Value {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let (_, rest) = answer.header("location").unwrap().rsplit_once('/').unwrap();
    let id = rest.split('?').next().unwrap();
    person.get(&format!("/api/v1/monitors/{id}")).await.json()
}

/// The value of a hidden field.
fn hidden(answer: &HttpAnswer, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = answer.text.split_once(&start).unwrap_or_else(|| panic!("no {name} in {}", answer.text)).1;
    rest.split('"').next().unwrap().to_owned()
}

fn has_error_at(answer: &HttpAnswer, id: &str) -> bool {
    answer.text.contains(&format!("class=\"error\" id=\"{id}-hint\""))
}

/// Names and values of a form.
type Fields = &'static [(&'static str, &'static str)];

#[db_test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
async fn the_form_of_each_kind_makes_its_monitor(app: TestApp) {
    let alice = app.alice().await;
    let table: [(&str, Fields, Value); 8] = [
        (
            "http",
            &[
                ("url", "https://example.com/health"),
                ("method", "HEAD"),
                ("expected_status", "200-299, 301"),
                ("settings_headers_1_name", "Accept"),
                ("settings_headers_1_value", "text/plain"),
                ("settings_version", "http1"),
                ("settings_no_redirects", "true"),
                ("settings_assertions_0_of", "json"),
                ("settings_assertions_0_name", "$.status"),
                ("settings_assertions_0_test", "equals"),
                ("settings_assertions_0_value", "up"),
            ],
            json!({"statuses": [{"from": 200, "to": 299}, {"from": 301, "to": 301}],
                "headers": [{"name": "Accept", "value": "text/plain"}], "body": null,
                "auth": {"scheme": "none"}, "follow_redirects": false, "verify_certificate": true,
                "version": "http1",
                "assertions": [{"of": "json", "path": "$.status", "test": "equals", "value": "up"}]}),
        ),
        (
            "tcp",
            &[
                ("settings_host", " db.example.com "),
                ("settings_port", "6379"),
                ("settings_tls", "true"),
                ("settings_send", "PING\r\n"),
                ("settings_expect", "PONG"),
            ],
            json!({"host": "db.example.com", "port": 6379, "tls": true, "send": "PING\r\n", "expect": "PONG"}),
        ),
        (
            "dns",
            &[
                ("settings_name", "example.com"),
                ("settings_record", "MX"),
                ("settings_expected", "10 a.example.com\r\n\r\n20 b.example.com\r\n"),
                ("settings_exactly", "true"),
            ],
            json!({"name": "example.com", "record": "MX", "resolver": null,
                "expected": ["10 a.example.com", "20 b.example.com"], "exactly": true}),
        ),
        ("icmp", &[("settings_host", "example.com")], json!({"host": "example.com"})),
        (
            "tls_certificate",
            &[("settings_host", "example.com"), ("settings_port", "8443"), ("settings_warn_days", "20")],
            json!({"host": "example.com", "port": 8443, "warn_days": 20, "fail_days": 3}),
        ),
        (
            "domain_expiry",
            &[("settings_domain", "example.com")],
            json!({"domain": "example.com", "warn_days": 30, "fail_days": 7}),
        ),
        (
            "websocket",
            &[("settings_url", "wss://example.com/socket"), ("settings_send", "hi")],
            json!({"url": "wss://example.com/socket", "headers": [], "send": "hi", "expect": null}),
        ),
        (
            "grpc",
            &[("settings_host", "example.com"), ("settings_port", "443"), ("settings_service", "shop")],
            json!({"host": "example.com", "port": 443, "tls": false, "service": "shop"}),
        ),
    ];
    for (kind, fields, settings) in table {
        let shown = alice.opens(&format!("/orgs/acme/monitors/new?kind={kind}")).await;
        assert_eq!(hidden(&shown, "kind"), kind);
        for (name, _) in fields.iter().filter(|(name, _)| !name.contains("_1_")) {
            assert!(shown.text.contains(&format!("name=\"{name}\"")), "no {name} in the form of {kind}");
        }
        let service = alice.creates_service(kind).await;
        let fields: Vec<_> = fields.iter().copied().chain([("service_id", service.as_str())]).collect();
        let answer = submits(&alice, "/orgs/acme/monitors", kind, &fields).await;
        let monitor = made(&alice, &answer).await;
        assert_eq!((&monitor["kind"], &monitor["settings"]), (&json!(kind), &settings));
        let page = alice.opens(&format!("/orgs/acme/monitors/{}", monitor["id"].as_str().unwrap())).await;
        assert_eq!(page.status, StatusCode::OK, "{kind}: {}", page.text);
        let edit = format!("/orgs/acme/monitors/{}/edit", monitor["id"].as_str().unwrap());
        let form = alice.opens(&edit).await;
        assert!(!form.text.contains("class=\"kinds\""), "the kind stays");
        let version = hidden(&form, "version");
        let fields: Vec<_> = fields.iter().copied().chain([("version", version.as_str())]).collect();
        let saved = submits(&alice, &edit, "manual", &fields).await;
        assert_eq!(made(&alice, &saved).await["settings"], settings, "{kind}: the same form changes nothing");
    }
}

#[db_test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
async fn what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(app: TestApp) {
    // T-01, ux.md 2.2
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let table: [(&str, Fields, &[&str]); 8] = [
        ("tcp", &[("settings_host", "127.0.0.1"), ("settings_port", "65x")], &["settings_port"]),
        (
            "tcp",
            &[("settings_host", "127.0.0.1"), ("settings_port", "25")],
            &["settings_host", "settings_port"],
        ),
        (
            "dns",
            &[("settings_name", ""), ("settings_resolver", "my dns")],
            &["settings_name", "settings_resolver"],
        ),
        (
            "dns",
            &[("settings_name", "example.com"), ("settings_expected", "mail.example.com")],
            &["settings_expected"],
        ),
        ("websocket", &[("settings_url", "https://example.com/")], &["settings_url"]),
        (
            "domain_expiry",
            &[("settings_domain", "-"), ("settings_fail_days", "90")],
            &["settings_domain", "settings_fail_days"],
        ),
        ("http", &[("url", "https://example.com/"), ("expected_status", "2xx")], &["expected_status"]),
        (
            "http",
            &[
                ("url", "https://10.0.0.1/"),
                ("expected_status", "200, 900"),
                ("settings_headers_4_name", "Host"),
                ("settings_headers_4_value", "x"),
                ("settings_assertions_2_of", "json"),
                ("settings_assertions_2_name", "status"),
                ("settings_auth_scheme", "bearer"),
            ],
            &[
                "url",
                "expected_status",
                "settings_headers_0_name",
                "settings_assertions_0_name",
                "secrets_token",
            ],
        ),
    ];
    for (kind, fields, wrong) in table {
        let fields: Vec<_> = fields.iter().copied().chain([("service_id", service.as_str())]).collect();
        for path in ["/orgs/acme/monitors", "/orgs/acme/monitors/test"] {
            let answer = submits(&alice, path, kind, &fields).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {kind}: {}", answer.text);
            for id in wrong {
                assert!(has_error_at(&answer, id), "{path} {kind}: nothing at {id} in {}", answer.text);
            }
            for (name, value) in &fields {
                assert!(answer.text.contains(value), "{kind}: {name} was lost");
            }
        }
    }
    assert!(alice.get("/api/v1/monitors").await.json()["data"].as_array().unwrap().is_empty());
}

#[db_test]
async fn lists_grow_without_scripts_and_without_loss(app: TestApp) {
    let alice = app.alice().await;
    let fields =
        [("more", "settings_headers"), ("url", "not yet"), ("settings_headers_0_name", "X-Half-Typed")];
    let answer = submits(&alice, "/orgs/acme/monitors", "http", &fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("not yet") && answer.text.contains("X-Half-Typed"));
    assert!(answer.text.contains("settings_headers_4_name"), "{}", answer.text);
    assert!(!answer.text.contains("class=\"error\""), "nothing was checked yet");
}

#[db_test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
async fn secrets_are_in_no_page_and_survive_refusals_and_edits(app: TestApp) {
    // T-22
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let typed = [
        ("service_id", service.as_str()),
        ("url", "https://10.0.0.1/"),
        ("expected_status", "200"),
        ("settings_auth_scheme", "basic"),
        ("settings_auth_username", "probe"),
        ("secrets_password", "hush-hush"),
        ("secrets_headers_0_name", "X-Key"),
        ("secrets_headers_0_value", "very-secret"),
    ];
    let is_clean = |answer: &HttpAnswer| {
        assert!(
            !answer.text.contains("hush-hush") && !answer.text.contains("very-secret"),
            "{}",
            answer.text
        );
    };
    let refused = submits(&alice, "/orgs/acme/monitors", "http", &typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    is_clean(&refused);
    let carried = hidden(&refused, "carried");
    assert!(!carried.is_empty());

    let again = [
        ("service_id", service.as_str()),
        ("url", "https://example.com/"),
        ("expected_status", "200"),
        ("settings_auth_scheme", "basic"),
        ("settings_auth_username", "probe"),
        ("carried", carried.as_str()),
    ];
    let charlie = app.charlie().await;
    let theirs = charlie.creates_service("API").await;
    let stolen: Vec<_> = again.iter().copied().skip(1).chain([("service_id", theirs.as_str())]).collect();
    let stolen = submits(&charlie, "/orgs/globex/monitors", "http", &stolen).await;
    assert!(has_error_at(&stolen, "secrets_password"), "what is sealed for Alice is nothing to Charlie");

    let answer = submits(&alice, "/orgs/acme/monitors", "http", &again).await;
    let monitor = made(&alice, &answer).await;
    let held = json!({"password": true, "token": false, "headers": ["X-Key"]});
    assert_eq!(monitor["secrets"], held);
    let page = format!("/orgs/acme/monitors/{}", monitor["id"].as_str().unwrap());
    let edit = format!("{page}/edit");
    let shown = alice.opens(&page).await;
    assert!(
        shown.text.contains("password: stored") && shown.text.contains("X-Key: stored"),
        "{}",
        shown.text
    );
    let form = alice.opens(&edit).await;
    assert_eq!(hidden(&form, "carried"), "", "what is stored is not carried");
    for answer in [&shown, &form] {
        is_clean(answer);
    }
    let kept = submits(&alice, &edit, "http", &again[1..5]).await;
    assert_eq!(made(&alice, &kept).await["secrets"], held);
    let gone = [again[1], again[2], ("settings_auth_scheme", "none"), ("secrets_headers_remove", "true")];
    let cleared = submits(&alice, &edit, "http", &gone).await;
    let none = json!({"password": false, "token": false, "headers": []});
    assert_eq!(made(&alice, &cleared).await["secrets"], none);
}

#[db_test]
async fn a_monitor_is_tried_before_it_is_saved(database: TestDatabase) {
    // S4
    let app = near(database);
    let (alice, target) = (app.alice().await, Target::start().await);
    target.answer("/", Answer::status(503));
    let url = target.url("/");
    let fields = [("url", url.as_str()), ("expected_status", "200")];
    let tried = submits(&alice, "/orgs/acme/monitors/test", "http", &fields).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text);
    for words in ["The server answered 503 instead of 200.", "TCP connect", "Nothing is saved yet", &url] {
        assert!(tried.text.contains(words), "no {words:?} in {}", tried.text);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let tcp = [("settings_host", "127.0.0.1"), ("settings_port", port.as_str())];
    let tried = submits(&alice, "/orgs/acme/monitors/test", "tcp", &tcp).await;
    assert!(tried.text.contains("It answers") && tried.text.contains("As expected."), "{}", tried.text);
    assert!(alice.get("/api/v1/monitors").await.json()["data"].as_array().unwrap().is_empty());

    let service = alice.creates_service("API").await;
    let new = json!({"service_id": service, "url": url, "settings": {"auth": {"scheme": "bearer"}},
        "secrets": {"token": "tok-123"}});
    let monitor = alice.post("/api/v1/monitors", &new).await.json();
    let path = format!("/orgs/acme/monitors/{}/test", monitor["id"].as_str().unwrap());
    let fields = [("url", url.as_str()), ("expected_status", "503"), ("settings_auth_scheme", "bearer")];
    let tried = submits(&alice, &path, "http", &fields).await;
    assert!(tried.text.contains("Status 503."), "{}", tried.text);
    let seen = target.requests();
    assert_eq!(seen.last().and_then(|request| request.header("authorization")), Some("Bearer tok-123"));
    assert!(!tried.text.contains("tok-123"), "{}", tried.text);

    let mut last = tried;
    for _ in 0..6 {
        last = submits(&alice, &path, "http", &fields).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.text.contains("This was tried too often") && last.text.contains(&url), "{}", last.text);
}

#[db_test]
async fn a_viewer_reads_and_tries_nothing(app: TestApp) {
    let alice = app.alice().await;
    let bob = app.bob(&alice, "viewer").await;
    assert_eq!(bob.opens("/orgs/acme/monitors/new?kind=tcp").await.status, StatusCode::FORBIDDEN);
    let fields = [("url", "https://example.com/"), ("expected_status", "200")];
    for path in ["/orgs/acme/monitors", "/orgs/acme/monitors/test"] {
        assert_eq!(submits(&bob, path, "http", &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let more = [("more", "settings_headers")];
    assert_eq!(submits(&bob, "/orgs/acme/monitors", "http", &more).await.status, StatusCode::FORBIDDEN);
}
