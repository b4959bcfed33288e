//! A monitor on the installation itself: refused by its public name and by its address, unless the operator allows it.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Program, TestDatabase, db_test};

use crate::process::{BINARY, call, registers};

const LOCAL: (&str, &str) = ("INDIE_STATUS_EGRESS__ALLOW_CIDRS", "127.0.0.0/8");

struct Signed {
    program: Program,
    token: String,
    service: Value,
}

async fn signs_up(db: &TestDatabase, settings: &[(&str, &str)]) -> Signed {
    let program = Program::start(BINARY, db, settings).await;
    let token = registers(&program).await;
    let body = json!({ "name": "Shop" });
    let (status, service) = call(&program, "POST", "/api/v1/services", Some(&token), Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{service}");
    Signed { program, token, service: service["id"].clone() }
}

impl Signed {
    /// The status of the answer, and the word of the first thing that is wrong.
    async fn watches(&self, mut body: Value) -> (StatusCode, Option<String>) {
        body["service_id"] = self.service.clone();
        body["is_active"] = json!(false);
        let (status, answer) =
            call(&self.program, "POST", "/api/v1/monitors", Some(&self.token), Some(body)).await;
        (status, answer["errors"][0]["code"].as_str().map(str::to_owned))
    }
}

fn refused() -> (StatusCode, Option<String>) {
    (StatusCode::UNPROCESSABLE_ENTITY, Some("own_host".to_owned()))
}

#[db_test]
async fn a_monitor_on_our_own_host_is_refused_by_name_and_by_address(db: TestDatabase) {
    let signed = signs_up(&db, &[LOCAL, ("INDIE_STATUS_PUBLIC_URL", "https://status.example.test")]).await;
    let port = signed.program.port();
    for url in [
        "https://status.example.test/p/acme/main".to_owned(),
        format!("http://127.0.0.1:{port}/health"),
        format!("http://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
    ] {
        assert_eq!(signed.watches(json!({ "url": url })).await, refused(), "{url}");
    }
    for (host, port) in [("status.example.test", 443), ("127.0.0.1", port), ("localhost", port)] {
        let body = json!({ "kind": "tcp", "settings": { "host": host, "port": port } });
        assert_eq!(signed.watches(body).await, refused(), "{host}");
    }
    // Another service of the same machine is nobody's own.
    let other = testkit::free_port();
    let url = format!("http://127.0.0.1:{other}/");
    assert_eq!(signed.watches(json!({ "url": url })).await, (StatusCode::CREATED, None));
}

#[db_test]
async fn an_operator_may_let_the_installation_watch_itself(db: TestDatabase) {
    let signed = signs_up(&db, &[LOCAL, ("INDIE_STATUS_EGRESS__ALLOW_OWN", "true")]).await;
    let url = format!("http://127.0.0.1:{}/health", signed.program.port());
    assert_eq!(signed.watches(json!({ "url": url })).await, (StatusCode::CREATED, None));
}
