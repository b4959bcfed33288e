//! The browser, against the target server.

use sha2::{Digest as _, Sha256};
use testkit::{Answer, Browser, Target};
use thirtyfour::By;

const PAGE: &str = r#"<!doctype html><html lang="en"><title>Status</title>
<style>@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }</style>
<body><main><h1>All fine</h1><p id="script">off</p><img src="/a.png" ALT></main>
<script>document.getElementById('script').textContent = innerWidth + ' ' + matchMedia('(prefers-color-scheme: dark)').matches</script>"#;

async fn text(browser: &Browser) -> String {
    browser.find(By::Id("script")).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn the_browser_shows_a_page_in_the_size_and_theme_asked_for() {
    let target = Target::start().await;
    let page = |alt| Answer::status(200).header("Content-Type", "text/html").body(PAGE.replace("ALT", alt));
    target.answer("/", page("alt=''"));
    let browser = Browser::start().await;
    let at_a_name = format!("http://status.test:{}/", target.address().port());
    browser.goto(&at_a_name).await.unwrap();
    assert_eq!(text(&browser).await, "1280 false");
    browser.assert_accessible().await;

    browser.set_size(360, 700).await;
    browser.set_dark(true).await;
    browser.refresh().await.unwrap();
    assert_eq!(text(&browser).await, "360 true");

    browser.set_scripts(false).await;
    browser.refresh().await.unwrap();
    assert_eq!(text(&browser).await, "off");

    browser.set_scripts(true).await;
    target.answer("/", page(""));
    browser.refresh().await.unwrap();
    let violations = browser.violations().await;
    let found: Vec<_> =
        violations.iter().map(|found| (found.id.as_str(), found.elements.as_slice())).collect();
    assert_eq!(found, [("image-alt", ["img".to_owned()].as_slice())]);
    browser.save_screenshot("testkit").await;
    browser.quit().await;
}

#[test]
fn the_vendored_file_is_the_one_that_was_recorded() {
    let read =
        |name| std::fs::read(format!("{}/vendor/axe-core/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let checksum = hex::encode(Sha256::digest(read("axe.min.js")));
    assert!(String::from_utf8(read("README.md")).unwrap().contains(&checksum), "{checksum}");
}
