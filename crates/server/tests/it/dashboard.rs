//! The pages of members without a browser: forms, refusals, limits, other people's edits, and what strangers get.

use axum::body::Body;
use domain::plan::Tier;
use egress::EgressConfig;
use http::{Request, StatusCode, header};
use testkit::{HttpAnswer, Person, Target, TestApp, TestDatabase, db_test};

/// Every page of an organization that needs no id.
const SCREENS: [&str; 14] = [
    "",
    "/services",
    "/services/new",
    "/monitors",
    "/monitors/new",
    "/pages",
    "/pages/new",
    "/incidents",
    "/incidents/new",
    "/subscribers",
    "/members",
    "/settings",
    "/plan",
    "/welcome",
];

/// The hidden field of the first form on a page.
fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().unwrap()
}

async fn token(person: &Person<'_>) -> String {
    hidden(&person.opens("/organizations/new").await.text, "csrf").to_owned()
}

/// Sends a form as a browser does.
async fn send(person: &Person<'_>, path: &str, fields: &[(&str, &str)]) -> HttpAnswer {
    let csrf = token(person).await;
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    send_bare(person, path, &fields, "same-origin").await
}

async fn send_bare(person: &Person<'_>, path: &str, fields: &[(&str, &str)], site: &str) -> HttpAnswer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header(header::COOKIE, &person.cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", site);
    person.app.send(request.body(Body::from(body)).unwrap()).await
}

fn location(answer: &HttpAnswer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.header("location").unwrap()
}

#[db_test]
async fn every_screen_opens_for_an_owner_and_lists_open_for_a_viewer(app: TestApp) {
    let alice = app.alice().await;
    alice.creates_service("API").await;
    for screen in SCREENS {
        let answer = alice.opens(&format!("/orgs/acme{screen}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{screen}: {}", answer.text);
        // T-17: nothing of a member stays in a cache.
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{screen}");
    }
    let bob = app.bob(&alice, "viewer").await;
    for screen in SCREENS {
        // X11: forms are for those who may send them, addresses of subscribers for those who look after them.
        let is_closed = screen.ends_with("/new") || ["/welcome", "/subscribers"].contains(&screen);
        let expected = if is_closed { StatusCode::FORBIDDEN } else { StatusCode::OK };
        assert_eq!(bob.opens(&format!("/orgs/acme{screen}")).await.status, expected, "{screen}");
    }
}

#[db_test]
async fn a_stranger_gets_the_same_404_as_for_an_organization_that_does_not_exist(app: TestApp) {
    // T-02
    app.alice().await;
    let charlie = app.charlie().await;
    for screen in SCREENS {
        let foreign = charlie.opens(&format!("/orgs/acme{screen}")).await;
        let absent = charlie.opens(&format!("/orgs/nowhere{screen}")).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{screen}");
        let bare = |answer: &HttpAnswer| {
            let request_id = answer.header("x-request-id").unwrap_or_default().to_owned();
            answer.text.replace(&request_id, "")
        };
        assert_eq!(bare(&foreign), bare(&absent), "{screen}");
    }
    let refused = send(&charlie, "/orgs/acme/services", &[("name", "Mine now")]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn without_a_session_a_page_leads_to_the_log_in_and_back(app: TestApp) {
    let answer = app.get("/orgs/acme/services").await;
    assert_eq!(location(&answer), "/login?next=%2Forgs%2Facme%2Fservices");
}

#[db_test]
async fn orgs_leads_to_the_organization_used_last(app: TestApp) {
    // X20, D3
    let alice = app.alice().await;
    assert_eq!(location(&alice.opens("/orgs").await), "/orgs/acme");
    let made = send(&alice, "/organizations/new", &[("name", "Second Try")]).await;
    assert_eq!(location(&made), "/orgs/second-try/welcome");
    assert_eq!(location(&alice.opens("/orgs").await), "/orgs/second-try");
    assert_eq!(location(&send(&alice, "/orgs/acme/switch", &[]).await), "/orgs/acme");
    assert_eq!(location(&alice.opens("/orgs").await), "/orgs/acme");
}

#[db_test]
async fn a_refused_form_comes_back_with_everything_that_was_typed(app: TestApp) {
    let alice = app.alice().await;
    let fields = [("name", ""), ("description", "Takes the money"), ("position", "first")];
    let answer = send(&alice, "/orgs/acme/services", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["Takes the money", "value=\"first\"", "Write a whole number."] {
        assert!(answer.text.contains(kept), "{kept}: {}", answer.text);
    }
    let answer =
        send(&alice, "/orgs/acme/services", &[("name", "Checkout"), ("description", "Takes the money")])
            .await;
    let shown = alice.opens(location(&answer)).await;
    assert!(shown.text.contains("The service is there."));
    assert!(shown.text.contains("Takes the money"));
}

#[db_test]
async fn a_form_of_another_site_or_without_its_token_changes_nothing(app: TestApp) {
    // T-07, X8
    let alice = app.alice().await;
    let path = "/orgs/acme/services";
    let csrf = token(&alice).await;
    let bob = app.bob(&alice, "admin").await;
    let bobs = token(&bob).await;
    let name = ("name", "Planted");
    for (fields, site) in [
        (vec![name], "same-origin"),
        (vec![name, ("csrf", "")], "same-origin"),
        (vec![name, ("csrf", bobs.as_str())], "same-origin"),
        (vec![name, ("csrf", csrf.as_str())], "cross-site"),
        (vec![name, ("csrf", csrf.as_str())], "same-site"),
    ] {
        let answer = send_bare(&alice, path, &fields, site).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{fields:?} {site}");
    }
    assert!(!alice.opens(path).await.text.contains("Planted"));
}

#[db_test]
async fn an_edit_never_overwrites_somebody_elses(app: TestApp) {
    let alice = app.alice().await;
    let bob = app.bob(&alice, "admin").await;
    let path = format!("/orgs/acme/services/{}", alice.creates_service("API").await);
    let old = hidden(&alice.opens(&path).await.text, "version").to_owned();
    send(&bob, &path, &[("version", &old), ("name", "Bob's API"), ("is_visible", "true")]).await;

    let mine = [("name", "Alice's API"), ("description", "Mine"), ("is_visible", "true")];
    let with = |version: &str| {
        [&mine[..], &[("version", version)]]
            .concat()
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<Vec<_>>()
    };
    let pairs = with(&old);
    let fields: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let refused = send(&alice, &path, &fields).await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
    assert!(refused.text.contains("Somebody else saved this"), "{}", refused.text);
    assert!(refused.text.contains("Alice&#39;s API"), "{}", refused.text);
    assert!(alice.opens("/orgs/acme/services").await.text.contains("Bob&#39;s API"));

    let newer = hidden(&refused.text, "version").to_owned();
    let pairs = with(&newer);
    let fields: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(location(&send(&alice, &path, &fields).await), format!("{path}?done=service-saved"));
}

#[db_test]
async fn a_full_limit_is_shown_before_it_bites_and_said_when_it_does(app: TestApp) {
    // X72, S31
    let alice = app.alice().await;
    app.moves(&alice, Tier::Free).await;
    for name in ["One", "Two", "Three", "Four"] {
        alice.creates_service(name).await;
    }
    let list = alice.opens("/orgs/acme/services").await.text;
    assert!(list.contains("4 of 5 services") && !list.contains("aria-disabled"), "{list}");
    alice.creates_service("Five").await;
    let list = alice.opens("/orgs/acme/services").await.text;
    assert!(list.contains("5 of 5 services") && list.contains("aria-disabled"), "{list}");
    assert!(list.contains("Pro has room, $9 a month."), "{list}");
    let refused = send(&alice, "/orgs/acme/services", &[("name", "Six")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.text.contains("value=\"Six\"")
            && refused.text.contains("All 5 services per page are in use.")
    );
}

#[db_test]
async fn the_first_address_is_checked_at_once_and_leads_to_the_public_page(database: TestDatabase) {
    let target = Target::start().await;
    let egress =
        EgressConfig { allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()], ..EgressConfig::default() };
    let app = TestApp::with(database, |_| {}, egress);
    let alice = app.registers("Alice", "Acme").await;
    assert!(alice.opens("/orgs/acme/welcome").await.text.contains("value=\"https://acme.example\""));

    let answer = send(&alice, "/orgs/acme/welcome", &[("url", &target.url("/"))]).await;
    let result = alice.opens(location(&answer)).await;
    assert_eq!(result.status, StatusCode::OK);
    for words in ["It answers", "Status 200", "TCP connect", "/p/acme/status"] {
        assert!(result.text.contains(words), "{words}: {}", result.text);
    }
    assert_eq!(target.count("/"), 1);
    assert!(app.get("/p/acme/status").await.text.contains("127.0.0.1"));

    let again = send(&alice, "/orgs/acme/welcome", &[("url", "ftp://acme.example")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text.contains("value=\"ftp://acme.example\""), "{}", again.text);
    app.delivers_outbox().await;
}

#[db_test]
async fn an_incident_is_opened_updated_and_resolved_with_forms(app: TestApp) {
    let alice = app.alice().await;
    let service = format!("service_{}", alice.creates_service("API").await);
    let none = [("title", "Errors"), ("status", "investigating"), ("body", "We look.")];
    let refused = send(&alice, "/orgs/acme/incidents", &none).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Name at least one affected service."), "{}", refused.text);
    assert!(refused.text.contains("We look."));

    let fields = [&none[..], &[(service.as_str(), "major_outage")]].concat();
    let opened = send(&alice, "/orgs/acme/incidents", &fields).await;
    let path = location(&opened).split('?').next().unwrap().to_owned();
    assert!(alice.opens("/orgs/acme").await.text.contains("1 incident is open"));
    assert!(app.get("/p/acme/status").await.text.contains("Errors"));

    let update = [("status", "resolved"), ("body", "Over *now*."), (service.as_str(), "operational")];
    send(&alice, &format!("{path}/updates"), &update).await;
    let shown = alice.opens(&path).await.text;
    assert!(shown.contains("Over <em>now</em>."), "{shown}");
    assert!(!alice.opens("/orgs/acme").await.text.contains("incident is open"));
    app.delivers_outbox().await;
}

#[db_test]
async fn an_old_slug_leads_members_on_and_tells_strangers_nothing(app: TestApp) {
    // X1
    let alice = app.alice().await;
    let charlie = app.charlie().await;
    let moved = send(&alice, "/orgs/acme/settings/slug", &[("slug", "acme-labs")]).await;
    assert_eq!(location(&moved), "/orgs/acme-labs/settings?done=settings-saved");
    let old = alice.opens("/orgs/acme/monitors").await;
    assert_eq!(old.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(old.header("location"), Some("/orgs/acme-labs/monitors"));
    assert_eq!(charlie.opens("/orgs/acme/monitors").await.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn a_deleted_organization_can_be_brought_back_by_its_owner_only(app: TestApp) {
    // X18
    let alice = app.alice().await;
    let bob = app.bob(&alice, "admin").await;
    let refused = send(&alice, "/orgs/acme/settings/delete", &[("confirm", "acm")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let deleted = send(&alice, "/orgs/acme/settings/delete", &[("confirm", "acme")]).await;
    assert_eq!(location(&deleted), "/orgs/acme");
    assert_eq!(app.get("/p/acme/status").await.status, StatusCode::NOT_FOUND);
    let gone = alice.opens("/orgs/acme").await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert!(gone.text.contains("Bring it back"));
    assert_eq!(bob.opens("/orgs/acme").await.status, StatusCode::NOT_FOUND);
    assert_eq!(send(&bob, "/orgs/acme/settings/restore", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(location(&send(&alice, "/orgs/acme/settings/restore", &[]).await), "/orgs/acme");
    assert_eq!(alice.opens("/orgs/acme").await.status, StatusCode::OK);
}

#[db_test]
async fn the_last_owner_is_told_why_leaving_fails(app: TestApp) {
    // X12
    let alice = app.alice().await;
    let refused = send(&alice, "/orgs/acme/settings/leave", &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("needs at least one owner"), "{}", refused.text);
}

#[db_test]
async fn the_address_cannot_put_words_on_the_page(app: TestApp) {
    // T-05
    let alice = app.alice().await;
    let page = alice.opens("/orgs/acme?done=%3Cscript%3Ealert(1)%3C/script%3E&done=Call+us").await.text;
    assert!(!page.contains("alert(1)") && !page.contains("Call us"));
    let sent = send(&alice, "/orgs/acme/services", &[("name", "\"><script>alert(1)</script>")]).await;
    let page = alice.opens(location(&sent)).await.text;
    assert!(page.contains("alert(1)") && !page.contains("<script>alert"), "{page}");
}

#[db_test]
async fn the_landing_page_knows_its_members_and_the_reference_knows_every_operation(app: TestApp) {
    let alice = app.alice().await;
    assert!(app.get("/").await.text.contains("href=\"/signup\""));
    assert!(alice.opens("/").await.text.contains("href=\"/orgs\""));
    assert_eq!(app.get("/docs").await.status, StatusCode::OK);
    let reference = app.get("/docs/api").await.text;
    for path in app.document["paths"].as_object().unwrap().keys() {
        assert!(reference.contains(path.as_str()), "{path}");
    }
}
