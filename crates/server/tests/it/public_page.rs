//! What a visitor sees of a page, and what he never sees.

use http::StatusCode;
use serde_json::json;
use testkit::{TestApp, db_test};

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
async fn a_page_made_private_is_gone_with_the_next_request(app: TestApp) {
    // D12, X22.
    let alice = app.alice().await;
    let listener = tokio::spawn(app.state.pages.clone().follow(app.ctx.signals.changed_pages()));
    assert_eq!(app.get("/p/acme").await.status, StatusCode::OK);
    let pages = alice.get("/api/v1/pages").await.json();
    let id = pages["data"][0]["id"].as_str().unwrap();
    let answer = alice.patch(&format!("/api/v1/pages/{id}"), &json!({"is_public": false})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    tokio::task::yield_now().await;
    assert_eq!(app.get("/p/acme").await.status, StatusCode::NOT_FOUND);
    listener.abort();
}
