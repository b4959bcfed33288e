//! Many monitors, several processes, servers that hang, and fleets that come back.

use std::time::Duration;

use checker::Config;
use domain::check::CheckStatus;
use domain::id::MonitorId;
use domain::monitor::Monitor;
use domain::plan::Tier;
use testkit::{Answer, Fleet, Target, TestDatabase, db_test};

use crate::support::{World, count, each_second, results, within};

/// Stores monitors numbered from 1, each on a path of its own.
async fn adds(
    world: &World,
    fleet: &Fleet,
    target: &Target,
    numbers: std::ops::RangeInclusive<u128>,
) -> Vec<Monitor> {
    let monitors: Vec<Monitor> =
        numbers.map(|number| each_second(fleet, number, &target.url(&format!("/{number}")))).collect();
    fleet.adds(&monitors, world.now()).await;
    monitors
}

fn path(monitor: &Monitor) -> String {
    format!("/{}", monitor.url.rsplit('/').next().unwrap())
}

/// Every request that the target saw is one result, and every result one request.
async fn assert_once(fleet: &Fleet, target: &Target, monitors: &[Monitor]) {
    for monitor in monitors {
        let (seen, stored) = (target.count(&path(monitor)), results(fleet, monitor.id).await.len());
        assert_eq!(seen, stored, "requests and results of {}", monitor.url);
    }
}

#[db_test(flavor = "multi_thread")]
async fn two_processes_on_one_database_check_each_slot_once(database: TestDatabase) {
    // X52, F-12
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    let monitors = adds(&world, &fleet, &target, 1..=30).await;
    let processes = [world.watches(Config::default()), world.watches(Config::default())];
    tokio::time::sleep(Duration::from_secs(6)).await;
    for process in processes {
        process.stops().await;
    }
    assert_once(&fleet, &target, &monitors).await;
    for monitor in &monitors {
        let results = results(&fleet, monitor.id).await;
        // Each is due at once and then each second; a machine that is busy skips some, and never adds one.
        assert!((3..=8).contains(&results.len()), "{} results in six seconds", results.len());
        assert!(results.iter().all(|result| result.status == CheckStatus::Up));
    }
}

#[db_test(flavor = "multi_thread")]
async fn servers_that_never_answer_delay_nobody(database: TestDatabase) {
    // F-09, P-3: a fifth of all monitors hangs
    let world = World::new(&database);
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let well = Target::start().await;
    let hanging = Target::start_on("127.0.0.2:0".parse().unwrap()).await;
    let good = adds(&world, &fleet, &well, 1..=40).await;
    let bad = adds(&world, &fleet, &hanging, 101..=110).await;
    for monitor in &bad {
        hanging.answer(&path(monitor), Answer::hang());
    }
    let process = world.watches(Config { concurrency: 100, ..Config::default() });
    tokio::time::sleep(Duration::from_secs(6)).await;
    process.stops().await;
    for monitor in &good {
        let up = count(&fleet, monitor.id, CheckStatus::Up).await;
        assert!(up >= 4, "{up} good results in six seconds");
    }
    let mut failed = 0;
    for monitor in &bad {
        assert_eq!(count(&fleet, monitor.id, CheckStatus::Up).await, 0);
        failed += count(&fleet, monitor.id, CheckStatus::Down).await;
    }
    assert!(failed >= 10, "hanging servers are noticed: {failed}");
}

#[db_test]
async fn a_fleet_that_comes_back_is_spread_over_its_interval(database: TestDatabase) {
    // F-14: everything has been overdue for two hours
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    let monitors: Vec<Monitor> = (1..=100)
        .map(|number| {
            let url = target.url(&format!("/{number}"));
            Monitor { interval_seconds: 5, ..each_second(&fleet, number, &url) }
        })
        .collect();
    fleet.adds(&monitors, world.now().plus_s(-7200)).await;
    let process = world.watches(Config::default());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let early = target.requests().len();
    assert!(early <= 60, "{early} of 100 in the first of five seconds");
    let all_seen = async || monitors.iter().all(|monitor| target.count(&path(monitor)) > 0);
    within(Duration::from_secs(8), "each within one interval", all_seen).await;
    process.stops().await;
    let seen: Vec<usize> = monitors.iter().map(|monitor| target.count(&path(monitor))).collect();
    assert!(seen.iter().all(|count| *count <= 3), "{seen:?}");
}

#[db_test]
async fn deleted_organizations_are_not_watched_and_do_not_stand_in_the_way(database: TestDatabase) {
    // X18
    let world = World::new(&database);
    let target = Target::start().await;
    let (gone, here) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let deleted = adds(&world, &gone, &target, 1..=20).await;
    let mut tx = database.write().await.unwrap();
    store::organizations::delete(&mut tx, gone.scope(), world.now()).await.unwrap();
    tx.commit().await.unwrap();
    let alive = adds(&world, &here, &target, 101..=101).await;
    let process = world.watches(Config { concurrency: 2, ..Config::default() });
    within(Duration::from_secs(4), "two checks", async || target.count(&path(&alive[0])) >= 2).await;
    process.stops().await;
    assert!(deleted.iter().all(|monitor| target.count(&path(monitor)) == 0));
    let ids: Vec<MonitorId> = deleted.iter().map(|monitor| monitor.id).collect();
    assert!(results(&gone, ids[0]).await.is_empty());
}
