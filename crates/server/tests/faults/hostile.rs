//! Q-12, T-24: sixteen hostile behaviours, fifty monitors each; the memory of the program stays, the others are checked in
//! time, and every result has a class.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::Monitor;
use domain::schedule::Rhythm;
use testkit::{Fleet, HostileTarget, Hostility, Program, Target, TestDatabase, db_test, wall_clock};

use crate::support::{BINARY, SETTINGS, fleet, results};

const EACH: u128 = 50;
const OTHERS: u128 = 400;
const INTERVAL_S: i32 = 20;
const MOST_GROWTH_KIB: u64 = 32 * 1024;

/// What the program holds in memory.
fn memory_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn adds(fleet: &Fleet, monitors: &[Monitor]) {
    for monitor in monitors {
        let slot = Rhythm::of(monitor.id, INTERVAL_S).next_slot(wall_clock());
        fleet.adds(std::slice::from_ref(monitor), slot).await;
    }
}

fn monitor(fleet: &Fleet, number: u128, url: &str) -> Monitor {
    Monitor {
        interval_seconds: INTERVAL_S,
        planned_interval_seconds: INTERVAL_S,
        timeout_seconds: 5,
        ..fleet.monitor(number, url)
    }
}

/// The highest memory within so many seconds.
async fn peak_kib(program: &Program, seconds: u32) -> u64 {
    let mut peak = 0;
    for _ in 0..seconds * 20 {
        peak = peak.max(memory_kib(program));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    peak
}

#[db_test(flavor = "multi_thread")]
async fn q12_hostile_targets_take_no_memory_and_delay_nobody(db: TestDatabase) {
    let (fleet, well) = (fleet(&db).await, Target::start().await);
    let others: Vec<Monitor> = (1..=OTHERS).map(|number| monitor(&fleet, number, &well.url("/"))).collect();
    adds(&fleet, &others).await;
    let mut program = Program::start(BINARY, &db, &SETTINGS).await;
    let before = peak_kib(&program, 45).await;
    let began = wall_clock();
    let mut hostile = Vec::new();
    for (place, hostility) in (0_u8..).zip(Hostility::ALL) {
        let target = HostileTarget::start(hostility, Ipv4Addr::new(127, 0, 2, 1 + place).into()).await;
        let url = format!("{}://{}/", hostility.scheme(), target.address());
        let monitors: Vec<Monitor> = (1..=EACH)
            .map(|number| Monitor {
                settings: hostility.settings(),
                ..monitor(&fleet, 1_000 * (1 + u128::from(place)) + number, &url)
            })
            .collect();
        adds(&fleet, &monitors).await;
        hostile.push((hostility, monitors, target));
    }
    let during = peak_kib(&program, 90).await;
    program.kill();

    let mut late_ms: Vec<i64> = Vec::new();
    for other in &others {
        let rhythm = Rhythm::of(other.id, INTERVAL_S);
        let list = results(&fleet, other.id).await;
        let list = list.iter().filter(|result| result.checked_at > began);
        late_ms.extend(list.map(|result| {
            assert_eq!(result.status, CheckStatus::Up, "{result:?}");
            let next = rhythm.next_slot(result.checked_at);
            result.checked_at.since(next.plus_ms(-i64::from(INTERVAL_S) * 1000))
        }));
    }
    late_ms.sort_unstable();
    let p99 = late_ms[late_ms.len() * 99 / 100];
    for (hostility, monitors, _) in &hostile {
        let mut ends: HashMap<Option<FailureClass>, usize> = HashMap::new();
        for monitor in monitors {
            for result in results(&fleet, monitor.id).await {
                *ends.entry(result.failure).or_default() += 1;
                let is_well = matches!(result.status, CheckStatus::Up);
                assert_eq!(result.failure.is_none(), is_well, "{hostility:?}: {result:?}");
            }
        }
        eprintln!("{hostility:?}: {ends:?}");
        assert!(ends.values().sum::<usize>() >= 100, "{hostility:?}: {ends:?}");
    }
    let growth = during.saturating_sub(before);
    eprintln!(
        "memory {before} KiB before, {during} KiB at most, {growth} KiB more; {} checks of others, p99 {p99} ms behind",
        late_ms.len()
    );
    assert!(late_ms.len() >= 1200, "{} checks of others", late_ms.len());
    assert!(p99 <= 2000, "Q-12: p99 {p99} ms");
    assert!(growth <= MOST_GROWTH_KIB, "Q-12: {growth} KiB more");
}
