//! Scripted servers, canaries and a DNS server for the tests of this crate.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::check::{CheckJob, Outcome};
use domain::monitor::{HttpSettings, Method, Settings};
use domain::time::Timestamp;
use egress::{Egress, EgressConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub(crate) fn job(url: &str) -> CheckJob {
    CheckJob {
        organization_id: ID.parse().unwrap(),
        service_id: ID.parse().unwrap(),
        monitor_id: ID.parse().unwrap(),
        slot_at: Timestamp::from_ms(0),
        url: url.to_owned(),
        method: Method::Get,
        expected_status: 200,
        timeout_ms: 5_000,
        patience_ms: 5_000,
        settings: None,
        secrets: None,
    }
}

pub(crate) fn job_with(url: &str, settings: HttpSettings) -> CheckJob {
    CheckJob { settings: Some(Settings::Http(Box::new(settings))), ..job(url) }
}

/// A check of another kind than HTTP that ends soon.
pub(crate) fn kind_job(settings: Settings) -> CheckJob {
    CheckJob { timeout_ms: 1_500, settings: Some(settings), ..job("") }
}

/// Runs a check of another kind than HTTP against a server of these tests, and sees that it ends in time.
pub(crate) async fn check_kind(settings: Settings) -> Outcome {
    check_kind_through(&open_egress(), settings).await
}

pub(crate) async fn check_kind_through(egress: &Egress, settings: Settings) -> Outcome {
    let job = kind_job(settings);
    let started = std::time::Instant::now();
    let outcome = egress.check(&job).await;
    // Generous: the machine may be busy.
    let most = Duration::from_millis(job.timeout_ms.into()) + Duration::from_secs(2);
    assert!(started.elapsed() < most, "{job:?}: {:?}", started.elapsed());
    outcome
}

/// A port where nobody listens.
pub(crate) async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Accepts and says nothing.
pub(crate) async fn silent_server() -> SocketAddr {
    serve("127.0.0.1", |stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await
}

/// Ends every connection with a reset, as soon as something was read or at once.
pub(crate) async fn resetting_server(reads: bool) -> SocketAddr {
    serve("127.0.0.1", move |mut stream| async move {
        if reads {
            let _ = stream.read(&mut [0; 4096]).await;
        }
        stream.set_zero_linger().unwrap();
    })
    .await
}

/// Answers whatever comes with an error of HTTP/1.1 and closes, as web servers do with other protocols.
pub(crate) async fn old_web_server() -> SocketAddr {
    serve("127.0.0.1", |mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        let _ = stream.shutdown().await;
        // Closing with unread bytes would be a reset.
        while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {}
    })
    .await
}

/// Sends `start`, then `again` for ever; counts what it got rid of.
pub(crate) async fn flooding_server(
    start: &'static [u8],
    again: &'static [u8],
) -> (SocketAddr, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let block = Arc::new(again.repeat(64 * 1024 / again.len() + 1));
    let address = serve("127.0.0.1", move |mut stream| {
        let (block, count) = (Arc::clone(&block), Arc::clone(&count));
        async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(start).await;
            while let Ok(written) = stream.write(&block).await {
                count.fetch_add(written, Ordering::SeqCst);
            }
        }
    })
    .await;
    (address, sent)
}

pub(crate) fn egress(allow: &[&str], resolver: Option<SocketAddr>) -> Egress {
    let allow_cidrs = allow.iter().map(|net| net.parse().unwrap()).collect();
    Egress::new(EgressConfig { allow_cidrs, resolver, ..EgressConfig::default() }).unwrap()
}

/// A door that reaches every server of these tests.
pub(crate) fn open_egress() -> Egress {
    egress(&["127.0.0.0/8", "::1/128"], None)
}

pub(crate) async fn check(egress: &Egress, url: &str) -> Outcome {
    egress.check(&job(url)).await
}

/// Runs `script` with every connection to a new port of `host`.
pub(crate) async fn serve<F, S>(host: &str, script: F) -> SocketAddr
where
    F: Fn(TcpStream) -> S + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(script(stream));
        }
    });
    address
}

/// Reads one request head and returns it.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0; 512];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(read) if read > 0 => head.extend_from_slice(&byte[..read]),
            _ => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Answers every request with what `answer` makes of its head, then closes.
pub(crate) async fn answer(
    host: &str,
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> SocketAddr {
    let answer = Arc::new(answer);
    serve(host, move |mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            let head = read_head(&mut stream).await;
            let _ = stream.write_all(answer(&head).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

pub(crate) fn ok() -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()
}

pub(crate) fn moved(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

/// Listens on one port of every IPv4 and IPv6 address of this machine and counts who comes.
pub(crate) struct Canary {
    pub(crate) port: u16,
    accepts: Arc<AtomicUsize>,
}

impl Canary {
    pub(crate) async fn sing() -> Self {
        let accepts = Arc::new(AtomicUsize::new(0));
        let v4 = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = v4.local_addr().unwrap().port();
        let v6 = TcpListener::bind(("::1", port)).await.unwrap();
        for listener in [v4, v6] {
            let accepts = Arc::clone(&accepts);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    accepts.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, accepts }
    }

    /// Connections so far, also those that are still in the queue.
    pub(crate) async fn accepts(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.accepts.load(Ordering::SeqCst)
    }
}

/// What a DNS stub says about one name; an empty list is "no such record".
type Answers = dyn Fn(&str, usize) -> Vec<IpAddr> + Send + Sync;

/// A DNS server for A and AAAA over UDP. Everything has TTL 0.
pub(crate) struct DnsStub {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<HashMap<(String, u16), usize>>>,
}

impl DnsStub {
    /// `answers` gets the name and how often this record type was asked of it before.
    pub(crate) async fn start(answers: impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        let answers: Box<Answers> = Box::new(answers);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(HashMap::new()));
        let counts = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let query = &buffer[..length];
                let (name, kind, end) = question(query);
                let round = {
                    let mut counts = counts.lock().unwrap();
                    let count = counts.entry((name.clone(), kind)).or_insert(0usize);
                    *count += 1;
                    *count - 1
                };
                let reply = reply(&query[..end], kind, &answers(&name, round));
                socket.send_to(&reply, from).await.unwrap();
            }
        });
        Self { address, asked }
    }

    /// How often the A record of `name` was asked for.
    pub(crate) fn resolutions(&self, name: &str) -> usize {
        self.asked.lock().unwrap().get(&(name.to_owned(), 1)).copied().unwrap_or(0)
    }
}

/// Name, record type and end of the question.
pub(crate) fn question(query: &[u8]) -> (String, u16, usize) {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..=at + length].to_vec()).unwrap().to_lowercase());
        at += length + 1;
    }
    (labels.join("."), u16::from_be_bytes([query[at + 1], query[at + 2]]), at + 5)
}

fn reply(question: &[u8], kind: u16, addresses: &[IpAddr]) -> Vec<u8> {
    let records: Vec<Vec<u8>> = addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(address) if kind == 1 => Some(address.octets().to_vec()),
            IpAddr::V6(address) if kind == 28 => Some(address.octets().to_vec()),
            _ => None,
        })
        .collect();
    let mut reply = question.to_vec();
    reply[2..4].copy_from_slice(&[0x81, 0x80]);
    reply[4..12].copy_from_slice(&[0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
    for data in records {
        // Pointer to the name of the question, class IN, TTL 0.
        reply.extend_from_slice(&[0xc0, 12]);
        reply.extend_from_slice(&kind.to_be_bytes());
        reply.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
        reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend_from_slice(&data);
    }
    reply
}
