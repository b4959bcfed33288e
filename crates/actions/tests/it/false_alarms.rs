//! What keeps a failed check from being an outage: its length, what it depends on; and a state that flaps.

use actions::monitors::{self, MonitorPatch, NewMonitor};
use actions::patch::{Patch, Version};
use actions::{Error, checks};
use domain::check::{CheckReport, CheckStatus, FailureClass, Outcome};
use domain::id::MonitorId;
use domain::monitor::{Monitor, MonitorState};
use domain::plan::Tier;
use domain::time::Timestamp;
use store::{check_results, state_intervals};
use testkit::{Fleet, START, TestContext, db_test};

use crate::checks::{down, runs, slot, up};

const URL: &str = "https://example.com/";

/// Moves the clock to the next slot and records an outcome there; the instant.
async fn runs_next(test: &TestContext, id: MonitorId, outcome: Outcome) -> Timestamp {
    test.clock.set(slot(test, id).await);
    runs(test, id, outcome).await;
    test.now()
}

async fn last(test: &TestContext, fleet: &Fleet, id: MonitorId) -> (CheckStatus, Option<FailureClass>) {
    let mut conn = test.db.read().await.unwrap();
    let newest = check_results::list(&mut conn, fleet.scope(), id, None, 1).await.unwrap();
    (newest[0].status, newest[0].failure)
}

async fn spans(test: &TestContext, fleet: &Fleet, id: MonitorId) -> usize {
    let mut conn = test.db.read().await.unwrap();
    state_intervals::list_newest(&mut conn, fleet.scope(), id, 100).await.unwrap().len()
}

#[db_test]
async fn failures_that_do_not_last_long_enough_are_no_outage(test: TestContext) {
    // peers.md D10, D3
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = Monitor { min_outage_seconds: 120, ..fleet.monitor(1, URL) };
    fleet.adds(std::slice::from_ref(&monitor), START).await;
    let id = monitor.id;
    runs(&test, id, up()).await;
    for _ in 0..2 {
        runs_next(&test, id, down()).await;
    }
    runs_next(&test, id, up()).await;
    assert_eq!((fleet.finds(id).await.state, spans(&test, &fleet, id).await), (MonitorState::Up, 1));

    let first_at = runs_next(&test, id, down()).await;
    runs_next(&test, id, down()).await;
    assert_eq!(fleet.finds(id).await.state, MonitorState::Up, "a minute");
    runs_next(&test, id, down()).await;
    let monitor = fleet.finds(id).await;
    assert_eq!((monitor.state, monitor.state_since), (MonitorState::Down, Some(first_at)));
}

/// A chain of monitors that one failure makes down, the highest first; their numbers go the other way.
async fn chain(fleet: &Fleet, length: u128) -> Vec<Monitor> {
    let mut monitors: Vec<Monitor> = Vec::new();
    for number in (1..=length).rev() {
        let parent_id = monitors.last().map(|parent| parent.id);
        monitors.push(Monitor { parent_id, failures_to_open: 1, ..fleet.monitor(number, URL) });
    }
    fleet.adds(&monitors, START).await;
    monitors
}

/// One batch in which all of these report the same, children before their parents.
async fn report(test: &TestContext, monitors: &[&Monitor], outcome: Outcome) {
    let mut reports = Vec::new();
    for monitor in monitors.iter().rev() {
        let (slot_at, checked_at) = (slot(test, monitor.id).await, test.now());
        reports.push(CheckReport { monitor_id: monitor.id, slot_at, checked_at, outcome: outcome.clone() });
    }
    checks::record(test, &reports).await.unwrap();
    test.clock.advance_s(61);
}

#[db_test]
async fn while_a_parent_fails_its_children_say_nothing(test: TestContext) {
    // peers.md D5
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitors = chain(&fleet, 3).await;
    let [top, middle, bottom] = [&monitors[0], &monitors[1], &monitors[2]];
    let muted = (CheckStatus::NoData, Some(FailureClass::ParentDown));
    let failed = (CheckStatus::Down, Some(FailureClass::UnexpectedStatus));
    let state = async |monitor: &Monitor| fleet.finds(monitor.id).await.state;
    report(&test, &[top, middle, bottom], up()).await;

    report(&test, &[top, middle, bottom], down()).await;
    assert_eq!(state(top).await, MonitorState::Down);
    for child in [middle, bottom] {
        assert_eq!(last(&test, &fleet, child.id).await, muted, "taken after its parent, all the way down");
        let monitor = fleet.finds(child.id).await;
        assert_eq!((monitor.state, monitor.run_length), (MonitorState::Up, 1), "no failure in its run");
        assert_eq!(monitor.last_failure, Some(FailureClass::ParentDown));
        assert_eq!(spans(&test, &fleet, child.id).await, 1);
    }
    report(&test, &[bottom], down()).await;
    assert_eq!(last(&test, &fleet, bottom.id).await, muted, "also in a later batch");
    report(&test, &[middle], up()).await;
    assert_eq!(last(&test, &fleet, middle.id).await.0, CheckStatus::Up, "a success is one");
    report(&test, &[bottom], down()).await;
    assert_eq!((last(&test, &fleet, bottom.id).await, state(bottom).await), (failed, MonitorState::Down));
    report(&test, &[top, bottom], up()).await;
    report(&test, &[middle], down()).await;
    assert_eq!((last(&test, &fleet, middle.id).await, state(middle).await), (failed, MonitorState::Down));
}

#[db_test]
async fn a_parent_that_begins_to_fail_mutes_already_and_one_that_nobody_watches_does_not(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let parent = fleet.monitor(2, URL);
    let child = Monitor { parent_id: Some(parent.id), failures_to_open: 1, ..fleet.monitor(1, URL) };
    fleet.adds(&[parent.clone(), child.clone()], START).await;
    report(&test, &[&parent, &child], up()).await;
    report(&test, &[&parent, &child], down()).await;
    assert_eq!(fleet.finds(parent.id).await.state, MonitorState::Up, "one failure of two");
    assert_eq!(last(&test, &fleet, child.id).await, (CheckStatus::NoData, Some(FailureClass::ParentDown)));

    report(&test, &[&parent], down()).await;
    let paused = MonitorPatch { is_active: Some(false), ..MonitorPatch::default() };
    monitors::update(&test, &fleet.owner, parent.id, Version::Any, paused).await.unwrap();
    report(&test, &[&child], down()).await;
    assert_eq!(fleet.finds(child.id).await.state, MonitorState::Down);
    monitors::delete(&test, &fleet.owner, parent.id, Version::Any).await.unwrap();
    assert_eq!(fleet.finds(child.id).await.parent_id, None);
}

fn code(refused: Error) -> (&'static str, &'static str) {
    let Error::Invalid(faults) = refused else { panic!("{refused:?}") };
    assert_eq!(faults.len(), 1);
    (faults[0].field, faults[0].code)
}

#[db_test]
async fn a_monitor_depends_on_others_of_its_organization_and_never_on_itself(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let foreign = Fleet::new(&test.db, 2, Tier::Team).await;
    let foreign = foreign.adds_many(1, URL, START).await[0];
    let monitors = chain(&fleet, 6).await;
    let [top, bottom] = [monitors[0].id, monitors[5].id];
    let depends = async |id, parent_id| {
        let patch = MonitorPatch { parent_id, ..MonitorPatch::default() };
        monitors::update(&test, &fleet.owner, id, Version::Any, patch).await
    };
    for (id, parent, expected) in
        [(top, top, "depends_on_itself"), (top, bottom, "depends_on_itself"), (top, foreign, "not_found")]
    {
        let refused = depends(id, Patch::Set(parent)).await.unwrap_err();
        assert_eq!(code(refused), ("parent_id", expected));
    }
    let under = |parent| {
        let new = NewMonitor::new(fleet.service, Ok(URL.to_owned()));
        monitors::create(&test, &fleet.owner, NewMonitor { parent_id: Some(parent), ..new })
    };
    assert_eq!(code(under(bottom).await.unwrap_err()), ("parent_id", "too_deep"));
    assert_eq!(code(under(foreign).await.unwrap_err()), ("parent_id", "not_found"));
    assert_eq!(under(monitors[4].id).await.unwrap().parent_id, Some(monitors[4].id));

    // What is there already is not looked at again.
    assert_eq!(depends(bottom, Patch::Keep).await.unwrap().parent_id, Some(monitors[4].id));
    assert_eq!(depends(bottom, Patch::Clear).await.unwrap().parent_id, None);
    let refused = depends(top, Patch::Set(bottom)).await.unwrap_err();
    assert_eq!(code(refused), ("parent_id", "too_deep"), "what stands below counts");
}

#[db_test]
async fn two_changes_at_once_close_no_circle(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    for round in 0..5 {
        let ids = [1, 2].map(|number| fleet.monitor(round * 2 + number, URL));
        fleet.adds(&ids, START).await;
        let [one, other] = ids.map(|monitor| monitor.id);
        let depends = |id, parent| {
            let patch = MonitorPatch { parent_id: Patch::Set(parent), ..MonitorPatch::default() };
            monitors::update(&test, &fleet.owner, id, Version::Any, patch)
        };
        let (first, second) = tokio::join!(depends(one, other), depends(other, one));
        assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1, "{first:?} {second:?}");
    }
}

#[db_test]
async fn a_service_can_be_deleted_and_purged_with_monitors_that_others_depend_on(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let other = fleet.adds_service(77).await;
    let parent = Monitor { service_id: other, ..fleet.monitor(1, URL) };
    let child = Monitor { parent_id: Some(parent.id), ..fleet.monitor(2, URL) };
    let below = Monitor { parent_id: Some(child.id), service_id: other, ..fleet.monitor(3, URL) };
    fleet.adds(&[parent, child.clone(), below], START).await;
    actions::services::delete(&test, &fleet.owner, other, Version::Any).await.unwrap();
    assert_eq!(fleet.finds(child.id).await.parent_id, None);
    let mut tx = test.db.write().await.unwrap();
    assert_eq!(store::services::purge(&mut tx, test.now().plus_s(1)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(fleet.finds(child.id).await.service_id, fleet.service);
}

#[db_test]
async fn a_state_that_changes_six_times_a_day_flaps_until_an_hour_is_quiet(test: TestContext) {
    // peers.md D4
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = Monitor { failures_to_open: 1, ..fleet.monitor(1, URL) };
    fleet.adds(std::slice::from_ref(&monitor), START).await;
    let id = monitor.id;
    let flapping = async || fleet.finds(id).await.flapping_since;
    runs(&test, id, up()).await;
    for outcome in [down(), up(), down(), up(), down()] {
        runs_next(&test, id, outcome).await;
        assert_eq!(flapping().await, None);
    }
    let since = runs_next(&test, id, up()).await;
    assert_eq!(flapping().await, Some(since), "the sixth change");
    runs_next(&test, id, up()).await;
    let flipped_at = runs_next(&test, id, down()).await;
    assert_eq!(flapping().await, Some(since), "since the sixth, however many follow");

    let known = async |at| fleet.finds(id).await.as_known(60, at).flapping_since;
    assert_eq!(known(flipped_at.plus_s(3600)).await, Some(since));
    assert_eq!(known(flipped_at.plus_s(3601)).await, None, "also while nobody looks");
    test.clock.set(flipped_at.plus_s(3601));
    runs(&test, id, down()).await;
    assert_eq!(flapping().await, None, "an hour without a change");
    runs_next(&test, id, up()).await;
    assert!(flapping().await.is_some(), "seven of the last day");
    let paused = MonitorPatch { is_active: Some(false), ..MonitorPatch::default() };
    let paused = monitors::update(&test, &fleet.owner, id, Version::Any, paused).await.unwrap();
    assert_eq!((paused.flapping_since, flapping().await), (None, None));
}
