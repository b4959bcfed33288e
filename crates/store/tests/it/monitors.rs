//! Monitors as their owners see them: versions, quotas, foreign organizations.

use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::verdict::MonitorVerdict;
use store::{Error, monitors};
use testkit::{Fleet, START, TestDatabase, db_test};

#[db_test]
async fn a_monitor_is_read_back_as_it_was_written(database: TestDatabase) {
    // S4
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let mut monitor = fleet.monitor(1, "https://example.com/health");
    monitor.degraded_above_ms = Some(800);
    fleet.adds(std::slice::from_ref(&monitor), START).await;
    assert_eq!(fleet.finds(monitor.id).await, monitor);
    let mut tx = database.write().await.unwrap();
    assert_eq!(monitors::lock(&mut tx, fleet.scope(), monitor.id).await.unwrap(), Some(monitor));
}

#[db_test]
async fn a_monitor_of_somebody_else_does_not_exist(database: TestDatabase) {
    // T-02: each function with the scope of another organization
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let monitor = fleet.monitor(1, "https://example.com/");
    fleet.adds(std::slice::from_ref(&monitor), START).await;
    let (scope, id, later) = (other.scope(), monitor.id, START.plus_s(60));
    let mut tx = database.write().await.unwrap();
    assert!(monitors::list(&mut tx, scope, None).await.unwrap().is_empty());
    assert!(monitors::list(&mut tx, scope, Some(fleet.service)).await.unwrap().is_empty());
    assert_eq!(monitors::find(&mut tx, scope, id).await.unwrap(), None);
    assert_eq!(monitors::lock(&mut tx, scope, id).await.unwrap(), None);
    assert!(!monitors::update(&mut tx, scope, &monitor, START).await.unwrap());
    assert!(!monitors::delete(&mut tx, scope, id, later).await.unwrap());
    assert!(!monitors::swap_checked_by_hand(&mut tx, scope, id, later, START).await.unwrap());
    assert_eq!(monitors::count_for_service(&mut tx, scope, fleet.service).await.unwrap(), 0);
    monitors::update_next_check(&mut tx, scope, id, later, 0).await.unwrap();
    let verdict = MonitorVerdict { state: MonitorState::Down, ..MonitorVerdict::default() };
    monitors::update_verdict(&mut tx, scope, id, &verdict).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(fleet.finds(id).await, monitor);
    let mut conn = database.read().await.unwrap();
    assert_eq!(
        store::watch::next_due_at(&mut conn, START.plus_ms(-1), START.plus_ms(-1)).await.unwrap(),
        Some(START)
    );
}

#[db_test]
async fn a_monitor_cannot_stand_on_a_service_of_somebody_else(database: TestDatabase) {
    // X15
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let mut monitor = fleet.monitor(1, "https://example.com/");
    monitor.service_id = other.service;
    let mut tx = database.write().await.unwrap();
    let refused = monitors::insert(&mut tx, fleet.scope(), &monitor, START).await.unwrap_err();
    assert!(matches!(refused, Error::Reference), "{refused}");
}

#[db_test]
async fn only_the_newest_version_can_be_changed(database: TestDatabase) {
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let before = fleet.monitor(1, "https://example.com/");
    fleet.adds(std::slice::from_ref(&before), START).await;
    let mut after = before.clone();
    after.url = "https://example.com/new".to_owned();
    after.interval_seconds = 30;
    after.is_active = false;
    after.updated_at = START.plus_ms(1);
    let mut tx = database.write().await.unwrap();
    assert!(monitors::update(&mut tx, fleet.scope(), &after, START).await.unwrap());
    assert!(!monitors::update(&mut tx, fleet.scope(), &before, START).await.unwrap(), "an old version");
    tx.commit().await.unwrap();
    assert_eq!(fleet.finds(before.id).await, after);
}

#[db_test]
async fn counts_and_lists_leave_out_what_is_deleted_or_elsewhere(database: TestDatabase) {
    // S32, X67
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let second = fleet.adds_service(2).await;
    let mut monitors = [1, 2, 3, 4].map(|number| fleet.monitor(number, "https://example.com/"));
    monitors[1].is_active = false;
    monitors[3].service_id = second;
    fleet.adds(&monitors, START).await;
    let mut tx = database.write().await.unwrap();
    assert!(monitors::delete(&mut tx, fleet.scope(), monitors[2].id, START.plus_s(1)).await.unwrap());
    assert!(!monitors::delete(&mut tx, fleet.scope(), monitors[2].id, START.plus_s(1)).await.unwrap());
    let count = monitors::count_for_service(&mut tx, fleet.scope(), fleet.service).await.unwrap();
    let running = monitors::count_active_for_service(&mut tx, fleet.scope(), fleet.service).await.unwrap();
    assert_eq!((count, running), (2, 1));
    let ids = |list: Vec<domain::monitor::Monitor>| list.iter().map(|one| one.id).collect::<Vec<_>>();
    let all = ids(monitors::list(&mut tx, fleet.scope(), None).await.unwrap());
    assert_eq!(all, [monitors[0].id, monitors[1].id, monitors[3].id]);
    assert_eq!(ids(monitors::list(&mut tx, fleet.scope(), Some(second)).await.unwrap()), [monitors[3].id]);
    assert_eq!(monitors::find(&mut tx, fleet.scope(), monitors[2].id).await.unwrap(), None);
}

#[db_test]
async fn a_check_by_hand_is_given_once_per_pause(database: TestDatabase) {
    // X47
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let mut tx = database.write().await.unwrap();
    let scope = fleet.scope();
    assert!(monitors::swap_checked_by_hand(&mut tx, scope, id, START, START.plus_s(-10)).await.unwrap());
    let soon = START.plus_s(9);
    assert!(!monitors::swap_checked_by_hand(&mut tx, scope, id, soon, soon.plus_s(-10)).await.unwrap());
    let later = START.plus_s(10);
    assert!(monitors::swap_checked_by_hand(&mut tx, scope, id, later, later.plus_s(-10)).await.unwrap());
}

#[db_test]
async fn what_the_verdict_remembers_can_be_replaced(database: TestDatabase) {
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let verdict = MonitorVerdict {
        state: MonitorState::Down,
        state_since: Some(START),
        run_status: Some(domain::check::CheckStatus::Down),
        run_length: 2,
        run_started_at: Some(START),
        last_checked_at: Some(START.plus_s(60)),
        flapping_since: Some(START.plus_s(30)),
    };
    let mut tx = database.write().await.unwrap();
    monitors::update_verdict(&mut tx, fleet.scope(), id, &verdict).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(MonitorVerdict::of(&fleet.finds(id).await), verdict);
}
