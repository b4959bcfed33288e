//! A WebSocket that has to open, and perhaps to answer (RFC 6455).

use domain::check::FailureClass;
use domain::monitor::{Header, WebsocketSettings};
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE, USER_AGENT};
use http::header::{SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
use http::{Request, Uri};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message, error::ProtocolError};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::connect::add;
use crate::link::{Link, USED_UP};
use crate::probe::{MAX_ANSWER_BYTES, Probe, Stop};
use crate::target::{Rules, Target, TargetError};
use crate::tls::{Offer, Protocol};

/// Messages that are looked at for the expected words.
const MAX_MESSAGES: u32 = 16;
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// What the handshake itself says.
const OWN_HEADERS: [&str; 8] = [
    "host",
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "content-length",
    "transfer-encoding",
];

/// The rules are those of HTTP, whose handshake it is.
pub(crate) fn target(rules: &Rules, url: &str) -> Result<Target, TargetError> {
    let (scheme, rest) = url.trim().split_once(':').ok_or(TargetError::Malformed)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" => "http",
        "wss" => "https",
        _ => return Err(TargetError::SchemeNotAllowed),
    };
    rules.parse(&format!("{scheme}:{rest}"))
}

/// A header that an owner may send.
pub(crate) fn header(header: &Header) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
    let value = HeaderValue::from_str(&header.value).ok()?;
    (!OWN_HEADERS.contains(&name.as_str())).then_some((name, value))
}

pub(crate) async fn check(probe: &mut Probe<'_>, settings: &WebsocketSettings) -> Result<(), Stop> {
    let target = target(&probe.inner.rules, &settings.url).map_err(|_| probe.refused())?;
    let offer = target.is_https().then_some(Offer::of(Protocol::Http1));
    let stream = probe.open(target.place(), target.port(), offer).await?;
    let link = Link::new(stream, MAX_HEAD_BYTES + MAX_ANSWER_BYTES);
    let request = request(probe, &target, settings).ok_or(Stop::unknown(None))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_ANSWER_BYTES))
        .max_frame_size(Some(MAX_ANSWER_BYTES));
    let started = Instant::now();
    let opened = client_async_with_config(request, link, Some(config)).await;
    let (mut socket, answer) = opened.map_err(|error| not_opened(probe, &error))?;
    add(&mut probe.sight.phases.first_byte_ms, started);
    probe.status_code = Some(answer.status().as_u16());
    if let Some(text) = &settings.send {
        socket.send(Message::text(text.as_str())).await.map_err(|error| broken(&error))?;
    }
    match &settings.expect {
        Some(expect) if !expect.is_empty() => read_until(&mut socket, expect.as_bytes()).await,
        _ => Ok(()),
    }
}

/// One request as the handshake wants it, with the headers of the owner. `None`: it cannot be written.
fn request(probe: &Probe<'_>, target: &Target, settings: &WebsocketSettings) -> Option<Request<()>> {
    let scheme = if target.is_https() { "wss" } else { "ws" };
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(target.authority().to_str().ok()?)
        .path_and_query(target.path().clone())
        .build()
        .ok()?;
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, probe.inner.user_agent.clone());
    let secret = probe.secrets.map(|secrets| secrets.headers.as_slice()).unwrap_or_default();
    for (name, value) in settings.headers.iter().chain(secret).filter_map(header) {
        headers.insert(name, value);
    }
    say_hello(headers, target)?;
    Some(request)
}

fn say_hello(headers: &mut HeaderMap, target: &Target) -> Option<()> {
    headers.insert(HOST, target.authority().clone());
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_str(&generate_key()).ok()?);
    Some(())
}

/// Looks through the first messages. Keeps nothing.
async fn read_until(socket: &mut WebSocketStream<Link>, wanted: &[u8]) -> Result<(), Stop> {
    let unexpected = Stop::down(FailureClass::UnexpectedAnswer);
    let mut left_bytes = MAX_ANSWER_BYTES;
    let mut left_messages = MAX_MESSAGES;
    while left_messages > 0 {
        let message = match socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(broken(&error)),
            None => return Err(unexpected),
        };
        match message {
            Message::Text(_) | Message::Binary(_) => {}
            Message::Close(_) => return Err(unexpected),
            // Our side answers a ping by itself; the allowance of the connection limits them.
            _ => continue,
        }
        let data = message.into_data();
        let data = data.get(..left_bytes).unwrap_or(&data);
        if data.windows(wanted.len()).any(|part| part == wanted) {
            return Ok(());
        }
        left_bytes = left_bytes.saturating_sub(data.len());
        left_messages -= 1;
    }
    Err(unexpected)
}

/// Why the handshake failed: another answer, or none.
fn not_opened(probe: &mut Probe<'_>, error: &tungstenite::Error) -> Stop {
    if let tungstenite::Error::Http(answer) = error {
        probe.status_code = Some(answer.status().as_u16());
    }
    Stop::down(match error {
        tungstenite::Error::Io(_) | tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            return broken(error);
        }
        tungstenite::Error::Capacity(_) | tungstenite::Error::AttackAttempt => FailureClass::AnswerTooLarge,
        _ => FailureClass::HandshakeRefused,
    })
}

fn broken(error: &tungstenite::Error) -> Stop {
    Stop::down(match error {
        tungstenite::Error::Io(error) if error.kind() == USED_UP => FailureClass::UnexpectedAnswer,
        tungstenite::Error::Capacity(_) | tungstenite::Error::ConnectionClosed => {
            FailureClass::UnexpectedAnswer
        }
        _ => FailureClass::ProtocolError,
    })
}
