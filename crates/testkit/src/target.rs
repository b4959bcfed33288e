//! A web server that answers as scripted: the thing that monitors of tests watch.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::net::Server;

/// What the target does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    kind: AnswerKind,
    delay: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum AnswerKind {
    Http { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    Raw(Vec<u8>),
    Hang,
    Reset,
}

impl Answer {
    /// An empty HTTP answer.
    pub fn status(status: u16) -> Self {
        Self::from(AnswerKind::Http { status, headers: Vec::new(), body: Vec::new() })
    }

    /// A 302 to `location`.
    pub fn redirect(location: &str) -> Self {
        Self::status(302).header("Location", location)
    }

    /// These bytes instead of an HTTP answer, then the end of the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::from(AnswerKind::Raw(bytes.into()))
    }

    /// Takes the request and never says anything.
    pub fn hang() -> Self {
        Self::from(AnswerKind::Hang)
    }

    /// Takes the request and resets the connection.
    pub fn reset() -> Self {
        Self::from(AnswerKind::Reset)
    }

    /// Only HTTP answers have headers.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let AnswerKind::Http { headers, .. } = &mut self.kind {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Only HTTP answers have a body.
    #[must_use]
    pub fn body(mut self, content: impl Into<Vec<u8>>) -> Self {
        if let AnswerKind::Http { body, .. } = &mut self.kind {
            *body = content.into();
        }
        self
    }

    /// Waits before the first byte.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn from(kind: AnswerKind) -> Self {
        Self { kind, delay: Duration::ZERO }
    }
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl SeenRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Answers 200 on every path until told otherwise.
pub struct Target {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    answers: Mutex<HashMap<String, Answer>>,
    requests: Mutex<Vec<SeenRequest>>,
    connections: Mutex<usize>,
}

impl Target {
    /// On a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    pub async fn start_on(address: SocketAddr) -> Self {
        let state = Arc::<State>::default();
        let shared = state.clone();
        let handler = move |stream| {
            let state = shared.clone();
            Box::pin(async move {
                // A client that hangs up is its own test's business.
                let _ = serve(stream, &state).await;
            }) as futures_util::future::BoxFuture<'static, ()>
        };
        Self { server: Server::start(address, Arc::new(handler)).await, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT` and the path, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// From the next request on; `path` is without the query.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Closes the listener and all connections: whoever connects is refused.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    /// Comes back on the same port with the same answers.
    pub async fn restart(&self) {
        self.server.resume().await;
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.state.requests.lock().unwrap().clone()
    }

    /// How many requests asked for this path, with any query.
    pub fn count(&self, path: &str) -> usize {
        self.requests().iter().filter(|request| without_query(&request.path) == path).count()
    }

    /// How many connections were taken, whether or not a request came.
    pub fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }
}

async fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    *state.connections.lock().unwrap() += 1;
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let path = without_query(&request.path).to_owned();
        let is_head = request.method == "HEAD";
        state.requests.lock().unwrap().push(request);
        let scripted = state.answers.lock().unwrap().get(&path).cloned();
        let answer = scripted.unwrap_or_else(|| Answer::status(200));
        tokio::time::sleep(answer.delay).await;
        match answer.kind {
            AnswerKind::Http { status, headers, body } => {
                let mut bytes = head(status, &headers, body.len()).into_bytes();
                if !is_head {
                    bytes.extend(body);
                }
                stream.write_all(&bytes).await?;
            }
            AnswerKind::Raw(bytes) => return stream.write_all(&bytes).await,
            AnswerKind::Hang => return std::future::pending().await,
            // Closing with a linger of zero sends a reset.
            AnswerKind::Reset => return stream.set_zero_linger(),
        }
    }
    Ok(())
}

fn head(status: u16, headers: &[(String, String)], length: usize) -> String {
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or("Scripted");
    let mut lines = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers {
        lines.extend([name, ": ", value, "\r\n"]);
    }
    let sets_length = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if !sets_length && status != 204 && status != 304 {
        lines.extend(["Content-Length: ", &length.to_string(), "\r\n"]);
    }
    lines + "\r\n"
}

/// `None` when the client closed the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<SeenRequest>> {
    let end = loop {
        if let Some(place) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break place;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = SeenRequest { method, path, headers, body: Vec::new() };
    let length: usize = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(Some(request))
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}
