//! From reports to results, states and history.

use actions::Error;
use actions::checks::{self, Recorded};
use domain::check::{CheckReport, CheckStatus, FailureClass, Outcome};
use domain::id::MonitorId;
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::schedule::Rhythm;
use domain::time::Timestamp;
use store::watch;
use store::{check_results, rollups, state_intervals};
use testkit::{Fleet, START, TestContext, db_test};

const URL: &str = "https://example.com/";

pub(crate) fn up() -> Outcome {
    Outcome {
        status: CheckStatus::Up,
        status_code: Some(200),
        response_time_ms: Some(20),
        ..Outcome::no_data()
    }
}

pub(crate) fn down() -> Outcome {
    Outcome {
        status: CheckStatus::Down,
        failure: Some(FailureClass::UnexpectedStatus),
        status_code: Some(503),
        response_time_ms: Some(30),
        ..Outcome::no_data()
    }
}

/// The slot that is open for this monitor.
pub(crate) async fn slot(test: &TestContext, id: MonitorId) -> Timestamp {
    let mut tx = test.db.write().await.unwrap();
    watch::lock_for_results(&mut tx, &[id]).await.unwrap()[0].next_check_at
}

fn report(monitor_id: MonitorId, slot_at: Timestamp, checked_at: Timestamp, outcome: Outcome) -> CheckReport {
    CheckReport { monitor_id, slot_at, checked_at, outcome }
}

/// Records one outcome for the open slot, as if it had been checked now.
pub(crate) async fn runs(test: &TestContext, id: MonitorId, outcome: Outcome) -> Recorded {
    let report = report(id, slot(test, id).await, test.now(), outcome);
    checks::record(test, &[report]).await.unwrap()
}

/// Moves the clock to the next slot and records an outcome there; the instant.
async fn runs_next(test: &TestContext, id: MonitorId, outcome: Outcome) -> Timestamp {
    test.clock.set(slot(test, id).await);
    runs(test, id, outcome).await;
    test.now()
}

async fn results(test: &TestContext, fleet: &Fleet, id: MonitorId) -> Vec<(CheckStatus, bool)> {
    let mut conn = test.db.read().await.unwrap();
    let list = check_results::list(&mut conn, fleet.scope(), id, None, 1000).await.unwrap();
    list.into_iter().map(|result| (result.status, result.is_manual)).collect()
}

async fn spans(
    test: &TestContext,
    fleet: &Fleet,
    id: MonitorId,
) -> Vec<(MonitorState, Timestamp, Option<Timestamp>)> {
    let mut conn = test.db.read().await.unwrap();
    let list = state_intervals::list(&mut conn, fleet.scope(), id, Timestamp::from_ms(0)).await.unwrap();
    list.into_iter().map(|span| (span.state, span.started_at, span.ended_at)).collect()
}

#[db_test]
async fn a_job_that_ran_twice_gives_one_result(test: TestContext) {
    // F-01
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let id = fleet.adds_many(1, URL, START).await[0];
    let first = report(id, START, START.plus_ms(5), up());
    let second = report(id, START, START.plus_s(31), down());
    test.clock.advance_s(32);
    let recorded = checks::record(&test, &[first.clone(), second.clone()]).await.unwrap();
    assert_eq!(recorded, Recorded { results: 1, flips: 1, too_late: 1 });
    let recorded = checks::record(&test, &[second, first]).await.unwrap();
    assert_eq!(recorded, Recorded { results: 0, flips: 0, too_late: 2 });
    assert_eq!(results(&test, &fleet, id).await, [(CheckStatus::Up, false)]);
    let mut conn = test.db.read().await.unwrap();
    let hour = START.hour();
    let counted = rollups::list_hours(&mut conn, fleet.scope(), id, hour, hour + 1).await.unwrap();
    assert_eq!((counted[0].up, counted[0].down), (1, 0));
}

#[db_test]
async fn an_outage_starts_at_the_first_failed_check_and_ends_at_the_first_good_one(test: TestContext) {
    // D1–D3 of peers.md
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let id = fleet.adds_many(1, URL, START).await[0];
    runs(&test, id, up()).await;
    let failed_at = runs_next(&test, id, down()).await;
    let before = fleet.finds(id).await;
    assert_eq!((before.state, before.run_length, before.last_status_code), (MonitorState::Up, 1, Some(503)));
    runs_next(&test, id, down()).await;
    let monitor = fleet.finds(id).await;
    assert_eq!((monitor.state, monitor.state_since), (MonitorState::Down, Some(failed_at)));
    assert_eq!(monitor.updated_at, START, "results do not change the version");
    let back_at = runs_next(&test, id, up()).await;
    assert_eq!(
        spans(&test, &fleet, id).await,
        [
            (MonitorState::Up, START, Some(failed_at)),
            (MonitorState::Down, failed_at, Some(back_at)),
            (MonitorState::Up, back_at, None)
        ]
    );
    let last = fleet.finds(id).await;
    assert_eq!((last.last_failure, last.last_response_time_ms), (None, Some(20)));
}

#[db_test]
async fn time_in_which_nobody_watched_has_no_data(test: TestContext) {
    // F-14
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let id = fleet.adds_many(1, URL, START).await[0];
    runs(&test, id, up()).await;
    let last = runs_next(&test, id, up()).await;
    test.clock.advance_s(7200);
    runs(&test, id, up()).await;
    let known_until = last.plus_s(60);
    assert_eq!(
        spans(&test, &fleet, id).await,
        [(MonitorState::Up, START, Some(known_until)), (MonitorState::Up, test.now(), None)]
    );
}

#[db_test]
async fn a_check_that_could_not_run_says_nothing(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let id = fleet.adds_many(1, URL, START).await[0];
    runs(&test, id, down()).await;
    let before = fleet.finds(id).await;
    runs_next(&test, id, Outcome::no_data()).await;
    assert_eq!(fleet.finds(id).await, before);
    assert_eq!(results(&test, &fleet, id).await, [(CheckStatus::NoData, false), (CheckStatus::Down, false)]);
    assert!(slot(&test, id).await > test.now(), "it is checked again all the same");
}

#[db_test]
async fn a_slow_answer_is_degraded(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let mut monitor = fleet.monitor(1, URL);
    (monitor.degraded_above_ms, monitor.failures_to_open) = (Some(100), 1);
    fleet.adds(std::slice::from_ref(&monitor), START).await;
    runs(&test, monitor.id, up()).await;
    runs_next(&test, monitor.id, Outcome { response_time_ms: Some(101), ..up() }).await;
    assert_eq!(fleet.finds(monitor.id).await.state, MonitorState::Degraded);
    assert_eq!(results(&test, &fleet, monitor.id).await[0].0, CheckStatus::Degraded);
}

#[db_test]
async fn after_a_downgrade_the_interval_is_the_minimum_of_the_tier(test: TestContext) {
    // X43
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let mut monitor = fleet.monitor(1, URL);
    monitor.interval_seconds = 30;
    fleet.adds(std::slice::from_ref(&monitor), START).await;
    let id = monitor.id;
    for (tier, interval) in [(Tier::Team, 30), (Tier::Pro, 60), (Tier::Free, 300), (Tier::Team, 30)] {
        let slug = &fleet.owner.organization.slug;
        actions::organizations::set_tier_by_operator(&test, slug, tier).await.unwrap();
        let at = runs_next(&test, id, up()).await;
        assert_eq!(slot(&test, id).await, Rhythm::of(id, interval).next_slot(at), "{tier:?}");
    }
    let test = test.with_policy(|policy| policy.are_plans_enforced = false);
    let slug = &fleet.owner.organization.slug;
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Free).await.unwrap();
    let at = runs_next(&test, id, up()).await;
    assert_eq!(slot(&test, id).await, Rhythm::of(id, 30).next_slot(at), "D7: tiers limit nothing");
}

#[db_test]
async fn a_result_for_a_monitor_that_changed_meanwhile_is_dropped(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let ids = fleet.adds_many(3, URL, START).await;
    let mut tx = test.db.write().await.unwrap();
    let mut paused = fleet.monitor(1, URL);
    paused.is_active = false;
    paused.updated_at = START.plus_ms(1);
    assert!(store::monitors::update(&mut tx, fleet.scope(), &paused, START).await.unwrap());
    store::monitors::delete(&mut tx, fleet.scope(), ids[1], START).await.unwrap();
    store::monitors::update_next_check(&mut tx, fleet.scope(), ids[2], START.plus_ms(7), 0).await.unwrap();
    tx.commit().await.unwrap();
    let reports: Vec<CheckReport> = ids.iter().map(|id| report(*id, START, START, down())).collect();
    let recorded = checks::record(&test, &reports).await.unwrap();
    assert_eq!(recorded, Recorded { results: 0, flips: 0, too_late: 3 });
    assert_eq!(results(&test, &fleet, ids[2]).await, []);
}

#[db_test]
async fn a_large_batch_of_many_organizations_is_recorded_whole(test: TestContext) {
    let fleets = [Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Free).await];
    let mut changed = test.signals.changed_pages();
    let mut reports = Vec::new();
    for fleet in &fleets {
        let ids = fleet.adds_many(500, URL, START).await;
        reports.extend(ids.into_iter().map(|id| report(id, START, START.plus_ms(3), up())));
    }
    let recorded = checks::record(&test, &reports).await.unwrap();
    assert_eq!(recorded, Recorded { results: 1000, flips: 1000, too_late: 0 });
    let mut told = [changed.try_recv().unwrap(), changed.try_recv().unwrap()];
    told.sort_unstable();
    assert_eq!(told, [fleets[0].owner.organization.id, fleets[1].owner.organization.id]);
    assert!(changed.try_recv().is_err(), "one hint per organization");
    for fleet in &fleets {
        let mut conn = test.db.read().await.unwrap();
        let all = store::monitors::list(&mut conn, fleet.scope(), None).await.unwrap();
        assert!(
            all.iter().all(|one| one.state == MonitorState::Up && one.state_since == Some(START.plus_ms(3)))
        );
    }
}

#[db_test]
async fn a_check_by_hand_is_shown_and_counts_for_nothing(test: TestContext) {
    // X47
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let id = fleet.adds_many(1, URL, START).await[0];
    let before = fleet.finds(id).await;
    let check = checks::begin_by_hand(&test, &fleet.owner, id).await.unwrap();
    assert_eq!((check.job.monitor_id, check.job.url.as_str(), check.job.timeout_ms), (id, URL, 10_000));
    let result = checks::record_by_hand(&test, &fleet.owner, &check, &down()).await.unwrap();
    assert_eq!((result.status, result.is_manual, result.checked_at), (CheckStatus::Down, true, START));
    assert_eq!(results(&test, &fleet, id).await, [(CheckStatus::Down, true)]);
    assert_eq!(fleet.finds(id).await, before);
    assert_eq!(spans(&test, &fleet, id).await, []);
    let mut conn = test.db.read().await.unwrap();
    let hour = START.hour();
    assert_eq!(rollups::list_hours(&mut conn, fleet.scope(), id, hour, hour + 1).await.unwrap(), []);
}

#[db_test(flavor = "multi_thread")]
async fn a_check_by_hand_is_given_to_one_of_many_and_again_after_ten_seconds(test: TestContext) {
    // X47
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let id = fleet.adds_many(1, URL, START).await[0];
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (test, owner) = (test.clone(), fleet.owner.clone());
            tokio::spawn(async move { checks::begin_by_hand(&test, &owner, id).await })
        })
        .collect();
    let mut given = 0;
    for attempt in tries {
        match attempt.await.unwrap() {
            Ok(_) => given += 1,
            Err(Error::Throttled { retry_after_s }) => assert_eq!(retry_after_s, 10),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(given, 1);
    test.clock.advance_s(10);
    checks::begin_by_hand(&test, &fleet.owner, id).await.unwrap();
}

#[db_test]
async fn nobody_checks_the_monitor_of_somebody_else_by_hand(test: TestContext) {
    // T-02
    let (fleet, other) =
        (Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Team).await);
    let id = fleet.adds_many(1, URL, START).await[0];
    let refused = checks::begin_by_hand(&test, &other.owner, id).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound), "{refused:?}");
}

#[db_test]
async fn an_organization_gets_six_checks_by_hand_a_minute_over_all_its_monitors(test: TestContext) {
    // T-15
    let (fleet, other) =
        (Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Team).await);
    let ids = fleet.adds_many(7, URL, START).await;
    for id in &ids[..6] {
        checks::begin_by_hand(&test, &fleet.owner, *id).await.unwrap();
    }
    let refused = checks::begin_by_hand(&test, &fleet.owner, ids[6]).await.unwrap_err();
    assert!(matches!(refused, Error::Throttled { retry_after_s: 60 }), "{refused:?}");
    let elsewhere = other.adds_many(1, URL, START).await[0];
    checks::begin_by_hand(&test, &other.owner, elsewhere).await.unwrap();
    test.clock.advance_s(60);
    checks::begin_by_hand(&test, &fleet.owner, ids[6]).await.unwrap();
}
