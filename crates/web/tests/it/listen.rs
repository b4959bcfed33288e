//! The accept loop against clients without manners (T-25).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use testkit::RawClient;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use web::listen::{Limits, serve};

const LIMIT: Duration = Duration::from_millis(300);
/// More than any deadline here, less than a test may last.
const LONG: Duration = Duration::from_secs(5);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

async fn start(limits: Limits) -> Server {
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
        .route("/echo", post(|body: String| async move { body }))
        .route(
            "/slow",
            post(|_: String| async {
                tokio::time::sleep(LIMIT * 2).await;
                "done"
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let done = tokio::spawn(serve(listener, app, limits, async {
        let _ = stopped.await;
    }));
    Server { address, stop, done }
}

fn limits() -> Limits {
    Limits { header_read: LIMIT, body_read: LIMIT, drain: Duration::from_secs(2), ..Limits::default() }
}

async fn connect(server: &Server) -> RawClient {
    RawClient::connect(server.address).await.unwrap()
}

/// One whole request on a connection of its own.
async fn honest(server: &Server) -> String {
    let mut client = connect(server).await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    client.read_until_closed(LONG).await.0
}

#[tokio::test]
async fn clients_that_say_nothing_or_hardly_anything_are_cut_off_and_others_are_served_meanwhile() {
    let server = start(limits()).await;
    let started = Instant::now();
    let mut silent = connect(&server).await;
    let mut slow = connect(&server).await;
    let slow = tokio::spawn(async move {
        let _ = slow
            .send_slowly("GET / HTTP/1.1\r\nx-a: aaaaaaaaaaaaaaaaaaaaaaaaaaa", Duration::from_millis(50))
            .await;
        slow.read_until_closed(LONG).await.1
    });
    let mut idle = connect(&server).await;
    idle.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(honest(&server).await.ends_with("hello"));
    assert!(silent.read_until_closed(LONG).await.1);
    let (answer, closed) = idle.read_until_closed(LONG).await;
    assert!(answer.ends_with("hello") && closed);
    assert!(slow.await.unwrap());
    assert!(started.elapsed() < LIMIT * 10, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_body_that_does_not_arrive_ends_with_408_and_a_slow_answer_does_not() {
    let server = start(limits()).await;
    let mut slow = connect(&server).await;
    slow.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await.unwrap();
    let (answer, closed) = slow.read_until_closed(LONG).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("application/problem+json"), "{answer}");
    assert!(closed);
    let mut whole = connect(&server).await;
    whole
        .send("POST /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc")
        .await
        .unwrap();
    let (answer, _) = whole.read_until_closed(LONG).await;
    assert!(answer.ends_with("done"), "{answer}");
}

#[tokio::test]
async fn long_targets_and_heads_are_refused() {
    let server = start(limits()).await;
    for (target, headers, status) in
        [("x".repeat(8191), 0, "404"), ("x".repeat(8192), 0, "414"), ("x".into(), 100_000, "431")]
    {
        let mut client = connect(&server).await;
        let head =
            format!("GET /{target} HTTP/1.1\r\nx: {}\r\nconnection: close\r\n\r\n", "y".repeat(headers));
        client.send(head).await.unwrap();
        let (answer, _) = client.read_until_closed(LONG).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
}

#[tokio::test]
async fn an_address_gets_so_many_connections_and_a_trusted_proxy_gets_all_it_wants() {
    let crowded = start(Limits { per_address: 2, header_read: LONG, ..limits() }).await;
    let first = connect(&crowded).await;
    let _second = connect(&crowded).await;
    let mut third = connect(&crowded).await;
    assert!(third.read_until_closed(LONG).await.1, "the third is closed at once");
    drop(first);
    let started = Instant::now();
    while !honest(&crowded).await.ends_with("hello") {
        assert!(started.elapsed() < LONG, "a place that was given back is not free");
    }

    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let behind_proxy =
        start(Limits { per_address: 2, trusted_proxies: trusted, header_read: LONG, ..limits() }).await;
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(connect(&behind_proxy).await);
    }
    assert!(honest(&behind_proxy).await.ends_with("hello"));
}

#[tokio::test]
async fn when_all_places_are_taken_the_next_client_waits_for_one() {
    let server = start(Limits { connections: 1, header_read: LIMIT, ..limits() }).await;
    let _holder = connect(&server).await;
    let started = Instant::now();
    assert!(honest(&server).await.ends_with("hello"));
    assert!(started.elapsed() >= LIMIT / 2, "served although the only place was taken");
}

#[tokio::test]
async fn the_peer_is_known_and_running_requests_finish_when_the_server_stops() {
    let server = start(limits()).await;
    let mut client = connect(&server).await;
    client.send("GET /peer HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(client.read_until_closed(LONG).await.0.contains("127.0.0.1:"));

    let mut running = connect(&server).await;
    running.send("POST /slow HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
    tokio::time::sleep(LIMIT / 3).await;
    server.stop.send(()).unwrap();
    let (answer, _) = running.read_until_closed(LONG).await;
    assert!(answer.ends_with("done"), "{answer}");
    server.done.await.unwrap();
    assert!(RawClient::connect(server.address).await.is_err(), "nobody listens any more");
}
