//! Roll-ups count exactly what the single results say.

use domain::check::{CheckResult, CheckStatus, Phases};
use domain::latency::Latency;
use domain::plan::Tier;
use domain::rollup::{PhaseSums, Rollup};
use domain::time::{DAY_MS, HOUR_MS};
use store::{check_results, rollups};
use testkit::{Fleet, START, TestDatabase, db_test};

const STATUSES: [CheckStatus; 4] =
    [CheckStatus::Up, CheckStatus::Degraded, CheckStatus::Down, CheckStatus::NoData];

/// What a roll-up of these results must say, counted the slow way.
fn expected(bucket: i64, results: &[&CheckResult]) -> Rollup {
    let count = |status| i32::try_from(results.iter().filter(|one| one.status == status).count()).unwrap();
    let good: Vec<i32> = results
        .iter()
        .filter(|one| matches!(one.status, CheckStatus::Up | CheckStatus::Degraded))
        .filter_map(|one| one.response_time_ms)
        .collect();
    Rollup {
        bucket,
        up: count(CheckStatus::Up),
        degraded: count(CheckStatus::Degraded),
        down: count(CheckStatus::Down),
        no_data: count(CheckStatus::NoData),
        response_time_sum_ms: good.iter().copied().map(i64::from).sum(),
        response_time_count: i32::try_from(good.len()).unwrap(),
        response_time_max_ms: good.iter().copied().max().unwrap_or(0),
        phases: PhaseSums { first_byte_ms: 3 * i64::try_from(good.len()).unwrap(), ..PhaseSums::default() },
        latency: good.iter().fold(Latency::default(), |mut sketch, ms| {
            sketch.add(ms.unsigned_abs());
            sketch
        }),
    }
}

#[db_test]
async fn roll_ups_equal_the_counts_of_the_single_results(database: TestDatabase) {
    // X49: 300 results of two monitors over two days and some hours
    let fleet = Fleet::new(&database, 1, Tier::Pro).await;
    let ids = fleet.adds_many(2, "https://example.com/", START).await;
    let mut results = Vec::new();
    let mut tx = database.write().await.unwrap();
    for round in 0..150_u32 {
        let batch: Vec<CheckResult> = ids
            .iter()
            .zip(0_u32..)
            .map(|(id, shift)| {
                let status = STATUSES[usize::try_from((round * 7 + shift * 3) % 4).unwrap()];
                CheckResult {
                    monitor_id: *id,
                    checked_at: START.plus_s(i64::from(round) * 1000),
                    status,
                    failure: None,
                    status_code: None,
                    response_time_ms: (status != CheckStatus::NoData)
                        .then_some(i32::try_from(round * 13 % 900).unwrap()),
                    phases: Phases { first_byte_ms: Some(3), ..Phases::default() },
                    is_manual: false,
                }
            })
            .collect();
        check_results::archive(&mut tx, &batch).await.unwrap();
        results.extend(batch);
    }
    for id in ids {
        let mine: Vec<&CheckResult> = results.iter().filter(|one| one.monitor_id == id).collect();
        let (from, to) = (START.plus_ms(-HOUR_MS), START.plus_ms(3 * DAY_MS));
        let buckets = |bucket: fn(&CheckResult) -> i64| {
            let mut all: Vec<i64> = mine.iter().map(|one| bucket(one)).collect();
            all.dedup();
            all.into_iter()
                .map(|at| {
                    let inside: Vec<_> = mine.iter().copied().filter(|one| bucket(one) == at).collect();
                    expected(at, &inside)
                })
                .collect::<Vec<_>>()
        };
        let hours = rollups::list_hours(&mut tx, fleet.scope(), id, from.hour(), to.hour()).await.unwrap();
        assert_eq!(hours, buckets(|one| one.checked_at.hour()));
        let days = rollups::list_days(&mut tx, fleet.scope(), id, from.day(), to.day()).await.unwrap();
        assert_eq!(days, buckets(|one| one.checked_at.day().0));
        assert_eq!((hours.len(), days.len()), (42, 3));
    }
}

#[db_test]
async fn roll_ups_of_somebody_else_are_not_read(database: TestDatabase) {
    // T-02
    let (fleet, other) =
        (Fleet::new(&database, 1, Tier::Pro).await, Fleet::new(&database, 2, Tier::Pro).await);
    let id = fleet.adds_many(1, "https://example.com/", START).await[0];
    let result = CheckResult {
        monitor_id: id,
        checked_at: START,
        status: CheckStatus::Up,
        failure: None,
        status_code: None,
        response_time_ms: Some(5),
        phases: Phases::default(),
        is_manual: false,
    };
    let mut tx = database.write().await.unwrap();
    check_results::archive(&mut tx, &[result]).await.unwrap();
    let (hour, day) = (START.hour(), START.day());
    let hours = |scope| (scope, id, hour, hour + 1);
    let (scope, id, from, to) = hours(other.scope());
    assert_eq!(rollups::list_hours(&mut tx, scope, id, from, to).await.unwrap(), []);
    assert_eq!(rollups::list_days(&mut tx, scope, id, day, day.plus(1)).await.unwrap(), []);
    let (scope, id, from, to) = hours(fleet.scope());
    assert_eq!(rollups::list_hours(&mut tx, scope, id, from, to).await.unwrap().len(), 1);
    assert_eq!(rollups::list_hours(&mut tx, scope, id, to, to + 1).await.unwrap(), []);
}
