//! Monitors over HTTP: made, changed, refused with a pointer, checked by hand, read page by page (S4, S5, S11).

use domain::check::{CheckResult, CheckStatus, Phases};
use domain::plan::Tier;
use egress::EgressConfig;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Answer, HttpAnswer, Person, Target, TestApp, TestDatabase, db_test};

/// An app that may reach the servers of this test.
fn near(database: TestDatabase) -> TestApp {
    let rules =
        EgressConfig { allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()], ..EgressConfig::default() };
    TestApp::with(database, |_| {}, rules)
}

async fn creates(person: &Person<'_>, service: &str, url: &str) -> Value {
    let answer = person.post("/api/v1/monitors", &json!({"service_id": service, "url": url})).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()
}

/// Pointer and code of everything that is wrong.
fn faults(answer: &HttpAnswer) -> Vec<(String, String)> {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let problem = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["pointer"]), text(&one["code"])))
        .collect()
}

fn fault(answer: &HttpAnswer) -> (String, String) {
    let faults = faults(answer);
    assert_eq!(faults.len(), 1, "{}", answer.text);
    faults[0].clone()
}

#[db_test]
async fn a_monitor_is_made_read_changed_and_deleted(app: TestApp) {
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let body =
        json!({"service_id": service, "url": " HTTPS://Example.com/health ", "degraded_above_ms": 900});
    let made = alice.post("/api/v1/monitors", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let monitor = made.json();
    assert_eq!(monitor["url"], "https://example.com/health", "normalised");
    assert_eq!((&monitor["method"], &monitor["expected_status"]), (&json!("GET"), &json!(200)));
    assert_eq!((&monitor["interval_seconds"], &monitor["timeout_seconds"]), (&json!(60), &json!(10)));
    assert_eq!((&monitor["state"], &monitor["last_checked_at"]), (&json!("no_data"), &Value::Null));
    let path = made.header("location").unwrap().to_owned();
    let shown = alice.get(&path).await;
    assert_eq!((shown.status, shown.json()), (StatusCode::OK, monitor.clone()));
    for list in ["/api/v1/monitors".to_owned(), format!("/api/v1/monitors?service_id={service}")] {
        assert_eq!(alice.get(&list).await.json()["data"], json!([monitor]), "{list}");
    }

    let bearer = format!("Bearer {}", alice.token);
    let etag = shown.header("etag").unwrap().to_owned();
    let headers = [("authorization", bearer.as_str()), ("if-match", etag.as_str())];
    let patch = json!({"is_active": false, "degraded_above_ms": null});
    let changed = app.json(Method::PATCH, &path, &headers, Some(&patch)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let now = changed.json();
    assert_eq!((&now["is_active"], &now["degraded_above_ms"]), (&json!(false), &Value::Null));
    assert_eq!(now["url"], monitor["url"], "absent fields stay");
    let stale = app.json(Method::DELETE, &path, &headers, None).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(alice.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn what_is_wrong_is_pointed_at(app: TestApp) {
    // X43, X45, T-01: nothing is stored
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let post = async |extra: Value| {
        let mut body = json!({"service_id": service, "url": "https://example.com/"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        alice.post("/api/v1/monitors", &body).await
    };
    let urls = [
        ("http://10.0.0.1/", "address_not_allowed"),
        ("http://169.254.169.254/latest/meta-data", "address_not_allowed"),
        ("http://[::1]/", "address_not_allowed"),
        ("http://localhost/", "host_not_allowed"),
        ("ftp://example.com/", "scheme_not_allowed"),
        ("https://user:secret@example.com/", "userinfo_not_allowed"),
        ("https://example.com:25/", "port_not_allowed"),
        ("example.com", "malformed"),
        ("", "malformed"),
    ];
    for (url, code) in urls {
        assert_eq!(fault(&post(json!({ "url": url })).await), ("/url".into(), code.into()), "{url}");
    }
    for (field, value, code) in [
        ("method", json!("DELETE"), "wrong_type"),
        ("interval_seconds", json!(29), "interval_too_short"),
        ("interval_seconds", json!("60"), "wrong_type"),
        ("timeout_seconds", json!(61), "out_of_range"),
        ("expected_status", json!(99), "out_of_range"),
        ("failures_to_open", json!(0), "out_of_range"),
        ("successes_to_close", json!(11), "out_of_range"),
        ("degraded_above_ms", json!(-1), "out_of_range"),
        ("min_outage_seconds", json!(3601), "out_of_range"),
        ("min_outage_seconds", json!(-1), "out_of_range"),
        ("parent_id", json!("everything"), "wrong_type"),
        ("service_id", json!("cm_00000000000000000000000000"), "not_found"),
        ("colour", json!("red"), "unknown_field"),
    ] {
        let answer = post(json!({ field: value })).await;
        let found = faults(&answer);
        assert!(found.contains(&(format!("/{field}"), code.into())), "{field}: {}", answer.text);
    }
    let several = post(json!({"url": "http://10.0.0.1/", "expected_status": 1})).await;
    assert_eq!(faults(&several).len(), 2, "all at once");
    assert_eq!(alice.get("/api/v1/monitors").await.json()["data"], json!([]));
}

#[db_test]
async fn the_limits_of_the_tier_are_named(app: TestApp) {
    // S32, S34, X46, X72
    let alice = app.registers("Alice", "Acme").await;
    let service = alice.creates_service("API").await;
    let first = creates(&alice, &service, "https://example.com/").await;
    assert_eq!(first["interval_seconds"], 300);
    let second =
        alice.post("/api/v1/monitors", &json!({"service_id": service, "url": "https://example.com/"})).await;
    assert_eq!((second.status, second.code().as_str()), (StatusCode::FORBIDDEN, "plan_limit"));
    let problem = second.json();
    assert_eq!(
        (&problem["limit"], &problem["used"], &problem["required_tier"]),
        (&json!(1), &json!(1), &json!("pro"))
    );

    let path = format!("/api/v1/monitors/{}", first["id"].as_str().unwrap());
    let refused = alice.patch(&path, &json!({"interval_seconds": 60})).await;
    assert_eq!(fault(&refused), ("/interval_seconds".into(), "interval_too_short".into()));
    let detail = refused.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("300") && detail.contains("Pro"), "{detail}");
    let refused = alice.patch(&path, &json!({"method": "POST"})).await;
    assert_eq!(fault(&refused), ("/method".into(), "method_needs_plan".into()));
    app.moves(&alice, Tier::Pro).await;
    let accepted = alice.patch(&path, &json!({"interval_seconds": 60, "method": "POST"})).await;
    assert_eq!(accepted.status, StatusCode::OK, "{}", accepted.text);
}

#[db_test]
async fn a_check_by_hand_answers_with_what_it_saw(database: TestDatabase) {
    // X47, T-01
    let app = near(database);
    let target = Target::start().await;
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let monitor = creates(&alice, &service, &target.url("/health")).await;
    let path = format!("/api/v1/monitors/{}", monitor["id"].as_str().unwrap());
    let check = async || alice.post(&format!("{path}/check"), &json!({})).await;

    let good = check().await;
    assert_eq!(good.status, StatusCode::OK, "{}", good.text);
    let seen = good.json();
    assert_eq!(
        (&seen["status"], &seen["status_code"], &seen["is_manual"]),
        (&json!("up"), &json!(200), &json!(true))
    );
    assert_eq!(seen["error_message"], Value::Null);
    assert!(seen["phases"]["connect_ms"].is_u64() && seen["phases"]["first_byte_ms"].is_u64(), "{seen}");
    assert_eq!(seen["phases"]["tls_ms"], Value::Null);
    let again = check().await;
    assert_eq!((again.status, again.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("10")));

    app.clock.advance_s(10);
    target.answer("/health", Answer::status(503).body("our secret stack trace"));
    let failed = check().await;
    assert!(!failed.text.contains("secret"), "{}", failed.text);
    let seen = failed.json();
    assert_eq!((&seen["status"], &seen["failure"]), (&json!("down"), &json!("unexpected_status")));
    assert_eq!(seen["error_message"], "The server answered 503 instead of 200.");
    let listed = alice.get(&format!("{path}/results")).await.json();
    let statuses: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["down", "up"]);
    let after = alice.get(&path).await.json();
    assert_eq!((&after["state"], &after["last_checked_at"]), (&json!("no_data"), &Value::Null), "no verdict");
}

#[db_test]
async fn results_are_read_page_by_page(app: TestApp) {
    // S5, ux.md 1.6
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let monitor = creates(&alice, &service, "https://example.com/").await;
    let id = monitor["id"].as_str().unwrap();
    let results: Vec<CheckResult> = (0..120)
        .map(|number| CheckResult {
            monitor_id: id.parse().unwrap(),
            checked_at: app.clock.now().plus_s(-60 * number),
            status: CheckStatus::Up,
            failure: None,
            status_code: Some(200),
            response_time_ms: Some(i32::try_from(number).unwrap()),
            phases: Phases::default(),
            is_manual: false,
        })
        .collect();
    let mut tx = app.db.write().await.unwrap();
    store::check_results::archive(&mut tx, &results).await.unwrap();
    tx.commit().await.unwrap();

    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    let mut next = Some(format!("/api/v1/monitors/{id}/results"));
    while let Some(path) = next {
        let answer = alice.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let page = answer.json();
        let rows = page["data"].as_array().unwrap();
        sizes.push(rows.len());
        seen.extend(rows.iter().map(|row| row["response_time_ms"].as_i64().unwrap()));
        next = answer.header("link").map(|link| {
            let (path, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
            assert_eq!(rest, "; rel=\"next\"");
            assert!(path.ends_with(page["next_cursor"].as_str().unwrap()));
            path.to_owned()
        });
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(seen, (0..120).collect::<Vec<_>>(), "newest first, none twice, none left out");
    for (query, pointer) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=nonsense", "cursor"),
        ("page=2", "page"),
    ] {
        let refused = alice.get(&format!("/api/v1/monitors/{id}/results?{query}")).await;
        assert_eq!(fault(&refused).0, pointer, "{query}");
    }
}

#[db_test]
async fn charlie_finds_nothing_of_alices_monitors(app: TestApp) {
    // T-02: the same bytes as for what does not exist
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let service = alice.creates_service("API").await;
    let monitor = creates(&alice, &service, "https://example.com/").await;
    let before = app.db.digest(alice.organization.parse().unwrap()).await;
    let none = "mn_00000000000000000000000000";
    for id in [monitor["id"].as_str().unwrap(), none] {
        for (method, end, body) in [
            (Method::GET, "", None),
            (Method::PATCH, "", Some(json!({"is_active": false}))),
            (Method::DELETE, "", None),
            (Method::POST, "/check", None),
            (Method::GET, "/results", None),
        ] {
            let path = format!("/api/v1/monitors/{id}{end}");
            let answer = charlie.request(method.clone(), &path, body.as_ref()).await;
            let nothing = charlie.get(&format!("/api/v1/monitors/{none}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
            assert_eq!(answer.without_request_id(), nothing.without_request_id(), "{method} {path}");
        }
    }
    let refused = charlie
        .post("/api/v1/monitors", &json!({"service_id": service, "url": "https://example.com/"}))
        .await;
    assert_eq!(fault(&refused), ("/service_id".into(), "not_found".into()));
    assert_eq!(
        charlie.get(&format!("/api/v1/monitors?service_id={service}")).await.json()["data"],
        json!([])
    );
    assert_eq!(app.db.digest(alice.organization.parse().unwrap()).await, before, "nothing was touched");
}

#[db_test]
async fn a_monitor_depends_on_another_one_and_has_a_shortest_outage(app: TestApp) {
    // D5, D10 of peers.md
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let service = alice.creates_service("API").await;
    let router = creates(&alice, &service, "https://router.example.com/").await;
    assert_eq!((&router["parent_id"], &router["min_outage_seconds"]), (&Value::Null, &json!(0)));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let body = json!({"service_id": service, "url": "https://shop.example.com/", "parent_id": router["id"],
                      "min_outage_seconds": 90});
    let shop = alice.post("/api/v1/monitors", &body).await.json();
    assert_eq!((&shop["parent_id"], &shop["min_outage_seconds"]), (&router["id"], &json!(90)));
    assert_eq!(shop["flapping_since"], Value::Null);

    let path = |monitor: &Value| format!("/api/v1/monitors/{}", text(&monitor["id"]));
    let circle = alice.patch(&path(&router), &json!({"parent_id": shop["id"]})).await;
    assert_eq!(fault(&circle), ("/parent_id".into(), "depends_on_itself".into()));
    let charlies = charlie.creates_service("API").await;
    let foreign = creates(&charlie, &charlies, "https://example.com/").await;
    for id in [&foreign["id"], &json!("mn_00000000000000000000000000")] {
        let refused = alice.patch(&path(&shop), &json!({"parent_id": id})).await;
        assert_eq!(fault(&refused), ("/parent_id".into(), "not_found".into()));
    }

    let screen = format!("/orgs/acme/monitors/{}", text(&shop["id"]));
    let shown = alice.opens(&screen).await.text;
    for words in ["2 checks in a row fail, for 90 s or longer", "router.example.com"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let form = alice.opens(&format!("{screen}/edit")).await.text;
    let chosen = format!("<option value=\"{}\" selected>router.example.com</option>", text(&router["id"]));
    assert!(form.contains(&chosen) && form.contains("value=\"90\""), "{form}");
    assert!(!form.contains(">shop.example.com</option>"), "not on itself");
    let fields = [
        ("url", "https://shop.example.com/"),
        ("method", "GET"),
        ("expected_status", "200"),
        ("interval_seconds", "60"),
        ("timeout_seconds", "10"),
        ("failures_to_open", "2"),
        ("successes_to_close", "1"),
        ("min_outage_seconds", "30"),
        ("parent_id", ""),
        ("is_active", "true"),
    ];
    let saved = alice.submits(&format!("{screen}/edit"), &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let now = alice.get(&path(&shop)).await.json();
    assert_eq!((&now["parent_id"], &now["min_outage_seconds"]), (&Value::Null, &json!(30)));
    let again = alice.patch(&path(&shop), &json!({"parent_id": router["id"]})).await.json();
    assert_eq!(again["parent_id"], router["id"]);
    let cleared = alice.patch(&path(&shop), &json!({"parent_id": null})).await.json();
    assert_eq!(cleared["parent_id"], Value::Null);
}
