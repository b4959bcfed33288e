//! The list of monitors over HTTP: tags, many at once, snoozes; in the API and as a page without JavaScript.

use domain::plan::Tier;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Fleet, Person, START, TestApp, db_test};

async fn creates(person: &Person<'_>, service: &str, url: &str, tags: &[&str]) -> String {
    let body = json!({"service_id": service, "url": url, "tags": tags});
    let answer = person.post("/api/v1/monitors", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[db_test]
async fn monitors_are_found_by_their_tags(app: TestApp) {
    let alice = app.alice().await;
    app.moves(&alice, Tier::Team).await;
    let service = alice.creates_service("API").await;
    let first = creates(&alice, &service, "https://a.example.com/", &["Web", "eu"]).await;
    let second = creates(&alice, &service, "https://b.example.com/", &["web"]).await;
    creates(&alice, &service, "https://c.example.com/", &[]).await;
    let path = format!("/api/v1/monitors/{first}");
    assert_eq!(alice.get(&path).await.json()["tags"], json!(["eu", "web"]));
    let found = alice.get("/api/v1/monitors?tag=web").await.json();
    assert_eq!(ids(&found), [&first, &second]);
    let part = alice.get("/api/v1/monitors?tag=web&limit=1").await;
    let next = part.header("link").unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    assert_eq!(ids(&alice.get(&next).await.json()), [&second], "the link keeps the tag");
    assert_eq!(ids(&alice.get("/api/v1/monitors?tag=us").await.json()).len(), 0);
    assert_eq!(alice.get("/api/v1/monitors?tag=two+words").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(alice.get("/api/v1/monitors?tag=%00").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refused = alice.patch(&path, &json!({"tags": ["<b>"]})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/tags");
    assert_eq!(alice.patch(&path, &json!({"tags": []})).await.json()["tags"], json!([]));
    let charlie = app.charlie().await;
    assert_eq!(ids(&charlie.get("/api/v1/monitors?tag=web").await.json()).len(), 0, "T-02");
}

#[db_test]
async fn many_are_changed_over_the_api(app: TestApp) {
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let service = alice.creates_service("API").await;
    let theirs = charlie.creates_service("Theirs").await;
    let first = creates(&alice, &service, "https://a.example.com/", &[]).await;
    let foreign = creates(&charlie, &theirs, "https://secret.example.com/", &[]).await;
    let nobody = "mn_01kcrztk3z7d3t8p9q2v6x5w4r";
    let bulk = async |body: Value| alice.post("/api/v1/monitors/bulk", &body).await;

    let done = bulk(json!({"ids": [first, foreign, nobody], "action": "pause"})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let outcome = |id: &str, outcome: &str| json!({"id": id, "outcome": outcome});
    let expected =
        json!([outcome(&first, "changed"), outcome(&foreign, "not_found"), outcome(nobody, "not_found")]);
    assert_eq!(done.json()["data"], expected);
    let again = bulk(json!({"ids": [first], "action": "pause"})).await.json();
    assert_eq!(again["data"][0]["outcome"], "unchanged");
    assert_eq!(charlie.get(&format!("/api/v1/monitors/{foreign}")).await.json()["is_active"], true);
    for id in [foreign.as_str(), nobody] {
        let absent = bulk(json!({"ids": [id], "action": "resume"})).await;
        assert_eq!(absent.status, StatusCode::NOT_FOUND, "T-02: {}", absent.text);
    }

    for (body, pointer) in [
        (json!({"ids": [], "action": "pause"}), "/ids"),
        (json!({"ids": vec![&first; 201], "action": "pause"}), "/ids"),
        (json!({"ids": [first], "action": "explode"}), "/action"),
        (json!({"ids": [first], "action": "snooze"}), "/until"),
        (json!({"ids": [first], "action": "snooze", "minutes": 10_081}), "/minutes"),
        (
            json!({"ids": [first], "action": "snooze", "minutes": 1, "until": "2030-01-01T00:00:00Z"}),
            "/minutes",
        ),
        (json!({"ids": [first], "action": "pause", "minutes": 5}), "/until"),
        (json!({"ids": ["nonsense"], "action": "pause"}), "/ids"),
    ] {
        let refused = bulk(body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.text);
        let found = refused.json()["errors"][0]["pointer"].as_str().unwrap().to_owned();
        assert!(found.starts_with(pointer), "{body}: {found}");
    }
    let bob = app.bob(&alice, "viewer").await;
    let viewer = bob.post("/api/v1/monitors/bulk", &json!({"ids": [first], "action": "resume"})).await;
    assert_eq!(viewer.status, StatusCode::FORBIDDEN);
}

#[db_test]
async fn a_monitor_is_snoozed_shown_so_and_awake_again(app: TestApp) {
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let service = alice.creates_service("API").await;
    let id = creates(&alice, &service, "https://a.example.com/", &[]).await;
    let (path, snooze) = (format!("/api/v1/monitors/{id}"), format!("/api/v1/monitors/{id}/snooze"));
    let before = alice.get(&path).await;
    assert_eq!(before.json()["snoozed_until"], Value::Null);
    let done = alice.post(&snooze, &json!({"minutes": 60})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let until = done.json()["snoozed_until"].as_str().unwrap().to_owned();
    assert_eq!(until.parse::<domain::time::Timestamp>().unwrap(), app.clock.now().plus_s(3600));
    assert_ne!(done.header("etag"), before.header("etag"), "a new version");
    assert_eq!(alice.get(&path).await.json(), done.json());
    let page = alice.opens(&format!("/orgs/{}/monitors/{id}", alice.organization)).await;
    assert!(page.text.contains("Snoozed until"), "{}", page.text);
    app.clock.advance_s(3600);
    assert_eq!(alice.get(&path).await.json()["snoozed_until"], Value::Null, "it ended by itself");
    let page = alice.opens(&format!("/orgs/{}/monitors/{id}", alice.organization)).await;
    assert!(!page.text.contains("Snoozed until"));

    let end = app.clock.now().plus_s(90);
    let again = alice.post(&snooze, &json!({"until": end})).await;
    assert_eq!(again.json()["snoozed_until"], json!(end));
    assert_eq!(alice.delete(&snooze).await.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get(&path).await.json()["snoozed_until"], Value::Null);
    assert_eq!(alice.post(&snooze, &json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let foreign = charlie.post(&snooze, &json!({"minutes": 60})).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "T-02");
    assert_eq!(charlie.request(Method::DELETE, &snooze, None).await.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn the_page_narrows_down_and_changes_what_is_ticked(app: TestApp) {
    let alice = app.alice().await;
    app.moves(&alice, Tier::Team).await;
    let service = alice.creates_service("API").await;
    let first = creates(&alice, &service, "https://alpha.example.com/", &["eu"]).await;
    let second = creates(&alice, &service, "https://beta.example.com/", &["eu", "web"]).await;
    let list = "/orgs/acme/monitors".to_owned();
    let all = alice.opens(&list).await.text;
    assert!(all.contains("alpha.example.com") && all.contains("beta.example.com"));
    assert!(all.contains(&format!("href=\"{list}?tag=eu\">eu 2</a>")), "{all}");
    for query in ["tag=web", "q=BETA", "tag=eu&q=beta&state=no_data&kind=http"] {
        let page = alice.opens(&format!("{list}?{query}")).await.text;
        assert!(page.contains("beta.example.com") && !page.contains("alpha.example.com"), "{query}");
    }
    let none = alice.opens(&format!("{list}?q=%3Cscript%3E")).await.text;
    assert!(none.contains("No monitor is like that") && !none.contains("<script>alert"), "{none}");

    let bulk = format!("{list}/bulk");
    let send = async |fields: &[(&str, &str)]| alice.submits(&bulk, fields).await;
    let done =
        send(&[("ids", &first), ("ids", &second), ("action", "pause"), ("back", "tag=eu&q=%22")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(done.header("location"), Some(format!("{list}?q=%22&tag=eu&done=monitors-changed").as_str()));
    for id in [&first, &second] {
        assert_eq!(alice.get(&format!("/api/v1/monitors/{id}")).await.json()["is_active"], false);
    }
    let done =
        send(&[("ids", &first), ("action", "snooze"), ("minutes", "60"), ("back", "https://evil.example")])
            .await;
    assert_eq!(done.header("location"), Some(format!("{list}?done=monitors-changed").as_str()), "T-05");
    assert!(alice.opens(&format!("{list}?state=snoozed")).await.text.contains("Snoozed until"));
    for (fields, words) in [
        (vec![("action", "pause")], "Tick at least one monitor."),
        (vec![("ids", first.as_str())], "Choose what to do"),
        (vec![("ids", first.as_str()), ("action", "snooze"), ("minutes", "soon")], "10080"),
    ] {
        let refused = send(&fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
        assert!(refused.text.contains(words), "{words}: {}", refused.text);
    }
    assert_eq!(send(&[("ids", "nonsense"), ("action", "pause")]).await.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn ten_thousand_monitors_are_a_page_of_a_hundred_kilobytes(app: TestApp) {
    let alice = app.alice().await;
    app.moves(&alice, Tier::Team).await;
    let service = alice.creates_service("API").await.parse().unwrap();
    let fleet = Fleet::new(&app.db, 1, Tier::Team).await;
    let mut tx = app.db.write().await.unwrap();
    let user = alice.user_id.parse().unwrap();
    let membership =
        store::organizations::find_membership_by_slug(&mut tx, user, "acme").await.unwrap().unwrap();
    let count = 10_000;
    for number in 1..=count {
        let organization_id = membership.organization.id;
        let monitor = domain::monitor::Monitor {
            organization_id,
            service_id: service,
            ..fleet.monitor(number, &format!("https://host{number}.example.com/health"))
        };
        store::monitors::insert(&mut tx, membership.scope(), &monitor, START).await.unwrap();
    }
    tx.commit().await.unwrap();
    let list = "/orgs/acme/monitors".to_owned();
    let began = std::time::Instant::now();
    let page = alice.opens(&list).await;
    println!("{} bytes in {} ms", page.text.len(), began.elapsed().as_millis());
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.len() < 100_000, "{} bytes", page.text.len());
    assert!(page.text.contains("1 to 50 of 10000"));
    let next = page.text.split("?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let second = alice.opens(&format!("{list}?cursor={next}")).await.text;
    assert!(second.contains("51 to 100 of 10000") && second.contains("From the beginning"));
}
