//! A gRPC service that has to say `SERVING` (grpc.health.v1). The two messages have one field each, so they are
//! written and read here by hand.

use std::io;
use std::pin::pin;

use bytes::Bytes;
use domain::check::FailureClass;
use domain::monitor::GrpcSettings;
use h2::client::Builder;
use h2::{RecvStream, client};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE, USER_AGENT};
use http::{Method, Request, Response, Uri};
use tokio::time::Instant;

use crate::connect::add;
use crate::drive::Drive;
use crate::link::{Link, Stream, USED_UP};
use crate::probe::{MAX_ANSWER_BYTES, Probe, Stop};
use crate::target::Place;
use crate::tls::{Offer, Protocol};

const PATH: &str = "/grpc.health.v1.Health/Check";
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// An answer has ten bytes or so.
const MAX_BODY_BYTES: usize = 4 * 1024;
/// Flag of compression and length, before each message.
const PREFIX_BYTES: usize = 5;
const SERVING: u64 = 1;
/// The number of `UNIMPLEMENTED`: a gRPC server without the health service.
const UNIMPLEMENTED: &str = "12";

pub(crate) async fn check(probe: &mut Probe<'_>, settings: &GrpcSettings) -> Result<(), Stop> {
    let place = probe.place(&settings.host, settings.port)?;
    let offer = settings.tls.then_some(Offer::of(Protocol::Http2));
    let stream = probe.open(&place, settings.port, offer).await?;
    if let Stream::Tls(stream) = &stream
        && stream.get_ref().1.alpn_protocol() != Some(b"h2")
    {
        return Err(Stop::down(FailureClass::HandshakeRefused));
    }
    let request = request(probe, &place, settings).ok_or(Stop::unknown(None))?;
    let link = Link::new(stream, MAX_ANSWER_BYTES);
    let opened = Builder::new()
        .enable_push(false)
        .max_header_list_size(MAX_HEADER_BYTES)
        .handshake::<_, Bytes>(link)
        .await;
    let (sender, connection) = opened.map_err(|error| not_spoken(&error))?;
    let connection = pin!(connection);
    let mut connection = Drive::new(connection);
    let started = Instant::now();
    let question = question(&settings.service);
    let answer = connection.until(ask(sender, request, question)).await;
    let answer = answer.map_err(|error| not_spoken(&error))?;
    add(&mut probe.sight.phases.first_byte_ms, started);
    probe.status_code = Some(answer.status().as_u16());
    if answer.status() != 200 || !is_grpc(answer.headers()) {
        return Err(Stop::down(FailureClass::HandshakeRefused));
    }
    let (head, mut body) = answer.into_parts();
    let message = connection.until(read_body(&mut body)).await?;
    let trailers = connection.until(body.trailers()).await.map_err(|error| broken(&error))?;
    judge(&head.headers, trailers.as_ref(), &message)
}

fn request(probe: &Probe<'_>, place: &Place, settings: &GrpcSettings) -> Option<Request<()>> {
    let uri = Uri::builder()
        .scheme(if settings.tls { "https" } else { "http" })
        .authority(format!("{}:{}", place.host(), settings.port))
        .path_and_query(PATH)
        .build()
        .ok()?;
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(USER_AGENT, probe.inner.user_agent.clone());
    Some(request)
}

async fn ask(
    sender: client::SendRequest<Bytes>,
    request: Request<()>,
    question: Vec<u8>,
) -> Result<Response<RecvStream>, h2::Error> {
    let mut sender = sender.ready().await?;
    let (answer, mut stream) = sender.send_request(request, false)?;
    stream.send_data(question.into(), true)?;
    answer.await
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

async fn read_body(body: &mut RecvStream) -> Result<Vec<u8>, Stop> {
    let mut whole = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| broken(&error))?;
        if whole.len() + data.len() > MAX_BODY_BYTES {
            return Err(Stop::down(FailureClass::AnswerTooLarge));
        }
        whole.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len()).map_err(|error| broken(&error))?;
    }
    Ok(whole)
}

/// An answer without message has its status among the headers.
fn judge(headers: &HeaderMap, trailers: Option<&HeaderMap>, message: &[u8]) -> Result<(), Stop> {
    let status = |headers: &HeaderMap| headers.get("grpc-status").cloned();
    let status = trailers.and_then(status).or_else(|| status(headers));
    let status = status.as_ref().and_then(|status| status.to_str().ok());
    Err(Stop::down(match status {
        Some("0") => match health(message) {
            Some(SERVING) => return Ok(()),
            Some(_) => FailureClass::NotServing,
            None => FailureClass::ProtocolError,
        },
        Some(UNIMPLEMENTED) => FailureClass::HandshakeRefused,
        // Above all a service that the server does not know.
        Some(_) => FailureClass::NotServing,
        None => FailureClass::ProtocolError,
    }))
}

/// A `HealthCheckRequest`: field 1 is the service.
fn question(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        write_varint(&mut message, service.len());
        message.extend_from_slice(service.as_bytes());
    }
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(message);
    frame
}

fn write_varint(to: &mut Vec<u8>, mut number: usize) {
    while let Ok(low) = u8::try_from(number & 0x7f) {
        number >>= 7;
        if number == 0 {
            to.push(low);
            return;
        }
        to.push(low | 0x80);
    }
}

/// The status of a `HealthCheckResponse`: field 1, a number; absent: 0. `None`: it is not one.
fn health(frame: &[u8]) -> Option<u64> {
    let (&[flag, length @ ..], message) = frame.split_first_chunk::<PREFIX_BYTES>()?;
    let is_whole = usize::try_from(u32::from_be_bytes(length)).ok()? == message.len();
    if flag != 0 || !is_whole {
        return None;
    }
    let mut rest = message;
    let mut status = 0;
    while !rest.is_empty() {
        let key = read_varint(&mut rest)?;
        match key & 7 {
            0 => {
                let value = read_varint(&mut rest)?;
                if key >> 3 == 1 {
                    status = value;
                }
            }
            1 => rest = rest.get(8..)?,
            2 => {
                let length = usize::try_from(read_varint(&mut rest)?).ok()?;
                rest = rest.get(length..)?;
            }
            5 => rest = rest.get(4..)?,
            _ => return None,
        }
    }
    Some(status)
}

fn read_varint(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Before an answer: a peer that talks, but not HTTP/2.
fn not_spoken(error: &h2::Error) -> Stop {
    if error.is_io() || error.is_reset() { broken(error) } else { Stop::down(FailureClass::HandshakeRefused) }
}

fn broken(error: &h2::Error) -> Stop {
    let io: Option<&io::Error> = error.get_io();
    let tls: Option<&rustls::Error> = io.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref());
    let is_used_up = io.is_some_and(|error| error.kind() == USED_UP);
    Stop::down(if is_used_up {
        FailureClass::AnswerTooLarge
    } else if tls.is_some() {
        FailureClass::TlsFailed
    } else {
        FailureClass::ProtocolError
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_the_service() {
        assert_eq!(question(""), [0, 0, 0, 0, 0]);
        assert_eq!(question("a.B"), [0, 0, 0, 0, 5, 0x0a, 3, b'a', b'.', b'B']);
        let long = question(&"a".repeat(300));
        assert_eq!(long[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 2]);
        assert_eq!(long.len(), 5 + 303);
    }

    #[test]
    fn an_answer_is_read_field_by_field() {
        let frame = |message: &[u8]| {
            let mut frame = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
            frame.extend(message);
            frame
        };
        for (message, expected) in [
            (&[0x08, 1][..], Some(1)),
            (&[0x08, 2], Some(2)),
            (&[], Some(0)),
            (&[0x08, 0x81, 0], Some(1)),
            (&[0x12, 2, 9, 9, 0x08, 1], Some(1)),
            (&[0x1d, 1, 2, 3, 4, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x08, 1], Some(1)),
            (&[0x10, 5, 0x08, 1, 0x08, 3], Some(3)),
            (&[0x08], None),
            (&[0x12, 9, 1], None),
            (&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], None),
            (&[0x0b, 1], None),
            (&[0xff; 12], None),
        ] {
            assert_eq!(health(&frame(message)), expected, "{message:?}");
        }
        assert_eq!(health(&[0, 0, 0, 0]), None);
        assert_eq!(health(&[0, 0, 0, 0, 9, 0x08, 1]), None, "shorter than it says");
        assert_eq!(health(&[1, 0, 0, 0, 2, 0x08, 1]), None, "compressed, which nobody asked for");
    }
}
