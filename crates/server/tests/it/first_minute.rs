//! A stranger's first minutes in a real browser, with a real server to watch (U-5; S14, S15, S28, X42): at most four
//! fields are typed, the page tells the truth within seconds, and the outage stands in the history afterwards.

use std::time::{Duration, Instant};

use domain::time::Timestamp;
use testkit::{Browser, By, Program, Target, TestDatabase, db_test};

const BINARY: &str = env!("CARGO_BIN_EXE_indie-status");
/// What the monitor is set to, seconds: tiers are not enforced on this installation.
const INTERVAL_S: u64 = 5;
const FAILURES: u64 = 2;

#[db_test]
async fn from_sign_up_to_a_watched_page_through_an_outage_and_back(db: TestDatabase) {
    let target = Target::start().await;
    let settings =
        [("INDIE_STATUS_EGRESS__ALLOW_CIDRS", "127.0.0.0/8"), ("INDIE_STATUS_PLANS__ENFORCE", "false")];
    let program = Program::start(BINARY, &db, &settings).await;
    let browser = Browser::start().await;

    let begun = Instant::now();
    browser.goto(program.url("/")).await.unwrap();
    browser.goto(program.url("/signup")).await.unwrap();
    let mut typed = 0;
    typed += fill(&browser, "email", "alice@acme.example").await;
    typed += fill(&browser, "password", "a quiet lamp by the window").await;
    submit(&browser).await;
    typed += fill(&browser, "url", &target.url("/")).await;
    submit(&browser).await;
    browser.assert_accessible().await;
    follow(&browser, "See your page").await;
    wait_for_text(&browser, "operational", Duration::from_mins(1)).await;
    assert!(begun.elapsed() < Duration::from_mins(1), "sign-up to a watched page took {:?}", begun.elapsed());
    assert!(typed <= 4, "{typed} fields were typed");
    browser.assert_accessible().await;
    browser.save_screenshot(&format!("first-minute-up-{}", db.kind().as_str())).await;
    let page = browser.current_url().await.unwrap().to_string();

    check_every(&browser, INTERVAL_S).await;
    browser.goto(&page).await.unwrap();
    tokio::time::sleep(Duration::from_secs(INTERVAL_S)).await;
    let stopped = Instant::now();
    target.stop().await;
    wait_for_text(&browser, "major outage", Duration::from_secs(INTERVAL_S * FAILURES + 30)).await;
    let noticed = stopped.elapsed();
    assert!(noticed <= Duration::from_secs(INTERVAL_S * FAILURES + 5), "the outage showed after {noticed:?}");
    browser.assert_accessible().await;
    browser.save_screenshot(&format!("first-minute-down-{}", db.kind().as_str())).await;

    target.restart().await;
    wait_for_text(&browser, "was down from", Duration::from_secs(INTERVAL_S * 2 + 30)).await;
    // D3: the outage begins with the first failed check, not with the one that confirmed it.
    let first_failed = first_failed_check(&db).await;
    let text = page_text(&browser).await;
    let clock = first_failed.to_jiff().strftime("%H:%M").to_string();
    assert!(text.contains(&format!("was down from {clock}")), "no outage from {clock} in: {text}");
    browser.quit().await;
}

/// Types into a field; 1, for counting.
async fn fill(browser: &Browser, id: &str, text: &str) -> u32 {
    let field = browser.wait_for(By::Id(id)).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
    1
}

/// Presses the one primary button of the form.
async fn submit(browser: &Browser) {
    browser.click_through(By::Css("main form button.first, form button.first")).await;
}

async fn follow(browser: &Browser, link: &str) {
    browser.click_through(By::LinkText(link)).await;
}

async fn page_text(browser: &Browser) -> String {
    browser.wait_for(By::Tag("main")).await.text().await.unwrap()
}

/// Reloads the page until the text stands there, in any case of letters.
async fn wait_for_text(browser: &Browser, wanted: &str, limit: Duration) {
    let begun = Instant::now();
    loop {
        let text = page_text(browser).await;
        if text.to_lowercase().contains(wanted) {
            return;
        }
        assert!(begun.elapsed() < limit, "no {wanted:?} within {limit:?} in: {text}");
        tokio::time::sleep(Duration::from_millis(300)).await;
        browser.refresh().await.unwrap();
    }
}

/// Over the API, as a person who knows how: the interval that the rest of the test waits for.
async fn check_every(browser: &Browser, seconds: u64) {
    let script = format!(
        "const done = arguments[arguments.length - 1];
         (async () => {{
            const login = await fetch('/api/v1/auth/login', {{method: 'POST', headers: {{'content-type': 'application/json'}},
                body: JSON.stringify({{email: 'alice@acme.example', password: 'a quiet lamp by the window'}})}});
            const headers = {{authorization: 'Bearer ' + (await login.json()).access_token, 'content-type': 'application/json'}};
            const monitor = (await (await fetch('/api/v1/monitors', {{headers}})).json()).data[0];
            const answer = await fetch('/api/v1/monitors/' + monitor.id, {{method: 'PATCH', headers,
                body: JSON.stringify({{interval_seconds: {seconds}, timeout_seconds: 2, failures_to_open: {FAILURES}}})}});
            done(answer.status);
         }})();"
    );
    let status = browser.execute_async(script, Vec::new()).await.unwrap();
    assert_eq!(status.json(), &serde_json::json!(200));
}

/// Of all raw results the oldest that failed.
async fn first_failed_check(db: &TestDatabase) -> Timestamp {
    db.first_failed_check().await.expect("a check failed")
}
