//! A headless Chromium, driven through chromedriver. It reaches this machine only: names below `.test` and
//! `.localhost` lead to 127.0.0.1, all others nowhere.

use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::{By, ChromeCapabilities, DesiredCapabilities, WebDriver, WebElement};

/// How long a page may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// One window with a profile of its own. Everything of `WebDriver` is there too (`goto`, `find`, …).
/// Fields are dropped in this order: the programs first, then the folder they write to.
pub struct Browser {
    driver: WebDriver,
    _chromedriver: Chromedriver,
    _profile: TempDir,
}

/// One rule that a page breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Violation {
    /// The rule's name in axe-core.
    pub id: String,
    pub help: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: Option<String>,
    /// CSS selectors of the elements.
    pub elements: Vec<String>,
}

impl Browser {
    /// 1280 × 800, light, scripts on.
    pub async fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("indie-status-browser-").tempdir().unwrap();
        let chromedriver = Chromedriver::start();
        let url = format!("http://127.0.0.1:{}", chromedriver.port);
        let driver = WebDriver::new(url, capabilities(profile.path())).await.expect("Chromium starts");
        let browser = Self { driver, _chromedriver: chromedriver, _profile: profile };
        browser.set_size(1280, 800).await;
        browser
    }

    /// The size of the page, in CSS pixels; unlike a window it may be as narrow as a telephone.
    pub async fn set_size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub async fn set_dark(&self, is_dark: bool) {
        self.set_media("prefers-color-scheme", if is_dark { "dark" } else { "light" }).await;
    }

    /// Any media feature of CSS, such as `forced-colors` or `prefers-reduced-motion`. Replaces the one set before.
    pub async fn set_media(&self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Whether pages that are opened from now on may run scripts.
    pub async fn set_scripts(&self, may_run: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !may_run })).await;
    }

    /// The first element that fits, as soon as there is one: a click returns before the next page stands there.
    ///
    /// # Panics
    /// After ten seconds without one.
    pub async fn wait_for(&self, wanted: By) -> WebElement {
        let begun = Instant::now();
        loop {
            match self.driver.find(wanted.clone()).await {
                Ok(element) => return element,
                Err(error) if begun.elapsed() > PATIENCE => {
                    let page = self.driver.current_url().await;
                    panic!("no {wanted:?} on {page:?} after {PATIENCE:?}: {error}")
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Clicks on what leads to another page, and returns when that page stands there.
    ///
    /// # Panics
    /// When no other page came within ten seconds.
    pub async fn click_through(&self, wanted: By) {
        let element = self.wait_for(wanted.clone()).await;
        // An element of a page that was left is stale; one of a page that stays can always be asked for its name.
        let old_page = self.driver.find(By::Tag("html")).await.expect("a page");
        element.click().await.unwrap_or_else(|error| panic!("click on {wanted:?}: {error}"));
        let begun = Instant::now();
        while old_page.tag_name().await.is_ok() || !self.is_loaded().await {
            let page = self.driver.current_url().await;
            assert!(begun.elapsed() < PATIENCE, "{wanted:?} led nowhere from {page:?}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// While the next page is on its way there is none to run a script in.
    async fn is_loaded(&self) -> bool {
        let state = self.driver.execute("return document.readyState", Vec::new()).await;
        state.is_ok_and(|state| state.json() == "complete")
    }

    /// Writes `NAME.png` into the folder `TEST_SCREENSHOT_DIR`; does nothing when that is not set.
    pub async fn save_screenshot(&self, name: &str) {
        if let Ok(folder) = std::env::var("TEST_SCREENSHOT_DIR") {
            std::fs::create_dir_all(&folder).unwrap();
            let file = PathBuf::from(folder).join(format!("{name}.png"));
            self.driver.screenshot(&file).await.expect("a screenshot");
        }
    }

    /// What axe-core finds on the page as it stands: rules of WCAG 2.2 A and AA, and its best practices.
    pub async fn violations(&self) -> Vec<Violation> {
        const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");
        const RUN: &str = "const done = arguments[0];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, { runOnly: tags }).then(
                (found) => done(found.violations.map(({ id, help, impact, nodes }) =>
                    ({ id, help, impact, elements: nodes.map((node) => node.target.join(' ')) }))),
                (error) => done(String(error)));";
        self.driver.execute(AXE, Vec::new()).await.expect("axe-core loads");
        let found = self.driver.execute_async(RUN, Vec::new()).await.expect("axe-core runs");
        found.convert().unwrap_or_else(|_| panic!("axe-core says {}", found.json()))
    }

    /// # Panics
    /// When axe-core finds anything.
    pub async fn assert_accessible(&self) {
        let violations = self.violations().await;
        let page = self.driver.current_url().await.unwrap();
        assert!(violations.is_empty(), "{page} is not accessible: {violations:#?}");
    }

    /// The polite end. A browser that is dropped instead, by a failing test, is killed.
    pub async fn quit(self) {
        self.driver.clone().quit().await.expect("the browser ends");
    }

    async fn devtools(&self, command: &str, arguments: serde_json::Value) {
        self.driver
            .cdp()
            .send_raw(command, arguments)
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asking chromedriver to end a session may wait for a page that waits for a server of this very thread.
        if self.driver.clone().leak().is_ok()
            && let Some(process) = self.driver.capabilities().get("goog:processID")
        {
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
        }
    }
}

impl Deref for Browser {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}

fn capabilities(profile: &Path) -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    capabilities.set_binary(&program("TEST_CHROMIUM")).unwrap();
    let mut arguments = vec![
        format!("--user-data-dir={}", profile.display()),
        "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, \
         EXCLUDE 127.0.0.1, EXCLUDE localhost"
            .to_owned(),
    ];
    arguments.extend(
        [
            "--headless",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
            "--lang=en-GB",
            "--no-first-run",
            "--no-default-browser-check",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-extensions",
            "--disable-sync",
        ]
        .map(str::to_owned),
    );
    if std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        // Chromium's own sandbox refuses to run as root.
        arguments.push("--no-sandbox".to_owned());
    }
    for argument in arguments {
        capabilities.add_arg(&argument).unwrap();
    }
    capabilities
}

fn program(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "This test needs a browser and {variable} is not set: run `scripts/test`, \
             or `scripts/services COMMAND` for a command of your own."
        )
    })
}

struct Chromedriver {
    process: Child,
    port: u16,
    /// Kept, because chromedriver does not survive a closed output.
    _output: BufReader<ChildStdout>,
}

impl Chromedriver {
    fn start() -> Self {
        let mut process = Command::new(program("TEST_CHROMEDRIVER"))
            .args(["--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        let port = loop {
            let before = said.len();
            assert!(output.read_line(&mut said).unwrap() > 0, "chromedriver ended: {said}");
            if let Some((_, port)) = said[before..].split_once("successfully on port ") {
                break port.trim().trim_end_matches('.').parse().expect("a port");
            }
        };
        Self { process, port, _output: output }
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
