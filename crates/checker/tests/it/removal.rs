//! What is removed once a night, and what must stay; a night that is cut short goes on.

use checker::{Progress, Retention, Work, remove_old};
use domain::check::{CheckResult, CheckStatus, Phases};
use domain::id::MonitorId;
use domain::plan::Tier;
use domain::time::{DAY_MS, Timestamp};
use store::{check_results, organizations, rollups};
use testkit::{Fleet, START, TestContext, db_test};

fn result(monitor_id: MonitorId, checked_at: Timestamp) -> CheckResult {
    CheckResult {
        monitor_id,
        checked_at,
        status: CheckStatus::Up,
        failure: None,
        status_code: Some(200),
        response_time_ms: Some(9),
        phases: Phases::default(),
        is_manual: false,
    }
}

async fn adds_history(test: &TestContext, id: MonitorId) {
    let mut tx = test.db.write().await.unwrap();
    for days in [0, 6, 8, 29, 31, 89, 91, 729, 731] {
        check_results::archive(&mut tx, &[result(id, START.plus_ms(-days * DAY_MS))]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Age in days of the oldest single result and of the oldest daily roll-up.
async fn oldest(test: &TestContext, fleet: &Fleet, id: MonitorId) -> (i64, i64) {
    let mut conn = test.db.read().await.unwrap();
    let results = check_results::list(&mut conn, fleet.scope(), id, None, 100).await.unwrap();
    let (from, to) = (Timestamp::from_ms(0).day(), START.day().plus(1));
    let days = rollups::list_days(&mut conn, fleet.scope(), id, from, to).await.unwrap();
    (START.since(results.last().unwrap().checked_at) / DAY_MS, START.day().0 - days[0].bucket)
}

#[db_test]
async fn single_results_are_kept_by_tier_and_roll_ups_for_ever(test: TestContext) {
    // X49
    let mut watched = Vec::new();
    for (number, tier, days) in [(1, Tier::Free, 6), (2, Tier::Pro, 29), (3, Tier::Team, 89)] {
        let fleet = Fleet::new(&test.db, number, tier).await;
        let id = fleet.adds_many(1, "https://example.com/", START).await[0];
        adds_history(&test, id).await;
        watched.push((fleet, id, days));
    }
    remove_old(&test, Retention { raw_days: 1, ..Retention::default() }).await.unwrap();
    for (fleet, id, days) in &watched {
        assert_eq!(oldest(&test, fleet, *id).await, (*days, 731));
    }
    test.clock.advance_s(86_400);
    remove_old(&test, Retention { raw_days: 1, rollup_days: Some(730) }).await.unwrap();
    for (fleet, id, days) in &watched {
        assert_eq!(oldest(&test, fleet, *id).await, (*days, 729));
    }
}

#[db_test]
async fn a_night_is_worked_once_and_says_what_it_removed(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let id = fleet.adds_many(3, "https://example.com/", START).await[0];
    adds_history(&test, id).await;
    remove_old(&test, Retention::default()).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    let night = store::retention::find_last_night(&mut conn).await.unwrap().unwrap();
    assert_eq!((night.monitors, night.hours, night.history_rows), (3, 7, 0));
    assert!(night.bytes >= 7 * 8 && night.slices >= 2 && night.longest_slice_ms >= 1, "{night:?}");
    drop(conn);

    adds_history(&test, id).await;
    remove_old(&test, Retention::default()).await.unwrap();
    assert_eq!(oldest(&test, &fleet, id).await.0, 731, "not twice in a night");
    test.clock.advance_s(86_400);
    remove_old(&test, Retention::default()).await.unwrap();
    assert_eq!(oldest(&test, &fleet, id).await.0, 6);
}

/// Every tenth hour of the last 120 days.
async fn adds_months(test: &TestContext, ids: &[MonitorId]) {
    let mut tx = test.db.write().await.unwrap();
    for id in ids {
        let results: Vec<CheckResult> =
            (0..288).map(|step| result(*id, START.plus_ms(-step * DAY_MS * 10 / 24))).collect();
        check_results::archive(&mut tx, &results).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn rows(test: &TestContext, fleet: &Fleet, ids: &[MonitorId]) -> Vec<usize> {
    let mut conn = test.db.read().await.unwrap();
    let mut rows = Vec::new();
    for id in ids {
        rows.push(check_results::list(&mut conn, fleet.scope(), *id, None, 1000).await.unwrap().len());
    }
    rows
}

#[db_test]
async fn a_night_that_is_killed_goes_on_where_it_was(test: TestContext) {
    // X49: whatever the moment, what was committed stays and nothing is done twice or left out.
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let ids = fleet.adds_many(12, "https://example.com/", START).await;
    adds_months(&test, &ids).await;
    let (mut processes, mut left) = (0, usize::MAX);
    loop {
        processes += 1;
        // A process that is killed after one slice, in the middle of its second: nothing of that one stays.
        let mut work = Work::new((*test).clone(), Retention::default());
        assert!(work.begin().await.unwrap());
        let progress = work.slice().await.unwrap();
        let before = rows(&test, &fleet, &ids).await;
        let mut cut_short = test.db.write().await.unwrap();
        let night =
            store::retention::lock_night(&mut cut_short, START.plus_ms(-3 * 3_600_000).day()).await.unwrap();
        let (at, limit) = (night.unwrap().after_monitor, 500);
        let next = ids.iter().find(|id| **id > at);
        if let Some(id) = next {
            store::retention::trim_results(&mut cut_short, *id, START, limit).await.unwrap();
        }
        drop(cut_short);
        assert_eq!(rows(&test, &fleet, &ids).await, before);
        let total: usize = before.iter().sum();
        assert!(total < left || progress == Progress::Trimmed, "it begins anew: {before:?}");
        left = total;
        if progress == Progress::Trimmed {
            break;
        }
    }
    assert!(processes > 12, "12 × 271 rows in steps of 250: {processes}");
    // What a process that was never stopped leaves.
    assert!(rows(&test, &fleet, &ids).await.iter().all(|count| *count == 17));
    Work::new((*test).clone(), Retention::default()).finish().await.unwrap();
    let night = store::retention::find_last_night(&mut test.db.read().await.unwrap()).await.unwrap().unwrap();
    assert_eq!((night.monitors, night.hours), (12, 12 * 271), "each counted once, over all processes");
}

#[db_test]
async fn two_processes_share_a_night(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let ids = fleet.adds_many(6, "https://example.com/", START).await;
    adds_months(&test, &ids).await;
    let (first, second) =
        tokio::join!(remove_old(&test, Retention::default()), remove_old(&test, Retention::default()));
    first.and(second).unwrap();
    assert!(rows(&test, &fleet, &ids).await.iter().all(|count| *count == 17));
    let night = store::retention::find_last_night(&mut test.db.read().await.unwrap()).await.unwrap().unwrap();
    assert_eq!((night.monitors, night.hours), (6, 6 * 271));
}

#[db_test]
async fn ninety_days_of_every_minute_go_in_short_steps(test: TestContext) {
    // X49, P-5: from 90 days to 7 after a downgrade, and nobody waits for long.
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let ids = fleet.adds_many(5, "https://example.com/", START).await;
    let mut tx = test.db.write().await.unwrap();
    for id in &ids {
        let results: Vec<CheckResult> =
            (0..90 * 1440).map(|minute| result(*id, START.plus_ms(-minute * 60_000))).collect();
        check_results::archive(&mut tx, &results).await.unwrap();
    }
    tx.commit().await.unwrap();
    remove_old(&test, Retention::default()).await.unwrap();
    let night = store::retention::find_last_night(&mut test.db.read().await.unwrap()).await.unwrap().unwrap();
    println!(
        "trimmed {} hours, {} bytes, in {} steps of {} ms together, the longest {} ms",
        night.hours, night.bytes, night.slices, night.busy_ms, night.longest_slice_ms
    );
    // Noon of today and of the seventh day before: both hours are there in part.
    assert_eq!(night.hours, 5 * (90 - 7) * 24);
    assert!(night.slices >= night.hours / 250, "{night:?}");
    assert_eq!(rows(&test, &fleet, &ids).await, [1000; 5], "more than one asks for");
    let mut conn = test.db.read().await.unwrap();
    for id in &ids {
        let (from, to) = (START.day().plus(-90), START.day().plus(1));
        let days = rollups::list_days(&mut conn, fleet.scope(), *id, from, to).await.unwrap();
        assert_eq!(days.iter().map(|day| i64::from(day.up)).sum::<i64>(), 90 * 1440, "roll-ups stay");
        let left = store::check_results::list(&mut conn, fleet.scope(), *id, None, 20_000).await.unwrap();
        assert!(left.len() >= 7 * 1440 && left.len() <= 7 * 1440 + 60, "{}", left.len());
    }
}

#[db_test]
async fn without_tiers_the_operator_says_how_long(test: TestContext) {
    // D7
    let test = test.with_policy(|policy| policy.are_plans_enforced = false);
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    adds_history(&test, id).await;
    remove_old(&test, Retention { raw_days: 30, rollup_days: Some(90) }).await.unwrap();
    assert_eq!(oldest(&test, &fleet, id).await, (29, 89));
}

#[db_test]
async fn more_monitors_than_fit_one_transaction_are_all_trimmed(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let ids = fleet.adds_many(205, "https://example.com/", START).await;
    for id in [ids[0], ids[99], ids[100], ids[204]] {
        adds_history(&test, id).await;
    }
    remove_old(&test, Retention::default()).await.unwrap();
    for id in [ids[0], ids[99], ids[100], ids[204]] {
        assert_eq!(oldest(&test, &fleet, id).await.0, 6);
    }
}

#[db_test]
async fn an_organization_is_purged_a_month_after_its_deletion(test: TestContext) {
    // X18
    let (gone, kept) = (Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Team).await);
    for (fleet, days) in [(&gone, 31), (&kept, 29)] {
        adds_history(&test, fleet.adds_many(1, "https://example.com/", START).await[0]).await;
        let mut tx = test.db.write().await.unwrap();
        organizations::delete(&mut tx, fleet.scope(), START.plus_ms(-days * DAY_MS)).await.unwrap();
        tx.commit().await.unwrap();
    }
    remove_old(&test, Retention::default()).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    let left: Vec<_> = organizations::list_all(&mut conn).await.unwrap();
    assert!(left.iter().all(|one| one.id != gone.owner.organization.id));
    let monitors = store::monitors::list(&mut conn, gone.scope(), None).await.unwrap();
    assert_eq!(monitors, []);
    assert_eq!(store::monitors::list(&mut conn, kept.scope(), None).await.unwrap().len(), 1);
}
