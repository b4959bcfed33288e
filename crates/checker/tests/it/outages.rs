//! From a server that stops answering to the state that people see, and back.

use std::time::Duration;

use checker::Config;
use domain::check::{CheckStatus, FailureClass};
use domain::id::OrgId;
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::time::Timestamp;
use testkit::{Answer, Fleet, Target, TestDatabase, db_test};
use tokio::sync::broadcast;

use crate::support::{World, count, each_second, results, within};

/// Whose pages are told to change; the word follows the commit.
async fn told(changed: &mut broadcast::Receiver<OrgId>) -> OrgId {
    tokio::time::timeout(Duration::from_secs(2), changed.recv()).await.expect("pages are told").unwrap()
}

#[db_test]
async fn a_server_that_stops_is_down_in_time_and_up_again_when_it_is_back(database: TestDatabase) {
    // S15; D1–D3 of peers.md: down within interval × failures + 5 s, dated at the first failed check
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Free).await, Target::start().await);
    let monitor = each_second(&fleet, 1, &target.url("/health"));
    fleet.adds(std::slice::from_ref(&monitor), world.now()).await;
    let mut changed = world.ctx.signals.changed_pages();
    let watching = world.watches(Config::default());
    let is = |state| {
        let (fleet, id) = (fleet.clone(), monitor.id);
        async move || fleet.finds(id).await.state == state
    };

    within(Duration::from_secs(3), "up", is(MonitorState::Up)).await;
    assert_eq!(told(&mut changed).await, fleet.owner.organization.id);
    target.stop().await;
    let limit = Duration::from_secs(2 + 5);
    within(limit, "down", is(MonitorState::Down)).await;
    assert_eq!(told(&mut changed).await, fleet.owner.organization.id);
    target.restart().await;
    within(Duration::from_secs(1 + 5), "up again", is(MonitorState::Up)).await;
    watching.stops().await;

    let results = results(&fleet, monitor.id).await;
    let first_failed = results.iter().find(|one| one.status == CheckStatus::Down).unwrap();
    assert_eq!(first_failed.failure, Some(FailureClass::ConnectionFailed));
    let back = results.iter().rfind(|one| one.status == CheckStatus::Down).unwrap();
    let back = results.iter().find(|one| one.checked_at > back.checked_at).unwrap();
    let mut conn = database.read().await.unwrap();
    let start = Timestamp::from_ms(0);
    let spans = store::state_intervals::list(&mut conn, fleet.scope(), monitor.id, start).await.unwrap();
    let seen: Vec<_> = spans.iter().map(|span| (span.state, span.started_at, span.ended_at)).collect();
    assert_eq!(
        seen,
        [
            (MonitorState::Up, results[0].checked_at, Some(first_failed.checked_at)),
            (MonitorState::Down, first_failed.checked_at, Some(back.checked_at)),
            (MonitorState::Up, back.checked_at, None)
        ]
    );
}

#[db_test]
async fn one_failed_check_between_good_ones_is_no_outage(database: TestDatabase) {
    // D1 of peers.md
    let world = World::new(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Free).await, Target::start().await);
    let monitor = each_second(&fleet, 1, &target.url("/"));
    fleet.adds(std::slice::from_ref(&monitor), world.now()).await;
    let watching = world.watches(Config::default());
    let id = monitor.id;
    within(Duration::from_secs(3), "up", async || count(&fleet, id, CheckStatus::Up).await == 1).await;
    target.answer("/", Answer::status(503));
    within(Duration::from_secs(3), "failed", async || count(&fleet, id, CheckStatus::Down).await == 1).await;
    target.answer("/", Answer::status(200));
    within(Duration::from_secs(3), "well", async || count(&fleet, id, CheckStatus::Up).await >= 2).await;
    watching.stops().await;
    assert_eq!(fleet.finds(id).await.state, MonitorState::Up);
    let mut conn = database.read().await.unwrap();
    let start = Timestamp::from_ms(0);
    let spans = store::state_intervals::list(&mut conn, fleet.scope(), id, start).await.unwrap();
    assert_eq!(spans.len(), 1);
}

#[db_test]
async fn a_new_monitor_is_checked_at_once_while_the_scheduler_sleeps(database: TestDatabase) {
    let world = World::with_plans(&database);
    let (fleet, target) = (Fleet::new(&database, 1, Tier::Free).await, Target::start().await);
    let watching = world.watches(Config::default());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let input = actions::monitors::NewMonitor::new(fleet.service, Ok(target.url("/")));
    let monitor = actions::monitors::create(&watching.ctx, &fleet.owner, input).await.unwrap();
    let is_up = async || fleet.finds(monitor.id).await.state == MonitorState::Up;
    within(Duration::from_secs(2), "the first result", is_up).await;

    // X43: the interval that was asked for is below the minimum of the tier; 300 s are run.
    let mut fast = each_second(&fleet, 2, &target.url("/fast"));
    fast.timeout_seconds = 1;
    fleet.adds(std::slice::from_ref(&fast), world.now()).await;
    watching.ctx.signals.schedule_changed();
    within(Duration::from_secs(2), "the first check", async || target.count("/fast") == 1).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    // The slot may follow at once by chance of its phase; two within three seconds cannot.
    assert!(target.count("/fast") <= 2, "{} checks", target.count("/fast"));
    watching.stops().await;
}
