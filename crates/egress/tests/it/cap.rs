//! The cap of simultaneous checks per target host.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::check::CheckStatus;
use egress::{Egress, EgressConfig};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::support::{job, moved, ok, read_head, serve};

fn capped(per_host_concurrency: usize) -> Egress {
    let allow_cidrs = vec!["127.0.0.0/8".parse().unwrap()];
    Egress::new(EgressConfig { allow_cidrs, per_host_concurrency, ..EgressConfig::default() }).unwrap()
}

/// A server that takes `hold` for each answer and remembers how many it served at once.
async fn slow_server(host: &str, hold: Duration) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
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
    second.timeout_ms = 100;
    let outcome = egress.check(&second).await;
    assert_eq!(
        (outcome.status, outcome.failure, outcome.response_time_ms),
        (CheckStatus::NoData, None, None)
    );
    // A place in time: the wait is not part of the response time.
    second.timeout_ms = 1_000;
    let outcome = egress.check(&second).await;
    assert_eq!(outcome.status, CheckStatus::Up);
    assert!(outcome.response_time_ms.unwrap() < 900, "{:?}", outcome.response_time_ms);
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
    second.timeout_ms = 150;
    assert_eq!(egress.check(&second).await.status, CheckStatus::NoData);
    assert_eq!(first.await.unwrap().status, CheckStatus::Up);
}
