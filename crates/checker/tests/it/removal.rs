//! What is removed once an hour, and what must stay.

use checker::{Retention, remove_old};
use domain::check::{CheckResult, CheckStatus, Phases};
use domain::id::MonitorId;
use domain::plan::Tier;
use domain::time::{DAY_MS, Timestamp};
use store::{check_results, organizations, rollups};
use testkit::{Fleet, START, TestContext, db_test};

async fn adds_history(test: &TestContext, id: MonitorId) {
    let mut tx = test.db.write().await.unwrap();
    for days in [0, 6, 8, 29, 31, 89, 91, 729, 731] {
        let result = CheckResult {
            monitor_id: id,
            checked_at: START.plus_ms(-days * DAY_MS),
            status: CheckStatus::Up,
            failure: None,
            status_code: Some(200),
            response_time_ms: Some(9),
            phases: Phases::default(),
            is_manual: false,
        };
        check_results::archive(&mut tx, &[result]).await.unwrap();
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
async fn single_results_are_kept_by_tier_and_roll_ups_for_all(test: TestContext) {
    // X49
    for (number, tier, days) in [(1, Tier::Free, 6), (2, Tier::Pro, 29), (3, Tier::Team, 89)] {
        let fleet = Fleet::new(&test.db, number, tier).await;
        let id = fleet.adds_many(1, "https://example.com/", START).await[0];
        adds_history(&test, id).await;
        let retention = Retention { raw_days: 1, rollup_days: 730 };
        remove_old(&test, retention, false).await.unwrap();
        assert_eq!(oldest(&test, &fleet, id).await, (days, 731), "{tier:?}");
        remove_old(&test, retention, true).await.unwrap();
        assert_eq!(oldest(&test, &fleet, id).await, (days, 729), "{tier:?}");
    }
}

#[db_test]
async fn without_tiers_the_operator_says_how_long(test: TestContext) {
    // D7
    let test = test.with_policy(|policy| policy.are_plans_enforced = false);
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    adds_history(&test, id).await;
    remove_old(&test, Retention { raw_days: 30, rollup_days: 90 }, true).await.unwrap();
    assert_eq!(oldest(&test, &fleet, id).await, (29, 89));
}

#[db_test]
async fn more_monitors_than_fit_one_transaction_are_all_trimmed(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let ids = fleet.adds_many(205, "https://example.com/", START).await;
    for id in [ids[0], ids[99], ids[100], ids[204]] {
        adds_history(&test, id).await;
    }
    remove_old(&test, Retention::default(), false).await.unwrap();
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
    remove_old(&test, Retention::default(), true).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    let left: Vec<_> = organizations::list_all(&mut conn).await.unwrap();
    assert!(left.iter().all(|one| one.id != gone.owner.organization.id));
    let monitors = store::monitors::list(&mut conn, gone.scope(), None).await.unwrap();
    assert_eq!(monitors, []);
    assert_eq!(store::monitors::list(&mut conn, kept.scope(), None).await.unwrap().len(), 1);
}
