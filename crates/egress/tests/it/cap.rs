//! The limits of one host, over all organizations (T-19).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::check::{CheckJob, CheckStatus, FailureClass};
use egress::{Egress, EgressConfig};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::support::{DnsStub, job, moved, ok, read_head, serve};

fn capped(per_host_concurrency: usize) -> Egress {
    Egress::new(EgressConfig { per_host_concurrency, per_host_gap: Duration::ZERO, ..limits() }).unwrap()
}

/// Those of a public host, though these tests have none.
fn limits() -> EgressConfig {
    let allow_cidrs = vec!["127.0.0.0/8".parse().unwrap()];
    EgressConfig { allow_cidrs, limits_allowed: true, honours_opt_outs: false, ..EgressConfig::default() }
}

/// Of organization and monitor `number`.
fn job_of(number: usize, url: &str) -> CheckJob {
    let id = format!("01890a5d-ac96-774b-bcce-{number:012x}");
    CheckJob { organization_id: id.parse().unwrap(), monitor_id: id.parse().unwrap(), ..job(url) }
}

/// A server that remembers when requests came, and which.
async fn counting_server(host: &str) -> (SocketAddr, Arc<Mutex<Vec<(Instant, String)>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&seen);
    let address = serve(host, move |mut stream| {
        let all = Arc::clone(&all);
        async move {
            let came = Instant::now();
            let head = read_head(&mut stream).await;
            all.lock().unwrap().push((came, head));
            let _ = stream.write_all(ok().as_bytes()).await;
        }
    })
    .await;
    (address, seen)
}

/// No request came earlier than the limit lets its check start, counted from before the first.
#[track_caller]
fn assert_rate(began: Instant, seen: &[(Instant, String)], gap: Duration) {
    for (number, (came, _)) in seen.iter().enumerate() {
        let earliest = gap * u32::try_from(number).unwrap();
        let after = came.duration_since(began);
        assert!(after >= earliest, "request {number} of {} came after {after:?}", seen.len());
    }
}

/// A server that takes `hold` for each answer and remembers how many it served at once.
async fn slow_server(host: &str, hold: Duration) -> (SocketAddr, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&most));
    let address = serve(host, move |mut stream| {
        let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
        async move {
            read_head(&mut stream).await;
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(hold).await;
            now.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(ok().as_bytes()).await;
        }
    })
    .await;
    (address, most)
}

#[tokio::test]
async fn one_host_is_never_asked_more_often_at_once_than_allowed() {
    let (address, most) = slow_server("127.0.0.1", Duration::from_millis(50)).await;
    for (cap, expected) in [(3, 3), (0, 12)] {
        most.store(0, Ordering::SeqCst);
        let egress = capped(cap);
        let mut checks = JoinSet::new();
        for _ in 0..12 {
            let (egress, job) = (egress.clone(), job(&format!("http://{address}/")));
            checks.spawn(async move { egress.check(&job).await.status });
        }
        assert!(checks.join_all().await.iter().all(|status| *status == CheckStatus::Up));
        assert_eq!(most.load(Ordering::SeqCst), expected, "cap {cap}");
    }
}

#[tokio::test]
async fn waiting_for_a_place_is_not_the_targets_fault() {
    let (address, _) = slow_server("127.0.0.1", Duration::from_millis(600)).await;
    let egress = capped(1);
    let first = tokio::spawn({
        let (egress, job) = (egress.clone(), job(&format!("http://{address}/")));
        async move { egress.check(&job).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut second = job(&format!("http://{address}/"));
    second.patience_ms = 100;
    let outcome = egress.check(&second).await;
    assert_eq!(
        (outcome.status, outcome.failure, outcome.response_time_ms),
        (CheckStatus::NoData, Some(FailureClass::TooManyChecks), None)
    );
    // A place in time: the wait is not part of the response time.
    (second.timeout_ms, second.patience_ms) = (2_000, 5_000);
    let outcome = egress.check(&second).await;
    assert_eq!(outcome.status, CheckStatus::Up);
    assert!(outcome.response_time_ms.unwrap() < 1_900, "{:?}", outcome.response_time_ms);
    assert_eq!(first.await.unwrap().status, CheckStatus::Up);
}

#[tokio::test]
async fn a_redirect_waits_for_a_place_at_the_new_host() {
    let (slow, most) = slow_server("127.0.0.2", Duration::from_millis(100)).await;
    let door = crate::support::answer("127.0.0.1", move |_| moved(302, &format!("http://{slow}/"))).await;
    let egress = capped(1);
    let mut checks = JoinSet::new();
    for url in [format!("http://{slow}/"), format!("http://{door}/"), format!("http://{door}/")] {
        let egress = egress.clone();
        checks.spawn(async move { egress.check(&job(&url)).await.status });
    }
    assert!(checks.join_all().await.iter().all(|status| *status == CheckStatus::Up));
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_without_a_place_in_time_says_nothing() {
    let (slow, _) = slow_server("127.0.0.2", Duration::from_millis(600)).await;
    let door = crate::support::answer("127.0.0.1", move |_| moved(302, &format!("http://{slow}/"))).await;
    let egress = capped(1);
    let first = tokio::spawn({
        let (egress, job) = (egress.clone(), job(&format!("http://{slow}/")));
        async move { egress.check(&job).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut second = job(&format!("http://{door}/"));
    second.patience_ms = 150;
    let outcome = egress.check(&second).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::NoData, Some(FailureClass::TooManyChecks)));
    assert_eq!(first.await.unwrap().status, CheckStatus::Up);
}

// T-19
#[tokio::test]
async fn five_hundred_organizations_do_not_ask_one_host_more_often_than_one_may() {
    let (server, seen) = counting_server("127.0.0.1").await;
    // Names of their own, all at the same address.
    let dns = DnsStub::start(|_, _| vec!["127.0.0.1".parse().unwrap()]).await;
    let gap = Duration::from_millis(200);
    let config = EgressConfig { per_host_gap: gap, resolver: Some(dns.address), ..limits() };
    let egress = Egress::new(config).unwrap();
    let began = Instant::now();
    let mut checks = JoinSet::new();
    for number in 0..500 {
        let host = if number % 2 == 0 { "127.0.0.1".to_owned() } else { format!("org{number}.example.com") };
        let mut job = job_of(number, &format!("http://{host}:{}/{number}", server.port()));
        job.patience_ms = 4_000;
        let egress = egress.clone();
        checks.spawn(async move { egress.check(&job).await });
    }
    let outcomes = checks.join_all().await;
    let took = began.elapsed();
    let seen = seen.lock().unwrap();
    assert_rate(began, &seen, gap);
    let up = outcomes.iter().filter(|outcome| outcome.status == CheckStatus::Up).count();
    let left_out =
        outcomes.iter().filter(|outcome| outcome.failure == Some(FailureClass::TooManyChecks)).count();
    println!("{} of 500 checks ran in {took:?}, one each {gap:?}; the others are no data", seen.len());
    assert_eq!((up, left_out), (seen.len(), 500 - seen.len()), "each ran, or says why not");
    assert!(up >= 10, "{up} of the 21 that fit into four seconds");
}

// T-19
#[tokio::test]
async fn a_redirect_counts_at_the_host_it_leads_to() {
    let (victim, seen) = counting_server("127.0.0.2").await;
    let doors: Vec<SocketAddr> = {
        let mut doors = Vec::new();
        for host in ["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6"] {
            let to = format!("http://{victim}/");
            doors.push(crate::support::answer(host, move |_| moved(302, &to)).await);
        }
        doors
    };
    let gap = Duration::from_millis(400);
    let egress = Egress::new(EgressConfig { per_host_gap: gap, ..limits() }).unwrap();
    let began = Instant::now();
    let mut checks = JoinSet::new();
    for (number, door) in doors.into_iter().enumerate() {
        let (egress, job) = (egress.clone(), job_of(number, &format!("http://{door}/")));
        checks.spawn(async move { egress.check(&job).await.status });
    }
    assert!(checks.join_all().await.iter().all(|status| *status == CheckStatus::Up));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert_rate(began, &seen, gap);
}

#[tokio::test]
async fn a_redirect_on_the_same_host_belongs_to_the_same_check() {
    let server = crate::support::answer("127.0.0.1", |head| match head.split(' ').nth(1).unwrap() {
        "/end" => ok(),
        _ => moved(302, "/end"),
    })
    .await;
    let egress = Egress::new(EgressConfig { per_host_gap: Duration::from_secs(30), ..limits() }).unwrap();
    let outcome = egress.check(&job(&format!("http://{server}/"))).await;
    assert_eq!(outcome.status, CheckStatus::Up);
    let mut second = job(&format!("http://{server}/"));
    second.patience_ms = 50;
    assert_eq!(egress.check(&second).await.failure, Some(FailureClass::TooManyChecks));
}

#[tokio::test]
async fn the_operators_own_network_has_no_limits() {
    let (server, seen) = counting_server("127.0.0.1").await;
    let config = EgressConfig { limits_allowed: false, per_host_gap: Duration::from_secs(30), ..limits() };
    let egress = Egress::new(config).unwrap();
    for number in 0..10 {
        assert_eq!(egress.check(&job_of(number, &format!("http://{server}/"))).await.status, CheckStatus::Up);
    }
    assert_eq!(seen.lock().unwrap().len(), 10);
}
