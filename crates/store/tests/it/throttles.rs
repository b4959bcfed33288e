//! Counters of tries.

use domain::time::HOUR_MS;
use store::{Database, throttles};
use testkit::{START, TestDatabase, db_test};

const LOG_IN: &str = "log_in";

#[db_test]
async fn a_window_opens_with_its_first_try_and_ends_after_its_length(database: TestDatabase) {
    let mut tx = database.write().await.unwrap();
    for used in 1..=3 {
        let now = START.plus_s(i64::from(used));
        let count = throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, now).await.unwrap();
        assert_eq!((count.used, count.window_started_at), (used, START.plus_s(1)));
    }
    let last = START.plus_s(1).plus_ms(HOUR_MS - 1);
    assert_eq!(throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, last).await.unwrap().used, 4);
    let next = START.plus_s(1).plus_ms(HOUR_MS);
    let count = throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, next).await.unwrap();
    assert_eq!((count.used, count.window_started_at), (1, next));
}

#[db_test]
async fn actions_and_subjects_are_counted_apart(database: TestDatabase) {
    let mut tx = database.write().await.unwrap();
    throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap();
    assert_eq!(throttles::count(&mut tx, LOG_IN, b"bob", HOUR_MS, START).await.unwrap().used, 1);
    assert_eq!(throttles::count(&mut tx, "register", b"alice", HOUR_MS, START).await.unwrap().used, 1);
    assert_eq!(throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap().used, 2);
}

#[db_test]
async fn a_try_can_be_given_back_or_all_forgotten(database: TestDatabase) {
    let mut tx = database.write().await.unwrap();
    throttles::give_back(&mut tx, LOG_IN, b"alice").await.unwrap();
    for _ in 0..2 {
        throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap();
    }
    throttles::give_back(&mut tx, LOG_IN, b"alice").await.unwrap();
    assert_eq!(throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap().used, 2);
    throttles::forget(&mut tx, LOG_IN, b"alice").await.unwrap();
    assert_eq!(throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap().used, 1);
}

#[db_test]
async fn the_purge_takes_old_windows_only(database: TestDatabase) {
    let mut tx = database.write().await.unwrap();
    throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap();
    assert_eq!(throttles::purge(&mut tx, START).await.unwrap(), 0);
    assert_eq!(throttles::purge(&mut tx, START.plus_ms(1)).await.unwrap(), 1);
}

#[db_test]
async fn counts_survive_a_restart(database: TestDatabase) {
    // T-15
    let mut tx = database.write().await.unwrap();
    throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap();
    tx.commit().await.unwrap();
    let restarted = Database::connect(database.url(), 1).await.unwrap();
    let mut tx = restarted.write().await.unwrap();
    assert_eq!(throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap().used, 2);
    drop(tx);
    restarted.close().await;
}

#[db_test(flavor = "multi_thread")]
async fn sixty_four_tries_at_once_are_all_counted(database: TestDatabase) {
    let tries = (0..64).map(|_| {
        let database = database.clone();
        tokio::spawn(async move {
            let mut tx = database.write().await.unwrap();
            let count = throttles::count(&mut tx, LOG_IN, b"alice", HOUR_MS, START).await.unwrap();
            tx.commit().await.unwrap();
            count.used
        })
    });
    let mut used = Vec::new();
    for task in tries.collect::<Vec<_>>() {
        used.push(task.await.unwrap());
    }
    used.sort_unstable();
    assert_eq!(used, (1..=64).collect::<Vec<_>>());
}
