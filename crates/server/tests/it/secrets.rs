//! No secret of a person stands in the log, at whatever level, or readable in the database (T-22, H-27).

use domain::notification::Message;
use http::Method;
use serde_json::{Value, json};
use testkit::{HttpAnswer, PASSWORD, TestApp, TraceLog, db_test};
use tracing::instrument::WithSubscriber as _;

const RESET_PASSWORD: &str = "canary kettle of copper 31";
const NEWCOMER_PASSWORD: &str = "canary ladder of birch 57";
const WRONG_PASSWORD: &str = "canary umbrella of felt 73";

/// The secret of the newest mail to somebody.
fn mailed(app: &TestApp, email: &str) -> String {
    let newest = serde_json::to_value(app.mails_to(email).pop().unwrap().message).unwrap();
    newest["link"].as_str().unwrap().rsplit_once('=').unwrap().1.to_owned()
}

fn cookie(answer: &HttpAnswer) -> String {
    let set = answer.header("set-cookie").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
    set.split_once('=').unwrap().1.split(';').next().unwrap().to_owned()
}

async fn api(app: &TestApp, path: &str, body: Value) -> HttpAnswer {
    let answer = app.json(Method::POST, &format!("/api/v1/auth/{path}"), &[], Some(&body)).await;
    app.delivers_outbox().await;
    answer
}

/// Signs up, logs in rightly and wrongly, sets up a second factor, resets the password, invites somebody who joins;
/// every secret that went over the wire.
async fn lives(app: &TestApp) -> Vec<(&'static str, String)> {
    let alice = app.alice().await;
    let email = alice.email.as_str();
    let Message::VerifyEmail { link } = app.mails_to(email).remove(0).message else { panic!("a proof") };
    let mut secrets = vec![
        ("access token", alice.token.clone()),
        ("signature of the access token", alice.token.rsplit('.').next().unwrap().to_owned()),
        ("session", alice.cookie.split_once('=').unwrap().1.to_owned()),
        ("link that proves the address", link.rsplit_once('=').unwrap().1.to_owned()),
    ];
    api(app, "login", json!({"email": email, "password": WRONG_PASSWORD})).await;

    let path = format!("/api/v1/organizations/{}/invitations", alice.organization);
    alice.post(&path, &json!({"email": "bob@initech.example", "role": "member"})).await;
    app.delivers_outbox().await;
    let invitation = mailed(app, "bob@initech.example");
    app.get(&format!("/invite?token={invitation}")).await;
    let path = format!("/invite/{invitation}");
    app.submits(&path, "", &[("password", "short")]).await;
    let joined = app.submits(&path, "", &[("password", NEWCOMER_PASSWORD)]).await;
    secrets.extend([("session of the newcomer", cookie(&joined)), ("invitation", invitation)]);

    api(app, "forgot-password", json!({ "email": email })).await;
    let reset = mailed(app, email);
    app.get(&format!("/reset?token={reset}")).await;
    let body = json!({"token": reset, "password": RESET_PASSWORD});
    assert!(api(app, "reset-password", body).await.status.is_success());
    let entered = app.submits("/login", "", &[("email", email), ("password", RESET_PASSWORD)]).await;
    secrets.extend([("reset", reset), ("second session", cookie(&entered))]);
    let back = api(app, "login", json!({"email": email, "password": RESET_PASSWORD})).await.json();
    let token = back["access_token"].as_str().unwrap().to_owned();
    secrets.extend(second_factor(app, email, &token).await);
    secrets.push(("second access token", token));
    secrets
}

async fn second_factor(app: &TestApp, email: &str, token: &str) -> Vec<(&'static str, String)> {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let body = json!({ "password": RESET_PASSWORD });
    let started = app.json(Method::POST, "/api/v1/auth/totp", &headers, Some(&body)).await.json();
    let link = started["otpauth_url"].as_str().unwrap().to_owned();
    let now = u64::try_from(app.clock.now().ms() / 1000).unwrap();
    let code = totp_rs::Totp::from_url(link).unwrap().generate(now).to_string();
    let body = json!({ "code": code });
    let on = app.json(Method::POST, "/api/v1/auth/totp/confirm", &headers, Some(&body)).await.json();
    let fields = [("email", email), ("password", RESET_PASSWORD)];
    let asked = app.submits("/login", "", &fields).await;
    let challenge = asked.text.split_once("name=\"challenge\" value=\"").unwrap().1;
    vec![
        ("secret of the app", started["secret"].as_str().unwrap().to_owned()),
        ("recovery code", on["recovery_codes"][0].as_str().unwrap().to_owned()),
        ("challenge", challenge.split_once('"').unwrap().0.to_owned()),
    ]
}

/// As bytes stand in a dump.
fn hexadecimal(text: &str) -> String {
    let digits: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

#[db_test]
async fn no_secret_is_logged_or_stored_as_it_is(app: TestApp) {
    let log = TraceLog::default();
    let mut secrets = lives(&app).with_subscriber(log.dispatch()).await;
    secrets.extend([
        ("password", PASSWORD.to_owned()),
        ("password after the reset", RESET_PASSWORD.to_owned()),
        ("password of the newcomer", NEWCOMER_PASSWORD.to_owned()),
        ("wrong password", WRONG_PASSWORD.to_owned()),
    ]);
    let (log, rows) = (log.text(), app.db.dump().await.to_lowercase());
    assert!(log.contains("password_hash = $2"), "statements are logged: {} bytes", log.len());
    assert!(rows.contains("alice@acme.example") && rows.contains("$argon2id$"));
    for (name, secret) in secrets {
        assert!(secret.len() >= 16, "{name} is no secret: {secret}");
        for shape in [secret.clone(), secret.replace(' ', "+"), secret.replace(' ', "%20")] {
            assert!(!log.contains(&shape), "{name} is in the log");
        }
        assert!(!rows.contains(&secret.to_lowercase()), "{name} is in the database");
        assert!(!rows.contains(&hexadecimal(&secret)), "{name} is in the database, as bytes");
    }
}
