//! F-09: a fifth of the targets accept and never answer; the others are checked in time.

use std::collections::HashMap;
use std::time::Duration;

use domain::check::CheckResult;
use domain::monitor::Monitor;
use domain::schedule::Rhythm;
use testkit::{Answer, Program, Target, TestDatabase, db_test, wall_clock};

use crate::support::{BINARY, SETTINGS, fleet, results};

const MONITORS: u128 = 2000;
const INTERVAL_S: i32 = 30;

#[db_test(flavor = "multi_thread")]
async fn targets_that_never_answer_delay_nobody(db: TestDatabase) {
    let (fleet, target) = (fleet(&db).await, Target::start_on(([0, 0, 0, 0], 0).into()).await);
    target.answer("/hole", Answer::hang());
    let port = target.address().port();
    let monitors: Vec<Monitor> = (1..=MONITORS)
        .map(|number| {
            // An address for each, so that no cap for one host explains anything.
            let host = format!("127.{}.{}.{}", 1 + number / 60_000, number / 250 % 250, 1 + number % 250);
            let path = if number % 5 == 0 { "/hole" } else { "/" };
            Monitor {
                interval_seconds: INTERVAL_S,
                planned_interval_seconds: INTERVAL_S,
                timeout_seconds: 10,
                ..fleet.monitor(number, &format!("http://{host}:{port}{path}"))
            }
        })
        .collect();
    // Due where their rhythm has them, as after a quiet start.
    for monitor in &monitors {
        let slot = Rhythm::of(monitor.id, INTERVAL_S).next_slot(wall_clock());
        fleet.adds(std::slice::from_ref(monitor), slot).await;
    }
    let mut program = Program::start(BINARY, &db, &SETTINGS).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    program.kill();

    let mut late_ms: Vec<i64> = Vec::new();
    let mut ends: HashMap<bool, usize> = HashMap::new();
    for (number, monitor) in (1..=MONITORS).zip(&monitors) {
        let list = results(&fleet, monitor.id).await;
        no_overlap(&list);
        *ends.entry(number % 5 == 0).or_default() += list.len();
        if number % 5 != 0 {
            let rhythm = Rhythm::of(monitor.id, INTERVAL_S);
            let interval_ms = i64::from(INTERVAL_S) * 1000;
            late_ms.extend(list.iter().map(|result| {
                let next = rhythm.next_slot(result.checked_at);
                result.checked_at.since(next.plus_ms(-interval_ms))
            }));
        }
    }
    late_ms.sort_unstable();
    let p99 = late_ms[late_ms.len() * 99 / 100];
    eprintln!(
        "{} checks in time, p99 {p99} ms behind the slot; {} of black holes",
        ends[&false], ends[&true]
    );
    assert!(ends[&false] >= 1600 * 3 && ends[&true] >= 400 * 2, "{ends:?}");
    assert!(p99 <= 2000, "F-09: p99 {p99} ms");
}

/// A check starts when the one before has ended.
fn no_overlap(list: &[CheckResult]) {
    for pair in list.windows(2) {
        let took_ms = i64::from(pair[0].response_time_ms.unwrap_or(0));
        assert!(pair[1].checked_at >= pair[0].checked_at.plus_ms(took_ms), "{pair:?}");
    }
}
