//! Ways for a mail to leave: a mail server, or files in a folder where none is configured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::notification::{Delivery, Message};
use domain::time::Timestamp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as SmtpTls, TlsParameters};
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Letter, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use crate::letter::{self, Sender};
use crate::message;

/// How mail leaves this installation.
#[derive(Debug, Clone)]
pub struct MailTransport {
    /// `local@domain` or `Name <local@domain>`.
    pub from: String,
    pub route: Route,
}

#[derive(Debug, Clone)]
pub enum Route {
    Smtp(SmtpServer),
    /// One `.eml` file per mail in this folder, readable for the owner only.
    Files(PathBuf),
}

/// The server that takes our mail.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// `None`: no log-in.
    pub log_in: Option<(String, SecretString)>,
    /// For each answer of the server; the whole mail may take three times as long.
    pub timeout: Duration,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte.
    Implicit,
    /// STARTTLS, and no mail without it.
    Required,
    Off,
}

/// The configuration does not make a transport.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("the sender of mails is no address; write one such as \"Example Status <status@example.com>\"")]
    From,
    #[error("the mail server's name cannot be checked over TLS")]
    Tls(#[source] smtp::Error),
    #[error("the folder for mails cannot be created or written")]
    Folder(#[source] std::io::Error),
}

/// Why a mail did not leave, in closed words: a server's own text is never kept or logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nobody listens, the connection broke, or the server said that it is closed (421).
    Unreachable,
    TimedOut,
    /// TLS or the log-in failed.
    Handshake,
    /// The folder cannot be written.
    Folder,
    /// The server asks to try this mail again later (4xx).
    Deferred,
    /// The server does not take this mail (5xx).
    Refused,
    /// The mail cannot be written: a broken payload or address.
    Unwritable,
}

impl Failure {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Handshake => "handshake",
            Self::Folder => "folder",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
            Self::Unwritable => "unwritable",
        }
    }
}

/// Writes mails and sends them; keeps connections to the server open.
#[derive(Debug)]
pub struct Mailer {
    sender: Sender,
    public_url: String,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Smtp { transport: AsyncSmtpTransport<Tokio1Executor>, patience: Duration },
    Files(PathBuf),
}

impl Mailer {
    /// `public_url` is where the installation is reached, without a slash at the end. `connections` bounds how many
    /// mails are on their way at once.
    pub fn new(
        transport: MailTransport,
        public_url: &str,
        connections: usize,
    ) -> Result<Self, TransportError> {
        let sender = Sender::parse(&transport.from).ok_or(TransportError::From)?;
        let way = match transport.route {
            Route::Smtp(server) => {
                Way::Smtp { patience: server.timeout * 3, transport: connect(server, connections)? }
            }
            Route::Files(folder) => {
                create_folder(&folder).map_err(TransportError::Folder)?;
                Way::Files(folder)
            }
        };
        Ok(Self { sender, public_url: public_url.to_owned(), way })
    }

    /// The folder that mails are written to. `None`: they are sent.
    pub fn folder(&self) -> Option<&Path> {
        match &self.way {
            Way::Smtp { .. } => None,
            Way::Files(folder) => Some(folder),
        }
    }

    /// Sends one message; `Ok` once the server has taken it.
    pub async fn deliver(&self, delivery: &Delivery, now: Timestamp) -> Result<(), Failure> {
        let message: Message = serde_json::from_str(&delivery.payload).map_err(|_| Failure::Unwritable)?;
        let content = message::render(&message, &self.public_url).map_err(|_| Failure::Unwritable)?;
        let letter = letter::write(&self.sender, delivery, content, now).ok_or(Failure::Unwritable)?;
        match &self.way {
            Way::Smtp { transport, patience } => {
                match tokio::time::timeout(*patience, transport.send(letter)).await {
                    Ok(sent) => sent.map(drop).map_err(|error| classify(&error)),
                    Err(_) => Err(Failure::TimedOut),
                }
            }
            Way::Files(folder) => {
                let stamp = now.to_jiff().strftime("%Y%m%dT%H%M%SZ");
                let name = format!("{stamp}-{}-{}.eml", message::kind(&message), delivery.id);
                let path = folder.join(name);
                let written = tokio::task::spawn_blocking(move || write_file(&path, &letter)).await;
                written.map_err(|_| Failure::Folder)?.map_err(|_| Failure::Folder)
            }
        }
    }
}

fn connect(
    server: SmtpServer,
    connections: usize,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, TransportError> {
    let parameters = || TlsParameters::new(server.host.clone()).map_err(TransportError::Tls);
    let tls = match server.tls {
        Tls::Implicit => SmtpTls::Wrapper(parameters()?),
        Tls::Required => SmtpTls::Required(parameters()?),
        Tls::Off => SmtpTls::None,
    };
    let pool = PoolConfig::new()
        .max_size(u32::try_from(connections).unwrap_or(u32::MAX))
        .idle_timeout(Duration::from_secs(30));
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host)
        .port(server.port)
        .tls(tls)
        .timeout(Some(server.timeout))
        .pool_config(pool);
    if let Some((user, password)) = server.log_in {
        builder = builder.credentials(Credentials::new(user, password.expose_secret().to_owned()));
    }
    Ok(builder.build())
}

/// 421 and what concerns the log-in (530, 534, 535, 538) is about the server, not about this mail.
fn classify(error: &smtp::Error) -> Failure {
    let code = error.status().map(u16::from);
    match code {
        Some(421) => Failure::Unreachable,
        Some(530 | 534 | 535 | 538) => Failure::Handshake,
        Some(400..=499) => Failure::Deferred,
        Some(_) => Failure::Refused,
        None if error.is_timeout() => Failure::TimedOut,
        None if error.is_tls() => Failure::Handshake,
        None => Failure::Unreachable,
    }
}

fn create_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // One that exists may belong to somebody else; the first mail would be too late to find out.
    let trial = folder.join(".writable");
    std::fs::write(&trial, [])?;
    std::fs::remove_file(&trial)
}

/// Written beside its place and moved there, so that nobody reads half a mail.
fn write_file(path: &Path, letter: &Letter) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let partial = path.with_extension("part");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(&letter.formatted())?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}
