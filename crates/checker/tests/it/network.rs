//! False alarms that are none: a hiccup of the way to a server, and a failure of our own network (F-13).

use std::net::SocketAddr;
use std::time::Duration;

use checker::Config;
use domain::check::{CheckStatus, FailureClass};
use domain::id::MonitorId;
use domain::monitor::{Monitor, MonitorState};
use domain::plan::Tier;
use domain::time::{DAY_MS, Timestamp};
use domain::verdict::MonitorVerdict;
use store::{engine_facts, state_intervals};
use testkit::{Answer, Fleet, Target, TestDatabase, db_test};
use tokio::net::TcpListener;

use crate::support::{World, count, each_second, results, within};

/// Public, assigned to nobody, and allowed in these tests.
const FAR: &str = "http://203.0.113.1/";

fn each_minute(fleet: &Fleet, number: u128, url: &str) -> Monitor {
    Monitor { timeout_seconds: 1, failures_to_open: 1, ..fleet.monitor(number, url) }
}

fn patient() -> Config {
    Config { confirm_after: Duration::from_millis(700), ..Config::default() }
}

#[db_test]
async fn a_server_that_fails_once_and_answers_the_second_try_never_failed(database: TestDatabase) {
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    target.answer("/", Answer::status(503));
    let monitor = each_minute(&fleet, 1, &target.url("/"));
    let due_at = world.now();
    fleet.adds(std::slice::from_ref(&monitor), due_at).await;
    let process = world.watches(patient());
    within(Duration::from_secs(3), "the first try", async || target.count("/") == 1).await;
    let tried_by = world.now();
    target.answer("/", Answer::status(200));
    within(Duration::from_secs(3), "a result", async || !results(&fleet, monitor.id).await.is_empty()).await;
    process.stops().await;
    let results = results(&fleet, monitor.id).await;
    assert_eq!((results.len(), results[0].status, target.count("/")), (1, CheckStatus::Up, 2));
    assert!((due_at..=tried_by).contains(&results[0].checked_at), "of the first try: {results:?}");
    assert_eq!(fleet.finds(monitor.id).await.state, MonitorState::Up);
}

#[db_test]
async fn a_failure_is_tried_twice_as_long_as_the_monitor_is_not_down(database: TestDatabase) {
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    let monitors = ["/twice", "/hasty"].map(|path| (path, target.url(path)));
    let [twice, mut hasty] =
        [1, 2].map(|number| each_minute(&fleet, number, &monitors[number as usize - 1].1));
    // No time is left before the next slot.
    (hasty.interval_seconds, hasty.failures_to_open) = (2, 10);
    for (path, _) in &monitors {
        target.answer(path, Answer::status(503));
    }
    fleet.adds(&[twice.clone(), hasty.clone()], world.now()).await;
    let process = world.watches(patient());
    let is_down = async || fleet.finds(twice.id).await.state == MonitorState::Down;
    within(Duration::from_secs(4), "down", is_down).await;
    assert_eq!((target.count("/twice"), results(&fleet, twice.id).await.len()), (2, 1));

    let mut tx = database.write().await.unwrap();
    store::monitors::update_next_check(&mut tx, fleet.scope(), twice.id, world.now(), 0).await.unwrap();
    tx.commit().await.unwrap();
    world.ctx.signals.schedule_changed();
    within(Duration::from_secs(3), "once more", async || results(&fleet, twice.id).await.len() == 2).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    process.stops().await;
    assert_eq!(target.count("/twice"), 3, "what is down is tried once");
    assert_eq!(target.count("/hasty"), results(&fleet, hasty.id).await.len());
}

#[db_test]
async fn without_a_pause_there_is_no_second_try(database: TestDatabase) {
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    target.answer("/", Answer::status(503));
    let monitor = each_minute(&fleet, 1, &target.url("/"));
    fleet.adds(std::slice::from_ref(&monitor), world.now()).await;
    let process = world.watches(Config { confirm_after: Duration::ZERO, ..Config::default() });
    within(Duration::from_secs(3), "failed", async || {
        count(&fleet, monitor.id, CheckStatus::Down).await == 1
    })
    .await;
    process.stops().await;
    assert_eq!(target.count("/"), 1);
}

/// What a server outside stands for: taken as long as it is kept.
async fn anchor(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).await.unwrap()
}

/// Config with two anchors of which one never answers.
fn with_anchor(anchor: &TcpListener) -> Config {
    let dead = "127.0.0.1:1".parse().unwrap();
    Config { anchors: vec![dead, anchor.local_addr().unwrap()], ..Config::default() }
}

async fn answered_at(database: &TestDatabase) -> Option<Timestamp> {
    engine_facts::find_anchor_answered_at(&mut database.read().await.unwrap()).await.unwrap()
}

/// A process that has seen its anchor, which is then gone for long enough to be looked at again.
async fn loses_its_anchor(database: &TestDatabase, anchor: TcpListener) {
    within(Duration::from_secs(5), "armed", async || answered_at(database).await.is_some()).await;
    drop(anchor);
    tokio::time::sleep(Duration::from_millis(2100)).await;
}

/// Stores a monitor of a server outside that was up until now.
async fn adds_far(world: &World, fleet: &Fleet) -> Monitor {
    let monitor = each_second(fleet, 1, FAR);
    let now = world.now();
    fleet.adds(std::slice::from_ref(&monitor), now).await;
    let verdict = MonitorVerdict {
        state: MonitorState::Up,
        state_since: Some(now),
        run_status: Some(CheckStatus::Up),
        run_length: 1,
        run_started_at: Some(now),
        last_checked_at: Some(now),
        flapping_since: None,
    };
    let mut tx = fleet.db.write().await.unwrap();
    let (scope, service, state) = (fleet.scope(), monitor.service_id, MonitorState::Up);
    state_intervals::open(&mut tx, scope, monitor.id, service, state, now).await.unwrap();
    store::monitors::update_verdict(&mut tx, scope, monitor.id, &verdict).await.unwrap();
    tx.commit().await.unwrap();
    world.ctx.signals.schedule_changed();
    monitor
}

async fn spans(fleet: &Fleet, id: MonitorId) -> Vec<(MonitorState, Timestamp)> {
    let mut conn = fleet.db.read().await.unwrap();
    state_intervals::list_newest(&mut conn, fleet.scope(), id, 100).await.unwrap()
}

#[db_test]
async fn while_our_own_network_fails_nothing_outside_is_down_and_afterwards_it_is_again(
    database: TestDatabase,
) {
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    let listener = anchor("127.0.0.1:0".parse().unwrap()).await;
    let address = listener.local_addr().unwrap();
    let process = world.watches(with_anchor(&listener));
    loses_its_anchor(&database, listener).await;
    let near = each_second(&fleet, 2, &target.url("/"));
    fleet.adds(std::slice::from_ref(&near), world.now()).await;
    let far = adds_far(&world, &fleet).await;
    let unknown = async || count(&fleet, far.id, CheckStatus::NoData).await >= 3;
    within(Duration::from_secs(20), "unknown", unknown).await;
    assert!(world.ctx.signals.health().is_offline(), "the operator is told");
    target.stop().await;
    // Inside, a failure is a failure.
    let is_down = async |id| fleet.finds(id).await.state == MonitorState::Down;
    within(Duration::from_secs(10), "near is down", async || is_down(near.id).await).await;

    let excused = Some(FailureClass::OwnNetworkDown);
    let seen = results(&fleet, far.id).await;
    assert!(seen.iter().all(|one| (one.status, one.failure) == (CheckStatus::NoData, excused)), "{seen:?}");
    let monitor = fleet.finds(far.id).await;
    assert_eq!((monitor.state, monitor.last_failure), (MonitorState::Up, excused));
    assert_eq!(spans(&fleet, far.id).await.len(), 1, "no flip");

    let _listener = anchor(address).await;
    within(Duration::from_secs(20), "a real outage", async || is_down(far.id).await).await;
    assert!(!world.ctx.signals.health().is_offline());
    process.stops().await;
}

#[db_test]
async fn a_process_that_starts_without_network_knows_that_it_once_had_one(database: TestDatabase) {
    let world = World::new(&database);
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let listener = anchor("127.0.0.1:0".parse().unwrap()).await;
    let config = with_anchor(&listener);
    let first = world.watches(config.clone());
    within(Duration::from_secs(5), "armed", async || answered_at(&database).await.is_some()).await;
    first.stops().await;
    drop(listener);
    let far = adds_far(&world, &fleet).await;
    let second = world.watches(config);
    let unknown = async || count(&fleet, far.id, CheckStatus::NoData).await >= 2;
    within(Duration::from_secs(15), "unknown", unknown).await;
    second.stops().await;
    assert_eq!(count(&fleet, far.id, CheckStatus::Down).await, 0);
    assert_eq!(fleet.finds(far.id).await.state, MonitorState::Up);
}

#[db_test]
async fn where_no_anchor_answers_for_a_week_outages_are_seen_all_the_same(database: TestDatabase) {
    let world = World::new(&database);
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let mut tx = database.write().await.unwrap();
    let week_ago = world.now().plus_ms(-7 * DAY_MS - 1);
    engine_facts::upsert_anchor_answered_at(&mut tx, week_ago).await.unwrap();
    tx.commit().await.unwrap();
    let far = adds_far(&world, &fleet).await;
    let listener = anchor("127.0.0.1:0".parse().unwrap()).await;
    let config = with_anchor(&listener);
    drop(listener);
    let process = world.watches(config);
    let is_down = async || fleet.finds(far.id).await.state == MonitorState::Down;
    within(Duration::from_secs(15), "down", is_down).await;
    assert!(!world.ctx.signals.health().is_offline());
    process.stops().await;
    assert_eq!(answered_at(&database).await, Some(week_ago));
}
