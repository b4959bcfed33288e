//! Incidents over the API, and what the page says of them.

use domain::plan::Tier;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{HttpAnswer, Person, TestApp, db_test};

const ALL: &str = "/api/v1/incidents";

async fn opens(by: &Person<'_>, service: &str, title: &str) -> Value {
    let body = json!({
        "title": title,
        "body": "We **look** into it. <script>alert(1)</script>",
        "services": [{"service_id": service, "status": "partial_outage"}],
    });
    let answer = by.post(ALL, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()
}

fn path(incident: &Value) -> String {
    format!("{ALL}/{}", incident["id"].as_str().unwrap())
}

fn pointers(answer: &HttpAnswer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[db_test]
async fn an_incident_is_opened_updated_reopened_edited_and_deleted(app: TestApp) {
    // S10, S2, S3, X39, X41
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let opened = opens(&alice, &service, "Errors").await;
    assert_eq!((&opened["status"], &opened["impact"]), (&json!("investigating"), &json!("major")));
    assert_eq!(opened["services"], json!([{"service_id": service, "status": "partial_outage"}]));
    assert_eq!(opened["started_at"], "2026-11-23T10:00:00.000Z");
    // X35: Markdown source and safe HTML.
    let update = &opened["updates"][0];
    assert_eq!(update["body"], "We **look** into it. <script>alert(1)</script>");
    let html = update["body_html"].as_str().unwrap();
    assert!(html.contains("<strong>look</strong>") && !html.contains("<script"), "{html}");

    app.clock.advance_s(60);
    let posted = json!({"status": "resolved", "body": "Fixed."});
    let answer = alice.post(&format!("{}/updates", path(&opened)), &posted).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.header("location"), Some(path(&opened).as_str()));
    let closed = alice.get(&path(&opened)).await;
    assert_eq!(closed.json()["resolved_at"], "2026-11-23T10:01:00.000Z");
    assert_eq!(closed.json()["updates"].as_array().unwrap().len(), 2);

    app.clock.advance_s(60);
    let posted = json!({"status": "monitoring", "body": "Not quite."});
    alice.post(&format!("{}/updates", path(&opened)), &posted).await;
    let reopened = alice.get(&path(&opened)).await;
    assert_eq!(reopened.json()["resolved_at"], json!(null));

    let tag = reopened.header("etag").unwrap().to_owned();
    let edit = |tag: String| {
        let bearer = format!("Bearer {}", alice.token);
        let (app, path) = (&app, path(&opened));
        async move {
            let headers = [("authorization", bearer.as_str()), ("if-match", tag.as_str())];
            app.json(Method::PATCH, &path, &headers, Some(&json!({"title": "Slow", "impact": "minor"}))).await
        }
    };
    let edited = edit(tag.clone()).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.text);
    assert_eq!((&edited.json()["title"], &edited.json()["impact"]), (&json!("Slow"), &json!("minor")));
    assert_eq!(edit(tag).await.status, StatusCode::PRECONDITION_FAILED);

    assert_eq!(alice.delete(&path(&opened)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get(&path(&opened)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(alice.delete(&path(&opened)).await.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn the_page_and_the_permalink_show_what_was_posted(app: TestApp) {
    // S28, X23
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let before = app.get("/p/acme").await.text;
    assert!(!before.contains("Errors everywhere"));
    let opened = opens(&alice, &service, "Errors everywhere").await;
    app.state.pages.clone().forget_all();
    let page = app.get("/p/acme").await.text;
    assert!(page.contains("Errors everywhere") && page.contains("<strong>look</strong>"), "{page}");
    let id = opened["id"].as_str().unwrap();
    let permalink = app.get(&format!("/p/acme/status/incidents/{id}")).await;
    assert_eq!(permalink.status, StatusCode::OK);
    assert!(permalink.text.contains("Errors everywhere"));
}

#[db_test]
async fn the_list_goes_newest_first_in_parts_and_by_state(app: TestApp) {
    // S10, D15
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let mut ids = Vec::new();
    for number in 0..5 {
        // Two of the same instant.
        app.clock.advance_s(number % 2);
        let opened = opens(&alice, &service, &format!("Number {number}")).await;
        if number < 2 {
            let end = json!({"status": "resolved", "body": "Done."});
            alice.post(&format!("{}/updates", path(&opened)), &end).await;
        }
        ids.insert(0, opened["id"].as_str().unwrap().to_owned());
    }
    let mut seen = Vec::new();
    let mut next = format!("{ALL}?limit=2");
    for _ in 0..3 {
        let answer = alice.get(&next).await;
        let list = answer.json();
        for incident in list["data"].as_array().unwrap() {
            assert_eq!(incident["services"][0]["service_id"], service.as_str());
            seen.push(incident["id"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = list["next_cursor"].as_str() else { break };
        next = format!("{ALL}?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    let resolved = alice.get(&format!("{ALL}?status=resolved&limit=1")).await;
    assert_eq!(resolved.json()["data"][0]["id"], ids[3].as_str());
    let link = resolved.header("link").unwrap();
    assert!(link.starts_with("</api/v1/incidents?status=resolved&limit=1&cursor="), "{link}");
    assert_eq!(alice.get(&format!("{ALL}?status=open")).await.json()["data"].as_array().unwrap().len(), 3);
    for query in ["status=closed", "limit=0", "cursor=x", "sort=title"] {
        let wrong = alice.get(&format!("{ALL}?{query}")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[db_test]
async fn wrong_input_is_refused_with_a_pointer(app: TestApp) {
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let charlie = app.charlie().await;
    let foreign = charlie.creates_service("Other").await;
    let cases = [
        (json!({"title": "x"}), "/services"),
        (json!({"service_id": service}), "/title"),
        (json!({"title": "x", "service_id": foreign}), "/services"),
        (json!({"title": "x", "service_id": "cm_x"}), "/service_id"),
        (json!({"title": "x", "service_id": service, "status": "solved"}), "/status"),
        (json!({"title": "x", "service_id": service, "severity": "severe"}), "/impact"),
        (json!({"title": "x", "service_id": service, "started_at": "2026-11-23T10:00:01Z"}), "/started_at"),
        (json!({"title": "x", "service_id": service, "started_at": "yesterday"}), "/started_at"),
        (
            json!({"title": "x", "services": [{"service_id": service, "status": "down"}]}),
            "/services/0/status",
        ),
        (json!({"title": "x", "service_id": service, "colour": "red"}), "/colour"),
    ];
    for (body, pointer) in cases {
        let answer = alice.post(ALL, &body).await;
        assert!(pointers(&answer).iter().any(|found| found == pointer), "{body}: {}", answer.text);
    }
    let opened = opens(&alice, &service, "Errors").await;
    let updates = format!("{}/updates", path(&opened));
    assert_eq!(pointers(&alice.post(&updates, &json!({"status": "resolved", "body": " "})).await), ["/body"]);
    let early = json!({"body": "x", "posted_at": "2026-11-23T09:00:00Z"});
    assert_eq!(pointers(&alice.post(&updates, &early).await), ["/posted_at"]);
    assert_eq!(alice.get(ALL).await.json()["data"].as_array().unwrap().len(), 1);
}

#[db_test]
async fn charlie_gets_the_same_404_for_alices_incident_as_for_none(app: TestApp) {
    // T-02, X15
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let opened = opens(&alice, &service, "Errors").await;
    let charlie = app.charlie().await;
    let none = format!("{ALL}/in_00000000000000000000000001");
    for (method, tail, body) in [
        (Method::GET, "", None),
        (Method::PATCH, "", Some(json!({"title": "Mine"}))),
        (Method::DELETE, "", None),
        (Method::POST, "/updates", Some(json!({"status": "resolved", "body": "Mine"}))),
    ] {
        let hers = charlie.request(method.clone(), &format!("{}{tail}", path(&opened)), body.as_ref()).await;
        let nobodys = charlie.request(method.clone(), &format!("{none}{tail}"), body.as_ref()).await;
        assert_eq!(hers.status, StatusCode::NOT_FOUND, "{method} {tail}");
        assert_eq!(hers.without_request_id(), nobodys.without_request_id(), "{method} {tail}");
    }
    assert_eq!(alice.get(&path(&opened)).await.json()["title"], "Errors");
}

#[db_test]
async fn the_free_tier_lists_thirty_days_and_nothing_is_lost(app: TestApp) {
    // S38, D10
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let told = |title: &str, status: &str, started_at: &str| {
        json!({"title": title, "status": status, "service_id": service, "started_at": started_at,
               "posted_at": started_at})
    };
    for body in [
        told("Old", "resolved", "2026-10-24T10:00:00Z"),
        told("Still open", "investigating", "2026-10-01T10:00:00Z"),
        told("Recent", "resolved", "2026-10-24T10:00:01Z"),
    ] {
        let answer = alice.post(ALL, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
    let list = async || -> Vec<(String, String)> {
        let list = alice.get(ALL).await.json();
        let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
        list["data"].as_array().unwrap().iter().map(|one| (text(one, "title"), text(one, "id"))).collect()
    };
    let titles = |list: &[(String, String)]| list.iter().map(|(title, _)| title.clone()).collect::<Vec<_>>();
    let all = list().await;
    assert_eq!(titles(&all), ["Recent", "Still open", "Old"]);
    let old = format!("{ALL}/{}", all[2].1);
    app.moves(&alice, Tier::Free).await;
    assert_eq!(titles(&list().await), ["Recent", "Still open"]);
    assert_eq!(alice.get(&old).await.status, StatusCode::NOT_FOUND);
    assert_eq!(alice.delete(&old).await.status, StatusCode::NOT_FOUND);
    app.moves(&alice, Tier::Pro).await;
    assert_eq!(titles(&list().await), ["Recent", "Still open", "Old"]);
    assert_eq!(alice.get(&old).await.status, StatusCode::OK);
}
