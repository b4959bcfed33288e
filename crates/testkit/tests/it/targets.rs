//! The scripted target server.

use std::time::{Duration, Instant};

use testkit::{Answer, RawClient, Target};

async fn ask(target: &Target, path: &str) -> String {
    let mut client = RawClient::connect(target.address()).await.unwrap();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await.unwrap();
    client.read_head().await.unwrap_or_else(|error| format!("{:?}", error.kind()))
}

#[tokio::test]
async fn the_target_answers_as_scripted_and_counts() {
    let target = Target::start().await;
    assert!(ask(&target, "/health?full=1").await.starts_with("HTTP/1.1 200 OK\r\n"));
    target.answer("/health", Answer::status(503).header("Retry-After", "5").body("tired"));
    assert_eq!(
        ask(&target, "/health").await,
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 5\r\n\r\n"
    );
    target.answer("/health", Answer::reset());
    assert_eq!(ask(&target, "/health").await, "ConnectionReset");
    target.answer("/health", Answer::raw("no HTTP at all\r\n\r\n"));
    assert_eq!(ask(&target, "/health").await, "no HTTP at all\r\n\r\n");
    assert_eq!((target.count("/health"), target.count("/other"), target.connections()), (4, 0, 4));
    assert_eq!(target.requests()[0].header("Host"), Some("x"));
}

#[tokio::test]
async fn the_target_can_be_late_or_never_answer() {
    let target = Target::start().await;
    target.answer("/late", Answer::status(200).after(Duration::from_millis(80)));
    let start = Instant::now();
    assert!(ask(&target, "/late").await.starts_with("HTTP/1.1 200"));
    assert!(start.elapsed() >= Duration::from_millis(80));
    target.answer("/never", Answer::hang());
    let waiting = tokio::time::timeout(Duration::from_millis(100), ask(&target, "/never"));
    waiting.await.expect_err("the target says nothing");
}

#[tokio::test]
async fn a_stopped_target_refuses_and_comes_back_on_the_same_port() {
    let target = Target::start().await;
    let address = target.address();
    let mut open = RawClient::connect(address).await.unwrap();
    ask(&target, "/").await;
    target.stop().await;
    assert!(open.read_until_closed(Duration::from_secs(1)).await.1, "open connections end");
    RawClient::connect(address).await.expect_err("nobody listens");
    target.restart().await;
    assert_eq!(target.address(), address);
    assert!(ask(&target, "/").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn one_connection_may_carry_several_requests_with_bodies() {
    let target = Target::start().await;
    let mut client = RawClient::connect(target.address()).await.unwrap();
    let request = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    client.send_slowly(request, Duration::from_millis(1)).await.unwrap();
    client.read_head().await.unwrap();
    client.send(request).await.unwrap();
    client.read_head().await.unwrap();
    assert_eq!((target.count("/a"), target.connections()), (2, 1));
    assert!(target.requests().iter().all(|request| request.body == b"hello"));
}
