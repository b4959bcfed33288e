//! One guarded `GET` that keeps its answer, for what the product itself has to read. Never shown to anybody.

use std::io;
use std::pin::pin;

use bytes::Bytes;
use domain::check::FailureClass;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue, LOCATION, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::connect::add;
use crate::drive::Drive;
use crate::link::{Link, USED_UP};
use crate::probe::{Probe, Stop};
use crate::target::Target;
use crate::tls::{Offer, Protocol};

const MAX_REDIRECTS: u32 = 3;
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The last answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Fetches at most `cap_bytes`; more is a failure.
pub(crate) async fn get(
    probe: &mut Probe<'_>,
    first: Target,
    accept: &'static str,
    cap_bytes: usize,
) -> Result<Answer, Stop> {
    let mut target = first;
    for hop in 0..=MAX_REDIRECTS {
        let visited = visit(probe, &target, accept, cap_bytes).await;
        match visited {
            Ok(Next::Done(answer)) => return Ok(answer),
            Ok(Next::Follow(next)) => target = *next,
            Err(stop) if hop > 0 && stop.failure() == Some(FailureClass::ConnectionFailed) => {
                return Err(Stop::down(FailureClass::RedirectRefused));
            }
            Err(stop) => return Err(stop),
        }
    }
    Err(Stop::down(FailureClass::TooManyRedirects))
}

enum Next {
    Done(Answer),
    Follow(Box<Target>),
}

async fn visit(
    probe: &mut Probe<'_>,
    target: &Target,
    accept: &'static str,
    cap_bytes: usize,
) -> Result<Next, Stop> {
    let offer = target.is_https().then_some(Offer::of(Protocol::Http1));
    let stream = probe.open(target.place(), target.port(), offer).await?;
    let link = TokioIo::new(Link::new(stream, MAX_HEAD_BYTES + cap_bytes));
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .max_header_size(MAX_HEAD_BYTES)
        .handshake(link)
        .await
        .map_err(|error| broken(&error))?;
    let connection = pin!(connection);
    let mut connection = Drive::new(connection);
    let started = Instant::now();
    let request = request(target, &probe.inner.user_agent, accept);
    let answer = connection.until(sender.send_request(request)).await.map_err(|error| broken(&error))?;
    add(&mut probe.sight.phases.first_byte_ms, started);
    let status = answer.status().as_u16();
    probe.status_code = Some(status);
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        return follow(probe, target, &answer);
    }
    let body = connection.until(read_body(answer.into_body(), cap_bytes)).await?;
    Ok(Next::Done(Answer { status, body }))
}

fn request(target: &Target, user_agent: &HeaderValue, accept: &'static str) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = Uri::from(target.path().clone());
    let headers = request.headers_mut();
    headers.insert(HOST, target.authority().clone());
    headers.insert(USER_AGENT, user_agent.clone());
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    request
}

fn follow(probe: &Probe<'_>, from: &Target, answer: &Response<Incoming>) -> Result<Next, Stop> {
    let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
    let next = to.and_then(|to| probe.inner.rules.follow(from, to).ok());
    next.map(|next| Next::Follow(Box::new(next))).ok_or(Stop::down(FailureClass::RedirectRefused))
}

async fn read_body(mut body: Incoming, cap_bytes: usize) -> Result<Vec<u8>, Stop> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        whole.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
        if whole.len() > cap_bytes {
            return Err(Stop::down(FailureClass::AnswerTooLarge));
        }
    }
    Ok(whole)
}

fn broken(error: &hyper::Error) -> Stop {
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    let is_too_large = error.is_parse_too_large() || io.is_some_and(|error| error.kind() == USED_UP);
    Stop::down(if is_too_large { FailureClass::AnswerTooLarge } else { FailureClass::ProtocolError })
}
