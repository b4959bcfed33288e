//! One HTTP check: connections through the guard, at most three redirects, one deadline around everything,
//! and an outcome that holds no byte of the answer (T-01, T-24).

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use domain::check::{CheckJob, CheckStatus, FailureClass, Outcome, Phases};
use domain::monitor::Method;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, LOCATION, USER_AGENT,
};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::{ConnectError, add};
use crate::host_slots::Slot;
use crate::link::{Link, USED_UP};
use crate::target::Target;
use crate::{Egress, Inner};

const MAX_REDIRECTS: u32 = 3;
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Why a run stopped early.
#[derive(Clone, Copy)]
enum Stop {
    Failed(FailureClass),
    /// We cannot tell anything about the target.
    Unknown,
}

/// What to do after an answer.
enum Next {
    Done,
    Follow(Box<Target>, Method),
}

/// One check under way.
struct Run<'a> {
    inner: &'a Inner,
    job: &'a CheckJob,
    deadline: Instant,
    slot: Option<Slot<'a>>,
    is_waiting: bool,
    phases: Phases,
    status_code: Option<u16>,
}

impl Egress {
    /// Runs one check, each hop on a connection of its own. Ends within `timeout_ms` of getting a place at the
    /// target's host; without a place in that time the outcome is `NoData`.
    pub async fn check(&self, job: &CheckJob) -> Outcome {
        let limit = Duration::from_millis(job.timeout_ms.into());
        let target = self.0.rules.parse(&job.url);
        let slot = match &target {
            Ok(target) => timeout(limit, self.0.slots.take(target.host())).await,
            Err(_) => Ok(None),
        };
        let Ok(slot) = slot else { return no_data() };
        let started = Instant::now();
        let deadline = started + limit;
        // What the rules refuse fails without any network, so no failure of ours explains it.
        let phases = Phases { is_inside: target.is_err(), ..Phases::default() };
        let mut run =
            Run { inner: &self.0, job, deadline, slot, is_waiting: false, phases, status_code: None };
        let end = match target {
            Ok(target) => {
                timeout_at(deadline, run.follow(target)).await.unwrap_or_else(|_| Err(run.ran_out()))
            }
            Err(_) => Err(Stop::Failed(FailureClass::ConnectionFailed)),
        };
        run.outcome(end, started)
    }
}

impl<'a> Run<'a> {
    async fn follow(&mut self, first: Target) -> Result<(), Stop> {
        let (mut target, mut method) = (first, self.job.method);
        for hop in 0..=MAX_REDIRECTS {
            match self.visit(&target, method, hop).await? {
                Next::Done => return Ok(()),
                Next::Follow(next, next_method) => (target, method) = (*next, next_method),
            }
        }
        Err(Stop::Failed(FailureClass::TooManyRedirects))
    }

    /// Gives the old host's place back before queueing for the new one: two checks in opposite directions
    /// would wait for each other.
    async fn move_slot(&mut self, host: &str) {
        if self.slot.as_ref().is_some_and(|slot| !slot.is_for(host)) {
            self.slot = None;
            self.is_waiting = true;
            let inner: &'a Inner = self.inner;
            self.slot = inner.slots.take(host).await;
            self.is_waiting = false;
        }
    }

    async fn visit(&mut self, target: &Target, method: Method, hop: u32) -> Result<Next, Stop> {
        self.move_slot(target.host()).await;
        let policy = self.inner.rules.policy();
        let stream = self
            .inner
            .connector
            .open(target, policy, self.deadline, &mut self.phases)
            .await
            .map_err(|error| stop(error, hop))?;
        let link = TokioIo::new(Link::new(stream, MAX_HEAD_BYTES + MAX_BODY_BYTES));
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .handshake(link)
            .await
            .map_err(|error| Stop::Failed(answer_failure(&error)))?;
        let mut connection = Drive { connection: pin!(connection), has_ended: false };
        let started = Instant::now();
        let answer = sender.send_request(self.request(target, method));
        let answer = connection.drive(answer).await.map_err(|error| Stop::Failed(answer_failure(&error)))?;
        add(&mut self.phases.first_byte_ms, started);
        self.status_code = Some(answer.status().as_u16());
        if answer.status().as_u16() != self.job.expected_status {
            return self.redirect(target, method, &answer).map_err(Stop::Failed);
        }
        if method != Method::Head {
            connection.drive(read_body(answer.into_body())).await.map_err(Stop::Failed)?;
        }
        Ok(Next::Done)
    }

    fn request(&self, target: &Target, method: Method) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = match method {
            Method::Get => http::Method::GET,
            Method::Head => http::Method::HEAD,
            Method::Post => http::Method::POST,
        };
        *request.uri_mut() = Uri::from(target.path().clone());
        let headers = request.headers_mut();
        headers.insert(HOST, target.authority().clone());
        headers.insert(USER_AGENT, self.inner.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if method == Method::Post {
            // hyper leaves it out for an empty body; some servers answer 411 then.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        request
    }

    /// A monitor that expects a redirect wants to see it, not what lies behind.
    fn redirect(
        &self,
        from: &Target,
        method: Method,
        answer: &Response<Incoming>,
    ) -> Result<Next, FailureClass> {
        let status = answer.status();
        let is_followed = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
            && !(300..400).contains(&self.job.expected_status);
        let location = answer.headers().get(LOCATION).filter(|_| is_followed);
        let Some(location) = location else { return Err(FailureClass::UnexpectedStatus) };
        let next = location.to_str().ok().and_then(|to| self.inner.rules.follow(from, to).ok());
        let next = next.ok_or(FailureClass::RedirectRefused)?;
        Ok(Next::Follow(Box::new(next), method_after(status, method)))
    }

    const fn ran_out(&self) -> Stop {
        if self.is_waiting { Stop::Unknown } else { Stop::Failed(FailureClass::TimedOut) }
    }

    fn outcome(self, end: Result<(), Stop>, started: Instant) -> Outcome {
        let (status, failure) = match end {
            Ok(()) => (CheckStatus::Up, None),
            Err(Stop::Failed(class)) => (CheckStatus::Down, Some(class)),
            Err(Stop::Unknown) => return no_data(),
        };
        let mut response_time_ms = None;
        add(&mut response_time_ms, started);
        Outcome { status, failure, status_code: self.status_code, response_time_ms, phases: self.phases }
    }
}

/// A connection that moves only while we wait for something on it: no task to leave behind, and dropping it
/// closes the socket at once.
struct Drive<'c, C> {
    connection: Pin<&'c mut C>,
    has_ended: bool,
}

impl<C: Future> Drive<'_, C> {
    async fn drive<F: Future>(&mut self, wanted: F) -> F::Output {
        let mut wanted = pin!(wanted);
        poll_fn(|cx| {
            // How it ended does not matter: whoever waits for an answer is told.
            if !self.has_ended && self.connection.as_mut().poll(cx).is_ready() {
                self.has_ended = true;
            }
            wanted.as_mut().poll(cx)
        })
        .await
    }
}

/// Reads to the end or to the cap, whichever comes first, and keeps nothing.
async fn read_body(mut body: Incoming) -> Result<(), FailureClass> {
    let mut left_bytes = MAX_BODY_BYTES;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => left_bytes = left_bytes.saturating_sub(frame.data_ref().map_or(0, Bytes::len)),
            Err(error) if is_used_up(&error) => return Ok(()),
            Err(error) => return Err(answer_failure(&error)),
        }
        if left_bytes == 0 {
            return Ok(());
        }
    }
    Ok(())
}

const fn method_after(status: StatusCode, method: Method) -> Method {
    match (status.as_u16(), method) {
        (301..=303, Method::Post) => Method::Get,
        _ => method,
    }
}

/// Refused and unreachable are one class, unless a redirect led there.
const fn stop(error: ConnectError, hop: u32) -> Stop {
    Stop::Failed(match error {
        ConnectError::Refused if hop > 0 => FailureClass::RedirectRefused,
        ConnectError::Refused | ConnectError::Unreachable => FailureClass::ConnectionFailed,
        ConnectError::Dns => FailureClass::DnsFailed,
        ConnectError::Tls => FailureClass::TlsFailed,
        ConnectError::Certificate => FailureClass::CertificateInvalid,
        ConnectError::Local => return Stop::Unknown,
    })
}

fn answer_failure(error: &hyper::Error) -> FailureClass {
    let source = io_error(error).and_then(io::Error::get_ref);
    let tls: Option<&rustls::Error> = source.and_then(|inner| inner.downcast_ref());
    if error.is_parse_too_large() || is_used_up(error) {
        FailureClass::AnswerTooLarge
    } else if tls.is_some() {
        // A server that wants a certificate of ours says so after the handshake.
        FailureClass::TlsFailed
    } else {
        FailureClass::ProtocolError
    }
}

fn is_used_up(error: &hyper::Error) -> bool {
    io_error(error).is_some_and(|error| error.kind() == USED_UP)
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    error.source().and_then(|source| source.downcast_ref())
}

fn no_data() -> Outcome {
    Outcome {
        status: CheckStatus::NoData,
        failure: None,
        status_code: None,
        response_time_ms: None,
        phases: Phases::default(),
    }
}
