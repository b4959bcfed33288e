//! Processes that die, stop, or lose their database for a while.

use std::time::Duration;

use checker::Config;
use domain::check::CheckStatus;
use domain::id::MonitorId;
use domain::plan::Tier;
use store::{Database, Tx, watch};
use testkit::{Answer, Fleet, Kind, Target, TestDatabase, db_test};

use crate::support::{World, count, each_second, results, within};

#[db_test]
async fn the_check_of_a_dead_process_is_taken_over_when_its_lease_ends(database: TestDatabase) {
    // F-01, F-12
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    let mut monitor = each_second(&fleet, 1, &target.url("/"));
    monitor.interval_seconds = 9;
    fleet.adds(std::slice::from_ref(&monitor), world.now()).await;
    let mut tx = database.write().await.unwrap();
    let died_at = world.now();
    assert_eq!(watch::claim_due(&mut tx, died_at, died_at, died_at, 10).await.unwrap().len(), 1);
    tx.commit().await.unwrap();

    let process = world.watches(Config::default());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(target.count("/"), 0, "the lease of seven seconds still runs");
    within(Duration::from_secs(8), "taken over", async || {
        count(&fleet, monitor.id, CheckStatus::Up).await == 1
    })
    .await;
    process.stops().await;
    assert_eq!(results(&fleet, monitor.id).await.len(), 1);
}

#[db_test]
async fn a_stop_finishes_what_it_can_and_gives_the_rest_back(database: TestDatabase) {
    // F-03
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    target.answer("/late", Answer::status(200).after(Duration::from_millis(400)));
    target.answer("/never", Answer::hang());
    let mut monitors =
        [each_second(&fleet, 1, &target.url("/late")), each_second(&fleet, 2, &target.url("/never"))];
    for monitor in &mut monitors {
        (monitor.interval_seconds, monitor.timeout_seconds) = (60, 30);
    }
    fleet.adds(&monitors, world.now()).await;
    let process = world.watches(Config { grace: Duration::from_secs(1), ..Config::default() });
    let both = async || target.count("/late") == 1 && target.count("/never") == 1;
    within(Duration::from_secs(3), "both under way", both).await;
    let started = std::time::Instant::now();
    process.stops().await;
    assert!(started.elapsed() < Duration::from_millis(2500), "{:?}", started.elapsed());
    assert_eq!(count(&fleet, monitors[0].id, CheckStatus::Up).await, 1);
    assert!(results(&fleet, monitors[1].id).await.is_empty());
    let mut tx = database.write().await.unwrap();
    let now = world.now();
    let due = watch::claim_due(&mut tx, now, now, now, 10).await.unwrap();
    assert_eq!(due.iter().map(|one| one.id).collect::<Vec<_>>(), [monitors[1].id], "free for others at once");
}

/// Keeps results from being recorded: SQLite's one writer is somebody else, PostgreSQL's rows are locked.
async fn locks(database: &TestDatabase, ids: &[MonitorId]) -> (Database, Tx) {
    let other = Database::connect(database.url(), 2).await.unwrap();
    let mut tx = other.write().await.unwrap();
    if database.kind() == Kind::Postgres {
        assert_eq!(watch::lock_for_results(&mut tx, ids).await.unwrap().len(), ids.len());
    }
    (other, tx)
}

#[db_test(flavor = "multi_thread")]
async fn while_the_database_is_locked_results_wait_and_none_is_lost(database: TestDatabase) {
    // F-05
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    let monitors: Vec<_> =
        (1..=10).map(|number| each_second(&fleet, number, &target.url(&format!("/{number}")))).collect();
    let ids: Vec<_> = monitors.iter().map(|monitor| monitor.id).collect();
    fleet.adds(&monitors, world.now()).await;
    let process = world.watches(Config::default());
    within(Duration::from_secs(3), "under way", async || target.requests().len() >= 15).await;
    let (other, lock) = locks(&database, &ids).await;
    // Longer than anybody waits for a lock.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let during = target.requests().len();
    drop(lock);
    other.close().await;
    within(Duration::from_secs(10), "checks go on", async || target.requests().len() >= during + 20).await;
    process.stops().await;
    for (monitor, number) in monitors.iter().zip(1..) {
        let stored = results(&fleet, monitor.id).await.len();
        assert_eq!(target.count(&format!("/{number}")), stored, "requests and results of monitor {number}");
    }
}
