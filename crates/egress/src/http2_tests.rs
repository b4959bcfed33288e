//! HTTP/2 against a real server and against ones that misbehave frame by frame (T-24).

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::check::{FailureClass, Outcome};
use domain::monitor::{Assertion, Auth, Header, HttpSettings, HttpVersion, Method, Secrets, Test};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::tls_tests::{Authority, job_with, settings, trusting};

type Stream = TlsStream<TcpStream>;

/// What the server saw: the request line in HTTP/1 words, its headers, its body.
type Requests = Arc<Mutex<Vec<String>>>;

/// Runs `script` on every connection, after the TLS handshake.
async fn serve<F, S>(authority: &Authority, script: F) -> SocketAddr
where
    F: Fn(Stream) -> S + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings(authority, "app.localhost", 2100)));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            tokio::spawn(script(tls));
        }
    });
    address
}

async fn respond(request: Request<Incoming>, log: Requests) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    log.lock().unwrap().push(format!(
        "{} {} {:?} {:?} {}",
        head.method,
        head.uri,
        head.version,
        head.headers,
        String::from_utf8_lossy(&body)
    ));
    let mut response = Response::builder().header("x-served-by", "h2");
    let text = match head.uri.path() {
        "/large" => "a".repeat(3 * 1024 * 1024),
        "/headers" => {
            for _ in 0..101 {
                response = response.header("x-many", "a");
            }
            String::new()
        }
        "/wide" => {
            response = response.header("x-wide", "a".repeat(70_000));
            String::new()
        }
        "/moved" => {
            response = response.status(302).header("location", "/end");
            String::new()
        }
        _ => r#"{"status": "ok"}"#.to_owned(),
    };
    Ok(response.body(Full::new(text.into())).unwrap())
}

/// A server that speaks both versions, whichever was agreed on.
async fn good_server(authority: &Authority) -> (SocketAddr, Requests) {
    let requests = Requests::default();
    let log = Arc::clone(&requests);
    let address = serve(authority, move |tls| {
        let log = Arc::clone(&log);
        async move {
            let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            let service = service_fn(move |request| respond(request, Arc::clone(&log)));
            if is_http2 {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(tls), service).await;
            } else {
                let builder = hyper::server::conn::http1::Builder::new();
                let _ = builder.serve_connection(TokioIo::new(tls), service).await;
            }
        }
    })
    .await;
    (address, requests)
}

fn asking(version: HttpVersion) -> HttpSettings {
    HttpSettings { version, ..HttpSettings::default() }
}

#[tokio::test]
async fn the_version_is_the_one_that_was_asked_for() {
    let authority = Authority::new();
    let (server, requests) = good_server(&authority).await;
    for (version, expected) in
        [(HttpVersion::Auto, "HTTP/2.0"), (HttpVersion::Http2, "HTTP/2.0"), (HttpVersion::Http1, "HTTP/1.1")]
    {
        let outcome =
            trusting(authority.roots()).check(&job_with("app.localhost", server, asking(version))).await;
        assert_eq!((outcome.failure, outcome.status_code), (None, Some(200)), "{version:?}");
        assert!(outcome.phases.first_byte_ms.is_some() && outcome.certificate_expires_at.is_some());
        let request = requests.lock().unwrap().pop().unwrap();
        assert!(request.contains(expected), "{request}");
    }
}

#[tokio::test]
async fn a_request_carries_the_same_and_nothing_of_version_1() {
    let authority = Authority::new();
    let (server, requests) = good_server(&authority).await;
    let asked = HttpSettings {
        body: Some("hello".to_owned()),
        headers: vec![Header { name: "X-Plain".to_owned(), value: "1".to_owned() }],
        auth: Auth::Bearer,
        assertions: vec![
            Assertion::Header { name: "x-served-by".to_owned(), test: Test::Equals, value: "h2".to_owned() },
            Assertion::Json { path: "$.status".to_owned(), test: Test::Equals, value: "ok".to_owned() },
        ],
        ..asking(HttpVersion::Http2)
    };
    let mut job = job_with("app.localhost", server, asked);
    job.method = Method::Post;
    job.url.push_str("a?b=c");
    job.secrets = Some(Secrets { token: Some("token".to_owned()), ..Secrets::default() });
    assert_eq!(trusting(authority.roots()).check(&job).await.failure, None);
    let request = requests.lock().unwrap().pop().unwrap();
    assert!(
        request.starts_with(&format!("POST https://app.localhost:{}/a?b=c HTTP/2.0", server.port())),
        "{request}"
    );
    assert!(request.ends_with(" hello") && request.contains("\"x-plain\": \"1\""), "{request}");
    assert!(
        request.contains("authorization") && request.contains("\"accept-encoding\": \"identity\""),
        "{request}"
    );
    assert!(!request.contains("\"host\"") && !request.contains("connection"), "{request}");
    job.method = Method::Head;
    job.settings = job_with("app.localhost", server, asking(HttpVersion::Http2)).settings;
    assert_eq!(trusting(authority.roots()).check(&job).await.failure, None);
}

#[tokio::test]
async fn caps_and_redirects_are_the_same() {
    let authority = Authority::new();
    let (server, requests) = good_server(&authority).await;
    let contains = |value: &str| HttpSettings {
        assertions: vec![Assertion::Body { test: Test::Contains, value: value.to_owned() }],
        ..asking(HttpVersion::Http2)
    };
    for (path, asked, expected) in [
        ("large", asking(HttpVersion::Http2), None),
        ("large", contains("aaa"), None),
        ("large", contains("b"), Some(FailureClass::AssertionFailed)),
        ("moved", contains("ok"), None),
        ("headers", asking(HttpVersion::Http2), Some(FailureClass::AnswerTooLarge)),
        ("wide", asking(HttpVersion::Http2), Some(FailureClass::ProtocolError)),
    ] {
        let mut job = job_with("app.localhost", server, asked);
        job.url.push_str(path);
        assert_eq!(trusting(authority.roots()).check(&job).await.failure, expected, "{path}");
    }
    assert_eq!(requests.lock().unwrap().len(), 7);
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `:status: 200` from the static table.
const STATUS_200: &[u8] = &[0x88];

/// Reads the request and sends our settings, then `start`, then `again` for ever.
async fn attack(start: Vec<u8>, again: Vec<u8>) -> Outcome {
    let authority = Authority::new();
    let (start, again) = (Arc::new(start), Arc::new(again));
    let server = serve(&authority, move |mut tls| {
        let (start, again) = (Arc::clone(&start), Arc::clone(&again));
        async move {
            let _ = tls.write_all(&frame(SETTINGS, 0, 0, &[])).await;
            let mut request = Vec::new();
            // Its own settings, perhaps a window, and the headers.
            while request.len() < 100 {
                let mut buffer = [0; 4096];
                match tls.read(&mut buffer).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                    _ => return,
                }
            }
            let _ = tls.write_all(&start).await;
            let _ = tls.flush().await;
            if again.is_empty() {
                sleep(Duration::from_secs(30)).await;
            }
            let (mut reader, mut writer) = tokio::io::split(tls);
            tokio::spawn(
                async move { while reader.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} },
            );
            while writer.write_all(&again).await.is_ok() {}
        }
    })
    .await;
    let mut job = job_with("app.localhost", server, asking(HttpVersion::Http2));
    job.timeout_ms = 1_000;
    let started = Instant::now();
    let outcome = trusting(authority.roots()).check(&job).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    outcome
}

#[tokio::test]
async fn silence_at_each_stage_ends_at_the_deadline() {
    let timed_out = Some(FailureClass::TimedOut);
    assert_eq!(attack(Vec::new(), Vec::new()).await.failure, timed_out, "no answer");
    let begun = frame(HEADERS, 0, 1, STATUS_200);
    assert_eq!(attack(begun, Vec::new()).await.failure, timed_out, "half of the headers");
    let headers = frame(HEADERS, END_HEADERS, 1, STATUS_200);
    let outcome = attack(headers.clone(), Vec::new()).await;
    assert_eq!((outcome.failure, outcome.status_code), (timed_out, Some(200)), "no body");
    let part = [headers, frame(DATA, 0, 1, b"part")].concat();
    assert_eq!(attack(part, Vec::new()).await.failure, timed_out, "half of a body");
}

#[tokio::test]
async fn nothing_of_a_connection_outlives_its_check() {
    let authority = Authority::new();
    let (closed, mut is_closed) = tokio::sync::mpsc::unbounded_channel();
    let server = serve(&authority, move |mut tls| {
        let closed = closed.clone();
        async move {
            let _ = tls.write_all(&frame(SETTINGS, 0, 0, &[])).await;
            while tls.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {}
            let _ = closed.send(());
        }
    })
    .await;
    let mut job = job_with("app.localhost", server, asking(HttpVersion::Http2));
    job.timeout_ms = 300;
    let outcome = trusting(authority.roots()).check(&job).await;
    assert_eq!(outcome.failure, Some(FailureClass::TimedOut));
    let end = tokio::time::timeout(Duration::from_secs(5), is_closed.recv()).await;
    assert_eq!(end, Ok(Some(())), "the socket is closed");
}

#[tokio::test]
async fn floods_are_cut_off() {
    let header = [&[0x00, 6][..], b"x-name", &[5], b"value"].concat();
    let too_large = Some(FailureClass::AnswerTooLarge);
    let broken = Some(FailureClass::ProtocolError);
    let begun = frame(HEADERS, 0, 1, STATUS_200);
    let more = frame(CONTINUATION, 0, 1, &header.repeat(500));
    let outcome = attack(begun.clone(), more).await;
    assert_eq!(outcome.failure, broken, "endless headers");
    let outcome = attack(begun, frame(CONTINUATION, 0, 1, &[]).repeat(1000)).await;
    assert_eq!(outcome.failure, broken, "endless empty headers");
    let interim = frame(HEADERS, END_HEADERS, 1, &[&[0x08, 3][..], b"103"].concat()).repeat(500);
    let outcome = attack(Vec::new(), interim).await;
    assert_eq!(outcome.failure, too_large, "interim answers");
    let outcome = attack(Vec::new(), frame(PING, 0, 0, &[0; 8]).repeat(500)).await;
    assert_eq!(outcome.failure, too_large, "pings");
    let outcome = attack(Vec::new(), frame(SETTINGS, 0, 0, &[]).repeat(500)).await;
    assert_eq!(outcome.failure, too_large, "settings");
    // Whether the cap of the body or the window is noticed first is a matter of time.
    let headers = frame(HEADERS, END_HEADERS, 1, STATUS_200);
    let outcome = attack(headers.clone(), frame(DATA, 0, 1, &[b'a'; 16_000])).await;
    assert!([None, broken].contains(&outcome.failure), "a body beyond the window: {outcome:?}");
    let outcome = attack(headers, frame(DATA, 0, 1, &[]).repeat(1000)).await;
    assert!([None, too_large, broken].contains(&outcome.failure), "empty data: {outcome:?}");
}

#[tokio::test]
async fn what_is_no_http2_is_a_protocol_error() {
    let reset = frame(RESET, 0, 1, &[0, 0, 0, 1]);
    let away = frame(GO_AWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 1]);
    let unknown_stream = frame(HEADERS, END_HEADERS, 2, STATUS_200);
    let oversize = frame(DATA, 0, 1, &vec![0; 20_000]);
    let no_status = frame(HEADERS, END_HEADERS, 1, &[&[0x00, 1][..], b"x", &[1], b"y"].concat());
    let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    for (name, bytes) in [
        ("reset", reset),
        ("go away", away),
        ("a stream that we did not open", unknown_stream),
        ("a frame too large", oversize),
        ("no status", no_status),
        ("the other version", text),
        ("noise", vec![0xff; 1000]),
    ] {
        assert_eq!(attack(bytes, Vec::new()).await.failure, Some(FailureClass::ProtocolError), "{name}");
    }
}
