//! What a visitor sees of a page, and what he never sees.

use http::{Method, StatusCode};
use serde_json::json;
use testkit::{Person, TestApp, db_test};

#[db_test]
async fn a_new_page_is_online_at_once_and_search_engines_wait_for_a_verified_owner(app: TestApp) {
    // D13, S28.
    let alice = app.registers_unverified("Alice", "Acme").await;
    let page = app.get("/p/acme").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("noindex"), "{}", page.text);
    app.verifies(&alice.email).await;
    app.state.pages.clone().forget_all();
    assert!(!app.get("/p/acme").await.text.contains("noindex"));
}

#[db_test]
async fn services_stand_by_position_then_name_and_hidden_ones_do_not_exist(app: TestApp) {
    // S27, S28, X21.
    let alice = app.alice().await;
    for (name, position, is_visible) in
        [("Zeta", 1, true), ("Beta", 2, true), ("Alpha", 2, true), ("Secret", 0, false)]
    {
        let body = json!({"name": name, "position": position, "is_visible": is_visible});
        assert_eq!(alice.post("/api/v1/services", &body).await.status, StatusCode::CREATED);
    }
    let page = app.get("/p/acme").await.text;
    let at =
        |name: &str| page.find(&format!("<b>{name}</b>")).unwrap_or_else(|| panic!("no {name} in {page}"));
    assert!(at("Zeta") < at("Alpha") && at("Alpha") < at("Beta"));
    assert!(!page.contains("Secret"), "a hidden service shows");
}

#[db_test]
async fn text_of_people_is_text_on_the_page(app: TestApp) {
    // T-05, H-12, H-22.
    let alice = app.alice().await;
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let body = json!({"name": hostile, "description": hostile, "group_name": hostile});
    assert_eq!(alice.post("/api/v1/services", &body).await.status, StatusCode::CREATED);
    let page = app.get("/p/acme").await;
    assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "{}", page.text);
    assert!(page.text.contains("&lt;script&gt;") || page.text.contains("&#60;script&#62;"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
}

#[db_test]
async fn a_page_sets_no_cookie_can_be_kept_and_answers_304(app: TestApp) {
    // ux.md 1.2: any CDN can hold it.
    let alice = app.alice().await;
    alice.creates_service("API").await;
    let first = app.get("/p/acme").await;
    assert_eq!(first.header("set-cookie"), None);
    assert!(first.header("cache-control").unwrap().starts_with("public, max-age=15"));
    let tag = first.header("etag").unwrap().to_owned();
    let again = app.json(http::Method::GET, "/p/acme", &[("if-none-match", &tag)], None).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let logged_in = alice.opens("/p/acme").await;
    assert_eq!(logged_in.text, first.text, "a page is the same for everybody");
}

#[db_test]
async fn what_does_not_exist_and_what_is_not_public_answer_alike(app: TestApp) {
    // X22: draft pages; T-02: same bytes.
    let alice = app.alice().await;
    let body = json!({"title": "Hidden", "slug": "hidden", "is_public": false});
    let answer = alice.post("/api/v1/pages", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let absent = app.get("/p/acme/nothing").await;
    let hidden = app.get("/p/acme/hidden").await;
    assert_eq!((absent.status, hidden.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    let plain =
        |text: &str| text.lines().filter(|line| !line.contains("req_")).collect::<Vec<_>>().join("\n");
    assert_eq!(plain(&absent.text), plain(&hidden.text));
    assert_eq!(app.get("/p/nobody").await.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn a_page_made_private_is_gone_once_that_was_answered(app: TestApp) {
    // D12, X22: not a moment later, so nothing here waits for a signal to arrive.
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let id = opens_incident(&alice, &service).await;
    let pages = alice.get("/api/v1/pages").await.json();
    let page = format!("/api/v1/pages/{}", pages["data"][0]["id"].as_str().unwrap());
    let surfaces = ["/p/acme".to_owned(), "/p/acme/status".into(), format!("/p/acme/status/incidents/{id}")];
    for is_public in [false, true] {
        for path in &surfaces {
            app.get(path).await;
        }
        let answer = alice.patch(&page, &json!({ "is_public": is_public })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let expected = if is_public { StatusCode::OK } else { StatusCode::NOT_FOUND };
        for path in &surfaces {
            assert_eq!(app.get(path).await.status, expected, "{path}");
        }
    }
    app.delivers_outbox().await;
}

#[db_test]
async fn what_was_deleted_or_hidden_is_gone_once_that_was_answered(app: TestApp) {
    // D12, X18, X21
    let alice = app.alice().await;
    let service = alice.creates_service("Private thing").await;
    assert!(app.get("/p/acme").await.text.contains("Private thing"));
    alice.patch(&format!("/api/v1/services/{service}"), &json!({"is_visible": false})).await;
    assert!(!app.get("/p/acme").await.text.contains("Private thing"));
    let deleted = alice.submits("/orgs/acme/settings/delete", &[("confirm", "acme")]).await;
    assert!(deleted.status.is_redirection(), "{}", deleted.text);
    assert_eq!(app.get("/p/acme").await.status, StatusCode::NOT_FOUND);
}

async fn opens_incident(person: &Person<'_>, service: &str) -> String {
    let body = json!({"title": "Errors", "services": [{"service_id": service, "status": "major_outage"}],
                      "impact": "major", "body": "We look into it."});
    let answer = person.post("/api/v1/incidents", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[db_test]
async fn an_incident_can_be_kept_answers_304_and_does_not_outlive_its_deletion(app: TestApp) {
    // ux.md 1.2, X23
    let alice = app.alice().await;
    let (api, hidden) = (alice.creates_service("API").await, alice.creates_service("Backstage").await);
    let (id, secret) = (opens_incident(&alice, &api).await, opens_incident(&alice, &hidden).await);
    alice.patch(&format!("/api/v1/services/{hidden}"), &json!({"is_visible": false})).await;
    let path = format!("/p/acme/status/incidents/{id}");
    let first = app.get(&path).await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.text.contains("We look into it.") && first.text.contains("API"), "{}", first.text);
    assert_eq!(first.header("cache-control"), app.get("/p/acme").await.header("cache-control"));
    let tag = first.header("etag").unwrap().to_owned();
    let again = app.json(Method::GET, &path, &[("if-none-match", &tag)], None).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    for absent in [secret.as_str(), "7", "in_00000000000000000000000000"] {
        let answer = app.get(&format!("/p/acme/status/incidents/{absent}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{absent}");
    }
    assert_eq!(alice.delete(&format!("/api/v1/incidents/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND);
    app.delivers_outbox().await;
}

#[db_test]
async fn a_slug_that_was_left_leads_on_as_long_as_there_is_a_public_page(app: TestApp) {
    // X1, X22, D12
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    let id = opens_incident(&alice, &service).await;
    let organization = format!("/api/v1/organizations/{}", alice.organization);
    assert_eq!(alice.patch(&organization, &json!({"slug": "rocket"})).await.status, StatusCode::OK);
    let permalink = format!("/p/rocket/status/incidents/{id}");
    let plan = format!("/p/acme/incident/{id}");
    let moved = [
        ("/p/acme", "/p/rocket"),
        ("/p/acme/status", "/p/rocket/status"),
        ("/p/acme/status/subscribe", "/p/rocket/status/subscribe"),
        (&permalink.replace("rocket", "acme"), &permalink),
        (&plan, &permalink),
    ];
    for (old, new) in moved {
        for method in [Method::GET, Method::HEAD] {
            let answer = app.json(method, old, &[], None).await;
            assert_eq!(answer.status, StatusCode::MOVED_PERMANENTLY, "{old}");
            assert_eq!(answer.header("location"), Some(new));
        }
    }
    let form = app.submits("/p/acme/status/subscribe", "", &[("email", "dan@example.com")]).await;
    assert_eq!(form.status, StatusCode::PERMANENT_REDIRECT, "a form stays a form");
    assert_eq!(app.get("/p/acme/nothing").await.status, StatusCode::NOT_FOUND);

    let pages = alice.get("/api/v1/pages").await.json();
    let page = format!("/api/v1/pages/{}", pages["data"][0]["id"].as_str().unwrap());
    assert_eq!(alice.patch(&page, &json!({"is_public": false})).await.status, StatusCode::OK);
    for (old, _) in moved {
        assert_eq!(app.get(old).await.status, StatusCode::NOT_FOUND, "{old} tells where a private page went");
    }
    app.delivers_outbox().await;
}

#[db_test]
async fn monitors_of_hidden_and_deleted_services_leave_no_trace(app: TestApp) {
    // X21, H-20: neither in "Watched every …" nor in "Checked … ago".
    let alice = app.alice().await;
    let (kept, gone) = (alice.creates_service("Hidden").await, alice.creates_service("Gone").await);
    for service in [&kept, &gone] {
        let body = json!({"service_id": service, "url": "https://example.com/"});
        assert_eq!(alice.post("/api/v1/monitors", &body).await.status, StatusCode::CREATED);
    }
    assert!(app.get("/p/acme").await.text.contains("Watched every"));
    assert_eq!(alice.delete(&format!("/api/v1/services/{gone}")).await.status, StatusCode::NO_CONTENT);
    assert!(app.get("/p/acme").await.text.contains("Watched every"));
    alice.patch(&format!("/api/v1/services/{kept}"), &json!({"is_visible": false})).await;
    let page = app.get("/p/acme").await.text;
    assert!(!page.contains("Watched every") && !page.contains("Checked"), "{page}");
}
