//! Single results: one per instant, newest first, nobody else's.

use domain::check::{CheckResult, CheckStatus, FailureClass, Phases};
use domain::id::MonitorId;
use domain::plan::Tier;
use domain::time::Timestamp;
use store::check_results;
use testkit::{Fleet, START, TestDatabase, db_test};

fn up(monitor_id: MonitorId, checked_at: Timestamp) -> CheckResult {
    CheckResult {
        monitor_id,
        checked_at,
        status: CheckStatus::Up,
        failure: None,
        status_code: Some(200),
        response_time_ms: Some(12),
        phases: Phases::default(),
        is_manual: false,
    }
}

#[db_test]
async fn many_results_are_written_at_once_and_read_newest_first(database: TestDatabase) {
    // S5
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let ids = fleet.adds_many(2, "https://example.com/", START).await;
    let down = CheckResult {
        status: CheckStatus::Down,
        failure: Some(FailureClass::TimedOut),
        status_code: None,
        response_time_ms: Some(10_000),
        ..up(ids[0], START.plus_s(60))
    };
    let no_data = CheckResult {
        status: CheckStatus::NoData,
        status_code: None,
        response_time_ms: None,
        ..up(ids[0], START.plus_s(120))
    };
    let batch = [up(ids[0], START), down, no_data, up(ids[1], START)];
    let mut tx = database.write().await.unwrap();
    check_results::archive(&mut tx, &batch).await.unwrap();
    check_results::archive(&mut tx, &[]).await.unwrap();
    let list = check_results::list(&mut tx, fleet.scope(), ids[0], None, 10).await.unwrap();
    assert_eq!(list, [batch[2], batch[1], batch[0]]);
    let page =
        check_results::list(&mut tx, fleet.scope(), ids[0], Some(batch[2].checked_at), 1).await.unwrap();
    assert_eq!(page, [batch[1]], "older than the cursor, as many as asked for");
}

#[db_test]
async fn a_second_result_of_one_instant_changes_nothing(database: TestDatabase) {
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let by_hand = CheckResult { is_manual: true, status: CheckStatus::Degraded, ..up(id, START) };
    let mut tx = database.write().await.unwrap();
    check_results::insert(&mut tx, fleet.scope(), &by_hand).await.unwrap();
    check_results::insert(&mut tx, fleet.scope(), &up(id, START)).await.unwrap();
    assert_eq!(check_results::list(&mut tx, fleet.scope(), id, None, 10).await.unwrap(), [by_hand]);
}

#[db_test]
async fn results_of_somebody_else_are_neither_read_nor_written(database: TestDatabase) {
    // T-02
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Pro).await, Fleet::new(&database, 2, Tier::Pro).await);
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let mut tx = database.write().await.unwrap();
    check_results::insert(&mut tx, other.scope(), &up(id, START)).await.unwrap();
    assert_eq!(check_results::list(&mut tx, fleet.scope(), id, None, 10).await.unwrap(), []);
    check_results::insert(&mut tx, fleet.scope(), &up(id, START)).await.unwrap();
    assert_eq!(check_results::list(&mut tx, other.scope(), id, None, 10).await.unwrap(), []);
    assert_eq!(check_results::list(&mut tx, fleet.scope(), id, None, 10).await.unwrap().len(), 1);
}
