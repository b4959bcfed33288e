//! Targets that try to hold us up, fill our memory or confuse us (T-24). Each ends in time with a class.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::check::{CheckStatus, FailureClass, Outcome};
use egress::Egress;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::{answer, egress, job, moved, open_egress, read_head, serve};

const TIMEOUT_MS: u32 = 600;
/// For what ends before its deadline, also when the machine is busy.
const AMPLE_MS: u32 = 10_000;
/// Generous: the machine may be busy.
const SLACK: Duration = Duration::from_secs(2);
/// What a flood may get rid of: our two caps and the buffers of two sockets.
const FLOOD_BYTES: usize = 16 * 1024 * 1024;

async fn attack(egress: &Egress, url: &str) -> Outcome {
    attack_for(egress, url, TIMEOUT_MS).await
}

async fn attack_for(egress: &Egress, url: &str, timeout_ms: u32) -> Outcome {
    let mut job = job(url);
    job.timeout_ms = timeout_ms;
    let started = Instant::now();
    let outcome = egress.check(&job).await;
    assert!(
        started.elapsed() < Duration::from_millis(timeout_ms.into()) + SLACK,
        "{url}: {:?}",
        started.elapsed()
    );
    outcome
}

#[track_caller]
fn assert_ends(name: &str, outcome: &Outcome, expected: Option<FailureClass>) {
    assert_eq!(outcome.failure, expected, "{name}: {outcome:?}");
    assert_eq!(outcome.status == CheckStatus::Up, expected.is_none(), "{name}");
}

/// Runs `script` after the request and compares how the check ends.
async fn after_request<F, S>(name: &str, expected: Option<FailureClass>, script: F)
where
    F: Fn(TcpStream) -> S + Clone + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let server = serve("127.0.0.1", move |mut stream| {
        let script = script.clone();
        async move {
            read_head(&mut stream).await;
            script(stream).await;
        }
    })
    .await;
    let timeout_ms = if expected == Some(FailureClass::TimedOut) { TIMEOUT_MS } else { AMPLE_MS };
    let outcome = attack_for(&open_egress(), &format!("http://{server}/"), timeout_ms).await;
    assert_ends(name, &outcome, expected);
}

/// Sends `text` once and closes.
async fn fixed(name: &str, text: impl AsRef<[u8]>, expected: Option<FailureClass>) {
    let text = Arc::new(text.as_ref().to_vec());
    after_request(name, expected, move |mut stream| {
        let text = Arc::clone(&text);
        async move {
            let _ = stream.write_all(&text).await;
            let _ = stream.shutdown().await;
            // Closing with unread bytes would be a reset.
            let _ = stream.read(&mut [0; 16]).await;
        }
    })
    .await;
}

/// Sends `start`, then `again` for ever, as fast as it is taken.
async fn flood(name: &str, start: &'static str, again: &str, expected: Option<FailureClass>) {
    let block = Arc::new(again.repeat(64 * 1024 / again.len() + 1).into_bytes());
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    after_request(name, expected, move |mut stream| {
        let (block, count) = (Arc::clone(&block), Arc::clone(&count));
        async move {
            let _ = stream.write_all(start.as_bytes()).await;
            while let Ok(written) = stream.write(&block).await {
                count.fetch_add(written, Ordering::SeqCst);
            }
        }
    })
    .await;
    sleep(Duration::from_millis(50)).await;
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < FLOOD_BYTES, "{name}: the target got rid of {sent} bytes");
}

/// Sends `start`, then one byte of `drip` every 20 ms.
async fn drip(name: &str, start: &'static str, drip: &'static str) {
    after_request(name, Some(FailureClass::TimedOut), move |mut stream| async move {
        let _ = stream.write_all(start.as_bytes()).await;
        for byte in drip.as_bytes().iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn silence_and_slowness_end_at_the_deadline() {
    let server = serve("127.0.0.1", |stream| async move {
        sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    let outcome = attack(&open_egress(), &format!("http://{server}/")).await;
    assert_ends("never answers", &outcome, Some(FailureClass::TimedOut));
    assert_eq!(outcome.status_code, None);
    assert!(outcome.response_time_ms.unwrap() >= TIMEOUT_MS);
    drip(
        "slow status line",
        "",
        "HTTP/1.1 200 OOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOO",
    )
    .await;
    drip("slow header", "HTTP/1.1 200 OK\r\nX: ", "a").await;
    drip("slow headers", "HTTP/1.1 200 OK\r\n", "X: y\r\n").await;
    drip("slow body", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "a").await;
    drip("slow chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n").await;
    drip("slow chunk extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", "a").await;
    drip("slow interim answers", "", "HTTP/1.1 100 Continue\r\n\r\n").await;
}

#[tokio::test]
async fn endless_heads_are_cut_off() {
    let too_large = Some(FailureClass::AnswerTooLarge);
    flood("endless headers", "HTTP/1.1 200 OK\r\n", "X-Name: value\r\n", too_large).await;
    flood("endless header", "HTTP/1.1 200 OK\r\nX: ", "a", too_large).await;
    flood("endless header name", "HTTP/1.1 200 OK\r\n", "a", too_large).await;
    flood("endless reason", "HTTP/1.1 200 ", "a", too_large).await;
    flood("endless interim answers", "", "HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n", too_large).await;
    flood("endless line ends", "", "\r\n", too_large).await;
}

#[tokio::test]
async fn endless_bodies_are_left_unread() {
    flood("endless body", "HTTP/1.1 200 OK\r\n\r\n", "a", None).await;
    flood("huge body", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "a", None).await;
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    flood("endless chunks", chunked, "400\r\n", Some(FailureClass::ProtocolError)).await;
    flood("endless small chunks", chunked, "1\r\na\r\n", None).await;
    flood(
        "endless chunk extension",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
        "a",
        Some(FailureClass::ProtocolError),
    )
    .await;
    flood(
        "endless trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "X: y\r\n",
        Some(FailureClass::ProtocolError),
    )
    .await;
    // Never unpacked, so it cannot grow.
    flood("gzip bomb", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "\u{1f}\0\0", None).await;
}

#[tokio::test]
async fn a_hundred_headers_are_enough() {
    let head = |headers: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(headers));
    fixed("100 headers", head(100), None).await;
    fixed("101 headers", head(101), Some(FailureClass::AnswerTooLarge)).await;
    let long = |bytes: usize| format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(bytes));
    fixed("a long header", long(60_000), None).await;
    fixed("a header too long", long(70_000), Some(FailureClass::AnswerTooLarge)).await;
}

#[tokio::test]
async fn an_answer_that_is_not_whole_http_is_a_protocol_error() {
    let broken = Some(FailureClass::ProtocolError);
    fixed("nothing", "", broken).await;
    fixed("half a head", "HTTP/1.1 200 OK\r\nX: y", broken).await;
    fixed("HTTP/0.9", "<html>hello</html>\r\n", broken).await;
    fixed("another protocol", "SSH-2.0-OpenSSH_9.2\r\n", broken).await;
    fixed("HTTP/2", "HTTP/2 200\r\n\r\n", broken).await;
    fixed("noughts", [0; 1000], broken).await;
    fixed("a status that is none", "HTTP/1.1 20 OK\r\n\r\n", broken).await;
    fixed("an interim answer only", "HTTP/1.1 100 Continue\r\n\r\n", broken).await;
    fixed("a short body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", broken).await;
    fixed("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", broken).await;
    fixed("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", broken).await;
    fixed("a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", broken).await;
    fixed("half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", broken).await;
    fixed("more than announced", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcdef", None).await;
    fixed("until the end", "HTTP/1.0 200 OK\r\n\r\nabcdef", None).await;
}

#[tokio::test]
async fn a_reset_at_any_stage_is_a_protocol_error() {
    let server = serve("127.0.0.1", |stream| async move { stream.set_zero_linger().unwrap() }).await;
    let outcome = attack(&open_egress(), &format!("http://{server}/")).await;
    assert_ends("reset at once", &outcome, Some(FailureClass::ProtocolError));
    for (name, sent) in [
        ("reset after the request", ""),
        ("reset in the head", "HTTP/1.1 200 OK\r\nX: "),
        ("reset in the body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
        ("reset in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na"),
    ] {
        after_request(name, Some(FailureClass::ProtocolError), move |mut stream| async move {
            stream.set_zero_linger().unwrap();
            let _ = stream.write_all(sent.as_bytes()).await;
            let _ = stream.flush().await;
            sleep(Duration::from_millis(20)).await;
        })
        .await;
    }
}

#[tokio::test]
async fn redirect_loops_end_after_three() {
    let server = answer("127.0.0.1", |_| moved(302, "/")).await;
    let outcome = attack(&open_egress(), &format!("http://{server}/")).await;
    assert_ends("loop", &outcome, Some(FailureClass::TooManyRedirects));
    let slow = serve("127.0.0.1", |mut stream| async move {
        read_head(&mut stream).await;
        sleep(Duration::from_millis(250)).await;
        let _ = stream.write_all(moved(302, "/").as_bytes()).await;
    })
    .await;
    let outcome = attack(&open_egress(), &format!("http://{slow}/")).await;
    assert_ends("the deadline is for all hops", &outcome, Some(FailureClass::TimedOut));
    assert_eq!(outcome.status_code, Some(302));
}

async fn tls_attack<F, S>(name: &str, expected: FailureClass, script: F)
where
    F: Fn(TcpStream) -> S + Clone + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let server = serve("127.0.0.1", move |mut stream| {
        let script = script.clone();
        async move {
            let _ = stream.read(&mut [0; 4096]).await;
            script(stream).await;
        }
    })
    .await;
    let outcome = attack(&open_egress(), &format!("https://{server}/")).await;
    assert_ends(name, &outcome, Some(expected));
    assert!(outcome.phases.connect_ms.is_some() && outcome.phases.tls_ms.is_none(), "{name}");
}

#[tokio::test]
async fn tls_that_goes_wrong_ends_too() {
    tls_attack("stalls", FailureClass::TimedOut, |stream| async move {
        sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    tls_attack("stalls inside a record", FailureClass::TimedOut, |mut stream| async move {
        let _ = stream.write_all(&[0x16, 3, 3, 0x40, 0]).await;
        sleep(Duration::from_secs(30)).await;
    })
    .await;
    tls_attack("closes", FailureClass::TlsFailed, |stream| async move { drop(stream) }).await;
    tls_attack("resets", FailureClass::TlsFailed, |stream| async move { stream.set_zero_linger().unwrap() })
        .await;
    tls_attack("speaks HTTP", FailureClass::TlsFailed, |mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    tls_attack("alert", FailureClass::TlsFailed, |mut stream| async move {
        let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, 40]).await;
    })
    .await;
}

#[tokio::test]
async fn dns_that_never_answers_ends_at_the_deadline() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = silent.local_addr().unwrap();
    let outcome = attack(&egress(&[], Some(address)), "http://example.com/").await;
    assert_ends("DNS silent", &outcome, Some(FailureClass::TimedOut));
}
