//! F-07: the wall clock is set forth and back while the program runs; the monotonic one goes on. Needs libfaketime.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::id::MonitorId;
use domain::time::{DAY_MS, Timestamp};
use testkit::{Fleet, Program, Target, TestDatabase, db_test, wall_clock};

use crate::support::{BINARY, SETTINGS, each_second, fleet, results, spans};

const MONITORS: u128 = 20;
const HOUR_S: i64 = 3600;

fn library() -> PathBuf {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64"];
    folders
        .iter()
        .map(|folder| Path::new(folder).join("faketime/libfaketime.so.1"))
        .find(|path| path.exists())
        .expect("libfaketime is not installed: install the package faketime and run again")
}

/// Sets the clock of the program so many seconds off ours.
fn sets_clock(file: &Path, offset_s: i64) {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, format!("{offset_s:+}")).unwrap();
    std::fs::rename(fresh, file).unwrap();
}

async fn counts(fleet: &Fleet, ids: &[MonitorId]) -> Vec<usize> {
    let mut counts = Vec::new();
    for id in ids {
        counts.push(results(fleet, *id).await.len());
    }
    counts
}

#[db_test(flavor = "multi_thread")]
async fn jumps_of_the_clock_stop_no_check_and_start_no_storm(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    sets_clock(&clock, 0);
    let (fleet, target) = (fleet(&db).await, Target::start().await);
    let monitors: Vec<_> = (1..=MONITORS)
        .map(|number| each_second(&fleet, number, &target.url(&format!("/{number}"))))
        .collect();
    fleet.adds(&monitors, wall_clock()).await;
    let ids: Vec<MonitorId> = monitors.iter().map(|monitor| monitor.id).collect();

    let library = library();
    let mut settings: Vec<(&str, &str)> = SETTINGS.to_vec();
    settings.extend([
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]);
    let mut program = Program::start(BINARY, &db, &settings).await;
    tokio::time::sleep(Duration::from_secs(5)).await;

    // Two hours on, a day back, a year on, back to the present, a second to and fro as a smeared leap second does.
    let jumps = [2 * HOUR_S, 2 * HOUR_S - 24 * HOUR_S, 365 * 24 * HOUR_S, 0, 1, 0];
    for offset_s in jumps {
        let (asked, stored) = (target.requests().len(), counts(&fleet, &ids).await);
        sets_clock(&clock, offset_s);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (asked_now, stored_now) = (target.requests().len(), counts(&fleet, &ids).await);
        // Ten seconds: ten checks each, one more at most because of the jump, and one for where the ends lie.
        let most = usize::try_from(MONITORS).unwrap() * 12;
        assert!(asked_now - asked <= most, "a storm at {offset_s:+} s: {}", asked_now - asked);
        for (before, after) in stored.iter().zip(&stored_now) {
            assert!(after - before >= 6, "checks stopped at {offset_s:+} s: {} in 10 s", after - before);
        }
        eprintln!("{offset_s:+} s: {} checks of {MONITORS} monitors in 10 s", asked_now - asked);
    }
    program.kill();
    for monitor in &monitors {
        let spans = spans(&fleet, monitor.id).await;
        let mut reached = Timestamp::from_ms(0);
        for (_, start, end) in &spans {
            assert!(*start >= reached, "spans overlap: {spans:?}");
            reached = end.unwrap_or(*start);
        }
        let lived = spans.iter().filter_map(|(_, start, end)| end.map(|end| end.since(*start))).sum::<i64>();
        assert!(lived < DAY_MS, "a jump was counted as watched: {spans:?}");
    }
}
