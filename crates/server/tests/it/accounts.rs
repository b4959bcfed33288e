//! `/api/v1/auth` over HTTP: the plan's shapes, sessions behind tokens, and what a stranger may not learn.

use domain::notification::Message;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{HttpAnswer as Answer, PASSWORD, Person, TestApp, db_test};

const AUTH: &str = "/api/v1/auth";

async fn post(app: &TestApp, path: &str, body: Value) -> Answer {
    app.json(Method::POST, &format!("{AUTH}/{path}"), &[], Some(&body)).await
}

/// The secret of the newest mail to somebody.
fn mailed(app: &TestApp, email: &str) -> String {
    let newest = app.mails_to(email).pop().unwrap().message;
    let (Message::VerifyEmail { link } | Message::ResetPassword { link } | Message::ChangeEmail { link, .. }) =
        newest
    else {
        panic!("a mail without a link")
    };
    link.rsplit_once('=').unwrap().1.to_owned()
}

#[db_test]
async fn registering_answers_as_the_plan_says(app: TestApp) {
    // S23, D1, D15
    let body = json!({"email": "alice@acme.example", "password": PASSWORD, "org_name": "Acme"});
    let answer = post(&app, "register", body.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let token = answer.json();
    assert_eq!(token["token_type"], "bearer");
    assert_eq!(token.as_object().unwrap().len(), 2);

    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let me = app.json(Method::GET, &format!("{AUTH}/me"), &[("authorization", &bearer)], None).await;
    let me = me.json();
    assert_eq!(me["email"], "alice@acme.example");
    assert_eq!(me["is_email_verified"], false);
    assert_eq!(me["organizations"][0]["slug"], "acme");
    assert_eq!(me["organizations"][0]["role"], "owner");
    assert_eq!(me["organizations"][0]["tier"], "free");
    assert_eq!(me["active_organization_id"], me["organizations"][0]["id"]);

    let again = post(&app, "register", body).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(again.json()["detail"], "Email already registered");
    app.delivers_outbox().await;
}

#[db_test]
async fn a_log_in_that_fails_tells_nothing(app: TestApp) {
    // S24, D1: the same bytes for known and unknown addresses
    let alice = app.alice().await;
    let known = post(&app, "login", json!({"email": alice.email, "password": "wrong"})).await;
    let unknown = post(&app, "login", json!({"email": "nobody@acme.example", "password": "wrong"})).await;
    assert_eq!(known.status, StatusCode::UNAUTHORIZED);
    assert_eq!(known.json()["detail"], "Invalid credentials");
    assert_eq!(known.without_request_id(), unknown.without_request_id());
    for path in ["forgot-password", "verify-email/resend"] {
        let known = post(&app, path, json!({"email": alice.email})).await;
        let unknown = post(&app, path, json!({"email": "nobody@acme.example"})).await;
        assert_eq!(known.status, StatusCode::ACCEPTED);
        assert_eq!(known.text, unknown.text);
    }
    app.delivers_outbox().await;
}

#[db_test]
async fn asking_for_a_mail_tells_nothing_however_often(app: TestApp) {
    // D1: verified, unverified and unknown addresses get the same status and the same bytes, limits included.
    let alice = app.alice().await;
    let bob = app.registers_unverified("Bob", "Initech").await;
    let addresses = [alice.email.as_str(), bob.email.as_str(), "nobody@acme.example"];
    for path in ["forgot-password", "verify-email/resend"] {
        for time in 1..=4 {
            let expected = if time == 4 { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::ACCEPTED };
            let mut answers = Vec::new();
            for email in addresses {
                let answer = post(&app, path, json!({"email": email})).await;
                assert_eq!(answer.status, expected, "{path} {email}: {}", answer.text);
                answers.push((answer.without_request_id(), answer.header("retry-after").map(str::to_owned)));
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{path}: {answers:?}");
        }
    }
    app.clock.advance_s(3600);
    for time in 1..=4 {
        let mut answers = Vec::new();
        for email in addresses {
            let answer = app.submits("/forgot", "", &[("email", email)]).await;
            answers.push((answer.status, answer.text.replace(email, "")));
        }
        let expected = if time == 4 { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
        assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == expected), "{answers:?}");
    }
    let sent = app.delivers_outbox().await;
    assert!(sent.iter().all(|mail| mail.to != "nobody@acme.example"));
    let count = |email: &str| sent.iter().filter(|mail| mail.to == email).count();
    assert_eq!((count(&alice.email), count(&bob.email)), (6, 9), "resets to both, proofs to one");
}

#[db_test]
async fn guessing_is_slowed_down_with_a_time_to_wait(app: TestApp) {
    // T-15, X9
    let alice = app.alice().await;
    for _ in 0..10 {
        post(&app, "login", json!({"email": alice.email, "password": "wrong"})).await;
    }
    let answer = post(&app, "login", json!({"email": alice.email, "password": PASSWORD})).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), Some("3600"));
    assert_eq!(alice.get("/api/v1/auth/me").await.status, StatusCode::OK, "who is logged in stays so (X9)");
}

#[db_test]
async fn a_token_dies_with_its_session(app: TestApp) {
    // D2, S25, T-09
    let alice = app.alice().await;
    let path = format!("{AUTH}/me");
    assert_eq!(alice.post(&format!("{AUTH}/logout"), &json!({})).await.status, StatusCode::NO_CONTENT);
    let answer = alice.get(&path).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));

    let again = app.logs_in(&alice).await;
    assert_eq!(again.get(&path).await.status, StatusCode::OK);
    app.clock.advance_s(72 * 3600);
    assert_eq!(again.get(&path).await.status, StatusCode::UNAUTHORIZED);
    for token in ["", "x", "a.b.c", &format!("{}x", again.token)] {
        let bearer = format!("Bearer {token}");
        let answer = app.json(Method::GET, &path, &[("authorization", &bearer)], None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
    }
}

#[db_test]
async fn a_changed_password_ends_the_other_devices_at_once(app: TestApp) {
    // H-10
    let alice = app.alice().await;
    let other = app.logs_in(&alice).await;
    let body = json!({"current_password": PASSWORD, "new_password": "walnut kettle 31"});
    let answer = alice.post(&format!("{AUTH}/change-password"), &body).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert_eq!(other.get("/api/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(alice.get("/api/v1/auth/me").await.status, StatusCode::OK);
    let wrong = alice.post(&format!("{AUTH}/change-password"), &body).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/current_password");
    app.delivers_outbox().await;
}

#[db_test]
async fn a_mailed_secret_is_spent_once_and_a_missing_one_is_an_error(app: TestApp) {
    // T-12, H-23
    let alice = app.registers_unverified("Alice", "Acme").await;
    for path in ["verify-email", "change-email/confirm"] {
        assert_eq!(post(&app, path, json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(post(&app, path, json!({"token": null})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(post(&app, path, json!({"token": ""})).await.status, StatusCode::BAD_REQUEST);
    }
    let empty = json!({"token": "", "password": PASSWORD});
    assert_eq!(post(&app, "reset-password", empty).await.status, StatusCode::BAD_REQUEST);

    let token = mailed(&app, &alice.email);
    assert_eq!(post(&app, "verify-email", json!({"token": token})).await.status, StatusCode::NO_CONTENT);
    let again = post(&app, "verify-email", json!({"token": token})).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_token"));
    assert_eq!(alice.get("/api/v1/auth/me").await.json()["is_email_verified"], true);
}

#[db_test]
async fn a_forgotten_password_is_set_anew(app: TestApp) {
    let alice = app.alice().await;
    post(&app, "forgot-password", json!({"email": alice.email})).await;
    app.delivers_outbox().await;
    let body = json!({"token": mailed(&app, &alice.email), "password": "walnut kettle 31"});
    assert_eq!(post(&app, "reset-password", body).await.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get("/api/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
    let old = post(&app, "login", json!({"email": alice.email, "password": PASSWORD})).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let new = post(&app, "login", json!({"email": alice.email, "password": "walnut kettle 31"})).await;
    assert_eq!(new.status, StatusCode::OK);
    app.delivers_outbox().await;
}

#[db_test]
async fn an_account_moves_to_another_address(app: TestApp) {
    let alice = app.alice().await;
    let body = json!({"password": PASSWORD, "new_email": "Alice@new.example"});
    let answer = alice.post(&format!("{AUTH}/change-email"), &body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    app.delivers_outbox().await;
    let token = mailed(&app, "alice@new.example");
    let answer = post(&app, "change-email/confirm", json!({"token": token})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get("/api/v1/auth/me").await.json()["email"], "Alice@new.example");
    app.delivers_outbox().await;
}

#[db_test]
async fn sessions_are_listed_and_ended_by_their_owner_only(app: TestApp) {
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let path = format!("{AUTH}/sessions");
    let list = alice.get(&path).await.json();
    // One by the API, one by the browser.
    let sessions = list["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions.iter().filter(|session| session["is_current"] == true).count(), 1);
    let current = sessions.iter().find(|session| session["is_current"] == true).unwrap();
    let one = format!("{path}/{}", current["id"].as_str().unwrap());
    assert_eq!(charlie.delete(&one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(alice.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get(&path).await.json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(alice.delete(&one).await.status, StatusCode::NO_CONTENT);
    assert_eq!(alice.get(&path).await.status, StatusCode::UNAUTHORIZED);
}

/// What the authenticator with this secret shows.
fn app_code(app: &TestApp, secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(u64::try_from(app.clock.now().ms() / 1000).unwrap()).to_string()
}

async fn with_second_factor(app: &TestApp, alice: &Person<'_>) -> (String, Vec<String>) {
    let fresh = alice.post(&format!("{AUTH}/totp"), &json!({ "password": PASSWORD })).await.json();
    let secret = fresh["secret"].as_str().unwrap().to_owned();
    assert!(fresh["otpauth_url"].as_str().unwrap().starts_with("otpauth://totp/"));
    let body = json!({"code": app_code(app, &secret)});
    let answer = alice.post(&format!("{AUTH}/totp/confirm"), &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let codes = answer.json()["recovery_codes"].as_array().unwrap().clone();
    app.clock.advance_s(60);
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

#[db_test]
async fn the_second_factor_is_asked_for_after_the_password(app: TestApp) {
    let alice = app.alice().await;
    let (secret, codes) = with_second_factor(&app, &alice).await;
    assert_eq!(alice.get("/api/v1/auth/me").await.json()["has_totp"], true);
    let credentials = json!({"email": alice.email, "password": PASSWORD});
    let first = post(&app, "login", credentials.clone()).await;
    assert_eq!((first.status, first.code().as_str()), (StatusCode::UNAUTHORIZED, "second_factor_required"));
    let challenge = first.json()["challenge"].as_str().unwrap().to_owned();
    let wrong = post(&app, "login/totp", json!({"challenge": challenge, "code": "no-such-code"})).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let body = json!({"challenge": challenge, "code": app_code(&app, &secret)});
    let second = post(&app, "login/totp", body).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    assert_eq!(second.json()["token_type"], "bearer");

    let answer = alice.post(&format!("{AUTH}/totp/recovery-codes"), &json!({"code": codes[0]})).await;
    assert_eq!(answer.json()["recovery_codes"].as_array().unwrap().len(), 10);
    app.clock.advance_s(30);
    let body = json!({"password": PASSWORD, "code": app_code(&app, &secret)});
    let off = alice.request(Method::DELETE, &format!("{AUTH}/totp"), Some(&body)).await;
    assert_eq!(off.status, StatusCode::NO_CONTENT, "{}", off.text);
    assert_eq!(post(&app, "login", credentials).await.status, StatusCode::OK);
}

#[db_test]
async fn a_person_renames_and_deletes_themselves(app: TestApp) {
    let alice = app.alice().await;
    let path = format!("{AUTH}/me");
    let before = alice.get(&path).await;
    let renamed = alice.patch(&path, &json!({"display_name": "Alice A."})).await;
    assert_eq!(renamed.json()["display_name"], "Alice A.");
    assert_ne!(renamed.header("etag"), before.header("etag"));
    let removed = alice.patch(&path, &json!({"display_name": null})).await;
    assert_eq!(removed.json()["display_name"], Value::Null);
    assert_eq!(alice.patch(&path, &json!({"email": "x"})).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    app.bob(&alice, "admin").await;
    let body = json!({"password": PASSWORD});
    let refused = alice.request(Method::DELETE, &path, Some(&body)).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "last_owner"));
    let charlie = app.charlie().await;
    assert_eq!(charlie.request(Method::DELETE, &path, Some(&body)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(charlie.get(&path).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get("/p/globex").await.status, StatusCode::NOT_FOUND, "the page went with it");
}

#[db_test]
async fn a_cookie_alone_changes_nothing_over_the_api(app: TestApp) {
    // X8, T-07
    let alice = app.alice().await;
    let path = format!("{AUTH}/me");
    let body = json!({"display_name": "Charlie"});
    for headers in [
        vec![("cookie", alice.cookie.as_str())],
        vec![("cookie", alice.cookie.as_str()), ("sec-fetch-site", "cross-site")],
        vec![("cookie", alice.cookie.as_str()), ("origin", "https://evil.example")],
        vec![("cookie", alice.cookie.as_str()), ("sec-fetch-site", "same-origin")],
    ] {
        let answer = app.json(Method::PATCH, &path, &headers, Some(&body)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    assert_eq!(alice.get(&path).await.json()["display_name"], "Alice");
}
