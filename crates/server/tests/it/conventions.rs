//! What holds for every operation of the API: lists in parts, refusals that say what to do, addresses, fields that
//! older programs know (`ux.md` 1.6).

use domain::plan::Tier;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{HttpAnswer, Person, TestApp, db_test};

/// Follows `next_cursor` and `Link` from the first part to the last; the rows by this field.
async fn in_parts(person: &Person<'_>, list: &str, limit: u32, field: &str) -> Vec<Value> {
    let mark = if list.contains('?') { '&' } else { '?' };
    let (mut path, mut rows) = (format!("{list}{mark}limit={limit}"), Vec::new());
    loop {
        let part = person.get(&path).await;
        assert_eq!(part.status, StatusCode::OK, "{path}: {}", part.text);
        let body = part.json();
        let data = body["data"].as_array().unwrap();
        assert!(data.len() <= usize::try_from(limit).unwrap(), "{path}: {}", data.len());
        rows.extend(data.iter().map(|row| row[field].clone()));
        let Some(cursor) = body["next_cursor"].as_str() else {
            assert_eq!(part.header("link"), None, "{path}");
            return rows;
        };
        let link = part.header("link").unwrap_or_else(|| panic!("{path}: no link"));
        let (next, _) = link.strip_prefix('<').and_then(|rest| rest.split_once(">; rel=\"next\"")).unwrap();
        assert!(next.contains(cursor), "{link}");
        next.clone_into(&mut path);
    }
}

async fn whole(person: &Person<'_>, list: &str, field: &str) -> Vec<Value> {
    in_parts(person, list, 200, field).await
}

fn refusal(answer: &HttpAnswer) -> (StatusCode, String) {
    let pointer = answer.json()["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
    (answer.status, pointer)
}

/// Several of everything that has a list; the service with all monitors, and the list of invitations.
async fn fills(alice: &Person<'_>) -> (String, String) {
    let app = alice.app;
    for (name, position) in [("b", 0), ("a", 0), ("Ä", 0), ("B", 0), ("a", 1)] {
        let body = json!({"name": name, "position": position});
        assert_eq!(alice.post("/api/v1/services", &body).await.status, StatusCode::CREATED);
    }
    for title in ["Zeta", "alpha", "Beta"] {
        let answer = alice.post("/api/v1/pages", &json!({ "title": title })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
    let service = alice.creates_service("Watched").await;
    for number in 0..4 {
        let body = json!({"service_id": service, "url": format!("https://{number}.example.com/")});
        let answer = alice.post("/api/v1/monitors", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
    app.joins("Bob", "Initech", alice, "member").await;
    app.joins("Dana", "Tyrell", alice, "viewer").await;
    let invitations = format!("/api/v1/organizations/{}/invitations", alice.organization);
    for guest in ["one", "two", "three"] {
        let body = json!({"email": format!("{guest}@acme.example")});
        let answer = alice.post(&invitations, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let location = format!("{invitations}/{}", answer.json()["id"].as_str().unwrap());
        assert_eq!(answer.header("location"), Some(location.as_str()));
    }
    alice.post("/api/v1/organizations", &json!({"name": "Acme Labs"})).await;
    app.delivers_outbox().await;
    (service, invitations)
}

#[db_test]
async fn every_list_comes_in_parts_that_make_the_whole(app: TestApp) {
    let alice = app.alice().await;
    let (service, invitations) = fills(&alice).await;
    let members = format!("/api/v1/organizations/{}/members", alice.organization);
    let of_service = format!("/api/v1/monitors?service_id={service}");
    let lists: [(&str, &str, usize); 7] = [
        ("/api/v1/services", "id", 6),
        ("/api/v1/pages", "id", 4),
        ("/api/v1/monitors", "id", 4),
        (&of_service, "id", 4),
        (&members, "user_id", 3),
        (&invitations, "id", 3),
        ("/api/v1/organizations", "id", 2),
    ];
    for (list, field, count) in lists {
        let all = whole(&alice, list, field).await;
        assert_eq!(all.len(), count, "{list}: {all:?}");
        for limit in 1..=3 {
            assert_eq!(in_parts(&alice, list, limit, field).await, all, "{list} in parts of {limit}");
        }
        let mark = if list.contains('?') { '&' } else { '?' };
        for (query, pointer) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=many", "limit"),
            ("cursor=%21", "cursor"),
            ("cursor=bm90aGluZw", "cursor"),
            // [0,"\u0000","cm_…"]
            ("cursor=WzAsIlx1MDAwMCIsImNtXzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwIl0", "cursor"),
            ("page=2", "page"),
        ] {
            let answer = alice.get(&format!("{list}{mark}{query}")).await;
            let expected = (StatusCode::UNPROCESSABLE_ENTITY, pointer.to_owned());
            assert_eq!(refusal(&answer), expected, "{list}, {query}: {}", answer.text);
        }
    }
    // S27; text by bytes, whichever database it is.
    let names = whole(&alice, "/api/v1/services", "name").await;
    assert_eq!(names, ["B", "Watched", "a", "b", "Ä", "a"]);
    assert_eq!(whole(&alice, "/api/v1/pages", "title").await, ["Acme", "Beta", "Zeta", "alpha"]);
}

#[db_test]
async fn a_limit_says_where_the_plan_stands_and_how_much_of_it_is_used(app: TestApp) {
    // X72, X73.
    let alice = app.registers("Alice", "Acme").await;
    let refused = loop {
        let answer = alice.post("/api/v1/pages", &json!({"title": "Another"})).await;
        if answer.status != StatusCode::CREATED {
            break answer;
        }
    };
    let problem = refused.json();
    assert_eq!((refused.status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("plan_limit")));
    let plan = format!("{}/orgs/acme/plan", testkit::PUBLIC_URL);
    assert_eq!(problem["upgrade_url"].as_str(), Some(plan.as_str()), "{problem}");
    assert_eq!(problem["required_tier"], "pro");
    // The same with a key, where the request runs in a task of its own.
    let bearer = format!("Bearer {}", alice.token);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "one")];
    let body = json!({"title": "Another"});
    let again = app.json(Method::POST, "/api/v1/pages", &headers, Some(&body)).await;
    assert_eq!(again.json()["upgrade_url"].as_str(), Some(plan.as_str()));

    let second = alice.post("/api/v1/organizations", &json!({"name": "Acme Labs"})).await;
    assert_eq!(second.status, StatusCode::CREATED);
    let third = alice.post("/api/v1/organizations", &json!({"name": "Acme Shop"})).await;
    let problem = third.json();
    assert_eq!((third.status, problem["code"].as_str()), (StatusCode::FORBIDDEN, Some("plan_limit")));
    assert_eq!((&problem["limit"], &problem["used"]), (&json!(2), &json!(2)), "{problem}");
    app.moves(&alice, Tier::Team).await;
    let body = json!({"name": "Acme Shop"});
    assert_eq!(alice.post("/api/v1/organizations", &body).await.status, StatusCode::CREATED);
}

#[db_test]
async fn a_slash_at_the_end_means_nothing_below_the_api(app: TestApp) {
    let alice = app.alice().await;
    let made = alice.post("/api/v1/services/", &json!({"name": "API"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for path in ["/api/v1/services/", "/api/v1/services/?limit=1", &format!("/api/v1/services/{id}/")] {
        assert_eq!(alice.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(alice.get("/api/v1/").await.code(), "not_found");
    assert_eq!(alice.get("/api/v1/services//").await.code(), "not_found");
    assert_eq!(app.get("/login/").await.status, StatusCode::NOT_FOUND);
}

#[db_test]
async fn answers_carry_the_fields_that_the_first_programs_know(app: TestApp) {
    // S9, S10, S11.
    let alice = app.alice().await;
    let service = alice.post("/api/v1/services", &json!({"name": "API"})).await.json();
    let page = alice.get("/api/v1/pages").await.json()["data"][0]["id"].clone();
    assert_eq!(service["status_page_id"], page);
    let (id, other) = (service["id"].as_str().unwrap(), alice.creates_service("Shop").await);
    let body = json!({"title": "Down", "service_id": other, "severity": "high"});
    let incident = alice.post("/api/v1/incidents", &body).await.json();
    assert_eq!(
        (incident["service_id"].as_str(), incident["severity"].as_str()),
        (Some(&*other), Some("high"))
    );
    assert_eq!(alice.get("/api/v1/incidents").await.json()["data"][0]["severity"], "high");
    let placement = format!("/api/v1/pages/{}/services/{id}", page.as_str().unwrap());
    assert_eq!(alice.delete(&placement).await.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get(&format!("/api/v1/services/{id}")).await.json()["status_page_id"], Value::Null);
    let placed = alice.put(&placement, &json!({})).await;
    assert_eq!((placed.status, placed.header("location")), (StatusCode::CREATED, Some(&*placement)));
    let again = alice.put(&placement, &json!({})).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::OK, None));
    app.delivers_outbox().await;
}

#[db_test]
async fn a_version_that_the_client_has_is_not_sent_again(app: TestApp) {
    let alice = app.alice().await;
    let path = format!("/api/v1/services/{}", alice.creates_service("API").await);
    let tag = alice.get(&path).await.header("etag").unwrap().to_owned();
    let bearer = format!("Bearer {}", alice.token);
    for (sent, status) in [
        (tag.clone(), StatusCode::NOT_MODIFIED),
        (format!("W/{tag}"), StatusCode::NOT_MODIFIED),
        (format!("\"1\", {tag}"), StatusCode::NOT_MODIFIED),
        ("*".to_owned(), StatusCode::NOT_MODIFIED),
        ("\"1\"".to_owned(), StatusCode::OK),
    ] {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", sent.as_str())];
        let answer = app.json(Method::GET, &path, &headers, None).await;
        assert_eq!(answer.status, status, "{sent}");
        assert_eq!(answer.text.is_empty(), status == StatusCode::NOT_MODIFIED, "{sent}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    let nobody = app.json(Method::GET, &path, &[("if-none-match", &tag)], None).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn if_match_may_list_versions_and_holds_for_subscribers_too(app: TestApp) {
    let alice = app.alice().await;
    let bearer = format!("Bearer {}", alice.token);
    let sends = async |method: Method, path: &str, tags: &str, body: Option<&Value>| {
        let headers = [("authorization", bearer.as_str()), ("if-match", tags)];
        app.json(method, path, &headers, body).await.status
    };
    let path = format!("/api/v1/services/{}", alice.creates_service("API").await);
    let tag = alice.get(&path).await.header("etag").unwrap().to_owned();
    let body = json!({"name": "Shop"});
    for (tags, status) in [
        ("\"1\", \"2\"".to_owned(), StatusCode::PRECONDITION_FAILED),
        (format!("W/{tag}"), StatusCode::PRECONDITION_FAILED),
        (format!("\"1\" , {tag}"), StatusCode::OK),
        (tag.clone(), StatusCode::PRECONDITION_FAILED),
        ("*".to_owned(), StatusCode::OK),
    ] {
        assert_eq!(sends(Method::PATCH, &path, &tags, Some(&body)).await, status, "{tags}");
    }
    let added = alice.post("/api/v1/subscribers", &json!({"email": "reader@acme.example"})).await;
    let (path, tag) = (added.header("location").unwrap(), added.header("etag").unwrap());
    assert_eq!(sends(Method::DELETE, path, "\"1\"", None).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(sends(Method::DELETE, path, tag, None).await, StatusCode::NO_CONTENT);
    app.delivers_outbox().await;
}
