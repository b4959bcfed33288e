//! Trimming removes what is old and nothing else.

use domain::check::{CheckResult, CheckStatus, Phases};
use domain::id::MonitorId;
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::time::{DAY_MS, Timestamp};
use store::retention::TrimmedMonitor;
use store::{check_results, monitors, organizations, retention, rollups, state_intervals};
use testkit::{Fleet, START, TestDatabase, db_test};
use uuid::Uuid;

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

fn days_ago(days: i64) -> Timestamp {
    START.plus_ms(-days * DAY_MS)
}

#[db_test]
async fn only_what_is_older_than_the_limit_goes(database: TestDatabase) {
    // X49
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let (scope, service) = (fleet.scope(), fleet.service);
    let ids = fleet.adds_many(2, "https://example.com/", START).await;
    let mut tx = database.write().await.unwrap();
    for (days, state) in [(9, MonitorState::Up), (8, MonitorState::Down), (1, MonitorState::Up)] {
        for id in &ids {
            check_results::archive(&mut tx, &[up(*id, days_ago(days))]).await.unwrap();
            state_intervals::close(&mut tx, scope, *id, days_ago(days)).await.unwrap();
            state_intervals::open(&mut tx, scope, *id, service, state, days_ago(days)).await.unwrap();
        }
    }
    let limit = days_ago(8);
    let lengths = retention::trim_results(&mut tx, ids[0], limit, 100).await.unwrap();
    assert_eq!(lengths.len(), 1);
    assert!(lengths[0] > 8, "bytes of the packed row: {lengths:?}");
    // One hour, one day; the span that ended at noon of the limit's day reaches into it.
    assert_eq!(retention::trim_history(&mut tx, ids[0], limit.day(), 100).await.unwrap(), 2);
    assert_eq!(retention::trim_history(&mut tx, ids[0], limit.day().plus(1), 100).await.unwrap(), 3);
    let left = check_results::list(&mut tx, scope, ids[0], None, 10).await.unwrap();
    assert_eq!(left.iter().map(|one| one.checked_at).collect::<Vec<_>>(), [days_ago(1), days_ago(8)]);
    let spans = state_intervals::list(&mut tx, scope, ids[0], days_ago(99)).await.unwrap();
    assert_eq!(spans.iter().map(|span| span.started_at).collect::<Vec<_>>(), [days_ago(8), days_ago(1)]);
    assert_eq!(
        check_results::list(&mut tx, scope, ids[1], None, 10).await.unwrap().len(),
        3,
        "another monitor"
    );
}

#[db_test]
async fn monitors_are_listed_in_pages_with_their_tier_and_fate(database: TestDatabase) {
    let (first, second) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Free).await);
    let ids = [
        first.adds_many(2, "https://example.com/", START).await,
        second.adds_many(1, "https://example.com/", START).await,
    ]
    .concat();
    let mut tx = database.write().await.unwrap();
    monitors::delete(&mut tx, first.scope(), ids[1], START).await.unwrap();
    organizations::delete(&mut tx, second.scope(), days_ago(31)).await.unwrap();
    let row = |id, tier, is_condemned| TrimmedMonitor { id, tier, is_condemned };
    let start = MonitorId::new(Uuid::nil());
    let page = retention::list_monitors(&mut tx, start, days_ago(30), 2).await.unwrap();
    assert_eq!(page, [row(ids[0], Tier::Team, false), row(ids[1], Tier::Team, false)]);
    let page = retention::list_monitors(&mut tx, ids[1], days_ago(30), 2).await.unwrap();
    assert_eq!(page, [row(ids[2], Tier::Free, true)]);
    assert_eq!(retention::list_monitors(&mut tx, ids[2], days_ago(30), 2).await.unwrap(), []);
}

#[db_test]
async fn a_monitor_deleted_long_ago_goes_with_its_history(database: TestDatabase) {
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let ids = fleet.adds_many(2, "https://example.com/", START).await;
    let mut tx = database.write().await.unwrap();
    check_results::archive(&mut tx, &[up(ids[0], START), up(ids[1], START)]).await.unwrap();
    monitors::delete(&mut tx, fleet.scope(), ids[0], START).await.unwrap();
    assert_eq!(retention::purge_monitors(&mut tx, START).await.unwrap(), 0);
    assert_eq!(retention::purge_monitors(&mut tx, START.plus_ms(1)).await.unwrap(), 1);
    let (day, scope) = (START.day(), fleet.scope());
    let gone = rollups::list_days(&mut tx, scope, ids[0], day, day.plus(1)).await.unwrap();
    let left = rollups::list_days(&mut tx, scope, ids[1], day, day.plus(1)).await.unwrap();
    assert_eq!((gone.len(), left.len()), (0, 1));
}

#[db_test]
async fn the_oldest_go_first_and_no_more_than_the_limit(database: TestDatabase) {
    // X49: a step is small however much waits.
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let (scope, id) = (fleet.scope(), fleet.adds_many(1, "https://example.com/", START).await[0]);
    let mut tx = database.write().await.unwrap();
    for days in 10..20 {
        check_results::archive(&mut tx, &[up(id, days_ago(days))]).await.unwrap();
    }
    assert_eq!(retention::trim_results(&mut tx, id, days_ago(5), 3).await.unwrap().len(), 3);
    let left = check_results::list(&mut tx, scope, id, None, 100).await.unwrap();
    assert_eq!(left.last().unwrap().checked_at, days_ago(16));
    // Four of the hours and four of the days.
    assert_eq!(retention::trim_history(&mut tx, id, days_ago(5).day(), 4).await.unwrap(), 8);
    let (from, to) = (days_ago(30).day(), START.day());
    let days = rollups::list_days(&mut tx, scope, id, from, to).await.unwrap();
    assert_eq!(days.first().map(|day| day.bucket), Some(days_ago(15).day().0));
}

#[db_test]
async fn a_night_is_begun_once_and_ends_once(database: TestDatabase) {
    let night = START.day();
    let mut tx = database.write().await.unwrap();
    assert_eq!(retention::lock_night(&mut tx, night).await.unwrap(), None, "not begun");
    retention::insert_night(&mut tx, night, START).await.unwrap();
    let mut row = retention::lock_night(&mut tx, night).await.unwrap().unwrap();
    (row.after_monitor, row.hours, row.bytes) = (MonitorId::new(Uuid::from_u128(7)), 3, 99);
    retention::update_night(&mut tx, &row).await.unwrap();
    retention::insert_night(&mut tx, night, START.plus_s(1)).await.unwrap();
    let again = retention::lock_night(&mut tx, night).await.unwrap().unwrap();
    assert_eq!(again, retention::Night { slices: row.slices + 1, ..row.clone() }, "it goes on");
    assert!(!retention::is_finished(&mut tx, night).await.unwrap());
    assert_eq!(retention::find_last_night(&mut tx).await.unwrap(), None);

    row.finished_at = Some(START.plus_s(9));
    retention::update_night(&mut tx, &row).await.unwrap();
    assert!(retention::is_finished(&mut tx, night).await.unwrap());
    assert_eq!(retention::lock_night(&mut tx, night).await.unwrap(), None);
    assert_eq!(retention::find_last_night(&mut tx).await.unwrap(), Some(row));
    assert_eq!(retention::purge_nights(&mut tx, night).await.unwrap(), 0);
    assert_eq!(retention::purge_nights(&mut tx, night.plus(1)).await.unwrap(), 1);
}
