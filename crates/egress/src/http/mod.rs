//! One HTTP check over [`crate::probe`]: at most three redirects, and nothing kept of the answer (T-01, T-24).

mod answer;
mod plan;
mod valid;
mod version2;

use std::future::Future;
use std::pin::pin;

use domain::check::{CheckJob, FailureClass};
use domain::monitor::{Assertion, HttpSettings, Method};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, LOCATION, USER_AGENT,
};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use self::answer::{RequestBody, answer_failure, read_body};
use self::plan::{Plan, has_body, is_same_server};
pub use self::valid::check_http;
use self::version2::Tasks;
use crate::assertions::{Answer, Broken, MAX_TEXT_BYTES, hold, is_slow};
use crate::connect::{ConnectError, add};
use crate::drive::Drive;
use crate::link::Link;
use crate::probe::{Probe, Stop};
use crate::target::Target;

const MAX_REDIRECTS: u32 = 3;
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Read of a body that nobody compares.
const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;

/// What to do after an answer.
enum Next {
    Done,
    Follow(Box<Target>, Method),
}

/// One request of a check.
#[derive(Clone, Copy)]
struct Visit<'t> {
    target: &'t Target,
    method: Method,
    hop: u32,
    /// Whether the owner's secrets are meant for this target.
    with_secrets: bool,
}

/// One check under way.
struct Run<'p, 'a> {
    probe: &'p mut Probe<'a>,
    plan: Plan<'a>,
}

pub(crate) async fn check<'a>(
    probe: &mut Probe<'a>,
    job: &'a CheckJob,
    settings: Option<&'a HttpSettings>,
) -> Result<(), Stop> {
    let plan = Plan::new(job, settings).ok_or(Stop::unknown(None))?;
    let target = probe.inner.rules.parse(&job.url).map_err(|_| probe.refused())?;
    Run { probe, plan }.follow(target, job.method).await
}

impl Run<'_, '_> {
    async fn follow(&mut self, first: Target, method: Method) -> Result<(), Stop> {
        let (mut target, mut method, mut with_secrets) = (first, method, true);
        for hop in 0..=MAX_REDIRECTS {
            match self.visit(Visit { target: &target, method, hop, with_secrets }).await? {
                Next::Done => return Ok(()),
                Next::Follow(next, next_method) => {
                    // Once lost, they do not come back: who sent us away decides where we come back from.
                    with_secrets = with_secrets && is_same_server(&target, &next);
                    (target, method) = (*next, next_method);
                }
            }
        }
        Err(Stop::down(FailureClass::TooManyRedirects))
    }

    async fn visit(&mut self, visit: Visit<'_>) -> Result<Next, Stop> {
        let Visit { target, hop, .. } = visit;
        let offer = target.is_https().then(|| self.plan.offer());
        let opened = self.probe.open(target.place(), target.port(), offer).await;
        let stream = opened.map_err(|error| stop(error, hop))?;
        let is_http2 = stream.speaks_http2();
        if self.plan.needs_http2() && !is_http2 {
            return Err(Stop::down(FailureClass::HandshakeRefused));
        }
        let link = TokioIo::new(Link::new(stream, MAX_HEAD_BYTES + self.body_cap()));
        if is_http2 {
            // In a box, so that the other checks carry nothing of it.
            return Box::pin(self.visit_http2(visit, link)).await;
        }
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(link)
            .await
            .map_err(|error| Stop::down(answer_failure(&error)))?;
        let answer = sender.send_request(self.request(visit));
        self.receive(visit, Drive::new(pin!(connection)), answer).await
    }

    async fn visit_http2(&mut self, visit: Visit<'_>, link: TokioIo<Link>) -> Result<Next, Stop> {
        let tasks = Tasks::default();
        let (mut sender, connection) = tasks
            .builder(self.body_cap())
            .handshake(link)
            .await
            .map_err(|error| Stop::down(answer_failure(&error)))?;
        let answer = sender.send_request(self.request_http2(visit)?);
        self.receive(visit, Drive::new(pin!(connection)), answer).await
    }

    async fn receive<C: Future>(
        &mut self,
        visit: Visit<'_>,
        mut connection: Drive<'_, C>,
        answer: impl Future<Output = hyper::Result<Response<Incoming>>>,
    ) -> Result<Next, Stop> {
        let started = Instant::now();
        let answer = connection.until(answer).await.map_err(|error| Stop::down(answer_failure(&error)))?;
        add(&mut self.probe.sight.phases.first_byte_ms, started);
        self.probe.status_code = Some(answer.status().as_u16());
        if answer.headers().len() > MAX_HEADERS {
            return Err(Stop::down(FailureClass::AnswerTooLarge));
        }
        if !self.plan.accepts(answer.status().as_u16()) {
            return self.redirect(visit, &answer).map_err(Stop::down);
        }
        let (head, body) = answer.into_parts();
        let mut kept = self.plan.needs_body().then(Vec::new);
        let mut is_cut = false;
        if visit.method != Method::Head {
            let read = read_body(body, self.body_cap(), kept.as_mut());
            is_cut = connection.until(read).await.map_err(Stop::down)?;
        }
        let answer = Answer { headers: head.headers, body: kept.unwrap_or_default(), is_cut };
        self.judge(answer).await.map_err(Stop::down)?;
        Ok(Next::Done)
    }

    /// Compares the answer with the assertions, away from the runtime where that may take long.
    async fn judge(&mut self, answer: Answer) -> Result<(), FailureClass> {
        let assertions = self.plan.assertions();
        if assertions.is_empty() {
            return Ok(());
        }
        self.probe.answered = Some(Instant::now());
        let verdict = if is_slow(assertions, &answer) {
            let assertions = assertions.to_vec();
            let work = tokio::task::spawn_blocking(move || hold(&assertions, &answer));
            work.await.unwrap_or(Err(Broken::Fails))
        } else {
            hold(assertions, &answer)
        };
        verdict.map_err(|broken| match broken {
            Broken::Fails => FailureClass::AssertionFailed,
            Broken::TooLarge => FailureClass::AnswerTooLarge,
        })?;
        let took_ms = self.probe.took_ms();
        let is_slower =
            |assertion: &Assertion| matches!(assertion, Assertion::Latency { most_ms } if took_ms > *most_ms);
        if assertions.iter().any(is_slower) { Err(FailureClass::TooSlow) } else { Ok(()) }
    }

    fn body_cap(&self) -> usize {
        if self.plan.needs_body() { MAX_TEXT_BYTES } else { MAX_BODY_BYTES }
    }

    fn request(&self, visit: Visit<'_>) -> Request<RequestBody> {
        let body = self.plan.body(visit.method);
        let is_empty = body.is_empty();
        let mut request = Request::new(RequestBody::new(body));
        *request.method_mut() = match visit.method {
            Method::Get => http::Method::GET,
            Method::Head => http::Method::HEAD,
            Method::Post => http::Method::POST,
        };
        *request.uri_mut() = Uri::from(visit.target.path().clone());
        let headers = request.headers_mut();
        headers.insert(HOST, visit.target.authority().clone());
        self.add_headers(headers, visit.with_secrets);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if has_body(visit.method) && is_empty {
            // hyper leaves it out for an empty body; some servers answer 411 then.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        request
    }

    /// The same without what HTTP/2 has no use for, and with the host in the address.
    fn request_http2(&self, visit: Visit<'_>) -> Result<Request<RequestBody>, Stop> {
        let mut request = self.request(visit);
        request.headers_mut().remove(HOST);
        request.headers_mut().remove(CONNECTION);
        let mut parts = request.uri().clone().into_parts();
        let scheme = if visit.target.is_https() { Scheme::HTTPS } else { Scheme::HTTP };
        let authority =
            Authority::try_from(visit.target.authority().as_bytes()).map_err(|_| Stop::unknown(None))?;
        (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Stop::unknown(None))?;
        Ok(request)
    }

    fn add_headers(&self, headers: &mut HeaderMap, with_secrets: bool) {
        headers.insert(USER_AGENT, self.probe.inner.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        self.plan.apply(headers, with_secrets);
    }

    fn redirect(&self, visit: Visit<'_>, answer: &Response<Incoming>) -> Result<Next, FailureClass> {
        let status = answer.status();
        let is_followed =
            matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) && self.plan.follows_redirects();
        let location = answer.headers().get(LOCATION).filter(|_| is_followed);
        let Some(location) = location else { return Err(FailureClass::UnexpectedStatus) };
        let next = location.to_str().ok().and_then(|to| self.probe.inner.rules.follow(visit.target, to).ok());
        let next = next.ok_or(FailureClass::RedirectRefused)?;
        Ok(Next::Follow(Box::new(next), method_after(status, visit.method)))
    }
}

const fn method_after(status: StatusCode, method: Method) -> Method {
    match (status.as_u16(), method) {
        (301..=303, Method::Post) => Method::Get,
        _ => method,
    }
}

/// Refused and unreachable are one class, unless a redirect led there.
fn stop(error: ConnectError, hop: u32) -> Stop {
    match error {
        ConnectError::Refused if hop > 0 => Stop::down(FailureClass::RedirectRefused),
        error => error.into(),
    }
}
