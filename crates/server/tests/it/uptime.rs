//! One figure on every surface: page, documents, feed, badges, API and dashboard tell the same to the last digit (D8), and
//! the API says what it is made of.

use domain::id::{MonitorId, ServiceId};
use domain::incident::{Impact, Incident, IncidentStatus};
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::service::ServiceStatus;
use domain::time::{DAY_MS, Timestamp};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use store::OrgScope;
use testkit::{Person, START, TestApp, db_test};

/// Alice's organization with a service of two monitors on its default page.
struct Watched<'a> {
    app: &'a TestApp,
    alice: Person<'a>,
    scope: OrgScope,
    page: String,
    service: ServiceId,
    monitors: Vec<MonitorId>,
}

impl<'a> Watched<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let alice = app.alice().await;
        let service = alice.creates_service("API").await;
        let mut monitors = Vec::new();
        for path in ["one", "two"] {
            let body = json!({"service_id": service, "url": format!("https://example.com/{path}")});
            let made = alice.post("/api/v1/monitors", &body).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            monitors.push(made.json()["id"].as_str().unwrap().parse().unwrap());
        }
        let pages = alice.get("/api/v1/pages").await.json();
        let mut conn = app.db.read().await.unwrap();
        let (user, organization) = (alice.user_id.parse().unwrap(), alice.organization.parse().unwrap());
        let member = store::organizations::find_membership(&mut conn, user, organization).await.unwrap();
        let page = format!("/api/v1/pages/{}", pages["data"][0]["id"].as_str().unwrap());
        let (scope, service) = (member.unwrap().scope(), service.parse().unwrap());
        Self { app, alice, scope, page, service, monitors }
    }

    async fn patches_page(&self, body: &Value) {
        let answer = self.alice.patch(&self.page, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }

    /// One monitor's past, as states with how long ago each began; the last one lasts.
    async fn lived(&self, monitor: usize, spans: &[(i64, MonitorState)]) {
        let id = self.monitors[monitor];
        let mut tx = self.app.db.write().await.unwrap();
        store::state_intervals::rewind(&mut tx, self.scope, id, Timestamp::from_ms(0)).await.unwrap();
        for (ago_ms, state) in spans {
            let at = START.plus_ms(-ago_ms);
            store::state_intervals::close(&mut tx, self.scope, id, at).await.unwrap();
            store::state_intervals::open(&mut tx, self.scope, id, self.service, *state, at).await.unwrap();
        }
        tx.commit().await.unwrap();
        self.app.state.pages.clone().forget_all();
    }

    async fn suffered(&self, number: u128, status: ServiceStatus, ago_ms: i64, lasting_ms: i64) {
        let id = domain::id::IncidentId::new(uuid::Uuid::from_u128(number));
        let organization_id = self.scope.organization_id();
        let start = START.plus_ms(-ago_ms);
        let incident = Incident {
            id,
            organization_id,
            title: format!("Incident {number}"),
            status: IncidentStatus::Resolved,
            impact: Impact::Major,
            started_at: start,
            resolved_at: Some(start.plus_ms(lasting_ms)),
            origin: domain::incident::IncidentOrigin::Person,
            is_edited: false,
            created_at: start,
            updated_at: start,
        };
        let mut tx = self.app.db.write().await.unwrap();
        store::incidents::insert(&mut tx, self.scope, &incident).await.unwrap();
        store::incidents::put_service(&mut tx, self.scope, id, self.service, status).await.unwrap();
        tx.commit().await.unwrap();
        self.app.state.pages.clone().forget_all();
    }

    async fn api(&self, query: &str) -> Value {
        let answer = self.alice.get(&format!("/api/v1/services/{}/uptime{query}", self.service)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    async fn public(&self, path: &str) -> String {
        let answer = self.app.get(&format!("/p/acme/status{path}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.text
    }

    /// What every surface says about the last 90 days.
    async fn told(&self) -> Vec<(&'static str, String)> {
        let service = self.service;
        let html = self.public("").await;
        let components =
            serde_json::from_str::<Value>(&self.public("/api/v2/components.json").await).unwrap();
        let component = &components["components"][0];
        let badge = self.public(&format!("/badge/{service}.json?kind=uptime&period=90d")).await;
        let badge = serde_json::from_str::<Value>(&badge).unwrap();
        let svg = self.public(&format!("/badge/{service}.svg?kind=uptime")).await;
        let feed = self.public("/history.atom").await;
        let overview = self.alice.opens("/orgs/acme").await.text;
        let api = self.api("").await;
        assert_eq!(component["uptime_percent"], api["uptime_percent"]);
        vec![
            ("API", api["uptime"].as_str().unwrap().to_owned()),
            ("page", between(&html, "<div class=\"up\">", "<small>")),
            ("title of the bars", between(&html, "API, last 90 days: ", "\"").replace("</title>", "")),
            ("components.json", component["uptime"].as_str().unwrap().to_owned()),
            ("badge.json", badge["message"].as_str().unwrap().to_owned()),
            ("badge.svg", between(&svg, "API 90d: ", "\"")),
            ("feed", between(&feed, "Uptime of the last 90 days: API ", ".</subtitle>")),
            (
                "dashboard",
                if overview.contains(api["uptime"].as_str().unwrap()) {
                    api["uptime"].as_str().unwrap().to_owned()
                } else {
                    format!("another figure: {overview}")
                },
            ),
        ]
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {rest}")).0.to_owned()
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % end
    }

    fn past(&mut self) -> Vec<(i64, MonitorState)> {
        use MonitorState::{Degraded, Down, NoData, Up};
        let mut ago = 100 * DAY_MS;
        let mut spans = Vec::new();
        while ago > 0 {
            spans.push((ago, [Up, Up, Up, Degraded, Down, NoData][usize::try_from(self.below(6)).unwrap()]));
            ago -= 1 + self.below(9 * DAY_MS);
        }
        spans
    }
}

#[db_test]
async fn every_surface_tells_the_same_figure_to_the_last_digit(app: TestApp) {
    // D8
    let watched = Watched::new(&app).await;
    let mut dice = Dice(7);
    let zones =
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"];
    let rules = ["excluded", "up", "down"];
    let mut figures = std::collections::BTreeSet::new();
    for (round, zone) in zones.into_iter().enumerate() {
        for monitor in 0..2 {
            watched.lived(monitor, &dice.past()).await;
        }
        let status = ServiceStatus::ALL[1 + usize::try_from(dice.below(4)).unwrap()];
        let (ago, lasting) = (dice.below(95 * DAY_MS), dice.below(3 * DAY_MS));
        watched.suffered(1 + u128::try_from(round).unwrap(), status, ago, lasting.min(ago)).await;
        let body = json!({"time_zone": zone, "maintenance_rule": rules[round % 3],
                          "partial_outage_percent": dice.below(101), "degraded_percent": dice.below(101)});
        watched.patches_page(&body).await;
        let told = watched.told().await;
        assert!(told.iter().all(|(_, figure)| *figure == told[0].1), "{zone}: {told:#?}");
        figures.insert(told[0].1.clone());

        // And its explanation, added up by somebody else.
        let explained = watched.api("?explain=1").await;
        assert_eq!(recomputed(&explained), explained["uptime_percent"].as_f64(), "{explained}");
        let spans = explained["explanation"]["intervals"].as_array().unwrap();
        assert_eq!(
            (&spans[0]["start"], &spans[spans.len() - 1]["end"]),
            (&explained["from"], &explained["to"])
        );
    }
    assert_eq!(figures.len(), zones.len(), "the pasts differ: {figures:?}");
}

/// The percentage from the listed spans alone.
fn recomputed(body: &Value) -> Option<f64> {
    let (mut counted, mut down) = (0_i64, 0_i64);
    for span in body["explanation"]["intervals"].as_array().unwrap() {
        let at = |name: &str| span[name].as_str().unwrap().parse::<Timestamp>().unwrap();
        let ms = span["ms"].as_i64().unwrap();
        assert_eq!(at("end").since(at("start")), ms);
        if span["counted_as"] != "not_counted" {
            counted += ms;
            down += ms * span["down_percent"].as_i64().unwrap();
        }
    }
    assert_eq!(body["explanation"]["counted_ms"], counted);
    assert_eq!(body["explanation"]["down_percent_ms"], down);
    let thousandths = (i128::from(counted) * 100 - i128::from(down)) * 1000;
    (counted > 0).then(|| f64::from(i32::try_from(thousandths / i128::from(counted)).unwrap()) / 1000.0)
}

#[db_test]
async fn days_begin_where_the_page_says(app: TestApp) {
    // X37. Clocks went back in Berlin on 25 October 2026.
    let watched = Watched::new(&app).await;
    let at = |text: &str| START.since(text.parse::<Timestamp>().unwrap());
    let (down, up) = (at("2026-10-24T22:30:00Z"), at("2026-10-24T22:40:00Z"));
    for monitor in 0..2 {
        let past = [(99 * DAY_MS, MonitorState::Up), (down, MonitorState::Down), (up, MonitorState::Up)];
        watched.lived(monitor, &past).await;
    }
    for (zone, date, shown, hours) in
        [("UTC", "2026-10-24", "24 Oct", 24), ("Europe/Berlin", "2026-10-25", "25 Oct", 25)]
    {
        watched.patches_page(&json!({ "time_zone": zone })).await;
        let html = watched.public("").await;
        assert!(html.contains(&format!("{shown}: major outage, 10 min down")), "{zone}: {html}");
        assert!(html.contains(&format!("Times in {zone}")));
        let days = watched.api("").await["days"].as_array().unwrap().clone();
        assert_eq!(days.len(), 90);
        let day = days.iter().find(|day| day["state"] == "major_outage").unwrap();
        assert_eq!((day["date"].as_str(), day["counted_ms"].as_i64()), (Some(date), Some(hours * 3_600_000)));
        assert_eq!(day["down_ms"], 600_000);
    }
    let other =
        watched.api("?time_zone=America/New_York&from=2026-10-24T00:00:00Z&to=2026-10-26T00:00:00Z").await;
    let dates: Vec<_> = other["days"].as_array().unwrap().iter().map(|day| day["date"].clone()).collect();
    assert_eq!(dates, ["2026-10-23", "2026-10-24", "2026-10-25"]);
}

#[db_test]
async fn a_monitor_has_an_uptime_of_its_own(app: TestApp) {
    let watched = Watched::new(&app).await;
    let hour = 3_600_000;
    watched
        .lived(
            0,
            &[(10 * hour, MonitorState::Up), (5 * hour, MonitorState::Down), (4 * hour, MonitorState::Up)],
        )
        .await;
    watched.lived(1, &[(10 * hour, MonitorState::Up)]).await;
    watched.suffered(1, ServiceStatus::MajorOutage, 2 * hour, hour).await;
    let query = "?from=2026-11-23T00:00:00Z";
    for (id, percent) in [(watched.monitors[0], 90.0), (watched.monitors[1], 100.0)] {
        let answer = watched.alice.get(&format!("/api/v1/monitors/{id}/uptime{query}")).await;
        assert_eq!(answer.json()["uptime_percent"], percent, "{}", answer.text);
    }
    // One hour with one of two monitors down, one hour of an incident: 30 % and 100 % of ten hours.
    assert_eq!(watched.api(query).await["uptime_percent"], 87.0);
}

#[db_test]
async fn questions_that_cannot_be_answered_are_refused_with_a_reason(app: TestApp) {
    let watched = Watched::new(&app).await;
    let (service, monitor) = (watched.service, watched.monitors[0]);
    for (query, pointer, code) in [
        ("days=0", "days", "out_of_range"),
        ("days=401", "days", "out_of_range"),
        ("days=x", "days", "wrong_type"),
        ("days=3&from=2026-11-01T00:00:00Z", "days", "conflicting"),
        ("to=2026-11-01T00:00:00Z", "from", "missing"),
        ("from=2026-11-30T00:00:00Z", "from", "out_of_range"),
        ("from=2024-11-30T00:00:00Z", "from", "too_long"),
        ("time_zone=Mars/Olympus", "time_zone", "unknown_time_zone"),
        ("explain=2", "explain", "out_of_range"),
        ("window=3", "window", "unknown_field"),
    ] {
        for path in [format!("services/{service}"), format!("monitors/{monitor}")] {
            let answer = watched.alice.get(&format!("/api/v1/{path}/uptime?{query}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text);
            let error = &answer.json()["errors"][0];
            assert_eq!(
                (error["pointer"].as_str(), error["code"].as_str()),
                (Some(pointer), Some(code)),
                "{query}"
            );
        }
    }
    for query in ["resolution=minute", "days=32", "resolution=day&days=401", "from=2026-10-01T00:00:00Z"] {
        let answer = watched.alice.get(&format!("/api/v1/monitors/{monitor}/latency?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text);
    }
    let absent = format!("/api/v1/services/{service}/uptime?page_id=pg_01kcrztk3z7d3t8p9q2v6x5w4r");
    assert_eq!(watched.alice.get(&absent).await.status, StatusCode::NOT_FOUND);
    let charlie = app.charlie().await;
    assert_eq!(
        charlie.get(&format!("/api/v1/services/{service}/uptime")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        charlie.get(&format!("/api/v1/monitors/{monitor}/latency")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[db_test]
async fn percentiles_of_a_day_are_those_of_all_its_answers(app: TestApp) {
    // H5: 100 answers of 10 ms in one hour and 100 of 1000 ms in the next; a mean of medians would say 505.
    use domain::check::{CheckResult, CheckStatus, Phases};
    let watched = Watched::new(&app).await;
    let id = watched.monitors[0];
    let result = |minute: i64, took_ms: i32| CheckResult {
        monitor_id: id,
        checked_at: START.plus_ms(-2 * 3_600_000 + minute * 1000),
        status: CheckStatus::Up,
        failure: None,
        status_code: Some(200),
        response_time_ms: Some(took_ms),
        phases: Phases { dns_ms: Some(1), connect_ms: Some(2), tls_ms: None, first_byte_ms: Some(7) },
        is_manual: false,
    };
    let fast = (0..101).map(|n| result(n, 10));
    let slow = (0..100).map(|n| result(3600 + n, 1000));
    let mut tx = app.db.write().await.unwrap();
    store::check_results::archive(&mut tx, &fast.chain(slow).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();
    let ask = async |query: &str| {
        let answer = watched.alice.get(&format!("/api/v1/monitors/{id}/latency?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    };
    let hours = ask("resolution=hour&days=1").await;
    assert_eq!(hours["points"].as_array().unwrap().len(), 2);
    assert_eq!(hours["points"][0]["start"], "2026-11-23T08:00:00.000Z");
    assert_eq!((&hours["points"][0]["p50_ms"], &hours["points"][0]["count"]), (&json!(10), &json!(101)));
    let days = ask("resolution=day").await;
    assert_eq!(days["points"].as_array().unwrap().len(), 1);
    for figures in [&days["points"][0], &days["total"], &hours["total"]] {
        assert_eq!(
            (&figures["count"], &figures["up"], &figures["p50_ms"]),
            (&json!(201), &json!(201), &json!(10))
        );
        let p90 = figures["p90_ms"].as_i64().unwrap();
        assert!((1000..1081).contains(&p90), "{figures}");
        assert_eq!((&figures["max_ms"], &figures["mean_ms"]), (&json!(1000), &json!(502)));
        assert_eq!(figures["phases"], json!({"dns_ms": 1, "connect_ms": 2, "tls_ms": 0, "first_byte_ms": 7}));
    }
    let nothing = ask("from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z").await;
    assert_eq!((&nothing["points"], &nothing["total"]["p50_ms"]), (&json!([]), &Value::Null));
}

#[db_test]
async fn badges_and_documents_show_what_the_page_shows_and_no_more(app: TestApp) {
    // H-11, X22, X33, D12
    let watched = Watched::new(&app).await;
    let hidden = json!({"name": "Hidden", "is_visible": false});
    let hidden =
        watched.alice.post("/api/v1/services", &hidden).await.json()["id"].as_str().unwrap().to_owned();
    let charlie = app.charlie().await;
    let foreign = charlie.creates_service("Foreign").await;
    let random = "cm_01kcrztk3z7d3t8p9q2v6x5w4r".to_owned();
    let mut answers = Vec::new();
    for id in [&hidden, &foreign, &random, &"nonsense".to_owned()] {
        for form in ["svg", "json"] {
            let answer = app.get(&format!("/p/acme/status/badge/{id}.{form}?kind=uptime")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
            answers.push(answer.text);
        }
    }
    assert!(answers.chunks(2).all(|pair| pair == &answers[..2]), "{answers:?}");
    assert!(!watched.public("/api/v2/components.json").await.contains("Hidden"));

    let surfaces =
        ["/history.atom", "/api/v2/status.json", "/api/v2/components.json", "/badge.svg", "/badge.json"];
    let badge = format!("/badge/{}.svg", watched.service);
    for path in surfaces.into_iter().chain([badge.as_str()]) {
        let path = format!("/p/acme/status{path}");
        let first = app.get(&path).await;
        assert_eq!((first.status, first.header("set-cookie")), (StatusCode::OK, None), "{path}");
        assert_eq!(first.header("access-control-allow-origin"), Some("*"), "{path}");
        assert!(first.header("cache-control").unwrap().starts_with("public, max-age="), "{path}");
        let tag = first.header("etag").unwrap().to_owned();
        let again = app.json(Method::GET, &path, &[("if-none-match", &tag)], None).await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
    }
    watched.patches_page(&json!({"is_public": false})).await;
    for path in surfaces.into_iter().chain([badge.as_str()]) {
        assert_eq!(app.get(&format!("/p/acme/status{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[db_test]
async fn a_badge_says_the_state_and_percentages_need_a_plan(app: TestApp) {
    // S42, X33, T-06
    let watched = Watched::new(&app).await;
    let service = watched.service;
    for monitor in 0..2 {
        watched
            .lived(
                monitor,
                &[(DAY_MS, MonitorState::Up), (DAY_MS / 2, MonitorState::Down), (1000, MonitorState::Up)],
            )
            .await;
    }
    let message = async |query: &str| {
        let answer = app.get(&format!("/p/acme/status/badge/{service}.json?{query}")).await;
        let body = answer.json();
        (
            answer.status.as_u16(),
            body["message"].as_str().unwrap().to_owned(),
            body["color"].as_str().unwrap().to_owned(),
        )
    };
    let told = |status: u16, text: &str, colour: &str| (status, text.to_owned(), colour.to_owned());
    assert_eq!(message("kind=uptime&period=24h").await, told(200, "50.001 %", "red"));
    assert_eq!(
        message("kind=sla&period=24h&target=50").await,
        told(200, "50.001 % of 50.000 %", "brightgreen")
    );
    assert_eq!(message("kind=sla&period=24h&target=50.002").await, told(200, "50.001 % of 50.002 %", "red"));
    assert_eq!(message("kind=sla").await, told(422, "invalid address", "lightgrey"));
    assert_eq!(message("period=1y").await.0, 422);
    let svg = app.get(&format!("/p/acme/status/badge/{service}.svg?label=%3Cscript%3E")).await;
    assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
    assert!(svg.header("content-security-policy").unwrap().contains("sandbox"));
    assert!(svg.text.contains("&lt;script&gt;") && !svg.text.contains("<script>"), "{}", svg.text);
    let page = serde_json::from_str::<Value>(&watched.public("/api/v2/status.json").await).unwrap();
    let html = watched.public("").await;
    let description = page["status"]["description"].as_str().unwrap();
    assert!(
        html.contains(&format!("<h1>{description}</h1>")),
        "the page and its document say the same: {page}"
    );

    app.moves(&watched.alice, Tier::Free).await;
    app.state.pages.clone().forget_all();
    assert_eq!(message("kind=uptime").await, told(200, "unavailable", "lightgrey"));
    assert_eq!(message("kind=sla&target=99").await, told(200, "unavailable", "lightgrey"));
    assert_eq!(message("").await.0, 200);
}

#[db_test]
async fn the_zone_and_the_rule_of_a_page_are_checked_and_kept(app: TestApp) {
    // X37, D8
    let watched = Watched::new(&app).await;
    for (body, pointer, code) in [
        (json!({"time_zone": "Mars/Olympus"}), "/time_zone", "unknown_time_zone"),
        (json!({"partial_outage_percent": 101}), "/partial_outage_percent", "out_of_range"),
        (json!({"degraded_percent": -1}), "/degraded_percent", "out_of_range"),
    ] {
        let answer = watched.alice.patch(&watched.page, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        let error = &answer.json()["errors"][0];
        assert_eq!((error["pointer"].as_str(), error["code"].as_str()), (Some(pointer), Some(code)));
    }
    let id = watched.page.rsplit('/').next().unwrap();
    let path = format!("/orgs/acme/pages/{id}");
    let fields = |zone: &'static str| {
        [
            ("title", "Acme"),
            ("slug", "status"),
            ("is_public", "true"),
            ("time_zone", zone),
            ("degraded_percent", "5"),
            ("partial_outage_percent", "50"),
            ("maintenance_rule", "down"),
        ]
    };
    let refused = watched.alice.submits(&path, &fields("Mars/Olympus")).await;
    assert!(
        refused.text.contains("IANA") && refused.text.contains("value=\"Mars/Olympus\""),
        "{}",
        refused.text
    );
    assert!(watched.alice.submits(&path, &fields("europe/berlin")).await.status.is_redirection());
    let page = watched.alice.get(&watched.page).await.json();
    assert_eq!(page["time_zone"], "Europe/Berlin");
    assert_eq!((&page["partial_outage_percent"], &page["degraded_percent"]), (&json!(50), &json!(5)));
    assert_eq!(page["maintenance_rule"], "down");
    assert!(watched.alice.opens(&path).await.text.contains("value=\"Europe/Berlin\""));
    assert!(watched.public("").await.contains("Maintenance counts as down"));
}
