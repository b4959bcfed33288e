//! What an outage opens and suggests, over the API, in the dashboard and on the page (X53).

use domain::check::{CheckReport, CheckStatus, FailureClass, Outcome};
use domain::id::MonitorId;
use domain::plan::Tier;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Person, TestApp, db_test};

const ALL: &str = "/api/v1/incident-suggestions";

/// One failure makes it down.
async fn watches(by: &Person<'_>, service: &str) -> MonitorId {
    let body = json!({"service_id": service, "url": "https://secret.example.com/", "failures_to_open": 1});
    let made = by.post("/api/v1/monitors", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()["id"].as_str().unwrap().parse().unwrap()
}

async fn sees(app: &TestApp, monitor: MonitorId, status: CheckStatus) {
    app.clock.advance_s(300);
    let mut tx = app.db.write().await.unwrap();
    let slot_at = store::watch::lock_for_results(&mut tx, &[monitor]).await.unwrap()[0].next_check_at;
    drop(tx);
    let failure = (status == CheckStatus::Down).then_some(FailureClass::UnexpectedStatus);
    let outcome = Outcome { status, failure, response_time_ms: Some(20), ..Outcome::no_data() };
    let report = CheckReport { monitor_id: monitor, slot_at, checked_at: app.clock.now(), outcome };
    assert_eq!(actions::checks::record(&app.ctx, &[report]).await.unwrap().flips, 1);
}

async fn list(by: &Person<'_>, query: &str) -> Vec<Value> {
    by.get(&format!("{ALL}{query}")).await.json()["data"].as_array().unwrap().clone()
}

/// The public page of the person's organization.
async fn page(app: &TestApp, by: &Person<'_>) -> String {
    let organization = by.get(&format!("/api/v1/organizations/{}", by.organization)).await.json();
    app.get(&format!("/p/{}", organization["slug"].as_str().unwrap())).await.text
}

#[db_test]
async fn a_suggestion_is_seen_by_members_alone_and_published_in_their_words(app: TestApp) {
    let alice = app.alice().await;
    app.moves(&alice, Tier::Team).await;
    let service = alice.creates_service("API").await;
    assert_eq!(alice.get(&format!("/api/v1/services/{service}")).await.json()["incident_mode"], "suggest");
    let monitor = watches(&alice, &service).await;
    sees(&app, monitor, CheckStatus::Up).await;
    sees(&app, monitor, CheckStatus::Down).await;

    let waiting = list(&alice, "?state=open").await.remove(0);
    let (id, kind) = (waiting["id"].as_str().unwrap().to_owned(), &waiting["kind"]);
    assert_eq!((kind, &waiting["status"]), (&json!("open"), &json!("major_outage")));
    assert_eq!((&waiting["service_id"], &waiting["incident_id"]), (&json!(service), &json!(null)));
    let before = page(&app, &alice).await;
    assert!(!before.contains("is down") && !before.contains(&id), "nothing leaks");
    let root = alice.get(&format!("/api/v1/organizations/{}", alice.organization)).await.json();
    let root = format!("/orgs/{}", root["slug"].as_str().unwrap());
    for path in [String::new(), "/incidents".to_owned(), format!("/services/{service}")] {
        let shown = alice.opens(&format!("{root}{path}")).await.text;
        assert!(
            shown.contains(&format!("/suggestions/{id}\"")) && shown.contains("API is down since"),
            "{path}"
        );
    }

    let form = alice.opens(&format!("{root}/suggestions/{id}")).await.text;
    assert!(
        form.contains("value=\"API is down\"") && form.contains("Our monitoring finds this service down.")
    );
    assert!(form.contains(&format!("{root}/suggestions/{id}/accept")) && !form.contains("secret"), "{form}");
    let affected = format!("service_{service}");
    let fields = [
        ("title", "Requests fail"),
        ("status", "identified"),
        ("body", "We know why."),
        (affected.as_str(), "partial_outage"),
    ];
    let nameless =
        [("title", ""), ("status", "identified"), ("body", "Kept."), (affected.as_str(), "partial_outage")];
    let refused = alice.submits(&format!("{root}/suggestions/{id}/accept"), &nameless).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Kept.") && refused.text.contains(&format!("/suggestions/{id}/accept")));
    let sent = alice.submits(&format!("{root}/suggestions/{id}/accept"), &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let told = alice.get("/api/v1/incidents").await.json()["data"][0].clone();
    assert_eq!((&told["title"], &told["origin"]), (&json!("Requests fail"), &json!("person")));
    app.state.pages.clone().forget_all();
    assert!(page(&app, &alice).await.contains("Requests fail"));
    assert_eq!(list(&alice, "").await[0]["incident_id"], told["id"]);

    sees(&app, monitor, CheckStatus::Up).await;
    let end = list(&alice, "?state=open").await.remove(0);
    assert_eq!((&end["kind"], &end["incident_id"]), (&json!("resolve"), &told["id"]));
    let incident = format!("{root}/incidents/{}", told["id"].as_str().unwrap());
    assert!(alice.opens(&incident).await.text.contains("No monitor of API fails since"));
    let path = format!("{root}/suggestions/{}/accept", end["id"].as_str().unwrap());
    assert_eq!(alice.submits(&path, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(alice.get("/api/v1/incidents?status=open").await.json()["data"], json!([]));
    app.delivers_outbox().await;
}

#[db_test]
async fn suggestions_are_answered_once_over_the_api(app: TestApp) {
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let monitor = watches(&alice, &service).await;
    sees(&app, monitor, CheckStatus::Up).await;
    sees(&app, monitor, CheckStatus::Down).await;
    let path = format!("{ALL}/{}", list(&alice, "").await[0]["id"].as_str().unwrap());
    let accept = format!("{path}/accept");
    let refused = alice.post(&accept, &json!({"title": " "})).await;
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/title"))
    );
    let told = alice.post(&accept, &json!({"title": "Requests fail", "notify": false})).await;
    assert_eq!(
        (told.status, &told.json()["title"]),
        (StatusCode::OK, &json!("Requests fail")),
        "{}",
        told.text
    );
    for again in [accept.clone(), format!("{path}/dismiss")] {
        let refused = alice.post(&again, &json!({})).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (StatusCode::CONFLICT, &json!("suggestion_settled"))
        );
    }
    assert_eq!(alice.get(&format!("{ALL}?state=waiting")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[db_test]
async fn an_automatic_incident_stands_on_the_page_and_says_in_the_dashboard_who_opened_it(app: TestApp) {
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let path = format!("/api/v1/services/{service}");
    assert_eq!(
        alice.patch(&path, &json!({"incident_mode": "sometimes"})).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let auto = alice.patch(&path, &json!({"incident_mode": "auto"})).await.json();
    assert_eq!(auto["incident_mode"], "auto");
    let monitor = watches(&alice, &service).await;
    sees(&app, monitor, CheckStatus::Up).await;
    sees(&app, monitor, CheckStatus::Down).await;
    let told = alice.get("/api/v1/incidents").await.json()["data"][0].clone();
    assert_eq!(
        (&told["title"], &told["origin"], &told["is_edited"]),
        (&json!("API is down"), &json!("automatic"), &json!(false))
    );
    let public = page(&app, &alice).await;
    assert!(public.contains("API is down") && !public.contains("secret"));
    let root = alice.get(&format!("/api/v1/organizations/{}", alice.organization)).await.json();
    let shown =
        format!("/orgs/{}/incidents/{}", root["slug"].as_str().unwrap(), told["id"].as_str().unwrap());
    assert!(alice.opens(&shown).await.text.contains("Opened automatically<"));
    let renamed = alice
        .patch(&format!("/api/v1/incidents/{}", told["id"].as_str().unwrap()), &json!({"title": "Ours"}))
        .await;
    assert_eq!(renamed.json()["is_edited"], json!(true));
    assert!(alice.opens(&shown).await.text.contains("Opened automatically, then edited"));

    let form = format!("/orgs/{}/services/{service}", root["slug"].as_str().unwrap());
    assert!(alice.opens(&form).await.text.contains("<option value=\"auto\" selected>"));
    let saved =
        alice.submits(&form, &[("name", "API"), ("is_visible", "true"), ("incident_mode", "manual")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(alice.get(&path).await.json()["incident_mode"], "manual");
}
