//! The servers that are watched: one port on many addresses of the loopback network. They answer at once, and some of
//! them hang when they are told to. Every request is noted with the instant it came.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;

/// Addresses that always answer: 127.0.1.1 and so on. As many others may hang.
const ADDRESSES: u32 = 250;
/// Longer than any check waits.
const HANG: Duration = Duration::from_secs(40);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 4096;

/// A request for one monitor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    /// As in the URL.
    pub(crate) number: usize,
    /// Unix milliseconds.
    pub(crate) at_ms: f64,
}

/// Listens as long as the runtime lives.
pub(crate) struct Target {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    hits: Mutex<Vec<Hit>>,
    is_hanging: AtomicBool,
}

impl Target {
    pub(crate) fn start(runtime: &Runtime) -> anyhow::Result<Self> {
        let _entered = runtime.enter();
        let state = Arc::<State>::default();
        let mut port = 0;
        for number in 0..2 * ADDRESSES {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            // The first one chooses the port for all.
            socket.bind(SocketAddr::from((address(number), port)))?;
            let listener = socket.listen(BACKLOG)?;
            port = listener.local_addr()?.port();
            tokio::spawn(accept(listener, Arc::clone(&state)));
        }
        Ok(Self { port, state })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Where the monitor with this number looks; every tenth one looks at an address that can hang.
    pub(crate) fn url(&self, number: usize) -> String {
        url(self.port, number)
    }

    pub(crate) fn set_hanging(&self, is_hanging: bool) {
        self.state.is_hanging.store(is_hanging, Ordering::Relaxed);
    }

    /// What came between two instants.
    pub(crate) fn hits(&self, from_ms: f64, to_ms: f64) -> Vec<Hit> {
        let hits = self.state.hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.iter().filter(|hit| (from_ms..to_ms).contains(&hit.at_ms)).copied().collect()
    }
}

/// Whether the monitor with this number looks at an address that can hang.
pub(crate) const fn can_hang(number: usize) -> bool {
    number % 10 == 9
}

pub(crate) fn url(port: u16, number: usize) -> String {
    let place = u32::try_from(number / 10 * 9 + number % 10).unwrap_or(0) % ADDRESSES;
    let address = if can_hang(number) { address(ADDRESSES + place) } else { address(place) };
    format!("http://{address}:{port}/{number}")
}

fn address(number: u32) -> Ipv4Addr {
    let network = u32::from(Ipv4Addr::new(127, 0, 1, 0));
    Ipv4Addr::from(network + number / ADDRESSES * 256 + number % ADDRESSES + 1)
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        let can_hang = stream.local_addr().is_ok_and(|own| own.ip() >= address(ADDRESSES));
        let _ = (peer, stream.set_nodelay(true));
        let state = Arc::clone(&state);
        let service = service_fn(move |request: Request<Incoming>| {
            let state = Arc::clone(&state);
            async move {
                state.note(request.uri().path());
                if can_hang && state.is_hanging.load(Ordering::Relaxed) {
                    tokio::time::sleep(HANG).await;
                }
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

impl State {
    fn note(&self, path: &str) {
        let Ok(number) = path.trim_start_matches('/').parse() else { return };
        let at_ms = now_ms();
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).push(Hit { number, at_ms });
    }
}

/// The wall clock, which the product plans by too.
pub(crate) fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}
