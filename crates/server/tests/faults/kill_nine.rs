//! F-01: the process is killed at random moments, again and again, while it checks and while somebody writes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::check::CheckStatus;
use domain::id::MonitorId;
use domain::schedule::Rhythm;
use domain::time::Timestamp;
use domain::verdict::Policy;
use testkit::{Answer, Fleet, Kind, Program, Target, TestDatabase, db_test, wall_clock};

use crate::support::{BINARY, Dice, SETTINGS, each_second, fleet, model, results, rounds, spans, within};

const MONITORS: u64 = 40;

/// What was read before a kill, so was acknowledged.
type Seen = HashMap<MonitorId, Vec<(Timestamp, CheckStatus)>>;

async fn read(fleet: &Fleet, ids: &[MonitorId]) -> Seen {
    let mut seen = Seen::new();
    for id in ids {
        let list = results(fleet, *id).await;
        seen.insert(*id, list.iter().map(|result| (result.checked_at, result.status)).collect());
    }
    seen
}

#[db_test(flavor = "multi_thread")]
async fn random_kills_lose_no_result_run_no_slot_twice_and_skip_no_state(db: TestDatabase) {
    let (fleet, target, mut dice) = (fleet(&db).await, Target::start().await, Dice::new());
    let monitors: Vec<_> = (1..=MONITORS)
        .map(|number| each_second(&fleet, number.into(), &target.url(&format!("/{number}"))))
        .collect();
    fleet.adds(&monitors, wall_clock()).await;
    let ids: Vec<MonitorId> = monitors.iter().map(|monitor| monitor.id).collect();

    let mut program = Program::start(BINARY, &db, &SETTINGS).await;
    let rounds = rounds(200);
    let mut read_in_all = 0;
    for _ in 0..rounds {
        for _ in 0..4 {
            let status = if dice.below(2) == 0 { 200 } else { 503 };
            target.answer(&format!("/{}", 1 + dice.below(MONITORS)), Answer::status(status));
        }
        tokio::time::sleep(Duration::from_millis(200 + dice.below(1200))).await;
        let sample: Vec<MonitorId> = ids.iter().copied().filter(|_| dice.below(4) == 0).collect();
        let before = read(&fleet, &sample).await;
        tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
        program.kill();
        let after = read(&fleet, &sample).await;
        for (id, seen) in before {
            read_in_all += seen.len();
            assert_eq!(after[&id][..seen.len()], seen, "what was read once is there after a kill");
        }
        program.restart().await;
    }
    let settled = results(&fleet, ids[0]).await.len();
    within(Duration::from_secs(20), "checks go on", async || {
        results(&fleet, ids[0]).await.len() > settled + 3
    })
    .await;
    program.kill();

    let (mut checks, mut flips) = (0, 0);
    for monitor in &monitors {
        let (list, rhythm) = (results(&fleet, monitor.id).await, Rhythm::of(monitor.id, 1));
        let slots: HashSet<Timestamp> =
            list.iter().map(|result| rhythm.next_slot(result.checked_at)).collect();
        assert_eq!(slots.len(), list.len(), "a slot was run twice");
        let (verdict, expected) = model(&list, Policy::of(monitor, 1));
        let stored = fleet.finds(monitor.id).await;
        assert_eq!((stored.state, stored.state_since), (verdict.state, verdict.state_since));
        assert_eq!(
            (stored.run_length, stored.last_checked_at),
            (verdict.run_length, verdict.last_checked_at)
        );
        assert_eq!(spans(&fleet, monitor.id).await, expected, "states follow from results");
        checks += list.len();
        flips += expected.len();
    }
    is_whole(&db).await;
    eprintln!(
        "{rounds} kills, {checks} results, {flips} spans of states, {read_in_all} results read before a kill"
    );
    assert!(flips > monitors.len(), "states changed");
}

/// `PRAGMA integrity_check`; PostgreSQL recovers by itself, and was not killed.
async fn is_whole(db: &TestDatabase) {
    if db.kind() == Kind::Sqlite {
        assert_eq!(db.integrity().await, "ok");
    }
}
