//! The queue of due checks: claimed once, leases that end, slots that are settled once.

use std::collections::BTreeSet;

use domain::check::{CheckStatus, FailureClass};
use domain::id::MonitorId;
use domain::monitor::MonitorState;
use domain::plan::Tier;
use domain::time::Timestamp;
use domain::verdict::MonitorVerdict;
use store::watch::{self, DueMonitor, Replanned, Settled};
use store::{Database, monitors, organizations};
use testkit::{Fleet, START, TestDatabase, db_test};

const URL: &str = "https://example.com/";

async fn claim(database: &Database, now: Timestamp, limit: i64) -> Vec<DueMonitor> {
    let mut tx = database.write().await.unwrap();
    let claimed = watch::claim_due(&mut tx, now, now, now.plus_s(10), limit).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn next_due_at(database: &Database, now: Timestamp) -> Option<Timestamp> {
    watch::next_due_at(&mut database.read().await.unwrap(), now, now).await.unwrap()
}

#[db_test]
async fn a_claim_carries_what_a_probe_needs_and_holds_until_its_lease_ends(database: TestDatabase) {
    // F-01, F-12, F-13: lease of 10 s and four times the time-out of 10 s
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let id = fleet.adds_many(1, URL, START).await[0];
    assert_eq!(next_due_at(&database, START.plus_ms(-1)).await, Some(START));
    assert!(claim(&database, START.plus_ms(-1), 10).await.is_empty(), "not due yet");

    let claimed = claim(&database, START, 10).await;
    assert_eq!((claimed.len(), claimed[0].tier, claimed[0].interval_seconds), (1, Tier::Pro, 60));
    let due = &claimed[0];
    assert_eq!((due.id, due.next_check_at, due.url.as_str()), (id, START, URL));
    assert_eq!((due.expected_status, due.timeout_seconds), (200, 10));
    assert_eq!((due.organization_id, due.service_id), (fleet.owner.organization.id, fleet.service));
    assert!(due.settings.is_plain() && due.sealed_secrets.is_none());

    let end = START.plus_s(50);
    assert_eq!(next_due_at(&database, START).await, Some(end), "the end of the lease");
    assert!(claim(&database, end.plus_ms(-1), 10).await.is_empty(), "claimed");
    let again = claim(&database, end, 10).await;
    assert_eq!(again[0].next_check_at, START, "the same slot is run again");
}

#[db_test]
async fn who_waits_longest_is_claimed_first(database: TestDatabase) {
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let monitors = [1, 2, 3].map(|number| fleet.monitor(number, URL));
    for (monitor, due_s) in monitors.iter().zip([20, 0, 10]) {
        fleet.adds(std::slice::from_ref(monitor), START.plus_s(due_s)).await;
    }
    let now = START.plus_s(60);
    let mut order = Vec::new();
    for _ in 0..4 {
        order.extend(claim(&database, now, 1).await.into_iter().map(|due| due.id));
    }
    assert_eq!(order, [monitors[1].id, monitors[2].id, monitors[0].id]);
}

#[db_test]
async fn what_is_paused_deleted_or_of_a_deleted_organization_is_never_due(database: TestDatabase) {
    // S11, X18
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let gone = Fleet::new(&database, 2, Tier::Team).await;
    let mut paused = fleet.monitor(1, URL);
    paused.is_active = false;
    let deleted = fleet.monitor(2, URL);
    fleet.adds(&[paused, deleted.clone()], START).await;
    let orphan = gone.adds_many(1, URL, START).await[0];
    let mut tx = database.write().await.unwrap();
    monitors::delete(&mut tx, fleet.scope(), deleted.id, START).await.unwrap();
    organizations::delete(&mut tx, gone.scope(), START).await.unwrap();
    tx.commit().await.unwrap();
    let now = START.plus_s(60);
    assert!(claim(&database, now, 10).await.is_empty());
    assert_eq!(next_due_at(&database, now).await, None, "nothing to wake up for");

    // Off the head of the queue, and back in it after a restore.
    let mut tx = database.write().await.unwrap();
    assert_eq!(watch::put_off_deleted(&mut tx, now, now.plus_s(600)).await.unwrap(), 1);
    assert_eq!(watch::put_off_deleted(&mut tx, now, now.plus_s(600)).await.unwrap(), 0);
    organizations::restore(&mut tx, gone.scope(), now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim(&database, now.plus_s(600), 10).await[0].id, orphan);
}

#[db_test(flavor = "multi_thread")]
async fn claimers_at_once_get_each_monitor_exactly_once(database: TestDatabase) {
    // X52, F-12
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let all: BTreeSet<MonitorId> = fleet.adds_many(400, URL, START).await.into_iter().collect();
    let claimers: Vec<_> = (0..8)
        .map(|_| {
            let database = (*database).clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                // On PostgreSQL a claimer passes over rows that others hold at that moment: it tries again.
                for _ in 0..40 {
                    mine.extend(claim(&database, START, 20).await.into_iter().map(|due| due.id));
                }
                mine
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for claimer in claimers {
        claimed.extend(claimer.await.unwrap());
    }
    assert_eq!(claimed.len(), all.len(), "none twice, none left");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), all);
}

fn settled(id: MonitorId, next_check_at: Timestamp) -> Settled {
    Settled {
        id,
        verdict: MonitorVerdict {
            state: MonitorState::Down,
            state_since: Some(START),
            run_status: Some(CheckStatus::Down),
            run_length: 3,
            run_started_at: Some(START),
            last_checked_at: Some(START.plus_s(120)),
            flapping_since: Some(START.plus_s(60)),
        },
        last_failure: Some(FailureClass::UnexpectedStatus),
        last_status_code: Some(503),
        last_response_time_ms: Some(42),
        certificate_expires_at: Some(START.plus_s(86_400)),
        next_check_at,
        planned_interval_seconds: 60,
        recent: vec![1, 2, 3],
    }
}

#[db_test]
async fn settling_writes_everything_and_gives_the_slot_back(database: TestDatabase) {
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let ids = fleet.adds_many(3, URL, START).await;
    claim(&database, START, 10).await;
    let next = START.plus_s(20);
    let mut cleared = settled(ids[1], next);
    cleared.verdict = MonitorVerdict::default();
    (cleared.last_failure, cleared.last_status_code, cleared.last_response_time_ms) = (None, None, None);
    cleared.certificate_expires_at = None;

    let mut tx = database.write().await.unwrap();
    let mut locked = watch::lock_for_results(&mut tx, &ids[..2]).await.unwrap();
    locked.sort_by_key(|monitor| monitor.id);
    assert_eq!(locked.iter().map(|monitor| monitor.id).collect::<Vec<_>>(), ids[..2]);
    assert_eq!((locked[0].next_check_at, locked[0].tier), (START, Tier::Pro));
    assert_eq!(locked[0].scope(), fleet.scope());
    watch::settle(&mut tx, &[settled(ids[0], next), cleared]).await.unwrap();
    tx.commit().await.unwrap();

    let first = fleet.finds(ids[0]).await;
    assert_eq!(MonitorVerdict::of(&first), settled(ids[0], next).verdict);
    assert_eq!(
        (first.last_failure, first.last_status_code),
        (Some(FailureClass::UnexpectedStatus), Some(503))
    );
    assert_eq!((first.last_response_time_ms, first.updated_at), (Some(42), START));
    assert_eq!(first.certificate_expires_at, Some(START.plus_s(86_400)));
    assert_eq!(fleet.finds(ids[1]).await, fleet.monitor(2, URL), "every column can be emptied");
    assert_eq!(claim(&database, next, 10).await.len(), 2, "the third is still claimed");
}

#[db_test]
async fn paused_and_deleted_monitors_take_no_results(database: TestDatabase) {
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let mut paused = fleet.monitor(1, URL);
    paused.is_active = false;
    let deleted = fleet.monitor(2, URL);
    fleet.adds(&[paused.clone(), deleted.clone()], START).await;
    let mut tx = database.write().await.unwrap();
    monitors::delete(&mut tx, fleet.scope(), deleted.id, START).await.unwrap();
    assert_eq!(watch::lock_for_results(&mut tx, &[paused.id, deleted.id]).await.unwrap(), []);
    assert_eq!(watch::lock_for_results(&mut tx, &[]).await.unwrap(), []);
}

#[db_test]
async fn a_slot_can_be_moved_or_given_back_but_only_while_it_is_open(database: TestDatabase) {
    // F-01, F-03, F-14
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let ids = fleet.adds_many(3, URL, START).await;
    claim(&database, START, 10).await;
    let later = START.plus_s(55);
    let mut tx = database.write().await.unwrap();
    watch::replan(
        &mut tx,
        &[
            Replanned { id: ids[0], slot_at: START, next_check_at: START },
            Replanned { id: ids[1], slot_at: START, next_check_at: later },
            Replanned { id: ids[2], slot_at: START.plus_ms(1), next_check_at: START },
        ],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let now = START.plus_s(1);
    assert_eq!(claim(&database, now, 10).await.iter().map(|due| due.id).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!(next_due_at(&database, now).await, Some(START.plus_s(50)), "the third lease stands");
    let claimed = claim(&database, later, 10).await;
    assert!(claimed.iter().any(|due| due.id == ids[1] && due.next_check_at == later));
}

#[db_test]
async fn what_a_clock_moved_out_of_reach_is_found(database: TestDatabase) {
    // F-07
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let mut hourly = fleet.monitor(1, URL);
    hourly.interval_seconds = 3600;
    fleet.adds(&[hourly], START.plus_s(3600)).await;
    let lost = fleet.monitor(2, URL);
    fleet.adds(std::slice::from_ref(&lost), START.plus_s(301)).await;
    fleet.adds(&[fleet.monitor(3, URL)], START.plus_s(300)).await;
    let mut conn = database.read().await.unwrap();
    let found = watch::list_out_of_reach(&mut conn, START, 300, 10).await.unwrap();
    assert_eq!(found.iter().map(|due| due.id).collect::<Vec<_>>(), [lost.id]);
}

#[db_test]
async fn a_late_result_ends_the_claim_it_was_made_under_and_no_newer_one(database: TestDatabase) {
    // F-01, X46
    let fleet = Fleet::new(&database, 1, Tier::Team).await;
    let ids = fleet.adds_many(2, URL, START).await;
    assert_eq!(claim(&database, START, 10).await.len(), 2);
    let mut tx = database.write().await.unwrap();
    watch::release(&mut tx, &[(ids[0], START.plus_ms(5)), (ids[1], START.plus_ms(-5))]).await.unwrap();
    tx.commit().await.unwrap();
    let free: Vec<_> = claim(&database, START.plus_s(1), 10).await.into_iter().map(|due| due.id).collect();
    assert_eq!(free, [ids[0]]);

    let mut tx = database.write().await.unwrap();
    assert_eq!(watch::release_all(&mut tx).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(claim(&database, START.plus_s(2), 10).await.len(), 2);
}

#[db_test]
async fn the_plan_of_an_organization_leaves_out_what_is_claimed_and_what_is_not_its_own(
    database: TestDatabase,
) {
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Team).await, Fleet::new(&database, 2, Tier::Team).await);
    let ids = fleet.adds_many(2, URL, START).await;
    other.adds_many(1, URL, START.plus_s(9)).await;
    let claimed = claim(&database, START, 1).await;
    let mut conn = database.read().await.unwrap();
    let planned = watch::list_planned(&mut conn, fleet.scope(), START).await.unwrap();
    let left: Vec<_> = ids.into_iter().filter(|id| *id != claimed[0].id).collect();
    assert_eq!(planned.iter().map(|monitor| monitor.id).collect::<Vec<_>>(), left);
}
