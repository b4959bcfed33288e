//! Many monitors at once, tags and snoozes: what changes, what does not, and who may.

use actions::monitors::{
    self, Change, MOST_AT_ONCE, MonitorPatch, NewMonitor, Outcome, SnoozeEnd, change_many, end_snooze, snooze,
};
use actions::patch::Version;
use actions::{Error, FieldError};
use domain::id::MonitorId;
use domain::monitor::{Monitor, MonitorState};
use domain::organization::Role;
use domain::plan::{QuotaKind, Tier};
use store::state_intervals;
use testkit::{Fleet, START, TestContext, db_test};

const URL: &str = "https://example.com/";

fn fault(error: Error) -> (&'static str, &'static str) {
    let Error::Invalid(faults) = error else { panic!("{error:?}") };
    let [FieldError { field, code, .. }] = faults.as_slice() else { panic!("{faults:?}") };
    (field, code)
}

async fn changes(test: &TestContext, fleet: &Fleet, ids: &[MonitorId], change: Change) -> Vec<Outcome> {
    let bulk = change_many(test, &fleet.owner, ids, change).await.unwrap();
    bulk.into_iter().map(|(_, outcome)| outcome).collect()
}

#[db_test]
async fn many_are_paused_and_resumed_in_one_step(test: TestContext) {
    let (fleet, other) =
        (Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Team).await);
    let mut monitors = [1, 2, 3].map(|number| fleet.monitor(number, URL));
    monitors[0].state = MonitorState::Up;
    monitors[0].state_since = Some(START);
    monitors[0].last_checked_at = Some(START);
    monitors[1].is_active = false;
    fleet.adds(&monitors, START).await;
    let foreign = other.adds_many(1, URL, START).await[0];
    let mut tx = test.db.write().await.unwrap();
    let (scope, id) = (fleet.scope(), monitors[0].id);
    state_intervals::open(&mut tx, scope, id, fleet.service, MonitorState::Up, START).await.unwrap();
    tx.commit().await.unwrap();

    test.clock.advance_s(30);
    let ids = [monitors[1].id, foreign, monitors[0].id, monitors[0].id];
    let bulk = change_many(&test, &fleet.owner, &ids, Change::Pause).await.unwrap();
    let expected = [
        (monitors[1].id, Outcome::Unchanged),
        (foreign, Outcome::NotFound),
        (monitors[0].id, Outcome::Changed),
    ];
    assert_eq!(bulk, expected, "in the order given, each once");
    let paused = fleet.finds(id).await;
    assert_eq!((paused.is_active, paused.state), (false, MonitorState::NoData));
    assert!(paused.updated_at > monitors[0].updated_at, "a new version");
    assert!(fleet.finds(monitors[2].id).await.is_active);
    assert!(other.finds(foreign).await.is_active, "T-02");
    let mut conn = test.db.read().await.unwrap();
    let spans = state_intervals::list(&mut conn, scope, id, START).await.unwrap();
    assert_eq!(spans[0].ended_at, Some(START.plus_s(30)), "from now on there is no data");
    drop(conn);

    let all = [monitors[0].id, monitors[1].id, monitors[2].id];
    assert_eq!(
        changes(&test, &fleet, &all, Change::Resume).await,
        [Outcome::Changed, Outcome::Changed, Outcome::Unchanged]
    );
    for id in all {
        assert!(fleet.finds(id).await.is_active);
    }
}

#[db_test]
async fn a_resume_without_room_changes_nothing_at_all(test: TestContext) {
    // X67
    let fleet = Fleet::new(&test.db, 1, Tier::Pro).await;
    let monitors: Vec<Monitor> =
        (1..=6).map(|number| Monitor { is_active: number <= 4, ..fleet.monitor(number, URL) }).collect();
    fleet.adds(&monitors, START).await;
    let refused = change_many(&test, &fleet.owner, &[monitors[4].id, monitors[5].id], Change::Resume).await;
    let Err(Error::LimitReached(reached)) = refused else { panic!("{refused:?}") };
    assert_eq!((reached.kind, reached.current), (QuotaKind::MonitorsPerService, 5));
    assert!(!fleet.finds(monitors[4].id).await.is_active, "not even the one there was room for");
    assert_eq!(changes(&test, &fleet, &[monitors[4].id], Change::Resume).await, [Outcome::Changed]);
}

#[db_test]
async fn too_many_none_and_only_foreign_ones_are_refused(test: TestContext) {
    let (fleet, other) =
        (Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Team).await);
    let ids = fleet.adds_many(201, URL, START).await;
    let refused = async |ids: &[MonitorId]| {
        fault(change_many(&test, &fleet.owner, ids, Change::Pause).await.unwrap_err())
    };
    assert_eq!(refused(&[]).await, ("ids", "out_of_range"));
    assert_eq!(refused(&ids).await, ("ids", "out_of_range"));
    assert_eq!(changes(&test, &fleet, &ids[..MOST_AT_ONCE], Change::Pause).await.len(), MOST_AT_ONCE);
    let foreign = change_many(&test, &other.owner, &ids[..2], Change::Pause).await;
    assert!(matches!(foreign, Err(Error::NotFound)), "{foreign:?}");
    let mut viewer = fleet.owner.clone();
    viewer.role = Role::Viewer;
    let forbidden = change_many(&test, &viewer, &ids[..1], Change::Resume).await;
    assert!(matches!(forbidden, Err(Error::Forbidden(_))), "{forbidden:?}");
    assert!(matches!(
        snooze(&test, &viewer, ids[0], SnoozeEnd::AfterMinutes(5)).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(end_snooze(&test, &viewer, ids[0]).await, Err(Error::Forbidden(_))));
}

#[db_test]
async fn a_snooze_ends_by_itself_or_earlier_and_leaves_the_state_alone(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let monitor = Monitor { state: MonitorState::Down, ..fleet.monitor(1, URL) };
    fleet.adds(std::slice::from_ref(&monitor), START).await;
    let id = monitor.id;
    let snoozed = snooze(&test, &fleet.owner, id, SnoozeEnd::AfterMinutes(60)).await.unwrap();
    assert_eq!(snoozed.snoozed_until, Some(START.plus_s(3600)));
    assert_eq!(fleet.finds(id).await, snoozed);
    assert_eq!((snoozed.state, snoozed.is_active), (MonitorState::Down, true), "shown and counted as ever");
    test.clock.advance_s(3599);
    assert!(fleet.finds(id).await.is_snoozed(test.now()));
    test.clock.advance_s(1);
    let awake = fleet.finds(id).await;
    assert!(!awake.is_snoozed(test.now()));
    assert_eq!(end_snooze(&test, &fleet.owner, id).await.unwrap(), awake, "there is nothing to end");

    let at = test.now().plus_s(60);
    assert_eq!(changes(&test, &fleet, &[id], Change::Snooze(SnoozeEnd::At(at))).await, [Outcome::Changed]);
    assert_eq!(changes(&test, &fleet, &[id], Change::Snooze(SnoozeEnd::At(at))).await, [Outcome::Unchanged]);
    let ended = end_snooze(&test, &fleet.owner, id).await.unwrap();
    assert!(!ended.is_snoozed(test.now()));
    assert!(ended.updated_at > snoozed.updated_at);
    assert_eq!(changes(&test, &fleet, &[id], Change::EndSnooze).await, [Outcome::Unchanged]);
}

#[db_test]
async fn a_snooze_is_longer_than_nothing_and_at_most_seven_days(test: TestContext) {
    let (fleet, other) =
        (Fleet::new(&test.db, 1, Tier::Team).await, Fleet::new(&test.db, 2, Tier::Team).await);
    let id = fleet.adds_many(1, URL, START).await[0];
    let week = START.plus_s(7 * 86_400);
    for (end, field) in [
        (SnoozeEnd::At(START), "until"),
        (SnoozeEnd::At(week.plus_ms(1)), "until"),
        (SnoozeEnd::AfterMinutes(0), "minutes"),
        (SnoozeEnd::AfterMinutes(-1), "minutes"),
        (SnoozeEnd::AfterMinutes(10_081), "minutes"),
        (SnoozeEnd::AfterMinutes(i64::MAX), "minutes"),
    ] {
        let refused = fault(snooze(&test, &fleet.owner, id, end).await.unwrap_err());
        assert_eq!(refused, (field, "out_of_range"), "{end:?}");
    }
    let longest = snooze(&test, &fleet.owner, id, SnoozeEnd::AfterMinutes(10_080)).await.unwrap();
    assert_eq!(longest.snoozed_until, Some(week));
    let foreign = snooze(&test, &other.owner, id, SnoozeEnd::AfterMinutes(5)).await;
    assert!(matches!(foreign, Err(Error::NotFound)), "T-02: {foreign:?}");
    assert!(matches!(end_snooze(&test, &other.owner, id).await, Err(Error::NotFound)));
}

#[db_test]
async fn tags_are_given_kept_and_taken_away(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let input = NewMonitor {
        tags: words(&["Web", "eu", "web"]),
        ..NewMonitor::new(fleet.service, Ok(URL.to_owned()))
    };
    let made = monitors::create(&test, &fleet.owner, input.clone()).await.unwrap();
    assert_eq!(made.tags.iter().collect::<Vec<_>>(), ["eu", "web"]);
    assert_eq!(fleet.finds(made.id).await, made);
    let update = async |patch| monitors::update(&test, &fleet.owner, made.id, Version::Any, patch).await;
    let other = MonitorPatch { failures_to_open: Some(3), ..MonitorPatch::default() };
    assert_eq!(update(other).await.unwrap().tags, made.tags, "absent: they stay");
    let patch = |tags| MonitorPatch { tags: Some(tags), ..MonitorPatch::default() };
    let refused = fault(update(patch(words(&["two words"]))).await.unwrap_err());
    assert_eq!(refused, ("tags", "malformed"));
    let eleven = (0..11).map(|number| format!("t{number}")).collect();
    assert_eq!(fault(update(patch(eleven)).await.unwrap_err()), ("tags", "too_many"));
    let changed = update(patch(words(&["us"]))).await.unwrap();
    assert_eq!(fleet.finds(made.id).await, changed);
    assert!(changed.tags.has("us") && !changed.tags.has("web"));
    update(patch(Vec::new())).await.unwrap();
    assert_eq!(fleet.finds(made.id).await.tags.iter().count(), 0);
}
