//! Spans of states: at most one open, empty ones are replaced, nobody else's.

use domain::id::MonitorId;
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::time::Timestamp;
use store::{Tx, state_intervals};
use testkit::{Fleet, START, TestDatabase, db_test};

async fn spans(
    tx: &mut Tx,
    fleet: &Fleet,
    monitor: MonitorId,
    since: Timestamp,
) -> Vec<(MonitorState, Timestamp, Option<Timestamp>)> {
    let list = state_intervals::list(tx, fleet.scope(), monitor, since).await.unwrap();
    list.into_iter().map(|span| (span.state, span.started_at, span.ended_at)).collect()
}

#[db_test]
async fn spans_are_closed_and_opened_as_the_verdict_says(database: TestDatabase) {
    // D8
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let (id, service, scope) =
        (fleet.adds_many(1, "https://example.com/", START).await[0], fleet.service, fleet.scope());
    let at = |seconds| START.plus_s(seconds);
    let mut tx = database.write().await.unwrap();
    state_intervals::close(&mut tx, scope, id, START).await.unwrap();
    state_intervals::open(&mut tx, scope, id, service, MonitorState::Up, at(0)).await.unwrap();
    state_intervals::close(&mut tx, scope, id, at(60)).await.unwrap();
    state_intervals::open(&mut tx, scope, id, service, MonitorState::Down, at(60)).await.unwrap();
    assert_eq!(
        spans(&mut tx, &fleet, id, at(0)).await,
        [(MonitorState::Up, at(0), Some(at(60))), (MonitorState::Down, at(60), None)]
    );
    // Back-dated before its start: empty, and what begins there takes its place.
    state_intervals::close(&mut tx, scope, id, at(30)).await.unwrap();
    assert_eq!(spans(&mut tx, &fleet, id, at(59)).await.last().unwrap().2, Some(at(60)));
    state_intervals::open(&mut tx, scope, id, service, MonitorState::Degraded, at(60)).await.unwrap();
    assert_eq!(spans(&mut tx, &fleet, id, at(60)).await, [(MonitorState::Degraded, at(60), None)]);
}

#[db_test]
async fn spans_of_somebody_else_are_neither_read_nor_closed(database: TestDatabase) {
    // T-02
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Pro).await, Fleet::new(&database, 2, Tier::Pro).await);
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let mut tx = database.write().await.unwrap();
    state_intervals::open(&mut tx, fleet.scope(), id, fleet.service, MonitorState::Up, START).await.unwrap();
    state_intervals::close(&mut tx, other.scope(), id, START.plus_s(1)).await.unwrap();
    assert_eq!(spans(&mut tx, &other, id, START).await, []);
    assert_eq!(spans(&mut tx, &fleet, id, START).await, [(MonitorState::Up, START, None)]);
    // The reference is composite: a span cannot be stored across organizations (X15).
    let crossing =
        state_intervals::open(&mut tx, other.scope(), id, other.service, MonitorState::Up, START.plus_s(5))
            .await;
    assert!(matches!(crossing, Err(store::Error::Reference)));
}

#[db_test]
async fn a_rewind_forgets_what_came_after_it_and_nothing_of_somebody_else(database: TestDatabase) {
    // F-07, T-02
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Pro).await, Fleet::new(&database, 2, Tier::Pro).await);
    let (id, service, scope) =
        (fleet.adds_many(1, "https://example.com/", START).await[0], fleet.service, fleet.scope());
    let at = |seconds| START.plus_s(seconds);
    let mut tx = database.write().await.unwrap();
    for (state, start) in [(MonitorState::Up, 0), (MonitorState::Down, 60), (MonitorState::Up, 120)] {
        state_intervals::close(&mut tx, scope, id, at(start)).await.unwrap();
        state_intervals::open(&mut tx, scope, id, service, state, at(start)).await.unwrap();
    }
    state_intervals::rewind(&mut tx, other.scope(), id, at(0)).await.unwrap();
    assert_eq!(spans(&mut tx, &fleet, id, at(0)).await.len(), 3);
    state_intervals::rewind(&mut tx, scope, id, at(90)).await.unwrap();
    assert_eq!(
        spans(&mut tx, &fleet, id, at(0)).await,
        [(MonitorState::Up, at(0), Some(at(60))), (MonitorState::Down, at(60), Some(at(90)))]
    );
}
