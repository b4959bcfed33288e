//! The accept loop: every connection and every request body has a deadline, every address a limit (T-25).
//!
//! `axum::serve` sets no timer, so a client that sends a byte a minute would stay for ever.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::Service as _;

/// What one client may take, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections in all. When they are taken, new ones wait in the system's queue.
    pub connections: usize,
    /// Open connections of one IPv4 address or one IPv6 /64; further ones are closed at once.
    pub per_address: usize,
    /// Not limited by address: our own reverse proxies.
    pub trusted_proxies: Vec<IpNet>,
    /// For a request's head, for the first byte of a connection, and between two requests.
    pub header_read: Duration,
    /// For a request's whole body.
    pub body_read: Duration,
    /// How long answers may take to finish once the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: 100,
            trusted_proxies: Vec::new(),
            header_read: Duration::from_secs(10),
            body_read: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// Request line and headers. hyper looks after each read, so it answers 431 at the latest at about twice this.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Longest request target; 414 above it.
const MAX_TARGET_BYTES: usize = 8 * 1024;

/// Serves `app` until `stop` resolves, then lets running requests finish for `limits.drain`.
pub async fn serve(listener: TcpListener, app: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_read).max_buf_size(MAX_HEAD_BYTES);
    let places = Arc::new(Semaphore::new(limits.connections));
    let addresses = Arc::new(Addresses::default());
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! { () = &mut stop => break, pair = accept => pair };
        let Some((stream, peer)) = accepted_or_wait(accepted).await else { continue };
        let is_proxy = limits.trusted_proxies.iter().any(|net| net.contains(&peer.ip().to_canonical()));
        let seat = if is_proxy { None } else { Addresses::take(&addresses, peer.ip(), limits.per_address) };
        if seat.is_none() && !is_proxy {
            tracing::debug!("connection refused: its address has too many");
            continue;
        }
        let service = Connection { app: app.clone(), peer, body_read: limits.body_read };
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop((seat, place));
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when the time to drain was over");
    }
}

/// Out of file descriptors, for example: wait, do not spin.
async fn accepted_or_wait(
    accepted: std::io::Result<(TcpStream, SocketAddr)>,
) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok((stream, peer)) => {
            // Small answers must not wait for the client's acknowledgement.
            let _ = stream.set_nodelay(true);
            Some((stream, peer))
        }
        Err(error) => {
            tracing::warn!(%error, "accept failed");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Open connections by address.
#[derive(Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

/// One of an address's connections; gives its place back when dropped.
struct Seat {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    /// `None`: the address has `most` connections already.
    fn take(addresses: &Arc<Self>, address: IpAddr, most: usize) -> Option<Seat> {
        let address = network(address);
        let mut open = addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { addresses: Arc::clone(addresses), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Whoever has one IPv6 address has a whole /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Hands the requests of one connection to the router, with the peer's address as `ConnectInfo`.
struct Connection {
    app: Router,
    peer: SocketAddr,
    body_read: Duration,
}

impl hyper::service::Service<Request<Incoming>> for Connection {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if request.uri().path_and_query().map_or(0, |target| target.as_str().len()) > MAX_TARGET_BYTES {
            return Box::pin(std::future::ready(Ok(refusal(&TOO_LONG))));
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let mut app = self.app.clone();
        if request.body().is_end_stream() {
            return Box::pin(app.call(request.map(|_| Body::empty())));
        }
        let is_read = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&is_read);
        let answer = app.call(request.map(|body| Body::new(Watched { body, is_read: mark })));
        let deadline = tokio::time::sleep(self.body_read);
        Box::pin(async move {
            let mut answer = std::pin::pin!(answer);
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = deadline => {}
            }
            if is_read.load(Ordering::Relaxed) { answer.await } else { Ok(refusal(&TOO_SLOW)) }
        })
    }
}

/// A request body that tells when nobody waits for it any more: it was read to its end or dropped.
struct Watched {
    body: Incoming,
    is_read: Arc<AtomicBool>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.is_read.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.is_read.store(true, Ordering::Relaxed);
    }
}

/// An answer of the connection itself, before any route is known.
struct Refusal {
    status: StatusCode,
    problem: &'static str,
}

const TOO_SLOW: Refusal = Refusal {
    status: StatusCode::REQUEST_TIMEOUT,
    problem: r#"{"type":"urn:indie-status:problem:request-timeout","title":"Request Timeout","status":408,"detail":"The body of the request took too long to arrive. Send it again.","code":"request_timeout"}"#,
};

const TOO_LONG: Refusal = Refusal {
    status: StatusCode::URI_TOO_LONG,
    problem: r#"{"type":"urn:indie-status:problem:uri-too-long","title":"URI Too Long","status":414,"detail":"The address of the request is longer than 8 KiB.","code":"uri_too_long"}"#,
};

fn refusal(refusal: &Refusal) -> Response<Body> {
    let mut response = Response::new(Body::from(refusal.problem));
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
