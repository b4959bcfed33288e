//! Organizations over HTTP: made, renamed, moved, deleted, brought back, switched (S19, S54, X1, X18, X73, D3).

use domain::plan::Tier;
use http::{Method, StatusCode};
use serde_json::json;
use testkit::{TestApp, db_test};

#[db_test]
async fn a_person_makes_and_names_organizations_and_switches_between_them(app: TestApp) {
    let alice = app.registers("Alice", "Acme").await;
    let made = alice.post("/api/v1/organizations", &json!({"name": "Wörk & Co"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let second = made.json();
    assert_eq!((second["slug"].as_str(), second["role"].as_str()), (Some("woerk-co"), Some("owner")));
    let location = made.header("location").unwrap();
    assert_eq!(alice.get(location).await.json(), second);
    assert_eq!(alice.get("/api/v1/organizations/woerk-co").await.json(), second, "by slug too");

    // D3: a request without a name goes to the session's active organization.
    let bearer = format!("Bearer {}", alice.token);
    let active = async || {
        let answer =
            app.json(Method::GET, "/api/v1/dashboard", &[("authorization", bearer.as_str())], None).await;
        answer.json()["organization"]["slug"].as_str().unwrap().to_owned()
    };
    assert_eq!(active().await, "acme");
    assert_eq!(alice.post("/api/v1/organizations/woerk-co/switch", &json!({})).await.status, StatusCode::OK);
    assert_eq!(active().await, "woerk-co");
    let listed = alice.get("/api/v1/organizations").await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    // Each has its page.
    let dashboard = alice.get("/api/v1/dashboard").await.json();
    assert_eq!(dashboard["pages"][0]["is_default"], true);
}

#[db_test]
async fn one_person_owns_so_many_free_organizations(app: TestApp) {
    // X73
    let alice = app.registers("Alice", "Acme").await;
    let make = async |name: &str| alice.post("/api/v1/organizations", &json!({ "name": name })).await;
    assert_eq!(make("Second").await.status, StatusCode::CREATED);
    let third = make("Third").await;
    assert_eq!((third.status, third.code().as_str()), (StatusCode::FORBIDDEN, "plan_limit"));
    app.moves(&alice, Tier::Pro).await;
    assert_eq!(make("Third").await.status, StatusCode::CREATED, "a paid one does not count");

    // A deleted one holds its slug until it cannot come back any more, and counts as long.
    let path = "/api/v1/organizations/second";
    let confirm = json!({"confirm": "second"});
    assert_eq!(alice.request(Method::DELETE, path, Some(&confirm)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(make("Fourth").await.status, StatusCode::FORBIDDEN);
    let page = alice.opens("/organizations/new").await;
    assert!(page.text.contains("You own 2 free organisations"), "{}", page.text);
    app.clock.advance_s(30 * 86_400 + 1);
    let alice = app.logs_in(&alice).await;
    let fourth = alice.post("/api/v1/organizations", &json!({"name": "Fourth"})).await;
    assert_eq!(fourth.status, StatusCode::CREATED, "{}", fourth.text);

    let bob = app.registers_unverified("Bob", "Initech").await;
    let refused = bob.post("/api/v1/organizations", &json!({"name": "More"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "X73 counts for verified people");
}

#[db_test]
async fn an_old_slug_leads_to_the_new_one_and_is_held(app: TestApp) {
    // X1
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let path = format!("/api/v1/organizations/{}", alice.organization);
    let moved = alice.patch(&path, &json!({"slug": "rocket"})).await;
    assert_eq!(
        (moved.status, moved.json()["slug"].as_str()),
        (StatusCode::OK, Some("rocket")),
        "{}",
        moved.text
    );
    let public = app.get("/p/acme/status").await;
    assert_eq!(public.status, StatusCode::MOVED_PERMANENTLY);
    assert!(public.header("location").unwrap().ends_with("/p/rocket/status"));
    let screen = alice.opens("/orgs/acme/services").await;
    assert_eq!(screen.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(screen.header("location").unwrap(), "/orgs/rocket/services");
    let stranger = charlie.opens("/orgs/acme/services").await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND, "only members learn where it went");
    assert_eq!(alice.get("/api/v1/organizations/acme").await.json()["slug"], "rocket");

    let globex = format!("/api/v1/organizations/{}", charlie.organization);
    for slug in ["acme", "rocket"] {
        let taken = charlie.patch(&globex, &json!({ "slug": slug })).await;
        assert_eq!((taken.status, taken.code().as_str()), (StatusCode::CONFLICT, "slug_taken"), "{slug}");
    }
    let new = charlie.post("/api/v1/organizations", &json!({"name": "X", "slug": "acme"})).await;
    assert_eq!(new.code(), "slug_taken");
    let named = charlie.post("/api/v1/organizations", &json!({"name": "Acme"})).await.json();
    assert!(named["slug"].as_str().unwrap().starts_with("acme-"), "a made slug gives way: {named}");

    // The owner may take it back at once, others after 90 days.
    assert_eq!(alice.patch(&path, &json!({"slug": "acme"})).await.status, StatusCode::OK);
    assert_eq!(app.get("/p/acme/status").await.status, StatusCode::OK);
    app.clock.advance_s(90 * 86_400 + 1);
    let charlie = app.logs_in(&charlie).await;
    assert_eq!(charlie.patch(&globex, &json!({"slug": "rocket"})).await.status, StatusCode::OK);
}

#[db_test]
async fn only_so_many_slugs_are_held_a_day(app: TestApp) {
    let alice = app.alice().await;
    let path = format!("/api/v1/organizations/{}", alice.organization);
    for n in 0..5 {
        assert_eq!(alice.patch(&path, &json!({"slug": format!("slug-{n}")})).await.status, StatusCode::OK);
    }
    let refused = alice.patch(&path, &json!({"slug": "slug-5"})).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").is_some());
}

#[db_test]
async fn one_person_makes_five_organizations_a_day(database: testkit::TestDatabase) {
    // Each takes a slug; here no plan limits their number.
    let adjust = |policy: &mut actions::Policy| policy.are_plans_enforced = false;
    let app = TestApp::with(database, adjust, egress::EgressConfig::default());
    let (alice, charlie) = (app.registers("Alice", "Acme").await, app.charlie().await);
    for n in 0..5 {
        let name = json!({"name": format!("Org {n}"), "slug": "acme"});
        assert_eq!(alice.post("/api/v1/organizations", &name).await.code(), "slug_taken", "and not counted");
        let made = alice.post("/api/v1/organizations", &json!({"name": format!("Org {n}")})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let refused = alice.post("/api/v1/organizations", &json!({"name": "Org 5"})).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").is_some());
    let form = alice.submits("/organizations/new", &[("name", "Org 5")]).await;
    assert_eq!(form.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(form.text.contains("value=\"Org 5\""), "the form comes back as it was typed");
    let other = charlie.post("/api/v1/organizations", &json!({"name": "Org 5"})).await;
    assert_eq!(other.status, StatusCode::CREATED, "the limit is one person's");
    app.clock.advance_s(86_400);
    let alice = app.logs_in(&alice).await;
    let made = alice.post("/api/v1/organizations", &json!({"name": "Org 6"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
}

#[db_test]
async fn a_deleted_organization_is_gone_and_comes_back_within_thirty_days(app: TestApp) {
    // X18
    let alice = app.alice().await;
    let bob = app.bob(&alice, "admin").await;
    let path = format!("/api/v1/organizations/{}", alice.organization);
    let refused = bob.request(Method::DELETE, &path, Some(&json!({"confirm": "acme"}))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "owners only");
    let unconfirmed = alice.request(Method::DELETE, &path, Some(&json!({"confirm": "Acme"}))).await;
    assert_eq!(unconfirmed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(unconfirmed.json()["errors"][0]["pointer"], "/confirm");
    let deleted = alice.request(Method::DELETE, &path, Some(&json!({"confirm": "acme"}))).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);

    assert_eq!(app.get("/p/acme/status").await.status, StatusCode::NOT_FOUND);
    for answer in [alice.get(&path).await, alice.get("/api/v1/services").await, bob.get(&path).await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    let listed = alice.get("/api/v1/organizations").await.json();
    assert!(listed["data"][0]["deleted_at"].is_string(), "{listed}");
    let held = bob.post("/api/v1/organizations", &json!({"name": "Z", "slug": "acme"})).await;
    assert_eq!(held.code(), "slug_taken", "the slug is held");
    let restore = format!("{path}/restore");
    assert_eq!(bob.post(&restore, &json!({})).await.status, StatusCode::NOT_FOUND, "owners only");

    let back = alice.post(&restore, &json!({})).await;
    assert_eq!((back.status, back.json()["slug"].as_str()), (StatusCode::OK, Some("acme")));
    assert_eq!(app.get("/p/acme/status").await.status, StatusCode::OK);
    assert_eq!(alice.post(&restore, &json!({})).await.status, StatusCode::NOT_FOUND, "it is not deleted");

    alice.request(Method::DELETE, &path, Some(&json!({"confirm": "acme"}))).await;
    app.clock.advance_s(30 * 86_400 + 1);
    let alice = app.logs_in(&alice).await;
    assert_eq!(alice.post(&restore, &json!({})).await.status, StatusCode::NOT_FOUND);
    actions::organizations::purge(&app.ctx).await.unwrap();
    assert_eq!(alice.post("/api/v1/organizations", &json!({"name": "A", "slug": "acme"})).await.status, 201);
}

#[db_test]
async fn a_foreign_organization_answers_like_none(app: TestApp) {
    // T-02, X10
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let random = "org_01hzxk3v9q8r7t6m5n4p3w2y1z";
    for (method, rest, body) in [
        (Method::GET, "", None),
        (Method::PATCH, "", Some(json!({"name": "Mine"}))),
        (Method::DELETE, "", Some(json!({"confirm": "acme"}))),
        (Method::POST, "/switch", None),
        (Method::POST, "/restore", None),
        (Method::GET, "/members", None),
        (Method::POST, "/leave", None),
        (Method::GET, "/invitations", None),
        (Method::POST, "/invitations", Some(json!({"email": "bob@example.org"}))),
    ] {
        let ask = async |name: &str| {
            let path = format!("/api/v1/organizations/{name}{rest}");
            charlie.request(method.clone(), &path, body.as_ref()).await
        };
        let absent = ask(random).await;
        assert_eq!(absent.status, StatusCode::NOT_FOUND, "{method} {rest}");
        for name in [alice.organization.as_str(), "acme", "no-such-organization"] {
            let answer = ask(name).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {name}{rest}");
            assert_eq!(answer.without_request_id(), absent.without_request_id(), "{method} {name}{rest}");
        }
    }
}

#[db_test]
async fn a_stale_version_changes_nothing(app: TestApp) {
    let alice = app.alice().await;
    let path = format!("/api/v1/organizations/{}", alice.organization);
    let tag = alice.get(&path).await.header("etag").unwrap().to_owned();
    assert_eq!(alice.patch(&path, &json!({"name": "Acme Inc"})).await.status, StatusCode::OK);
    let bearer = format!("Bearer {}", alice.token);
    let headers = [("authorization", bearer.as_str()), ("if-match", tag.as_str())];
    let late = app.json(Method::PATCH, &path, &headers, Some(&json!({"name": "Acme Ltd"}))).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(alice.get(&path).await.json()["name"], "Acme Inc");
}
