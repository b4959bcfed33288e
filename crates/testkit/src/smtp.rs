//! A mail server that keeps what it is given, or fails in the way a test asks for.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::mail::Mail;
use crate::net::Server;

/// How the sink treats a sender from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmtpMode {
    #[default]
    Accept,
    /// Nobody listens: connections are refused.
    Refuse,
    /// The greeting is 421: come back later.
    Unavailable421,
    /// Each recipient is answered with 450: try again later.
    Busy450,
    /// Each recipient is answered with 550: never try again.
    Unknown550,
    /// The connection is taken and nothing is ever said.
    Hang,
}

/// Listens on a free port of 127.0.0.1, without TLS, until dropped.
pub struct SmtpSink {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    mode: Mutex<SmtpMode>,
    mails: Mutex<Vec<Mail>>,
}

impl SmtpSink {
    pub async fn start() -> Self {
        let state = Arc::<State>::default();
        let shared = state.clone();
        let handler = move |stream| {
            let state = shared.clone();
            Box::pin(async move {
                // A sender that hangs up in the middle is its own test's business.
                let _ = converse(stream, &state).await;
            }) as futures_util::future::BoxFuture<'static, ()>
        };
        let server = Server::start((Ipv4Addr::LOCALHOST, 0).into(), Arc::new(handler)).await;
        Self { server, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// `Refuse` also ends the connections that are open.
    pub async fn set_mode(&self, mode: SmtpMode) {
        *self.state.mode.lock().unwrap() = mode;
        if mode == SmtpMode::Refuse {
            self.server.stop().await;
        } else {
            self.server.resume().await;
        }
    }

    /// All mails so far, in the order of arrival.
    pub fn mails(&self) -> Vec<Mail> {
        self.state.mails.lock().unwrap().clone()
    }

    /// The mails to this recipient, in the order of arrival.
    pub fn mails_to(&self, recipient: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == recipient)).collect()
    }

    /// Takes all mails out, so that a test can look at what comes next.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.state.mails.lock().unwrap())
    }

    /// The newest mail to this recipient; waits up to five seconds for the first.
    ///
    /// # Panics
    /// When none comes.
    pub async fn mail_to(&self, recipient: &str) -> Mail {
        for _ in 0..500 {
            if let Some(mail) = self.mails_to(recipient).pop() {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let others: Vec<_> = self.mails().iter().map(|mail| (mail.to.clone(), mail.subject())).collect();
        panic!("no mail to {recipient} came within 5 s; there are {others:?}");
    }
}

async fn converse(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mode = *state.mode.lock().unwrap();
    match mode {
        SmtpMode::Hang => return std::future::pending().await,
        SmtpMode::Unavailable421 => return say(&mut stream, "421 4.3.2 Not now").await,
        _ => say(&mut stream, "220 sink ESMTP").await?,
    }
    let (mut from, mut to) = (String::new(), Vec::new());
    while let Some(line) = read_line(&mut stream).await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let mode = *state.mode.lock().unwrap();
        let answer = match (verb.as_str(), mode) {
            ("EHLO", _) => "250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN",
            ("AUTH", _) => "235 2.7.0 Welcome",
            ("RCPT", SmtpMode::Busy450) => "450 4.2.1 Mailbox busy",
            ("RCPT", SmtpMode::Unknown550) => "550 5.1.1 No such mailbox",
            (_, SmtpMode::Hang) => return std::future::pending().await,
            ("MAIL", _) => {
                from = address(&line);
                "250 2.1.0 Ok"
            }
            ("RCPT", _) => {
                to.push(address(&line));
                "250 2.1.5 Ok"
            }
            ("DATA", _) if to.is_empty() => "503 5.5.1 No recipient",
            ("DATA", _) => {
                say(&mut stream, "354 Go on").await?;
                let Some(raw) = read_data(&mut stream).await? else { return Ok(()) };
                let mail = Mail { from: std::mem::take(&mut from), to: std::mem::take(&mut to), raw };
                state.mails.lock().unwrap().push(mail);
                "250 2.0.0 Kept"
            }
            ("RSET", _) => {
                (from, to) = (String::new(), Vec::new());
                "250 2.0.0 Ok"
            }
            ("HELO" | "NOOP", _) => "250 2.0.0 Ok",
            ("QUIT", _) => return say(&mut stream, "221 2.0.0 Bye").await,
            _ => "500 5.5.2 Unknown command",
        };
        say(&mut stream, answer).await?;
    }
    Ok(())
}

async fn say(stream: &mut BufReader<TcpStream>, answer: &str) -> std::io::Result<()> {
    stream.write_all(format!("{answer}\r\n").as_bytes()).await
}

/// `None` when the sender hung up.
async fn read_line(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = stream.read_until(b'\n', &mut line).await?;
    let line = String::from_utf8_lossy(&line);
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The mail up to the line with the single dot; `None` when the sender hung up before it.
async fn read_data(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut raw = String::new();
    while let Some(line) = read_line(stream).await? {
        if line == "." {
            return Ok(Some(raw));
        }
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
        raw.push_str("\r\n");
    }
    Ok(None)
}

/// What stands between `<` and `>`.
fn address(line: &str) -> String {
    let rest = line.split_once('<').map_or("", |(_, rest)| rest);
    rest.split('>').next().unwrap_or_default().to_owned()
}
