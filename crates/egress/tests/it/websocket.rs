//! WebSocket checks against a real server of the protocol, and against others.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::check::{CheckStatus, FailureClass, Outcome};
use domain::monitor::{Header, Secrets, Settings, WebsocketSettings};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_async, accept_hdr_async};

use crate::support::{
    answer, check_kind, closed_port, flooding_server, kind_job, ok, old_web_server, open_egress,
    resetting_server, serve, silent_server,
};

fn talk(server: SocketAddr, send: Option<&str>, expect: Option<&str>) -> WebsocketSettings {
    WebsocketSettings {
        url: format!("ws://{server}/socket?a=b"),
        headers: Vec::new(),
        send: send.map(str::to_owned),
        expect: expect.map(str::to_owned),
    }
}

/// Opens the WebSocket and hands it to `script`.
async fn socket<S>(script: impl Fn(WebSocketStream<TcpStream>) -> S + Clone + Send + 'static) -> SocketAddr
where
    S: Future<Output = ()> + Send,
{
    serve("127.0.0.1", move |stream| {
        let script = script.clone();
        async move {
            if let Ok(socket) = accept_async(stream).await {
                script(socket).await;
            }
        }
    })
    .await
}

async fn check(server: SocketAddr, send: Option<&str>, expect: Option<&str>) -> Outcome {
    check_kind(Settings::Websocket(talk(server, send, expect))).await
}

fn down(outcome: &Outcome) -> Option<FailureClass> {
    assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
    outcome.failure
}

#[tokio::test]
async fn a_socket_that_opens_is_up_and_one_that_answers_too() {
    let echo = socket(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            let _ = socket.send(message).await;
        }
    })
    .await;
    let outcome = check(echo, None, None).await;
    assert_eq!((outcome.status, outcome.failure, outcome.status_code), (CheckStatus::Up, None, Some(101)));
    assert!(
        outcome.is_inside && outcome.phases.connect_ms.is_some() && outcome.phases.first_byte_ms.is_some()
    );
    let outcome = check(echo, Some("are you there"), Some("you")).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
}

#[tokio::test]
async fn the_handshake_carries_the_headers_of_the_owner_and_who_asks() {
    let server = serve("127.0.0.1", |stream| async move {
        let look = |request: &Request, answer: Response| {
            let of = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
            assert_eq!(request.uri(), "/socket?a=b");
            assert!(of("user-agent").starts_with("indie-status/"));
            assert_eq!((of("origin"), of("x-key")), ("https://example.com", "secret"));
            assert!(of("host").starts_with("127.0.0.1:"));
            Ok(answer)
        };
        let _socket = accept_hdr_async(stream, look).await;
    })
    .await;
    let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
    let mut settings = talk(server, None, None);
    settings.headers = vec![header("Origin", "https://example.com"), header("Host", "other.example.com")];
    let mut job = kind_job(Settings::Websocket(settings));
    job.secrets = Some(Secrets { headers: vec![header("X-Key", "secret")], ..Secrets::default() });
    assert_eq!(open_egress().check(&job).await.failure, None);
}

#[tokio::test]
async fn the_expected_words_may_stand_in_any_of_the_first_messages() {
    for (before, failure) in [(15, None), (16, Some(FailureClass::UnexpectedAnswer))] {
        let server = socket(move |mut socket| async move {
            for _ in 0..before {
                let _ = socket.send(Message::Ping("a".into())).await;
                let _ = socket.send(Message::text("noise")).await;
            }
            let _ = socket.send(Message::binary(b"the word".to_vec())).await;
            sleep(Duration::from_secs(5)).await;
        })
        .await;
        assert_eq!(check(server, None, Some("word")).await.failure, failure, "{before} messages before");
    }
}

#[tokio::test]
async fn each_way_to_fail_has_its_class() {
    let page = answer("127.0.0.1", |_| ok()).await;
    let outcome = check(page, None, None).await;
    assert_eq!((down(&outcome), outcome.status_code), (Some(FailureClass::HandshakeRefused), Some(200)));
    let moved = answer("127.0.0.1", |_| crate::support::moved(302, "/")).await;
    let outcome = check(moved, None, None).await;
    assert_eq!((down(&outcome), outcome.status_code), (Some(FailureClass::HandshakeRefused), Some(302)));
    let wrong_key = answer("127.0.0.1", |_| {
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
            .to_owned()
    })
    .await;
    assert_eq!(down(&check(wrong_key, None, None).await), Some(FailureClass::HandshakeRefused));
    let words = answer("127.0.0.1", |_| "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()).await;
    assert_eq!(down(&check(words, None, None).await), Some(FailureClass::HandshakeRefused));
    let closing = socket(|mut socket| async move {
        let _ = socket.close(None).await;
        let _ = socket.next().await;
    })
    .await;
    assert_eq!(down(&check(closing, None, Some("x")).await), Some(FailureClass::UnexpectedAnswer));
    let closed: SocketAddr = format!("127.0.0.1:{}", closed_port().await).parse().unwrap();
    assert_eq!(down(&check(closed, None, None).await), Some(FailureClass::ConnectionFailed));
    let secure = WebsocketSettings {
        url: format!("wss://{}/", old_web_server().await),
        ..WebsocketSettings::default()
    };
    let outcome = check_kind(Settings::Websocket(secure)).await;
    assert_eq!(down(&outcome), Some(FailureClass::TlsFailed));
}

#[tokio::test]
async fn hostile_servers_end_in_time() {
    let outcome = check(silent_server().await, None, None).await;
    assert_eq!(down(&outcome), Some(FailureClass::TimedOut));
    let mute = socket(|socket| async move {
        sleep(Duration::from_secs(5)).await;
        drop(socket);
    })
    .await;
    let outcome = check(mute, Some("hello"), Some("world")).await;
    assert_eq!((down(&outcome), outcome.status_code), (Some(FailureClass::TimedOut), Some(101)));
    for reads in [false, true] {
        let outcome = check(resetting_server(reads).await, None, None).await;
        assert_eq!(down(&outcome), Some(FailureClass::ProtocolError), "reset, after reading: {reads}");
    }
    let reset = socket(|mut socket| async move { socket.get_mut().set_zero_linger().unwrap() }).await;
    assert_eq!(down(&check(reset, None, Some("x")).await), Some(FailureClass::ProtocolError));
    let half = serve("127.0.0.1", |mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 101 Switching").await;
    })
    .await;
    assert_eq!(down(&check(half, None, None).await), Some(FailureClass::ProtocolError));
}

#[tokio::test]
async fn endless_answers_are_cut_off() {
    let most = 16 * 1024 * 1024;
    let (head, sent) = flooding_server(b"HTTP/1.1 101 Switching Protocols\r\n", b"X-Name: value\r\n").await;
    let outcome = check(head, None, None).await;
    assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
    assert!(sent.load(Ordering::SeqCst) < most, "{sent:?}");
    // Frames of 16 bytes, pings, and one frame that is announced as endless.
    for frames in
        [&b"\x82\x10aaaaaaaaaaaaaaaa"[..], b"\x89\x01a", b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffaaaa"]
    {
        let server = socket(move |mut socket| async move {
            let block = frames.repeat(4096);
            while socket.get_mut().write_all(&block).await.is_ok() {}
        })
        .await;
        let outcome = check(server, None, Some("never")).await;
        assert!(
            matches!(down(&outcome), Some(FailureClass::UnexpectedAnswer | FailureClass::ProtocolError)),
            "{outcome:?}"
        );
    }
}
