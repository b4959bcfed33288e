//! What an answer has to say, read from real answers, small and hostile ones (T-23, T-24).

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::check::{FailureClass, Outcome};
use domain::monitor::{Assertion, HttpSettings, Method, Test};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::support::{answer, job_with, moved, ok, open_egress, read_head, serve};

const FAILED: Option<FailureClass> = Some(FailureClass::AssertionFailed);
const MIB: usize = 1024 * 1024;

fn body(test: Test, value: &str) -> Assertion {
    Assertion::Body { test, value: value.to_owned() }
}

fn json(path: &str, test: Test, value: &str) -> Assertion {
    Assertion::Json { path: path.to_owned(), test, value: value.to_owned() }
}

fn header(name: &str, test: Test, value: &str) -> Assertion {
    Assertion::Header { name: name.to_owned(), test, value: value.to_owned() }
}

async fn check(server: SocketAddr, assertions: Vec<Assertion>) -> Outcome {
    let settings = HttpSettings { assertions, ..HttpSettings::default() };
    let mut job = job_with(&format!("http://{server}/"), settings);
    job.timeout_ms = 30_000;
    open_egress().check(&job).await
}

/// Sends `head` and `body` to everybody.
async fn sender(head: &'static str, body: Vec<u8>) -> SocketAddr {
    let body = Arc::new(body);
    serve("127.0.0.1", move |mut stream| {
        let body = Arc::clone(&body);
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes()).await;
            let _ = stream.write_all(&body).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

#[tokio::test]
async fn each_kind_holds_and_fails() {
    let text = br#"{"status": "ok", "checks": [{"name": "db", "ms": 4}]}"#;
    let server = sender("X-Cache: HIT\r\n", text.to_vec()).await;
    for (assertion, expected) in [
        (header("x-cache", Test::Equals, "HIT"), None),
        (header("x-cache", Test::Equals, "MISS"), FAILED),
        (body(Test::Contains, "\"ok\""), None),
        (body(Test::Contains, "\"bad\""), FAILED),
        (body(Test::Matches, r#"status":\s"(ok|fine)""#), None),
        (body(Test::Matches, "^ok$"), FAILED),
        (json("$.checks[?@.name == 'db'].ms", Test::LessThan, "5"), None),
        (json("$.checks[?@.name == 'db'].ms", Test::LessThan, "4"), FAILED),
        (json("$.status", Test::Equals, "ok"), None),
        (json("$.status", Test::Equals, "bad"), FAILED),
        (Assertion::Latency { most_ms: 30_000 }, None),
    ] {
        let outcome = check(server, vec![assertion.clone()]).await;
        assert_eq!((outcome.failure, outcome.status_code), (expected, Some(200)), "{assertion:?}");
        assert!(outcome.response_time_ms.is_some());
    }
    let all = vec![header("x-cache", Test::Exists, ""), json("$.status", Test::Exists, "")];
    assert_eq!(check(server, all).await.failure, None);
    let one = vec![header("x-cache", Test::Exists, ""), json("$.status", Test::NotExists, "")];
    assert_eq!(check(server, one).await.failure, FAILED);
}

#[tokio::test]
async fn a_slow_answer_is_too_slow_and_a_wrong_one_is_wrong_first() {
    let server = serve("127.0.0.1", |mut stream| async move {
        read_head(&mut stream).await;
        sleep(Duration::from_millis(60)).await;
        let _ = stream.write_all(ok().as_bytes()).await;
    })
    .await;
    let slow = Assertion::Latency { most_ms: 20 };
    let outcome = check(server, vec![slow.clone()]).await;
    assert_eq!(outcome.failure, Some(FailureClass::TooSlow));
    assert!(outcome.response_time_ms.unwrap() >= 60);
    assert_eq!(check(server, vec![slow, body(Test::Equals, "bad")]).await.failure, FAILED);
}

#[tokio::test]
async fn the_status_and_redirects_come_before_assertions() {
    let server = answer("127.0.0.1", |head| match head.split(' ').nth(1).unwrap() {
        "/end" => ok(),
        _ => moved(302, "/end"),
    })
    .await;
    assert_eq!(check(server, vec![body(Test::Equals, "ok")]).await.failure, None, "of the last answer");
    let missing = answer("127.0.0.1", |_| "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nok".to_owned()).await;
    let outcome = check(missing, vec![body(Test::Equals, "ok")]).await;
    assert_eq!(outcome.failure, Some(FailureClass::UnexpectedStatus));
}

#[tokio::test]
async fn an_answer_to_head_has_headers_only() {
    let server =
        answer("127.0.0.1", |_| "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 9\r\n\r\n".to_owned()).await;
    let settings = HttpSettings {
        assertions: vec![header("x", Test::Equals, "y"), body(Test::NotExists, "")],
        ..HttpSettings::default()
    };
    let mut job = job_with(&format!("http://{server}/"), settings);
    job.method = Method::Head;
    assert_eq!(open_egress().check(&job).await.failure, None);
}

#[tokio::test]
async fn the_first_mib_of_a_body_counts() {
    let mut text = vec![b'a'; 2 * MIB];
    text[MIB - 6..MIB - 1].copy_from_slice(b"early");
    text[MIB + 10..MIB + 14].copy_from_slice(b"late");
    let server = sender("", text).await;
    assert_eq!(check(server, vec![body(Test::Contains, "early")]).await.failure, None);
    assert_eq!(check(server, vec![body(Test::Matches, "ea[r]ly")]).await.failure, None);
    assert_eq!(check(server, vec![body(Test::Contains, "late")]).await.failure, FAILED);
    let long = format!("{{\"a\": \"{}\"}}", "a".repeat(MIB));
    let server = sender("", long.into_bytes()).await;
    let outcome = check(server, vec![json("$.a", Test::Exists, "")]).await;
    assert_eq!(outcome.failure, Some(FailureClass::AnswerTooLarge), "cut JSON cannot be read");
    let outcome = check(server, vec![header("x", Test::NotExists, "")]).await;
    assert_eq!(outcome.failure, None, "nobody looks at the body");
}

#[tokio::test]
async fn a_packed_body_is_unpacked_to_the_same_size() {
    let gzip = |plain: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    };
    let server = sender("Content-Encoding: gzip\r\n", gzip(b"it is ok")).await;
    assert_eq!(check(server, vec![body(Test::Equals, "it is ok")]).await.failure, None);
    let server = sender("Content-Encoding: br\r\n", b"it is ok".to_vec()).await;
    assert_eq!(check(server, vec![body(Test::NotContains, "bad")]).await.failure, FAILED);
    let mut bomb = vec![b'a'; 64 * MIB];
    bomb.extend_from_slice(b"end");
    let server = sender("Content-Encoding: gzip\r\n", gzip(&bomb)).await;
    assert_eq!(check(server, vec![body(Test::Contains, "aaaa")]).await.failure, None);
    assert_eq!(check(server, vec![body(Test::Contains, "end")]).await.failure, FAILED);
    let outcome = check(server, vec![json("$", Test::Exists, "")]).await;
    assert_eq!(outcome.failure, Some(FailureClass::AnswerTooLarge));
}

// T-23
#[tokio::test]
async fn bombs_of_owner_and_target_end_as_failures() {
    let server = sender("", vec![b'a'; 2 * MIB]).await;
    for pattern in ["(a{1000}){1000}", "(?:a?){9999}b", "((a|aa)+)+$x", "(", &"(".repeat(400)] {
        assert_eq!(check(server, vec![body(Test::Matches, pattern)]).await.failure, FAILED, "{pattern}");
    }
    let too_large = Some(FailureClass::AnswerTooLarge);
    let server = sender("", vec![b'['; 10 * MIB]).await;
    assert_eq!(check(server, vec![json("$", Test::Exists, "")]).await.failure, too_large);
    let server = sender("", vec![b'['; MIB - 1]).await;
    assert_eq!(check(server, vec![json("$", Test::NotExists, "")]).await.failure, FAILED);
    let nested = format!("{}1{}", "[1,".repeat(60), "]".repeat(60));
    let server = sender("", nested.into_bytes()).await;
    assert_eq!(check(server, vec![json("$..*", Test::Equals, "1")]).await.failure, None);
    let path = format!("${}", "..*".repeat(60));
    assert_eq!(check(server, vec![json(&path, Test::NotExists, "")]).await.failure, FAILED);
}

// T-24
#[tokio::test]
async fn endless_bodies_end_also_when_they_are_compared() {
    for head in ["", "Transfer-Encoding: chunked\r\n"] {
        let server = serve("127.0.0.1", move |mut stream| async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes()).await;
            let block = "1\r\na\r\n".repeat(10_000);
            while stream.write_all(block.as_bytes()).await.is_ok() {}
        })
        .await;
        assert_eq!(check(server, vec![body(Test::Contains, "a")]).await.failure, None, "{head:?}");
        assert_eq!(check(server, vec![body(Test::Contains, "z")]).await.failure, FAILED, "{head:?}");
    }
}
