//! Servers that try to hold a check up, to fill its memory or to confuse it: the behaviours of T-24.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::monitor::{Assertion, HttpSettings, Settings, Test};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::net::Server;

/// What a hostile server does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hostility {
    NeverAnswers,
    OneByteASecond,
    EndlessHeaders,
    EndlessBody,
    /// Packed so that 13 bytes become two thousand, for ever.
    GzipBomb,
    InterimAnswersForEver,
    RedirectLoop,
    TlsStalls,
    ResetAtOnce,
    ResetAfterTheRequest,
    ResetInTheBody,
    WrongLength,
    Http09,
    HugeHeader,
    HugeChunkExtension,
    EndlessTrailers,
}

impl Hostility {
    pub const ALL: [Self; 16] = [
        Self::NeverAnswers,
        Self::OneByteASecond,
        Self::EndlessHeaders,
        Self::EndlessBody,
        Self::GzipBomb,
        Self::InterimAnswersForEver,
        Self::RedirectLoop,
        Self::TlsStalls,
        Self::ResetAtOnce,
        Self::ResetAfterTheRequest,
        Self::ResetInTheBody,
        Self::WrongLength,
        Self::Http09,
        Self::HugeHeader,
        Self::HugeChunkExtension,
        Self::EndlessTrailers,
    ];

    /// What a check has to ask for, so that the behaviour is met.
    pub fn settings(self) -> Settings {
        let assertions = match self {
            Self::GzipBomb => {
                vec![Assertion::Body { test: Test::Contains, value: "never there".to_owned() }]
            }
            _ => Vec::new(),
        };
        Settings::Http(Box::new(HttpSettings { assertions, ..HttpSettings::default() }))
    }

    pub const fn scheme(self) -> &'static str {
        match self {
            Self::TlsStalls => "https",
            _ => "http",
        }
    }
}

/// One hostile server.
pub struct HostileTarget(Server);

impl HostileTarget {
    /// On a free port of `host`.
    pub async fn start(hostility: Hostility, host: std::net::IpAddr) -> Self {
        let bomb = Arc::new(gzip_bomb());
        let handler = move |stream| {
            let bomb = Arc::clone(&bomb);
            Box::pin(async move {
                // A client that hangs up is what these want to see.
                let _ = serve(stream, hostility, &bomb).await;
            }) as BoxFuture<'static, ()>
        };
        Self(Server::start((host, 0).into(), Arc::new(handler)).await)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }
}

async fn serve(
    mut stream: TcpStream,
    hostility: Hostility,
    bomb: &(Vec<u8>, Vec<u8>),
) -> std::io::Result<()> {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const GZIP: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    if hostility == Hostility::ResetAtOnce {
        return stream.set_zero_linger();
    }
    let _ = stream.read(&mut [0; 4096]).await?;
    match hostility {
        Hostility::NeverAnswers | Hostility::TlsStalls => std::future::pending().await,
        Hostility::OneByteASecond => {
            for byte in b"HTTP/1.1 200 OK\r\nX: ".iter().chain(std::iter::repeat(&b'a')) {
                stream.write_all(&[*byte]).await?;
                sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        }
        Hostility::EndlessHeaders => flood(stream, &[OK], b"X-Name: value\r\n").await,
        Hostility::EndlessBody => flood(stream, &[OK, b"\r\n"], b"a").await,
        Hostility::GzipBomb => flood(stream, &[GZIP, &bomb.0], &bomb.1).await,
        Hostility::InterimAnswersForEver => flood(stream, &[], b"HTTP/1.1 103 Early Hints\r\n\r\n").await,
        Hostility::RedirectLoop => {
            send(stream, b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n").await
        }
        Hostility::ResetAtOnce | Hostility::ResetAfterTheRequest => stream.set_zero_linger(),
        Hostility::ResetInTheBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").await?;
            sleep(Duration::from_millis(20)).await;
            stream.set_zero_linger()
        }
        Hostility::WrongLength => send(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await,
        Hostility::Http09 => send(stream, b"<html>hello</html>\r\n").await,
        Hostility::HugeHeader => {
            let block = vec![b'a'; 64 * 1024];
            stream.write_all(OK).await?;
            stream.write_all(b"X: ").await?;
            for _ in 0..1024 {
                stream.write_all(&block).await?;
            }
            stream.write_all(b"\r\n\r\n").await
        }
        Hostility::HugeChunkExtension => flood(stream, &[CHUNKED, b"5;"], b"a").await,
        Hostility::EndlessTrailers => flood(stream, &[CHUNKED, b"0\r\n"], b"X: y\r\n").await,
    }
}

async fn send(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await
}

/// `start`, then `again` for ever.
async fn flood(mut stream: TcpStream, start: &[&[u8]], again: &[u8]) -> std::io::Result<()> {
    for part in start {
        stream.write_all(part).await?;
    }
    let block = again.repeat((64 * 1024 / again.len()).max(1));
    loop {
        stream.write_all(&block).await?;
    }
}

/// The start of a gzip file, and what repeats in it: eight copies of 258 bytes in 13 bytes (RFC 1951, fixed codes).
fn gzip_bomb() -> (Vec<u8>, Vec<u8>) {
    const COPIES: usize = 8 * 4;
    // A block that is not the last one, with fixed codes; one literal nought.
    let mut bits = vec![0, 1, 0];
    bits.extend([0, 0, 1, 1, 0, 0, 0, 0]);
    for _ in 0..COPIES {
        // Length 258, distance 1.
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    let packed: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | bit)).collect();
    let mut start = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    start.extend(&packed[..2]);
    (start, packed[2..15].to_vec())
}
