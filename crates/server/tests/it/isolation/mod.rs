//! The isolation robot (Q-05, T-02): every route × identity × id, on both databases.
//!
//! `matrix.toml` says for each route who may use it. The robot asks each route as everybody, with the caller's own
//! ids, with those of the other organization, with its own parent and a foreign child, with random and with malformed
//! ones, and asserts that
//!
//! 1. the router, the OpenAPI document and the matrix name the same routes;
//! 2. a foreign id answers exactly like a random one;
//! 3. no answer contains a text of the other organization;
//! 4. the other organization's rows stay as they are, and one's own do when the answer was a refusal;
//! 5. a `GET` changes no row of any table (T-07), but for [`NOTED_ON_THE_WAY`];
//! 6. no answer is a 5xx.

mod ask;
mod matrix;
mod world;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::{TestApp, db_test};

use matrix::Matrix;
use world::World;

/// Fewer checks than this mean that something is no longer asked (H-30).
const EXPECTED_CHECKS: usize = 6000;

/// When somebody was last here, which any request may note.
const NOTED_ON_THE_WAY: [&str; 2] = ["last_seen_at", "last_used_at"];

#[db_test]
async fn every_route_has_its_line_and_every_line_its_route(app: TestApp) {
    let served: BTreeSet<String> = api_routes(&app)
        .chain(app.pages.iter().map(|route| format!("{} {}", route.method, route.path)))
        .collect();
    let written: BTreeSet<String> = Matrix::read().routes.keys().cloned().collect();
    let missing: Vec<_> = served.difference(&written).collect();
    let stale: Vec<_> = written.difference(&served).collect();
    assert!(missing.is_empty(), "routes without a line in matrix.toml: {missing:#?}");
    assert!(stale.is_empty(), "lines of matrix.toml without a route: {stale:#?}");
    for (route, line) in Matrix::read().routes {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &app.document["paths"][path][method.to_lowercase()];
        let is_open = line.gate <= matrix::Gate::Token;
        let says_open = operation["security"] == serde_json::json!([]);
        assert!(operation.is_null() || is_open == says_open, "{route}: the document and the matrix disagree");
    }
}

#[db_test]
async fn nobody_sees_or_changes_what_belongs_to_another_organization(app: TestApp) {
    let matrix = Matrix::read();
    let world = World::build(&app).await;
    let checks = AtomicUsize::new(0);
    for (route, line) in &matrix.routes {
        let before = (world.digests(&app).await, all(&app, route).await);
        ask::refusals(&app, &world, route, line, &checks).await;
        let after = (world.digests(&app).await, all(&app, route).await);
        assert_eq!(after.0, before.0, "{route} changed rows although every answer was a refusal");
        assert_eq!(after.1, before.1, "{route} changed rows");
    }
    for (route, line) in &matrix.routes {
        let before = (world.charlie_digest(&app).await, all(&app, route).await);
        ask::permissions(&app, &world, route, line, &checks).await;
        let after = (world.charlie_digest(&app).await, all(&app, route).await);
        assert_eq!(after.0, before.0, "{route} changed rows of another organization");
        assert_eq!(after.1, before.1, "{route} changed rows");
    }
    app.delivers_outbox().await;
    let done = checks.load(Ordering::Relaxed);
    assert!(done >= EXPECTED_CHECKS, "only {done} checks were made");
    report(&app, done, matrix.routes.len());
}

/// The whole database around a `GET`; nothing for other methods.
async fn all(app: &TestApp, route: &str) -> String {
    if route.starts_with("GET ") { app.db.digest_of_all(&NOTED_ON_THE_WAY).await } else { String::new() }
}

fn api_routes(app: &TestApp) -> impl Iterator<Item = String> {
    let paths = app.document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, operations)| {
        operations.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    })
}

/// `scripts/test` prints this file.
#[expect(clippy::disallowed_methods, reason = "the test run names the folder for its report")]
fn report(app: &TestApp, checks: usize, routes: usize) {
    let Ok(folder) = std::env::var("TEST_REPORT_DIR") else { return };
    let kind = app.db.kind().as_str();
    let line = format!("isolation on {kind}: {checks} checks over {routes} routes, 0 leaks\n");
    std::fs::write(format!("{folder}/isolation-{kind}.txt"), line).unwrap();
}
