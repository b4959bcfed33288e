//! What operators read about the engine, where, and what never stands in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actions::meters::Skip;
use checker::Config;
use domain::monitor::Monitor;
use domain::plan::Tier;
use egress::EgressConfig;
use http::StatusCode;
use testkit::{Fleet, Program, Target, TestApp, TestDatabase, db_test};
use tokio_util::sync::CancellationToken;

/// Names with labels, and their values; panics where the text is not of the format.
fn read(text: &str) -> BTreeMap<String, f64> {
    let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            let (name, kind) = comment.split_once(' ').unwrap();
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {name}");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end).filter(|family| types.contains_key(*family)))
            .unwrap_or(name);
        assert!(types.contains_key(family), "no type: {line}");
        assert_eq!(types[family] == "counter", name.ends_with("_total"), "{line}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        assert!(values.insert(series.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    assert!(!values.is_empty());
    values
}

async fn scrape(app: &TestApp) -> BTreeMap<String, f64> {
    let answer = app.asks_as_operator("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    read(&answer.text)
}

/// Counts are whole numbers, which a float holds exactly.
fn is(seen: f64, expected: f64) -> bool {
    (seen - expected).abs() < 0.5
}

#[db_test]
async fn checks_move_the_numbers_and_tell_nothing_of_tenants(db: TestDatabase) {
    let rules =
        EgressConfig { allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()], ..EgressConfig::default() };
    let app = TestApp::with(db, |policy| policy.are_plans_enforced = false, rules);
    let before = scrape(&app).await;
    assert!(before.iter().all(|(name, value)| *value == 0.0 || !name.contains("_seconds")), "{before:?}");

    let fleet = Fleet::new(&app.db, 1, Tier::Team).await;
    let target = Target::start().await;
    let monitor =
        Monitor { name: Some("Secret Ledger".to_owned()), ..fleet.monitor(1, &target.url("/secret-path")) };
    fleet.adds(std::slice::from_ref(&monitor), app.clock.now()).await;
    let stop = CancellationToken::new();
    let config = Config::default();
    let watching =
        tokio::spawn(checker::run(app.ctx.clone(), app.state.egress.clone(), config, stop.clone()));
    let up = "indie_status_checks_total{kind=\"http\",result=\"up\"}";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while app.ctx.signals.meters().write_durations().count == 0 {
        assert!(tokio::time::Instant::now() < deadline, "no result was stored");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    watching.await.unwrap();

    // The states were counted before the monitor was there; a minute later they are counted again.
    assert!(is(before["indie_status_monitors{state=\"up\"}"], 0.0));
    app.clock.advance_s(60);
    let after = scrape(&app).await;
    assert_eq!((before[up], after[up]), (0.0, 1.0));
    for name in [
        "indie_status_schedule_lag_seconds_count",
        "indie_status_schedule_lag_seconds_bucket{le=\"+Inf\"}",
        "indie_status_check_duration_seconds_count",
        "indie_status_ingest_batch_reports_sum",
        "indie_status_ingest_duration_seconds_count",
        "indie_status_results_write_duration_seconds_count",
        "indie_status_flips_total",
        "indie_status_monitors{state=\"up\"}",
    ] {
        assert!(is(after[name], 1.0), "{name}");
    }
    assert!(is(after["indie_status_checks_in_flight"], 0.0));
    assert_eq!(before.keys().collect::<BTreeSet<_>>(), after.keys().collect(), "no name grows with the data");
    let text = app.asks_as_operator("/metrics").await.text;
    for word in ["/secret", "127.0.0.1", "Fleet", "fleet-1", "mn_", "org_"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[db_test]
async fn what_was_left_out_is_told_by_reason(app: TestApp) {
    let meters = app.ctx.signals.meters();
    meters.skipped(Skip::OrganizationFull, 3);
    meters.skipped(Skip::LockedSecrets, 2);
    meters.second_try();
    meters.reports_waiting(17);
    meters.reports_lost(4);
    let flight = meters.check_started(2_000);
    app.ctx.signals.health().set_offline(true);
    let seen = scrape(&app).await;
    for (name, value) in [
        ("indie_status_slots_skipped_total{reason=\"organization_full\"}", 3.0),
        ("indie_status_slots_skipped_total{reason=\"locked_secrets\"}", 2.0),
        ("indie_status_slots_skipped_total{reason=\"missed\"}", 0.0),
        ("indie_status_second_tries_total", 1.0),
        ("indie_status_reports_waiting", 17.0),
        ("indie_status_reports_lost_total", 4.0),
        ("indie_status_checks_in_flight", 1.0),
        ("indie_status_schedule_lag_seconds_sum", 2.0),
        ("indie_status_schedule_lag_seconds_bucket{le=\"1\"}", 0.0),
        ("indie_status_schedule_lag_seconds_bucket{le=\"2.5\"}", 1.0),
        ("indie_status_network_up", 0.0),
    ] {
        assert!(is(seen[name], value), "{name}");
    }
    drop(flight);
}

#[db_test]
async fn visitors_do_not_reach_them(app: TestApp) {
    assert_eq!(app.get("/metrics").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.asks_as_operator("/livez").await.status, StatusCode::OK);
    assert_eq!(app.asks_as_operator("/readyz").await.status, StatusCode::OK);
    for path in ["/", "/api/v1/monitors", "/orgs"] {
        assert_eq!(app.asks_as_operator(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Status and body of one request to a port of this machine.
async fn asks(port: u16, path: &str) -> (StatusCode, String) {
    use http_body_util::BodyExt as _;
    let io = hyper_util::rt::TokioIo::new(testkit::connect(port).await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(path).header(http::header::HOST, "localhost");
    let answer = sender.send_request(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[db_test(flavor = "multi_thread")]
async fn the_program_serves_them_on_the_admin_address_alone(db: TestDatabase) {
    let port = testkit::free_port();
    let address = format!("127.0.0.1:{port}");
    let settings = [("INDIE_STATUS_SERVER__ADMIN_LISTEN", address.as_str())];
    let program = Program::start(env!("CARGO_BIN_EXE_indie-status"), &db, &settings).await;
    let (status, text) = asks(port, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(read(&text).contains_key("indie_status_network_up"));
    assert_eq!(asks(program.port(), "/metrics").await.0, StatusCode::NOT_FOUND);
}
