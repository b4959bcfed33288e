//! What load balancers and supervisors are told (X94).

use actions::health::Loop;
use http::{Method, StatusCode};
use serde_json::json;
use testkit::{TestApp, db_test};
use tokio_util::sync::CancellationToken;

#[db_test]
async fn a_loop_that_stopped_makes_the_process_unready(app: TestApp) {
    let (ctx, stop) = (app.ctx.clone(), CancellationToken::new());
    let health = ctx.signals.health();
    let long_ago = app.clock.now();
    health.turned(Loop::Scheduler, long_ago);
    health.turned(Loop::Notifier, long_ago);
    app.clock.advance_s(61);
    assert_eq!(words(&app).await, json!(["late", "late"]), "expected, and never turned");

    let config = checker::Config::default();
    let checker = tokio::spawn(checker::run(ctx.clone(), app.state.egress.clone(), config, stop.clone()));
    let folder = testkit::folder();
    let transport = notifier::MailTransport {
        from: "status@example.com".to_owned(),
        route: notifier::Route::Files(folder.path().to_owned()),
    };
    let mailer = notifier::Mailer::new(transport, testkit::PUBLIC_URL, notifier::AT_ONCE).unwrap();
    let notifier = tokio::spawn(notifier::run(ctx.clone(), mailer, stop.clone()));
    while words(&app).await != json!(["ok", "ok"]) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
    stop.cancel();
    checker.await.unwrap();
    notifier.await.unwrap();

    app.clock.advance_s(60);
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK, "a minute is allowed");
    app.clock.advance_s(1);
    for path in ["/readyz", "/health", "/readyz?verbose"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    let short = app.get("/readyz").await;
    assert_eq!(short.json()["detail"], "Not ready: scheduler late, notifier late.");
    assert_eq!(short.header("retry-after"), Some("5"));
    assert_eq!(words(&app).await, json!(["late", "late"]));
}

#[db_test]
async fn a_network_that_is_down_is_told_and_leaves_the_process_ready(app: TestApp) {
    // F-13: what it knows can still be read
    app.ctx.signals.health().set_offline(true);
    let verbose = app.get("/readyz?verbose").await;
    assert_eq!((verbose.status, &verbose.json()["parts"]["network"]), (StatusCode::OK, &json!("down")));
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
}

async fn words(app: &TestApp) -> serde_json::Value {
    let parts = app.get("/readyz?verbose").await.json()["parts"].clone();
    json!([parts["scheduler"], parts["notifier"]])
}

#[db_test]
async fn a_process_about_to_stop_is_unready_at_once_and_alive(app: TestApp) {
    // F-03
    let parts = json!({"database": "ok", "migrations": "ok", "scheduler": "ok", "notifier": "ok", "process": "ok",
                       "network": "ok"});
    assert_eq!(
        app.get("/readyz?verbose").await.json(),
        json!({"status": "ready", "parts": parts, "retention": null})
    );
    assert_eq!(app.get("/health").await.json(), json!({"status": "ok"}));
    app.ctx.signals.health().drain();
    assert_eq!(app.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.get("/readyz?verbose").await.json()["parts"]["process"], "stopping");
    assert_eq!(app.json(Method::GET, "/livez", &[], None).await.status, StatusCode::OK);
}

#[db_test]
async fn what_the_last_night_removed_is_told(app: TestApp) {
    // X49
    assert_eq!(app.get("/readyz?verbose").await.json()["retention"], serde_json::Value::Null);
    checker::remove_old(&app.ctx, checker::Retention::default()).await.unwrap();
    let told = app.get("/readyz?verbose").await.json()["retention"].clone();
    assert_eq!((&told["monitors"], &told["bytes"]), (&json!(0), &json!(0)), "{told}");
    assert!(told["finished_at"].is_string() && told["steps"].as_i64() > Some(0), "{told}");
}
