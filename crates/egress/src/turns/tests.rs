//! Places, pauses and fairness.

use super::*;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

fn turns(at_once: usize, gap_ms: u64) -> Arc<Turns> {
    Arc::new(Turns::new(Limits { at_once, gap: Duration::from_millis(gap_ms) }))
}

fn who(organization: u128, monitor: u128) -> Who {
    Who { organization: uuid(organization).parse().unwrap(), monitor: uuid(monitor).parse().unwrap() }
}

fn uuid(number: u128) -> String {
    format!("01890a5d-ac96-774b-bcce-{number:012x}")
}

fn host(name: &str) -> Host {
    Host::Name(name.to_owned())
}

fn within(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

#[tokio::test]
async fn a_host_has_so_many_places_and_the_map_is_empty_afterwards() {
    let turns = turns(2, 0);
    let first = turns.take(host("a.example"), who(1, 1), within(50)).await.unwrap().unwrap();
    let second = turns.take(host("a.example"), who(2, 2), within(50)).await.unwrap().unwrap();
    assert_eq!(*first.host(), host("a.example"));
    let other = turns.take(host("b.example"), who(1, 1), within(0)).await.unwrap();
    assert_eq!(turns.take(host("a.example"), who(3, 3), within(50)).await.unwrap_err(), NoTurn);
    drop(first);
    let third = turns.take(host("a.example"), who(3, 3), within(0)).await.unwrap();
    assert_eq!(turns.lock().hosts.len(), 2);
    drop((second, third, other));
    assert_eq!(turns.lock().hosts.len(), 0, "no entry stays behind");
}

#[tokio::test]
async fn nought_means_no_limit() {
    let turns = turns(0, 0);
    assert!(turns.take(host("a.example"), who(1, 1), within(0)).await.unwrap().is_none());
    assert_eq!(turns.lock().hosts.len(), 0);
}

#[tokio::test]
async fn starts_are_a_pause_apart_however_many_wait() {
    let turns = turns(0, 50);
    let began = Instant::now();
    let mut checks = JoinSet::new();
    for number in 0..20 {
        let turns = Arc::clone(&turns);
        checks.spawn(async move {
            let turn = turns.take(host("a.example"), who(number, number), within(475)).await;
            turn.is_ok().then(Instant::now)
        });
    }
    let mut starts: Vec<u128> = checks
        .join_all()
        .await
        .into_iter()
        .flatten()
        .map(|at| at.duration_since(began).as_millis())
        .collect();
    starts.sort_unstable();
    assert!((2..=10).contains(&starts.len()), "one at once and nine more at most: {starts:?}");
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 49), "{starts:?}");
}

#[tokio::test]
async fn a_crowd_of_one_organization_takes_nobodys_turn() {
    // Each of 30 monitors comes every 600 ms, which is three times what the host bears; one is another's.
    let turns = turns(0, 60);
    let mut loops = JoinSet::new();
    for number in 0..30_u128 {
        let turns = Arc::clone(&turns);
        loops.spawn(async move {
            let mut served = 0;
            let began = Instant::now();
            for round in 0..10 {
                let slot = Duration::from_millis(round * 600 + u64::try_from(number).unwrap() * 20);
                tokio::time::sleep_until(began + slot).await;
                let who = who(if number == 17 { 2 } else { 1 }, number);
                served += usize::from(turns.take(host("a.example"), who, within(150)).await.is_ok());
            }
            (number, served)
        });
    }
    let served: HashMap<u128, usize> = loops.join_all().await.into_iter().collect();
    assert!(served[&17] >= 8, "the other organization: {served:?}");
    let crowd: Vec<usize> =
        served.iter().filter(|(number, _)| **number != 17).map(|(_, served)| *served).collect();
    assert!(crowd.iter().all(|served| *served >= 1), "nobody of the crowd is left out: {served:?}");
}

#[tokio::test]
async fn few_wait_and_those_who_were_served_last_are_pushed_out() {
    let turns = turns(1, 0);
    let held = turns.take(host("a.example"), who(1, 1), within(0)).await.unwrap();
    let mut waiting = JoinSet::new();
    for number in 0..200 {
        let turns = Arc::clone(&turns);
        waiting.spawn(async move {
            turns.take(host("a.example"), who(number, number), within(60_000)).await.is_ok()
        });
    }
    tokio::task::yield_now().await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(turns.lock().hosts[&host("a.example")].waiting.len(), MAX_WAITING);
    drop(held);
    let served = waiting.join_all().await.into_iter().filter(|is_served| *is_served).count();
    assert_eq!((served, turns.lock().hosts.len()), (MAX_WAITING, 0));
}

#[tokio::test]
async fn who_stops_waiting_leaves_nothing_behind() {
    let turns = turns(1, 0);
    let held = turns.take(host("a.example"), who(1, 1), within(0)).await.unwrap();
    let gone = turns.take(host("a.example"), who(2, 2), within(60_000));
    timeout(Duration::from_millis(5), gone).await.unwrap_err();
    assert!(turns.lock().hosts[&host("a.example")].waiting.is_empty());
    drop(held);
    assert!(turns.take(host("a.example"), who(3, 3), within(0)).await.is_ok());
}

#[tokio::test]
async fn hosts_and_turns_are_forgotten() {
    let paused = turns(0, 10);
    for number in 0..5 * TIDY_FROM {
        drop(paused.take(host(&format!("{number}.example")), who(1, 1), within(0)).await.unwrap());
        if number % TIDY_FROM == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(paused.lock().hosts.len() <= 2 * TIDY_FROM, "{}", paused.lock().hosts.len());
    let mut queue = Queue::new(Instant::now());
    for number in 0..3000 {
        queue.note(who(number, number));
    }
    assert_eq!((queue.organizations.len(), queue.monitors.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
    assert!(queue.organizations.contains_key(&who(2999, 0).organization));
}
