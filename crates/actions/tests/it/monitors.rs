//! Monitors: defaults, limits of the tier on every way to consume them, pausing and moving.

use std::sync::Arc;

use actions::monitors::{self, CheckedUrl, MonitorPatch, NewMonitor};
use actions::patch::{Patch, Version};
use actions::{Error, FieldError, checks};
use domain::check::CheckReport;
use domain::id::MonitorId;
use domain::monitor::{Method, Monitor, MonitorState};
use domain::organization::Role;
use domain::plan::{QuotaKind, Tier};
use domain::time::Timestamp;
use store::state_intervals::{self, StateInterval};
use store::watch;
use testkit::{Fleet, START, TestContext, db_test};
use tokio::sync::Barrier;

#[expect(clippy::unnecessary_wraps, reason = "a checked URL is a result")]
fn url(text: &str) -> CheckedUrl {
    Ok(text.to_owned())
}

fn new(fleet: &Fleet) -> NewMonitor {
    NewMonitor::new(fleet.service, url("https://example.com/"))
}

async fn creates(test: &TestContext, fleet: &Fleet, input: NewMonitor) -> Monitor {
    monitors::create(test, &fleet.owner, input).await.unwrap()
}

async fn patches(
    test: &TestContext,
    fleet: &Fleet,
    id: MonitorId,
    patch: MonitorPatch,
) -> actions::Result<Monitor> {
    monitors::update(test, &fleet.owner, id, Version::Any, patch).await
}

/// Field, code and sentence of the only thing that is wrong.
fn only_fault(error: Error) -> (&'static str, &'static str, String) {
    let Error::Invalid(faults) = error else { panic!("{error:?}") };
    let [FieldError { field, code, message, .. }] = faults.as_slice() else { panic!("{faults:?}") };
    (field, code, message.clone())
}

async fn moves(test: &TestContext, fleet: &Fleet, tier: Tier) {
    let slug = &fleet.owner.organization.slug;
    actions::organizations::set_tier_by_operator(test, slug, tier).await.unwrap();
}

async fn next_due_at(test: &TestContext) -> Option<Timestamp> {
    watch::next_due_at(&mut test.db.read().await.unwrap(), test.now().plus_ms(-1), test.now().plus_ms(-1))
        .await
        .unwrap()
}

/// How many monitors the scheduler gets now, for a minute.
async fn claims(test: &TestContext) -> usize {
    let mut tx = test.db.write().await.unwrap();
    let due = watch::claim_due(&mut tx, test.now(), test.now(), test.now().plus_s(60), 10).await.unwrap();
    tx.commit().await.unwrap();
    due.len()
}

async fn spans(test: &TestContext, fleet: &Fleet, id: MonitorId) -> Vec<StateInterval> {
    let mut conn = test.db.read().await.unwrap();
    state_intervals::list(&mut conn, fleet.scope(), id, Timestamp::from_ms(0)).await.unwrap()
}

#[db_test]
async fn what_is_left_out_takes_the_default_of_the_tier(test: TestContext) {
    // S4, S34
    for (number, tier, interval_seconds) in [(1, Tier::Free, 300), (2, Tier::Pro, 60), (3, Tier::Team, 60)] {
        let fleet = Fleet::new(&test.db, number, tier).await;
        let monitor = creates(&test, &fleet, new(&fleet)).await;
        assert_eq!(monitor.interval_seconds, interval_seconds, "{tier:?}");
        assert_eq!(
            (monitor.method, monitor.expected_status, monitor.timeout_seconds),
            (Method::Get, 200, 10)
        );
        assert_eq!((monitor.failures_to_open, monitor.successes_to_close), (2, 1));
        assert_eq!((monitor.is_active, monitor.state), (true, MonitorState::NoData));
        assert_eq!(fleet.finds(monitor.id).await, monitor);
        assert_eq!(next_due_at(&test).await, Some(START), "the first check is due at once");
    }
}

#[db_test]
async fn an_interval_below_the_minimum_is_refused_with_the_way_out(test: TestContext) {
    // S34, X43: on create and on change
    let table = [
        (
            1,
            Tier::Free,
            299,
            "The Free plan checks every 300 seconds at most. Choose 300 or more, or upgrade to Pro.",
        ),
        (
            2,
            Tier::Free,
            30,
            "The Free plan checks every 300 seconds at most. Choose 300 or more, or upgrade to Team.",
        ),
        (
            3,
            Tier::Pro,
            59,
            "The Pro plan checks every 60 seconds at most. Choose 60 or more, or upgrade to Team.",
        ),
        (4, Tier::Team, 29, "The Team plan checks every 30 seconds at most. Choose 30 or more."),
    ];
    for (number, tier, interval_seconds, sentence) in table {
        let fleet = Fleet::new(&test.db, number, tier).await;
        let input = NewMonitor { interval_seconds: Some(interval_seconds), ..new(&fleet) };
        let refused = only_fault(monitors::create(&test, &fleet.owner, input).await.unwrap_err());
        assert_eq!(refused, ("interval_seconds", "interval_too_short", sentence.to_owned()));
        let monitor = creates(&test, &fleet, new(&fleet)).await;
        let patch = MonitorPatch { interval_seconds: Some(interval_seconds), ..MonitorPatch::default() };
        let refused = only_fault(patches(&test, &fleet, monitor.id, patch).await.unwrap_err());
        assert_eq!(refused.2, sentence);
    }
}

#[db_test]
async fn an_interval_from_before_a_downgrade_does_not_block_other_changes(test: TestContext) {
    // X43: it is clamped when it runs
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let input = NewMonitor { interval_seconds: Some(30), ..new(&fleet) };
    let monitor = creates(&test, &fleet, input).await;
    moves(&test, &fleet, Tier::Free).await;
    let patch = MonitorPatch { failures_to_open: Some(3), ..MonitorPatch::default() };
    let changed = patches(&test, &fleet, monitor.id, patch).await.unwrap();
    assert_eq!((changed.failures_to_open, changed.interval_seconds), (3, 30));
    let patch = MonitorPatch { interval_seconds: Some(30), ..MonitorPatch::default() };
    assert!(patches(&test, &fleet, monitor.id, patch).await.is_err(), "to ask for it again is refused");
}

#[db_test]
async fn a_method_that_changes_something_needs_a_paid_plan(test: TestContext) {
    // X46
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    let post = |fleet: &Fleet| NewMonitor { method: Some(Method::Post), ..new(fleet) };
    let refused = monitors::create(&test, &fleet.owner, post(&fleet)).await.unwrap_err();
    assert_eq!(only_fault(refused).1, "method_needs_plan");
    let head = NewMonitor { method: Some(Method::Head), ..new(&fleet) };
    let monitor = creates(&test, &fleet, head).await;
    let patch = MonitorPatch { method: Some(Method::Post), ..MonitorPatch::default() };
    assert_eq!(only_fault(patches(&test, &fleet, monitor.id, patch).await.unwrap_err()).0, "method");

    let paid = Fleet::new(&test.db, 2, Tier::Pro).await;
    creates(&test, &paid, post(&paid)).await;
    // D7: without tiers nothing is refused.
    let free = Fleet::new(&test.db, 3, Tier::Free).await;
    let test = test.with_policy(|policy| policy.are_plans_enforced = false);
    creates(&test, &free, NewMonitor { interval_seconds: Some(11), ..post(&free) }).await;
}

#[db_test]
async fn everything_that_is_wrong_is_told_at_once(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let fault = FieldError {
        field: "url",
        path: String::new(),
        code: "malformed",
        message: "This is no URL.".to_owned(),
    };
    let input = NewMonitor {
        url: Some(Err(fault)),
        expected_status: Some(600),
        timeout_seconds: Some(0),
        interval_seconds: Some(86_401),
        failures_to_open: Some(11),
        successes_to_close: Some(0),
        degraded_above_ms: Some(0),
        ..new(&fleet)
    };
    let Error::Invalid(faults) = monitors::create(&test, &fleet.owner, input).await.unwrap_err() else {
        panic!("accepted")
    };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field).collect();
    assert_eq!(
        fields,
        [
            "url",
            "interval_seconds",
            "expected_status",
            "timeout_seconds",
            "failures_to_open",
            "successes_to_close",
            "degraded_above_ms"
        ]
    );
    let input = NewMonitor { timeout_seconds: Some(30), interval_seconds: Some(30), ..new(&fleet) };
    let refused = monitors::create(&test, &fleet.owner, input).await.unwrap_err();
    assert_eq!(only_fault(refused).1, "not_below_interval");
}

#[db_test]
async fn roles_without_the_right_change_nothing(test: TestContext) {
    // X11
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = creates(&test, &fleet, new(&fleet)).await;
    let mut viewer = fleet.owner.clone();
    viewer.role = Role::Viewer;
    let forbidden = |result: actions::Result<()>| matches!(result, Err(Error::Forbidden(_)));
    assert!(forbidden(monitors::create(&test, &viewer, new(&fleet)).await.map(drop)));
    let patch = MonitorPatch { is_active: Some(false), ..MonitorPatch::default() };
    assert!(forbidden(monitors::update(&test, &viewer, monitor.id, Version::Any, patch).await.map(drop)));
    assert!(forbidden(monitors::delete(&test, &viewer, monitor.id, Version::Any).await));
    assert!(forbidden(actions::checks::begin_by_hand(&test, &viewer, monitor.id).await.map(drop)));
    assert_eq!(fleet.finds(monitor.id).await, monitor);
}

#[db_test(flavor = "multi_thread")]
async fn of_64_at_once_exactly_one_gets_the_last_place(test: TestContext) {
    // Q-09, X66: limit − 1 are there
    let fleet = Fleet::new(&test.db, 1, Tier::Pro).await;
    for _ in 0..4 {
        creates(&test, &fleet, new(&fleet)).await;
    }
    let start = Arc::new(Barrier::new(64));
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let (test, fleet, start) = (test.clone(), fleet.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                // A database that is too busy refuses for a moment; the person tries again.
                loop {
                    match monitors::create(&test, &fleet.owner, new(&fleet)).await {
                        Err(Error::Store(store::Error::Unavailable(_))) => {}
                        other => return other,
                    }
                }
            })
        })
        .collect();
    let mut created = 0;
    for attempt in tries {
        match attempt.await.unwrap() {
            Ok(_) => created += 1,
            Err(Error::LimitReached(reached)) => {
                assert_eq!(
                    (reached.kind, reached.limit, reached.current),
                    (QuotaKind::MonitorsPerService, 5, 5)
                );
                assert_eq!(reached.required, Some(Tier::Team));
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(created, 1);
}

#[db_test]
async fn moving_and_switching_on_pass_the_same_gate(test: TestContext) {
    // X67
    let fleet = Fleet::new(&test.db, 1, Tier::Pro).await;
    let other = fleet.adds_service(2).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(creates(&test, &fleet, new(&fleet)).await.id);
    }
    let elsewhere = creates(&test, &fleet, NewMonitor { service_id: other, ..new(&fleet) }).await;
    let to_full = MonitorPatch { service_id: Some(fleet.service), ..MonitorPatch::default() };
    let refused = patches(&test, &fleet, elsewhere.id, to_full).await.unwrap_err();
    assert!(matches!(refused, Error::LimitReached(_)), "{refused:?}");

    let off = || MonitorPatch { is_active: Some(false), ..MonitorPatch::default() };
    let on = || MonitorPatch { is_active: Some(true), ..MonitorPatch::default() };
    patches(&test, &fleet, ids[0], off()).await.unwrap();
    let refused = monitors::create(&test, &fleet.owner, new(&fleet)).await.unwrap_err();
    assert!(matches!(refused, Error::LimitReached(_)), "a paused one takes its place: {refused:?}");
    patches(&test, &fleet, ids[0], on()).await.unwrap();

    // After a downgrade as many may run as there is room for.
    patches(&test, &fleet, ids[0], off()).await.unwrap();
    moves(&test, &fleet, Tier::Free).await;
    let refused = patches(&test, &fleet, ids[0], on()).await.unwrap_err();
    assert!(matches!(refused, Error::LimitReached(_)), "{refused:?}");
    for id in &ids[1..] {
        patches(&test, &fleet, *id, off()).await.unwrap();
    }
    patches(&test, &fleet, ids[0], on()).await.unwrap();
}

#[db_test]
async fn a_service_of_somebody_else_is_as_good_as_none(test: TestContext) {
    // T-02
    let (fleet, other) =
        (Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Team).await);
    let input = NewMonitor { service_id: other.service, ..new(&fleet) };
    let refused = only_fault(monitors::create(&test, &fleet.owner, input).await.unwrap_err());
    assert_eq!((refused.0, refused.1), ("service_id", "not_found"));
    let mine = creates(&test, &fleet, new(&fleet)).await;
    let patch = MonitorPatch { service_id: Some(other.service), ..MonitorPatch::default() };
    assert_eq!(only_fault(patches(&test, &fleet, mine.id, patch).await.unwrap_err()).1, "not_found");
    let patch = MonitorPatch { is_active: Some(false), ..MonitorPatch::default() };
    let foreign = patches(&test, &other, mine.id, patch).await.unwrap_err();
    assert!(matches!(foreign, Error::NotFound), "{foreign:?}");
    let foreign = monitors::delete(&test, &other.owner, mine.id, Version::Any).await.unwrap_err();
    assert!(matches!(foreign, Error::NotFound), "{foreign:?}");
}

#[db_test]
async fn an_old_version_is_refused(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = creates(&test, &fleet, new(&fleet)).await;
    let patch = || MonitorPatch { degraded_above_ms: Patch::Set(500), ..MonitorPatch::default() };
    let version = Version::Exactly(monitor.updated_at);
    let changed = monitors::update(&test, &fleet.owner, monitor.id, version, patch()).await.unwrap();
    assert_eq!(changed.degraded_above_ms, Some(500));
    assert!(changed.updated_at > monitor.updated_at, "the clock stood still, the version did not");
    let stale = monitors::update(&test, &fleet.owner, monitor.id, version, patch()).await;
    assert!(matches!(stale, Err(Error::Stale)));
    assert!(matches!(monitors::delete(&test, &fleet.owner, monitor.id, version).await, Err(Error::Stale)));
    let version = Version::Exactly(changed.updated_at);
    monitors::delete(&test, &fleet.owner, monitor.id, version).await.unwrap();
    let gone = patches(&test, &fleet, monitor.id, patch()).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound), "{gone:?}");
}

#[db_test]
async fn a_pause_is_time_without_data(test: TestContext) {
    // D8
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = creates(&test, &fleet, new(&fleet)).await;
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    test.clock.advance_s(30);
    let paused_at = test.now();
    let off = MonitorPatch { is_active: Some(false), ..MonitorPatch::default() };
    let paused = patches(&test, &fleet, monitor.id, off).await.unwrap();
    assert_eq!((paused.state, paused.state_since), (MonitorState::NoData, None));
    assert_eq!(fleet.finds(monitor.id).await, paused);
    assert_eq!(spans(&test, &fleet, monitor.id).await[0].ended_at, Some(paused_at));
    assert_eq!(next_due_at(&test).await, None);

    test.clock.advance_s(3600);
    let on = MonitorPatch { is_active: Some(true), ..MonitorPatch::default() };
    patches(&test, &fleet, monitor.id, on).await.unwrap();
    assert_eq!(spans(&test, &fleet, monitor.id).await.len(), 1, "no data until the next result");
    assert_eq!(next_due_at(&test).await, Some(test.now()));
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    let spans = spans(&test, &fleet, monitor.id).await;
    assert_eq!(
        (spans[1].state, spans[1].started_at, spans[1].ended_at),
        (MonitorState::Up, test.now(), None)
    );
}

#[db_test]
async fn history_stays_with_the_service_that_a_monitor_leaves(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let second = fleet.adds_service(2).await;
    let monitor = creates(&test, &fleet, new(&fleet)).await;
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    test.clock.advance_s(30);
    let patch = MonitorPatch { service_id: Some(second), ..MonitorPatch::default() };
    let moved = patches(&test, &fleet, monitor.id, patch).await.unwrap();
    assert_eq!((moved.service_id, moved.state), (second, MonitorState::Up));
    let spans = spans(&test, &fleet, monitor.id).await;
    let seen: Vec<_> = spans.iter().map(|span| (span.service_id, span.started_at, span.ended_at)).collect();
    assert_eq!(seen, [(fleet.service, START, Some(test.now())), (second, test.now(), None)]);
}

#[db_test]
async fn a_deleted_monitor_ends_its_last_span(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = creates(&test, &fleet, new(&fleet)).await;
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    test.clock.advance_s(10);
    monitors::delete(&test, &fleet.owner, monitor.id, Version::Any).await.unwrap();
    assert_eq!(spans(&test, &fleet, monitor.id).await[0].ended_at, Some(test.now()));
    assert_eq!(next_due_at(&test).await, None);
}

#[db_test]
async fn an_edit_is_checked_soon_but_asks_the_target_no_more_often(test: TestContext) {
    // X46: ten seconds between two checks, however often a monitor is edited
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = creates(&test, &fleet, new(&fleet)).await;
    assert_eq!(claims(&test).await, 1);
    test.clock.advance_s(1);
    let other_url = |path: &str| MonitorPatch {
        url: Some(url(&format!("https://example.com/{path}"))),
        ..MonitorPatch::default()
    };
    patches(&test, &fleet, monitor.id, other_url("a")).await.unwrap();
    assert_eq!(crate::checks::slot(&test, monitor.id).await, START.plus_s(10));
    assert_eq!(claims(&test).await, 0, "the check under way keeps its claim");
    let late = CheckReport {
        monitor_id: monitor.id,
        slot_at: START,
        checked_at: START,
        outcome: crate::checks::up(),
    };
    let recorded = checks::record(&test, &[late]).await.unwrap();
    assert_eq!((recorded.results, recorded.too_late), (0, 1), "it was for what the monitor was before");
    test.clock.advance_s(9);
    assert_eq!(claims(&test).await, 1, "and it ends the claim");
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    test.clock.advance_s(20);
    patches(&test, &fleet, monitor.id, other_url("b")).await.unwrap();
    assert_eq!(next_due_at(&test).await, Some(test.now()));
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    let planned = next_due_at(&test).await;
    let thresholds = MonitorPatch { failures_to_open: Some(5), ..MonitorPatch::default() };
    patches(&test, &fleet, monitor.id, thresholds).await.unwrap();
    assert_eq!(next_due_at(&test).await, planned, "nothing else is checked: the plan stays");
    let rhythm = MonitorPatch { interval_seconds: Some(30), ..MonitorPatch::default() };
    patches(&test, &fleet, monitor.id, rhythm).await.unwrap();
    assert!(next_due_at(&test).await.unwrap().since(test.now()) <= 30_000);
}

#[db_test]
async fn an_upgrade_is_felt_within_one_of_its_intervals(test: TestContext) {
    // X43: asked for every minute, run every five on the free tier
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let input = NewMonitor { interval_seconds: Some(60), ..new(&fleet) };
    let monitor = creates(&test, &fleet, input).await;
    moves(&test, &fleet, Tier::Free).await;
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    test.clock.set(crate::checks::slot(&test, monitor.id).await);
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    assert_eq!(next_due_at(&test).await.unwrap().since(test.now()), 300_000);

    test.clock.advance_s(200);
    moves(&test, &fleet, Tier::Team).await;
    assert!(next_due_at(&test).await.unwrap().since(test.now()) <= 60_000);
    // The 200 seconds before the upgrade were watched as promised then: no hole in the record.
    test.clock.set(crate::checks::slot(&test, monitor.id).await);
    crate::checks::runs(&test, monitor.id, crate::checks::up()).await;
    let spans = spans(&test, &fleet, monitor.id).await;
    assert_eq!((spans.len(), spans[0].ended_at), (1, None));
}

#[db_test]
async fn what_a_monitor_saw_before_it_was_moved_belongs_to_its_old_service(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = creates(&test, &fleet, new(&fleet)).await;
    for outcome in [crate::checks::up(), crate::checks::down()] {
        test.clock.set(crate::checks::slot(&test, monitor.id).await);
        crate::checks::runs(&test, monitor.id, outcome).await;
    }
    test.clock.advance_s(1);
    let moved_at = test.now();
    let other = fleet.adds_service(7).await;
    let patch = MonitorPatch { service_id: Some(other), ..MonitorPatch::default() };
    assert_eq!(patches(&test, &fleet, monitor.id, patch).await.unwrap().run_length, 0);
    for _ in 0..2 {
        test.clock.set(crate::checks::slot(&test, monitor.id).await);
        crate::checks::runs(&test, monitor.id, crate::checks::down()).await;
    }
    let spans = spans(&test, &fleet, monitor.id).await;
    let states: Vec<_> = spans.iter().map(|span| (span.service_id, span.state)).collect();
    assert_eq!(
        states,
        [(fleet.service, MonitorState::Up), (other, MonitorState::Up), (other, MonitorState::Down)]
    );
    assert!(spans[2].started_at > moved_at);
}
