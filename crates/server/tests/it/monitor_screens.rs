//! The screens of monitors in a real browser: every form and the page of a monitor are accessible, narrow and wide, light
//! and dark, and a monitor is tried and saved with the keyboard (U-3, U-4).

use domain::monitor::MonitorKind;
use testkit::{Browser, By, Program, Target, TestDatabase, db_test};

const BINARY: &str = env!("CARGO_BIN_EXE_indie-status");
const WIDTHS: [(u32, bool); 2] = [(1280, false), (360, true)];

#[db_test]
async fn forms_and_pages_of_monitors_are_accessible_and_work_by_keyboard(db: TestDatabase) {
    let target = Target::start().await;
    let settings =
        [("INDIE_STATUS_EGRESS__ALLOW_CIDRS", "127.0.0.0/8"), ("INDIE_STATUS_PLANS__ENFORCE", "false")];
    let program = Program::start(BINARY, &db, &settings).await;
    let browser = Browser::start().await;
    browser.goto(program.url("/signup")).await.unwrap();
    fill(&browser, "email", "alice@acme.example").await;
    fill(&browser, "password", "a quiet lamp by the window").await;
    browser.click_through(By::Css("form button.first")).await;
    fill(&browser, "url", &target.url("/")).await;
    browser.click_through(By::Css("form button.first")).await;
    let root = root(&browser).await;

    for kind in MonitorKind::OFFERED {
        browser.goto(format!("{root}/monitors/new?kind={}", kind.as_str())).await.unwrap();
        looks_right(&browser, &format!("form-{}", kind.as_str())).await;
    }

    browser.goto(format!("{root}/monitors/new?kind=tcp")).await.unwrap();
    let address = target.address();
    fill(&browser, "settings_host", &address.ip().to_string()).await;
    fill(&browser, "settings_port", &address.port().to_string()).await;
    browser.click_through(By::Css("button[formaction$='/test']")).await;
    let seen = browser.wait_for(By::Id("trial")).await;
    assert!(seen.text().await.unwrap().contains("It answers"), "{}", seen.text().await.unwrap());
    let focused = browser.active_element().await.unwrap();
    assert_eq!(focused.id().await.unwrap().as_deref(), Some("trial"), "what was seen is read out first");
    looks_right(&browser, "tried").await;

    // The Enter key saves; it neither tries nor adds rows.
    let port = browser.wait_for(By::Id("settings_port")).await;
    port.send_keys("\u{e007}").await.unwrap();
    let heading = browser.wait_for(By::Css(".facts")).await;
    assert!(heading.text().await.unwrap().contains("Every"), "no page of the monitor");
    looks_right(&browser, "monitor-new").await;

    browser.goto(format!("{root}/monitors")).await.unwrap();
    let first = By::Css(".tt a.name");
    browser.click_through(first).await;
    for range in ["24 h", "7 d", "90 d"] {
        browser.click_through(By::LinkText(range)).await;
        looks_right(&browser, &format!("monitor-{}", range.replace(' ', ""))).await;
    }
    browser.quit().await;
}

async fn fill(browser: &Browser, id: &str, text: &str) {
    let field = browser.wait_for(By::Id(id)).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

/// Address of the organization's pages.
async fn root(browser: &Browser) -> String {
    let url = browser.current_url().await.unwrap().to_string();
    let (root, _) = url.split_once("/welcome").unwrap_or_else(|| panic!("not the first steps: {url}"));
    root.to_owned()
}

/// With everything unfolded: no rule of axe is broken, and nothing is wider than the window.
async fn looks_right(browser: &Browser, name: &str) {
    let script = "for (const part of document.querySelectorAll('main details')) part.open = true;";
    browser.execute(script, Vec::new()).await.unwrap();
    for (width, is_dark) in WIDTHS {
        browser.set_size(width, 900).await;
        browser.set_dark(is_dark).await;
        browser.assert_accessible().await;
        let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let wider = browser.execute(script, Vec::new()).await.unwrap();
        assert_eq!(wider.json(), &serde_json::json!(0), "{name} at {width}");
        browser.save_screenshot(&format!("{name}-{width}")).await;
    }
    browser.set_size(1280, 800).await;
}
