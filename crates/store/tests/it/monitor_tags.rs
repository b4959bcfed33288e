//! Tags and snoozes as they are stored, and what lists make of them.

use domain::id::MonitorId;
use domain::monitor::{MonitorState, Tags};
use domain::plan::Tier;
use store::{Error, OrgScope, Tx, monitor_tags, monitors, state_intervals, watch};
use testkit::{Fleet, START, TestDatabase, db_test};

async fn tagged(tx: &mut Tx, scope: OrgScope, tag: Option<&str>) -> Vec<MonitorId> {
    let list = monitors::list_part(tx, scope, None, tag, None, 10).await.unwrap();
    list.into_iter().map(|monitor| monitor.id).collect()
}

#[db_test]
async fn tags_are_read_with_their_monitor_and_lists_are_narrowed_by_them(database: TestDatabase) {
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let ids = fleet.adds_many(3, "https://example.com/", START).await;
    let mut tx = database.write().await.unwrap();
    for (id, words) in [(ids[0], vec!["web", "eu"]), (ids[1], vec!["web"])] {
        monitor_tags::replace(&mut tx, fleet.scope(), id, &Tags::parse(words).unwrap()).await.unwrap();
    }
    assert_eq!(tagged(&mut tx, fleet.scope(), None).await, ids);
    assert_eq!(tagged(&mut tx, fleet.scope(), Some("web")).await, ids[..2]);
    assert_eq!(tagged(&mut tx, fleet.scope(), Some("we")).await, []);
    assert_eq!(tagged(&mut tx, other.scope(), Some("web")).await, []);
    tx.commit().await.unwrap();
    assert_eq!(fleet.finds(ids[0]).await.tags, Tags::parse(["eu", "web"]).unwrap());
    assert_eq!(fleet.finds(ids[2]).await.tags, Tags::default());

    let mut tx = database.write().await.unwrap();
    monitor_tags::replace(&mut tx, fleet.scope(), ids[0], &Tags::default()).await.unwrap();
    // T-02: another scope takes nothing away
    monitor_tags::replace(&mut tx, other.scope(), ids[1], &Tags::default()).await.unwrap();
    assert_eq!(tagged(&mut tx, fleet.scope(), Some("web")).await, ids[1..2]);
    tx.commit().await.unwrap();
}

#[db_test]
async fn a_tag_cannot_stand_on_a_monitor_of_somebody_else(database: TestDatabase) {
    // X15
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let mut tx = database.write().await.unwrap();
    let tags = Tags::parse(["web"]).unwrap();
    let refused = monitor_tags::replace(&mut tx, other.scope(), id, &tags).await.unwrap_err();
    assert!(matches!(refused, Error::Reference), "{refused}");
}

#[db_test]
async fn a_snooze_is_known_to_what_records_results_and_to_no_other_organization(database: TestDatabase) {
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let (until, version) = (START.plus_s(60), START.plus_s(1));
    let mut tx = database.write().await.unwrap();
    monitors::update_snooze(&mut tx, other.scope(), id, Some(until), version).await.unwrap();
    assert!(!watch::lock_for_results(&mut tx, &[id]).await.unwrap()[0].is_snoozed(START));
    monitors::update_snooze(&mut tx, fleet.scope(), id, Some(until), version).await.unwrap();
    let watched = watch::lock_for_results(&mut tx, &[id]).await.unwrap();
    assert!(watched[0].is_snoozed(START) && !watched[0].is_snoozed(until));
    tx.commit().await.unwrap();
    let stored = fleet.finds(id).await;
    assert_eq!((stored.snoozed_until, stored.updated_at), (Some(until), version));
}

#[db_test]
async fn spans_of_several_monitors_come_in_one_statement(database: TestDatabase) {
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let ids = fleet.adds_many(3, "https://example.com/", START).await;
    let mut tx = database.write().await.unwrap();
    for id in &ids {
        let state = MonitorState::Up;
        state_intervals::open(&mut tx, fleet.scope(), *id, fleet.service, state, START).await.unwrap();
    }
    state_intervals::close(&mut tx, fleet.scope(), ids[1], START.plus_s(5)).await.unwrap();
    let wanted = &ids[..2];
    let seen = state_intervals::list_of(&mut tx, fleet.scope(), wanted, START.plus_s(4)).await.unwrap();
    assert_eq!(seen.len(), 2);
    let seen = state_intervals::list_of(&mut tx, fleet.scope(), wanted, START.plus_s(5)).await.unwrap();
    assert_eq!(seen.iter().map(|span| span.monitor_id).collect::<Vec<_>>(), [ids[0]], "the other has ended");
    assert!(state_intervals::list_of(&mut tx, other.scope(), &ids, START).await.unwrap().is_empty());
    assert!(state_intervals::list_of(&mut tx, fleet.scope(), &[], START).await.unwrap().is_empty());
}

#[db_test]
async fn monitors_of_all_organizations_are_counted_by_state(database: TestDatabase) {
    for number in 1..=2 {
        let fleet = Fleet::new(&database, number, Tier::Team).await;
        let mut monitors = [1, 2, 3].map(|number| fleet.monitor(number, "https://example.com/"));
        monitors[0].state = MonitorState::Down;
        monitors[2].is_active = false;
        fleet.adds(&monitors, START).await;
    }
    let mut conn = database.read().await.unwrap();
    let counted = monitors::count_by_state(&mut conn).await.unwrap();
    assert_eq!(counted, [(MonitorState::Down, 2), (MonitorState::NoData, 2)]);
}
