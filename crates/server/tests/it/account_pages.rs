//! Accounts in the browser, without JavaScript.

use domain::notification::Message;
use http::StatusCode;
use testkit::{HttpAnswer as Answer, PASSWORD, TestApp, db_test};

const EMAIL: &str = "alice@acme.example";

/// The session cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

/// The path with query of the link in the newest mail.
fn mailed_path(app: &TestApp, email: &str) -> String {
    let newest = app.mails_to(email).pop().unwrap().message;
    let (Message::VerifyEmail { link } | Message::ResetPassword { link } | Message::ChangeEmail { link, .. }) =
        newest
    else {
        panic!("a mail without a link")
    };
    link.strip_prefix(testkit::PUBLIC_URL).unwrap().to_owned()
}

/// Where the form of a page goes.
fn action(page: &Answer) -> String {
    page.text.split_once("action=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[db_test]
async fn two_fields_lead_to_the_first_check(app: TestApp) {
    // ux.md 2.1
    let page = app.get("/signup").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.text.matches("<input").count() - page.text.matches("type=\"hidden\"").count(), 2);
    let answer = app.submits("/signup", "", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.header("location"), Some("/orgs/acme/welcome"));
    let set = answer.header("set-cookie").unwrap();
    for part in ["__Host-session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=259200"] {
        assert!(set.contains(part), "{part} in {set} (T-07)");
    }
    let again = app.submits("/signup", "", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains("Email already registered"));
    let weak = app.submits("/signup", "", &[("email", "bob@acme.example"), ("password", "short")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.text.contains("value=\"bob@acme.example\"") && !weak.text.contains("value=\"short\""));
    app.delivers_outbox().await;
}

#[db_test]
async fn a_closed_installation_offers_no_sign_up(database: testkit::TestDatabase) {
    let app = TestApp::with(
        database,
        |policy| policy.is_registration_open = false,
        egress::EgressConfig::default(),
    );
    let page = app.get("/signup").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("Sign-up is closed"));
    let answer = app.submits("/signup", "", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[db_test]
async fn forms_of_strangers_are_taken_from_our_own_pages_only(app: TestApp) {
    // T-07: log-in CSRF
    use http::{Request, header};
    for path in ["/signup", "/login", "/login/code", "/forgot", "/reset/x", "/verify/x", "/change-email/x"] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("x-y", "z"),
        ] {
            let request = Request::post(path)
                .header(name, value)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(format!("email={EMAIL}&password=x").into())
                .unwrap();
            assert_eq!(app.send(request).await.status, StatusCode::FORBIDDEN, "{path} {name}: {value}");
        }
    }
}

#[db_test]
async fn log_in_leads_back_to_where_it_was_asked_for_and_nowhere_else(app: TestApp) {
    let alice = app.alice().await;
    let asked = app.get("/orgs/acme/services").await;
    let to = asked.header("location").unwrap().to_owned();
    assert_eq!(to, "/login?next=%2Forgs%2Facme%2Fservices");
    let page = app.get(&to).await;
    assert!(page.text.contains("name=\"next\" value=\"/orgs/acme/services\""));
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    for (next, expected) in [
        ("/orgs/acme/services", "/orgs/acme/services"),
        ("", "/orgs"),
        ("https://evil.example/", "/orgs"),
        ("//evil.example/", "/orgs"),
        ("/\\evil.example/", "/orgs"),
    ] {
        let answer = app.submits("/login", "", &[fields[0], fields[1], ("next", next)]).await;
        assert_eq!(answer.header("location"), Some(expected), "{next}");
        let first = cookie(&answer);
        assert_ne!(first, alice.cookie, "T-08: a session of its own");
    }
    let wrong = app.submits("/login", &alice.cookie, &[("email", EMAIL), ("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.header("set-cookie").is_none());
    let unknown = app.submits("/login", "", &[("email", "nobody@acme.example"), ("password", "wrong")]).await;
    assert_eq!(wrong.text, unknown.text.replace("nobody@", "alice@"), "D1");
}

#[db_test]
async fn below_a_path_log_in_leads_back_with_path_and_query(app: TestApp) {
    // X30: whether the proxy in front takes the path off or leaves it
    app.alice().await;
    let app = app.at("https://example.test/status");
    let next = "/status/orgs/acme/monitors?state=down&page=2";
    for asked in [next, next.strip_prefix("/status").unwrap()] {
        let to = app.get(asked).await.header("location").unwrap().to_owned();
        assert_eq!(
            to, "/status/login?next=%2Fstatus%2Forgs%2Facme%2Fmonitors%3Fstate%3Ddown%26page%3D2",
            "{asked}"
        );
        let form = app.get(&to).await;
        assert!(form.text.contains(&format!("name=\"next\" value=\"{}\"", next.replace('&', "&#38;"))));
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        let answer = app.submits("/status/login", "", &fields).await;
        assert_eq!(answer.header("location"), Some(next));
    }
}

#[db_test]
async fn logging_out_ends_the_session_and_takes_the_cookie(app: TestApp) {
    let alice = app.alice().await;
    let forged = app.submits("/logout", &alice.cookie, &[("csrf", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let answer = alice.submits("/logout", &[]).await;
    assert_eq!(answer.header("location"), Some("/login?done=logged-out"));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(alice.opens("/account").await.header("location"), Some("/login?next=%2Faccount"));
    assert!(app.get("/login?done=logged-out").await.text.contains("You are logged out."));
}

#[db_test]
async fn opening_a_mailed_link_changes_nothing_and_its_button_acts(app: TestApp) {
    // H-31, T-12
    let alice = app.registers_unverified("Alice", "Acme").await;
    let path = mailed_path(&app, &alice.email);
    for _ in 0..3 {
        let page = app.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert!(!page.text.contains("https://"), "nothing from elsewhere is loaded");
    }
    assert_eq!(alice.get("/api/v1/auth/me").await.json()["is_email_verified"], false);
    let button = action(&app.get(&path).await);
    let done = app.submits(&button, "", &[]).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(done.text.contains("Your address is verified"));
    assert_eq!(alice.get("/api/v1/auth/me").await.json()["is_email_verified"], true);
    assert_eq!(app.submits(&button, "", &[]).await.status, StatusCode::BAD_REQUEST);
    for path in ["/verify", "/verify?token=", "/reset?token=x", "/change-email?token=%3Cscript%3E"] {
        assert_eq!(app.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[db_test]
async fn the_banner_sends_the_mail_again(app: TestApp) {
    let alice = app.registers_unverified("Alice", "Acme").await;
    let answer = alice.submits("/verify/resend", &[]).await;
    assert_eq!(answer.header("location"), Some("/orgs/acme?done=verification-sent"));
    assert_eq!(app.delivers_outbox().await.len(), 1);
}

#[db_test]
async fn a_forgotten_password_is_set_by_the_link(app: TestApp) {
    let alice = app.alice().await;
    let known = app.submits("/forgot", "", &[("email", EMAIL)]).await;
    let unknown = app.submits("/forgot", "", &[("email", "nobody@acme.example")]).await;
    assert_eq!(known.text, unknown.text, "D1");
    app.delivers_outbox().await;
    let page = app.get(&mailed_path(&app, EMAIL)).await;
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let form = action(&page);
    let weak = app.submits(&form, "", &[("password", "short")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = app.submits(&form, "", &[("password", "walnut kettle 31")]).await;
    assert_eq!(answer.header("location"), Some("/login?done=password-set"));
    assert_eq!(alice.opens("/account").await.status, StatusCode::SEE_OTHER, "every session is ended");
    let fields = [("email", EMAIL), ("password", "walnut kettle 31")];
    assert_eq!(app.submits("/login", "", &fields).await.status, StatusCode::SEE_OTHER);
    app.delivers_outbox().await;
}

#[db_test]
async fn the_account_page_changes_what_it_shows(app: TestApp) {
    let alice = app.alice().await;
    let answer = alice.submits("/account/name", &[("display_name", "Alice A.")]).await;
    assert_eq!(answer.header("location"), Some("/account?done=name-saved"));
    let page = alice.opens("/account?done=name-saved").await;
    assert!(page.text.contains("value=\"Alice A.\"") && page.text.contains("Your name is saved."));

    let fields = [("current_password", "wrong"), ("new_password", "walnut kettle 31")];
    let wrong = alice.submits("/account/password", &fields).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("This is not your password."));
    let fields = [("current_password", PASSWORD), ("new_password", "walnut kettle 31")];
    let answer = alice.submits("/account/password", &fields).await;
    assert_eq!(answer.header("location"), Some("/account?done=password-changed"));

    let fields = [("email", "alice@new.example"), ("email_password", PASSWORD)];
    let wrong = alice.submits("/account/email", &fields).await;
    assert!(wrong.text.contains("id=\"email_password-hint\"") && wrong.text.contains("alice@new.example"));
    let fields = [("email", "alice@new.example"), ("email_password", "walnut kettle 31")];
    let answer = alice.submits("/account/email", &fields).await;
    assert_eq!(answer.header("location"), Some("/account?done=confirmation-sent"));
    assert!(alice.opens("/account").await.text.contains("alice@new.example waits for its confirmation"));
    app.delivers_outbox().await;
    let button = action(&app.get(&mailed_path(&app, "alice@new.example")).await);
    assert!(app.submits(&button, "", &[]).await.text.contains("Your account has its new address"));
    assert!(alice.opens("/account").await.text.contains("alice@new.example"));
    app.delivers_outbox().await;
}

#[db_test]
async fn sessions_are_ended_by_a_button(app: TestApp) {
    let alice = app.alice().await;
    let other = app.logs_in(&alice).await;
    assert!(alice.opens("/account").await.text.contains("this one"));
    let current = other.get("/api/v1/auth/sessions").await.json();
    let current = current["data"].as_array().unwrap().iter().find(|one| one["is_current"] == true).unwrap();
    let path = format!("/account/sessions/{}/end", current["id"].as_str().unwrap());
    assert_eq!(alice.submits(&path, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/api/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(alice.submits(&path, &[]).await.status, StatusCode::NOT_FOUND);
    alice.submits("/account/sessions/end-others", &[]).await;
    assert_eq!(other.opens("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(alice.opens("/account").await.status, StatusCode::OK);
}

#[db_test]
async fn a_second_factor_is_set_up_used_and_switched_off(app: TestApp) {
    let alice = app.alice().await;
    assert_eq!(alice.opens("/account/two-factor").await.header("location"), Some("/account"));
    let wrong = alice.submits("/account/two-factor/start", &[("totp_password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("id=\"totp_password-hint\""), "{}", wrong.text);
    let answer = alice.submits("/account/two-factor/start", &[("totp_password", PASSWORD)]).await;
    assert_eq!(answer.header("location"), Some("/account/two-factor"));
    let page = alice.opens("/account/two-factor").await;
    assert_eq!(page.text, alice.opens("/account/two-factor").await.text, "showing it changes nothing (T-07)");
    let link = page.text.split_once("href=\"otpauth://").unwrap().1.split_once('"').unwrap().0;
    let link = format!("otpauth://{}", link.replace("&#38;", "&").replace("&amp;", "&"));
    let totp = totp_rs::Totp::from_url(link).unwrap();
    let code = || totp.generate(u64::try_from(app.clock.now().ms() / 1000).unwrap()).to_string();

    let wrong = alice.submits("/account/two-factor", &[("code", "none")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let codes = alice.submits("/account/two-factor", &[("code", &code())]).await;
    let listed = codes.text.split_once("class=\"codes").unwrap().1.split_once("</ol>").unwrap().0;
    assert_eq!(listed.matches("<li>").count(), 10, "{}", codes.text);
    app.clock.advance_s(60);

    let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/account")];
    let second = app.submits("/login", "", &fields).await;
    assert_eq!(second.status, StatusCode::OK);
    assert!(second.header("set-cookie").is_none());
    let challenge = second.text.split_once("name=\"challenge\" value=\"").unwrap().1;
    let challenge = challenge.split_once('"').unwrap().0;
    let fields = [("challenge", challenge), ("code", "none"), ("next", "/account")];
    assert_eq!(app.submits("/login/code", "", &fields).await.status, StatusCode::UNAUTHORIZED);
    let code_now = code();
    let fields = [("challenge", challenge), ("code", code_now.as_str()), ("next", "/account")];
    let answer = app.submits("/login/code", "", &fields).await;
    assert_eq!(answer.header("location"), Some("/account"));
    let over = app.submits("/login/code", "", &fields).await;
    assert_eq!(over.status, StatusCode::BAD_REQUEST);
    assert!(over.text.contains("Log in again"));

    app.clock.advance_s(30);
    let renewed = alice.submits("/account/recovery-codes", &[("recovery_code", &code())]).await;
    let listed = renewed.text.split_once("class=\"codes").unwrap().1.split_once("</ol>").unwrap().0;
    assert_eq!(listed.matches("<li>").count(), 10);
    app.clock.advance_s(30);
    let code_now = code();
    let fields = [("disable_password", PASSWORD), ("code", code_now.as_str())];
    let answer = alice.submits("/account/two-factor/disable", &fields).await;
    assert_eq!(answer.header("location"), Some("/account?done=two-factor-off"), "{}", answer.text);
}

#[db_test]
async fn an_unproved_address_gets_no_second_factor(app: TestApp) {
    // Whoever signed up with somebody else's address could lock them out with it.
    let alice = app.registers_unverified("Alice", "Acme").await;
    let page = alice.opens("/account").await;
    assert!(page.text.contains("Verify your address to set it up."));
    assert!(!page.text.contains("two-factor/start"));
    let answer = alice.submits("/account/two-factor/start", &[("totp_password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let start = serde_json::json!({ "password": PASSWORD });
    let answer = alice.post("/api/v1/auth/totp", &start).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    app.verifies(&alice.email).await;
    assert_eq!(alice.post("/api/v1/auth/totp", &serde_json::json!({})).await.status, 422);
    assert_eq!(alice.post("/api/v1/auth/totp", &start).await.status, StatusCode::OK);
}

#[db_test]
async fn an_account_is_deleted_unless_others_need_it(app: TestApp) {
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    app.bob(&alice, "member").await;
    let fields = [("delete_password", PASSWORD)];
    let refused = alice.submits("/account/delete", &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(alice.opens("/account").await.text.contains("You are the only owner of Acme"));
    let wrong = charlie.submits("/account/delete", &[("delete_password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = charlie.submits("/account/delete", &fields).await;
    assert!(gone.text.contains("Your account is deleted"), "{}", gone.text);
    assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(charlie.opens("/account").await.status, StatusCode::SEE_OTHER);
}
