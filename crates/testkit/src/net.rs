//! Sockets of tests: a server that can be closed and opened again on its port, and a client that sends bytes as
//! slowly as a test wants.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The range from which [`free_port`] takes. It lies below the ports that the system gives to clients and to
/// listeners on port 0, so that none of those takes a port between this call and the program's start.
const PORTS: std::ops::Range<u32> = 20_000..32_000;
/// Ports that one process may try before it reaches those of a process that was started right after it.
const PORTS_PER_PROCESS: u32 = 8;

/// A port of 127.0.0.1 that was free a moment ago, for programs that are told their port. What binds by itself
/// takes port 0 instead. Tests that run at the same time are processes of their own and search at different places.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(PORTS_PER_PROCESS);
    for _ in PORTS {
        let place = first.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        let port = u16::try_from(PORTS.start + place).unwrap();
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free");
}

type Handler = Arc<dyn Fn(TcpStream) -> BoxFuture<'static, ()> + Send + Sync>;

/// Accepts connections on one address until stopped or dropped; each connection runs `handler`.
pub(crate) struct Server {
    address: SocketAddr,
    handler: Handler,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    pub(crate) async fn start(address: SocketAddr, handler: Handler) -> Self {
        let listener =
            TcpListener::bind(address).await.unwrap_or_else(|error| panic!("bind {address}: {error}"));
        let address = listener.local_addr().unwrap();
        let running = Mutex::new(Some(tokio::spawn(accept(listener, handler.clone()))));
        Self { address, handler, running }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and all connections; from here on the address refuses. Does nothing when stopped.
    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(task) = running {
            task.abort();
            let _ = task.await;
        }
    }

    /// Listens again on the same address. Does nothing when running.
    pub(crate) async fn resume(&self) {
        if self.running.lock().unwrap().is_some() {
            return;
        }
        let listener = TcpListener::bind(self.address).await.expect("the port was ours a moment ago");
        *self.running.lock().unwrap() = Some(tokio::spawn(accept(listener, self.handler.clone())));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = self.running.lock().unwrap().take() {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, handler: Handler) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                connections.spawn(handler(stream));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A TCP client without manners: sends what it is told, when it is told, and reads what comes.
#[derive(Debug)]
pub struct RawClient(TcpStream);

impl RawClient {
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(bytes.as_ref()).await
    }

    /// One byte, then a pause, and so on. The error is what a server causes that hangs up in between.
    pub async fn send_slowly(&mut self, bytes: impl AsRef<[u8]>, pause: Duration) -> io::Result<()> {
        for byte in bytes.as_ref() {
            self.0.write_all(&[*byte]).await?;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// Everything until the server closes the connection, or what came within `limit`. The flag says whether it
    /// was closed, by end of stream or reset.
    pub async fn read_until_closed(&mut self, limit: Duration) -> (String, bool) {
        let mut bytes = Vec::new();
        let closed = tokio::time::timeout(limit, self.0.read_to_end(&mut bytes)).await.is_ok();
        (String::from_utf8_lossy(&bytes).into_owned(), closed)
    }

    /// The status line and headers of one answer, up to the empty line. Shorter when the connection ends first.
    pub async fn read_head(&mut self) -> io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.0.read(&mut byte).await? == 0 {
                break;
            }
            head.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }
}

/// A connection to a server on this machine.
pub async fn connect(port: u16) -> tokio::net::TcpStream {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

/// Sends a request that creates a service and does not wait for the answer.
pub async fn send_and_forget(port: u16, token: &str, name: &str) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let body = format!("{{\"name\":\"{name}\"}}");
    let request = format!(
        "POST /api/v1/services HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect(port).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// An empty folder, removed when dropped.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
