//! gRPC health checks against a small server of the protocol over real HTTP/2, and against others.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use domain::check::{CheckStatus, FailureClass, Outcome};
use domain::monitor::{GrpcSettings, Settings};
use http::{HeaderMap, HeaderValue, Response};
use tokio::time::sleep;

use crate::support::{
    check_kind, closed_port, flooding_server, old_web_server, resetting_server, serve, silent_server,
};

/// What the server says: status of HTTP, type, message, status of gRPC and where it stands.
#[derive(Clone, Copy)]
struct Said {
    http: u16,
    kind: &'static str,
    message: Option<&'static [u8]>,
    grpc: Option<&'static str>,
    in_head: bool,
}

const GOOD: Said = Said {
    http: 200,
    kind: "application/grpc",
    message: Some(&[0, 0, 0, 0, 2, 0x08, 1]),
    grpc: Some("0"),
    in_head: false,
};

async fn server(said: impl Fn(&[u8]) -> Said + Clone + Send + Sync + 'static) -> SocketAddr {
    serve("127.0.0.1", move |stream| {
        let said = said.clone();
        async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((request, mut reply))) = connection.accept().await {
                let said = said.clone();
                tokio::spawn(async move {
                    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
                    assert_eq!(request.method(), "POST");
                    assert_eq!(request.headers()["te"], "trailers");
                    assert_eq!(request.headers()["content-type"], "application/grpc");
                    let mut body = request.into_body();
                    let mut asked = Vec::new();
                    while let Some(Ok(data)) = body.data().await {
                        asked.extend_from_slice(&data);
                    }
                    answer_with(&mut reply, said(&asked));
                });
            }
        }
    })
    .await
}

fn answer_with(reply: &mut h2::server::SendResponse<Bytes>, said: Said) {
    let mut trailers = HeaderMap::new();
    if let Some(status) = said.grpc {
        trailers.insert("grpc-status", HeaderValue::from_static(status));
    }
    let mut head = Response::builder().status(said.http).header("content-type", said.kind).body(()).unwrap();
    if said.in_head {
        head.headers_mut().extend(trailers.clone());
    }
    let is_all = said.in_head && said.message.is_none();
    let Ok(mut stream) = reply.send_response(head, is_all) else { return };
    if let Some(message) = said.message {
        let _ = stream.send_data(Bytes::from_static(message), false);
    }
    if !is_all {
        let _ = stream.send_trailers(if said.in_head { HeaderMap::new() } else { trailers });
    }
}

async fn check(server: SocketAddr, service: &str) -> Outcome {
    let settings = GrpcSettings {
        host: server.ip().to_string(),
        port: server.port(),
        tls: false,
        service: service.to_owned(),
    };
    check_kind(Settings::Grpc(settings)).await
}

fn down(outcome: &Outcome) -> Option<FailureClass> {
    assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
    outcome.failure
}

#[tokio::test]
async fn a_service_that_serves_is_up() {
    let server = server(|asked| match asked {
        [0, 0, 0, 0, 0] | [0, 0, 0, 0, 8, 0x0a, 6, b'a', b'.', b'S', b'h', b'o', b'p'] => GOOD,
        _ => Said { message: None, grpc: Some("5"), in_head: true, ..GOOD },
    })
    .await;
    for service in ["", "a.Shop"] {
        let outcome = check(server, service).await;
        assert_eq!(
            (outcome.status, outcome.failure, outcome.status_code),
            (CheckStatus::Up, None, Some(200))
        );
        assert!(outcome.is_inside && outcome.phases.first_byte_ms.is_some());
        assert_eq!((outcome.phases.tls_ms, outcome.certificate_expires_at), (None, None));
    }
    assert_eq!(down(&check(server, "a.Other").await), Some(FailureClass::NotServing), "unknown service");
}

#[tokio::test]
async fn each_other_answer_has_its_class() {
    for (said, expected) in [
        (Said { message: Some(&[0, 0, 0, 0, 2, 0x08, 2]), ..GOOD }, FailureClass::NotServing),
        (Said { message: Some(&[0, 0, 0, 0, 2, 0x08, 3]), ..GOOD }, FailureClass::NotServing),
        (Said { message: Some(&[0, 0, 0, 0, 0]), ..GOOD }, FailureClass::NotServing),
        (Said { grpc: Some("14"), ..GOOD }, FailureClass::NotServing),
        (Said { message: None, grpc: Some("12"), in_head: true, ..GOOD }, FailureClass::HandshakeRefused),
        (Said { kind: "text/html", ..GOOD }, FailureClass::HandshakeRefused),
        (Said { http: 404, ..GOOD }, FailureClass::HandshakeRefused),
        (Said { message: None, ..GOOD }, FailureClass::ProtocolError),
        (Said { message: Some(&[0, 0, 0, 0, 9, 0x08, 1]), ..GOOD }, FailureClass::ProtocolError),
        (Said { grpc: None, ..GOOD }, FailureClass::ProtocolError),
        (Said { message: Some(&[0; 5000]), ..GOOD }, FailureClass::AnswerTooLarge),
    ] {
        let server = server(move |_| said).await;
        let outcome = check(server, "").await;
        assert_eq!(down(&outcome), Some(expected), "{:?} {:?}", said.message, said.grpc);
    }
}

#[tokio::test]
async fn a_server_of_another_protocol_refuses_the_handshake() {
    let page = old_web_server().await;
    assert_eq!(down(&check(page, "").await), Some(FailureClass::HandshakeRefused));
    let closed: SocketAddr = format!("127.0.0.1:{}", closed_port().await).parse().unwrap();
    assert_eq!(down(&check(closed, "").await), Some(FailureClass::ConnectionFailed));
    let tls =
        GrpcSettings { host: page.ip().to_string(), port: page.port(), tls: true, ..GrpcSettings::default() };
    assert_eq!(down(&check_kind(Settings::Grpc(tls)).await), Some(FailureClass::TlsFailed));
}

#[tokio::test]
async fn hostile_servers_end_in_time() {
    assert_eq!(down(&check(silent_server().await, "").await), Some(FailureClass::TimedOut));
    for reads in [false, true] {
        let outcome = check(resetting_server(reads).await, "").await;
        assert_eq!(down(&outcome), Some(FailureClass::ProtocolError), "reset, after reading: {reads}");
    }
    // Shakes hands, then nothing; and a reset of the stream.
    let mute = serve("127.0.0.1", |stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let kept = connection.accept().await;
        let _ = tokio::time::timeout(Duration::from_secs(5), connection.accept()).await;
        drop(kept);
    })
    .await;
    assert_eq!(down(&check(mute, "").await), Some(FailureClass::TimedOut));
    let reset = serve("127.0.0.1", |stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut reply))) = connection.accept().await {
            reply.send_reset(h2::Reason::INTERNAL_ERROR);
        }
    })
    .await;
    assert_eq!(down(&check(reset, "").await), Some(FailureClass::ProtocolError));
    // An empty SETTINGS, then pings or headers without end.
    for frames in
        [&b"\0\0\x08\x06\0\0\0\0\0aaaaaaaa"[..], b"\0\0\x01\x09\0\0\0\0\x01a", b"\0\0\0\x04\0\0\0\0\0"]
    {
        let (flood, sent) = flooding_server(b"\0\0\0\x04\0\0\0\0\0", frames).await;
        let outcome = check(flood, "").await;
        assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
        assert_ne!(outcome.failure, Some(FailureClass::TimedOut), "{frames:?}");
        sleep(Duration::from_millis(50)).await;
        assert!(sent.load(Ordering::SeqCst) < 16 * 1024 * 1024, "{sent:?}");
    }
}
