//! From "Get updates" to the mail about an incident and out again, as a visitor does it.

use axum::body::Body;
use domain::notification::Message;
use domain::plan::Tier;
use http::{Request, StatusCode, header};
use serde_json::json;
use testkit::{HttpAnswer, PUBLIC_URL, TestApp, db_test};

const PAGE: &str = "/p/acme/status";

/// A form sent by a browser or a mail program, without any cookie.
async fn posts(app: &TestApp, path: &str, body: &str) -> HttpAnswer {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap();
    app.send(request).await
}

async fn asks(app: &TestApp, email: &str) -> HttpAnswer {
    posts(app, &format!("{PAGE}/subscribe"), &format!("email={}", email.replace('@', "%40"))).await
}

/// The path of the link in the newest confirmation mail.
async fn confirmation(app: &TestApp, email: &str) -> String {
    app.delivers_outbox().await;
    let link = app.mails_to(email).into_iter().rev().find_map(|mail| match mail.message {
        Message::ConfirmSubscription { link, .. } => Some(link),
        _ => None,
    });
    link.unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

/// The paths to leave, newest mail last.
fn ways_out(app: &TestApp, email: &str) -> Vec<String> {
    app.mails_to(email)
        .into_iter()
        .filter_map(|mail| match mail.message {
            Message::IncidentUpdate { unsubscribe_link, .. } => {
                Some(unsubscribe_link.strip_prefix(PUBLIC_URL).unwrap().to_owned())
            }
            _ => None,
        })
        .collect()
}

#[db_test]
async fn a_visitor_subscribes_reads_about_an_incident_and_leaves(app: TestApp) {
    // X55, X56, T-14, H-31
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    assert!(app.get("/p/acme").await.text.contains("/p/acme/status/subscribe"), "the page offers it");
    let form = app.get(&format!("{PAGE}/subscribe")).await;
    assert_eq!((form.status, form.header("cache-control")), (StatusCode::OK, Some("no-store")));
    assert_eq!(asks(&app, "carol@example.org").await.status, StatusCode::ACCEPTED);

    let link = confirmation(&app, "carol@example.org").await;
    for _ in 0..3 {
        let page = app.get(&link).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("set-cookie"), None);
    }
    let list = alice.get("/api/v1/subscribers").await.json();
    assert_eq!(list["data"][0]["is_confirmed"], false, "looking at the link changes nothing");
    assert_eq!(posts(&app, &link, "").await.status, StatusCode::OK);
    assert_eq!(posts(&app, &link, "").await.status, StatusCode::BAD_REQUEST, "spent");

    let body = json!({"title": "Down", "services": [{"service_id": service, "status": "major_outage"}]});
    let incident = alice.post("/api/v1/incidents", &body).await;
    assert_eq!(incident.status, StatusCode::CREATED, "{}", incident.text);
    app.delivers_outbox().await;
    let out = ways_out(&app, "carol@example.org").remove(0);
    for _ in 0..3 {
        assert_eq!(app.get(&out).await.status, StatusCode::OK);
    }
    assert_eq!(alice.get("/api/v1/subscribers").await.json()["data"].as_array().unwrap().len(), 1);
    // RFC 8058: the mail program's own request, twice.
    for _ in 0..2 {
        let left = posts(&app, &out, "List-Unsubscribe=One-Click").await;
        assert_eq!(left.status, StatusCode::OK, "{}", left.text);
    }
    assert_eq!(alice.get("/api/v1/subscribers").await.json()["data"], json!([]));
    let id = incident.json()["id"].as_str().unwrap().to_owned();
    let update = json!({"status": "resolved", "body": "Fixed."});
    assert_eq!(
        alice.post(&format!("/api/v1/incidents/{id}/updates"), &update).await.status,
        StatusCode::CREATED
    );
    assert!(app.delivers_outbox().await.is_empty());
}

#[db_test]
async fn known_and_unknown_addresses_get_the_same_bytes(app: TestApp) {
    // D1, T-13
    app.alice().await;
    asks(&app, "known@example.org").await;
    let link = confirmation(&app, "known@example.org").await;
    posts(&app, &link, "").await;
    let new = asks(&app, "new@example.org").await;
    for email in ["known@example.org", "new@example.org", "abuse@example.org", "POSTMASTER@example.org"] {
        let answer = asks(&app, email).await;
        assert_eq!((answer.status, &answer.text), (new.status, &new.text), "{email}");
    }
    assert_eq!(app.delivers_outbox().await.len(), 1, "only the new one got a mail");
}

#[db_test]
async fn what_is_no_address_is_said_beside_the_field(app: TestApp) {
    app.alice().await;
    for email in ["", "alice", "alice@", "a@b%0D%0ABcc: c@d.example"] {
        let answer = asks(&app, email).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}: {}", answer.text);
        assert!(answer.text.contains("aria-invalid=\"true\""), "{}", answer.text);
    }
    let nothing = posts(&app, &format!("{PAGE}/subscribe"), "").await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[db_test]
async fn a_full_page_says_so_to_everybody_alike(app: TestApp) {
    // X58
    let alice = app.registers("Alice", "Acme").await;
    app.moves(&alice, Tier::Team).await;
    asks(&app, "waiting@example.org").await;
    let waiting = confirmation(&app, "waiting@example.org").await;
    for number in 0..25 {
        let email = format!("reader{number}@example.org");
        asks(&app, &email).await;
        let link = confirmation(&app, &email).await;
        assert_eq!(posts(&app, &link, "").await.status, StatusCode::OK);
    }
    app.moves(&alice, Tier::Free).await;
    let answers = [asks(&app, "late@example.org").await, asks(&app, "reader3@example.org").await];
    assert!(answers[0].text.contains("Subscriptions are full"), "{}", answers[0].text);
    assert_eq!(answers[0].text, answers[1].text);
    assert!(posts(&app, &waiting, "").await.text.contains("Subscriptions are full"));
    let told = app.delivers_outbox().await;
    assert_eq!(told.len(), 1, "the owner, once");
    assert_eq!(told[0].to, alice.email);

    let list = alice.get("/api/v1/subscribers?limit=200").await.json();
    let waiting = list["data"].as_array().unwrap().iter().find(|one| one["is_confirmed"] == false).unwrap();
    let path = format!("/api/v1/subscribers/{}/confirm", waiting["id"].as_str().unwrap());
    let full = alice.post(&path, &json!({})).await;
    assert_eq!((full.status, full.code().as_str()), (StatusCode::FORBIDDEN, "plan_limit"));
    let problem = full.json();
    assert_eq!((&problem["limit"], &problem["used"]), (&json!(25), &json!(25)));
    assert_eq!(problem["detail"], "Tier limit reached for 'subscribers' (25). Upgrade your plan.");
}

#[db_test]
async fn a_page_of_an_unproved_owner_or_a_hidden_one_takes_no_subscriptions(app: TestApp) {
    // D13, X22
    app.registers_unverified("Alice", "Acme").await;
    assert!(!app.get("/p/acme").await.text.contains("/subscribe"));
    let absent = app.get("/p/acme/nothing/subscribe").await;
    for answer in [app.get(&format!("{PAGE}/subscribe")).await, asks(&app, "carol@example.org").await] {
        assert_eq!((answer.status, absent.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    }
    assert!(app.delivers_outbox().await.is_empty());
}

#[db_test]
async fn leaving_works_when_the_page_is_hidden_and_not_with_another_proof(app: TestApp) {
    // T-14, D12
    let alice = app.alice().await;
    let service = alice.creates_service("API").await;
    for email in ["carol@example.org", "dave@example.org"] {
        asks(&app, email).await;
        let link = confirmation(&app, email).await;
        posts(&app, &link, "").await;
    }
    let body = json!({"title": "Down", "service_id": service});
    assert_eq!(alice.post("/api/v1/incidents", &body).await.status, StatusCode::CREATED);
    app.delivers_outbox().await;
    let carol = ways_out(&app, "carol@example.org").remove(0);
    let dave = ways_out(&app, "dave@example.org").remove(0);
    let (place, proof) = carol.rsplit_once('.').unwrap();
    let of_dave = dave.rsplit_once('.').unwrap().1;
    for wrong in [
        format!("{place}.{of_dave}"),
        format!("{place}."),
        place.to_owned(),
        format!("{PAGE}/unsubscribe/x.{proof}"),
    ] {
        assert_eq!(app.get(&wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
        assert_eq!(posts(&app, &wrong, "").await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let pages = alice.get("/api/v1/pages").await.json();
    let id = pages["data"][0]["id"].as_str().unwrap();
    let hidden = alice.patch(&format!("/api/v1/pages/{id}"), &json!({"is_public": false})).await;
    assert_eq!(hidden.status, StatusCode::OK, "{}", hidden.text);
    let page = app.get(&carol).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("Acme"), "nothing about a hidden page: {}", page.text);
    assert_eq!(posts(&app, &carol, "").await.status, StatusCode::OK);
    let left = alice.get("/api/v1/subscribers").await.json();
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
}

#[db_test]
async fn the_list_of_subscribers_is_for_admins_in_parts_and_tells_no_secrets(app: TestApp) {
    // S12, X48, T-22
    let alice = app.alice().await;
    for number in 0..3 {
        let body = json!({"email": format!("reader{number}@example.org")});
        let added = alice.post("/api/v1/subscribers", &body).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
        assert_eq!(added.json()["is_confirmed"], false);
    }
    app.delivers_outbox().await;
    let again = alice.post("/api/v1/subscribers", &json!({"email": "reader1@example.org"})).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "already_asked"));

    let first = alice.get("/api/v1/subscribers?limit=2").await;
    let next = first.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(first.header("link").unwrap().contains(&format!("limit=2&cursor={next}>; rel=\"next\"")));
    let second = alice.get(&format!("/api/v1/subscribers?limit=2&cursor={next}")).await.json();
    let emails: Vec<String> = [&first.json(), &second]
        .iter()
        .flat_map(|list| list["data"].as_array().unwrap().clone())
        .map(|one| one["email"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(emails, ["reader2@example.org", "reader1@example.org", "reader0@example.org"]);
    assert_eq!(second["next_cursor"], json!(null));
    let mut fields: Vec<String> = second["data"][0].as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["confirmed_at", "created_at", "email", "id", "is_confirmed", "status_page_id"]);
    for query in ["limit=0", "limit=201", "cursor=x", "cursor=AAAA", "page=2"] {
        let wrong = alice.get(&format!("/api/v1/subscribers?{query}")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }

    let id = second["data"][0]["id"].as_str().unwrap();
    let charlie = app.charlie().await;
    for path in [format!("/api/v1/subscribers/{id}"), "/api/v1/subscribers/sb_x".to_owned()] {
        assert_eq!(charlie.delete(&path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(charlie.get("/api/v1/subscribers").await.json()["data"], json!([]));
    assert_eq!(app.get("/api/v1/subscribers").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(alice.delete(&format!("/api/v1/subscribers/{id}")).await.status, StatusCode::NO_CONTENT);
}
