//! F-13: our own network goes away, in a network namespace whose one cable is cut. Needs root, for the namespace.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::{Monitor, MonitorState};
use testkit::{Answer, Fleet, Target, TestDatabase, db_test, wall_clock};
use tokio::net::TcpListener;

use crate::support::{BINARY, SETTINGS, fleet, results, spans, within};

const MONITORS: u128 = 500;
const INTERVAL_S: i32 = 10;
/// How long the cable is cut.
const DARK: Duration = Duration::from_mins(3);

/// A namespace with one cable to this machine; both are gone when it is dropped.
struct Namespace {
    name: String,
    cable: String,
    here: Ipv4Addr,
}

impl Namespace {
    fn new(number: u8) -> Self {
        let id = std::process::id() % 50_000;
        let (name, cable) = (format!("indie-{id}-{number}"), format!("in{id}{number}"));
        let (here, there) =
            (Ipv4Addr::new(203, 0, 113, 16 * number + 1), Ipv4Addr::new(203, 0, 113, 16 * number + 2));
        let namespace = Self { name: name.clone(), cable: cable.clone(), here };
        ip(&format!("netns add {name}"));
        ip(&format!("link add {cable} type veth peer name eth0 netns {name}"));
        ip(&format!("addr add {here}/28 dev {cable}"));
        ip(&format!("link set {cable} up"));
        ip(&format!("-n {name} addr add {there}/28 dev eth0"));
        ip(&format!("-n {name} link set lo up"));
        ip(&format!("-n {name} link set eth0 up"));
        namespace
    }

    fn cut(&self) {
        ip(&format!("-n {} link set eth0 down", self.name));
    }

    fn mend(&self) {
        ip(&format!("-n {} link set eth0 up", self.name));
    }

    fn run(&self, database: &str, anchors: &str, folder: &std::path::Path) -> Child {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, BINARY, "serve"]).envs(SETTINGS);
        // Public addresses that belong to nobody: only failures of the outside can be explained by our network.
        command
            .env("DATABASE_URL", database)
            .env("INDIE_STATUS_EGRESS__ALLOW_CIDRS", "203.0.113.0/24")
            .env("INDIE_STATUS_CHECKS__ANCHORS", anchors)
            .env("INDIE_STATUS_DATA_DIR", folder.join("data"))
            .env("INDIE_STATUS_SERVER__LISTEN", "127.0.0.1:8765")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
        let _ = Command::new("ip").args(["link", "del", &self.cable]).stderr(Stdio::null()).status();
    }
}

fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split(' ')).output();
    let done = done.expect("the program ip is not installed: install the package iproute2 and run again");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "ip {arguments}: {said}; network namespaces need root");
}

/// Accepts and hangs up, as somebody's server that answers.
async fn anchor(address: Ipv4Addr) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let bound = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    bound
}

async fn states(fleet: &Fleet, monitors: &[Monitor]) -> Vec<MonitorState> {
    let mut states = Vec::new();
    for monitor in monitors {
        states.push(fleet.finds(monitor.id).await.state);
    }
    states
}

#[db_test(flavor = "multi_thread")]
async fn a_cut_cable_is_no_outage_and_a_real_one_is_seen_afterwards(db: TestDatabase) {
    let number = if db.url().starts_with("postgres") { 2 } else { 1 };
    let namespace = Namespace::new(number);
    let (fleet, folder) = (fleet(&db).await, tempfile::tempdir().unwrap());
    let target = Target::start_on((namespace.here, 0).into()).await;
    let anchors = [anchor(namespace.here).await, anchor(namespace.here).await, anchor(namespace.here).await];
    let anchors = anchors.map(|address| address.to_string()).join(",");
    let monitors: Vec<Monitor> = (1..=MONITORS)
        .map(|number| Monitor {
            interval_seconds: INTERVAL_S,
            planned_interval_seconds: INTERVAL_S,
            timeout_seconds: 2,
            failures_to_open: 1,
            ..fleet.monitor(number, &target.url(&format!("/{number}")))
        })
        .collect();
    fleet.adds(&monitors, wall_clock()).await;

    let mut child = namespace.run(&reachable(&db), &anchors, folder.path());
    within(Duration::from_secs(90), "everything is up", async || {
        states(&fleet, &monitors).await.iter().all(|state| *state == MonitorState::Up)
    })
    .await;
    namespace.cut();
    let cut_at = wall_clock();
    tokio::time::sleep(DARK).await;
    namespace.mend();
    let mended_at = wall_clock();
    tokio::time::sleep(Duration::from_secs(2 * u64::try_from(INTERVAL_S).unwrap())).await;

    let mut unknown = 0;
    for monitor in &monitors {
        for result in results(&fleet, monitor.id).await {
            assert_ne!(result.status, CheckStatus::Down, "a false alarm: {result:?}");
            let is_dark = result.checked_at > cut_at.plus_ms(3000) && result.checked_at < mended_at;
            if is_dark {
                assert_eq!(result.failure, Some(FailureClass::OwnNetworkDown), "{result:?}");
                unknown += 1;
            }
        }
        let spans = spans(&fleet, monitor.id).await;
        assert!(spans.iter().all(|(state, _, _)| *state != MonitorState::Down), "{spans:?}");
    }
    eprintln!("{unknown} results without data while the cable was cut, no outage of {MONITORS} monitors");
    assert!(unknown > usize::try_from(MONITORS).unwrap(), "checks went on");

    target.answer("/7", Answer::status(503));
    within(Duration::from_secs(40), "a real outage is seen", async || {
        fleet.finds(monitors[6].id).await.state == MonitorState::Down
    })
    .await;
    let _ = child.kill();
    let _ = child.wait();
}

/// A URL that leads to the database from inside the namespace: PostgreSQL by its socket, which no cable carries.
fn reachable(db: &TestDatabase) -> String {
    match testkit::asked_for("TEST_POSTGRES_SOCKET") {
        Some(folder) if db.url().starts_with("postgres") => {
            let (rest, name) = db.url().rsplit_once('/').unwrap();
            let port = rest.rsplit_once(':').unwrap().1;
            format!("postgres://postgres@localhost:{port}/{name}?host={folder}")
        }
        _ => db.url().to_owned(),
    }
}
