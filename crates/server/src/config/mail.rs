//! `[mail]`: the server that takes our mail. Without one, mails are files in the data directory.

use std::fmt;

use serde::{Serialize, Serializer};
use url::Url;

use super::error::Result;
use super::public_url::{PublicUrl, is_loopback};
use super::secrets::Secret;
use super::settings::Settings;

const URL_ADVICE: &str =
    "smtps://user@smtp.example.com:465, smtp://user@smtp.example.com:587, or smtp://host:25?tls=none";
const FROM_ADVICE: &str = "a sender such as \"Example Status <status@example.com>\"";

/// `[mail]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MailConfig {
    /// `None`: mails are written as `.eml` files under the data directory.
    pub url: Option<SmtpUrl>,
    /// Present exactly when the URL names a user.
    pub password: Option<Secret>,
    pub from: Option<String>,
}

impl MailConfig {
    pub(super) fn read(settings: &mut Settings) -> Result<Self> {
        let from =
            settings.optional("mail.from", FROM_ADVICE, |text| is_mailbox(text).then(|| text.to_owned()))?;
        let written = settings.secret("mail.password")?.filter(|password| !password.expose().is_empty());
        let Some((url, embedded)) = settings.optional("mail.url", URL_ADVICE, SmtpUrl::parse)? else {
            return match written {
                Some(_) => Err(settings.refuse(
                    "mail.password",
                    "is set but mail.url is not",
                    &format!("write {URL_ADVICE} as mail.url"),
                )),
                None => Ok(Self { url: None, password: None, from }),
            };
        };
        if written.is_some() && embedded.is_some() {
            let problem = "holds a password although mail.password is set";
            return Err(settings.refuse("mail.url", problem, "write the password in one place"));
        }
        let password = written.or(embedded);
        match (&url.user, &password) {
            (Some(_), None) => {
                return Err(settings.refuse(
                    "mail.url",
                    "names a user without a password",
                    "write mail.password or mail.password_file",
                ));
            }
            (None, Some(_)) => {
                return Err(settings.refuse(
                    "mail.password",
                    "is set but mail.url names no user",
                    "write smtps://user@host:465 as mail.url",
                ));
            }
            _ => {}
        }
        if from.is_none() {
            return Err(settings.refuse(
                "mail.url",
                "is set but mail.from is not",
                &format!("write {FROM_ADVICE} as mail.from"),
            ));
        }
        if url.tls == Tls::Off && !url.is_loopback {
            settings.warn(format!(
                "mail.url is {url}, so mail travels unencrypted: write smtps:// unless that network is yours."
            ));
        }
        Ok(Self { url: Some(url), password, from })
    }

    /// The sender of every mail; without configuration an address at the public host.
    pub fn sender(&self, public_url: &PublicUrl) -> String {
        let is_name = public_url.url().domain().is_some();
        let host = if is_name { public_url.host() } else { "localhost" };
        self.from.clone().unwrap_or_else(|| format!("Indie Status Page <status@{host}>"))
    }
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (`smtps://`).
    Implicit,
    /// STARTTLS, and no mail without it (`smtp://`).
    Required,
    /// Never: `?tls=none`, or `smtp://` on this machine.
    Off,
}

/// `smtps://user@host:465` or `smtp://user@host:587`; the password is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub user: Option<String>,
    is_loopback: bool,
}

impl SmtpUrl {
    /// The URL and the password that was written into it.
    fn parse(text: &str) -> Option<(Self, Option<Secret>)> {
        let url = Url::parse(text).ok()?;
        // Only http knows how to read hosts, and so sees that 127.1 is an address.
        let http = Url::parse(&format!("http://{}", url.host_str().filter(|host| !host.is_empty())?)).ok()?;
        let is_loopback = is_loopback(&http);
        let (tls, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Tls::Implicit, 465),
            ("smtp", Some("tls=none")) => (Tls::Off, 25),
            ("smtp", None) if is_loopback => (Tls::Off, 25),
            ("smtp", None | Some("tls=required")) => (Tls::Required, 587),
            _ => return None,
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() || url.port() == Some(0) {
            return None;
        }
        let host = http.host_str()?.trim_matches(['[', ']']).to_owned();
        let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        let password = url.password().map(decoded).map_or(Some(None), |password| password.map(Some))?;
        let password = password.filter(|password| !password.is_empty()).map(Secret::from);
        Some((Self { host, port: url.port().unwrap_or(port), tls, user, is_loopback }, password))
    }
}

impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls == Tls::Implicit { "smtps://" } else { "smtp://" })?;
        if let Some(user) = &self.user {
            write!(f, "{}@", encoded(user))?;
        }
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{host}:{}", self.port)?;
        match self.tls {
            Tls::Off => f.write_str("?tls=none"),
            Tls::Required if self.is_loopback => f.write_str("?tls=required"),
            Tls::Required | Tls::Implicit => Ok(()),
        }
    }
}

impl Serialize for SmtpUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Resolves %-escapes; `None` when one is broken or the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (escape, rest) = part.split_at_checked(2)?;
        bytes.extend(hex::decode(escape).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

/// %-encodes everything that has a meaning in a URL.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
        out
    })
}

/// As the mailer reads it, which writes it into every mail.
fn is_mailbox(text: &str) -> bool {
    notifier::Sender::parse(text).is_some() && !text.contains(char::is_control)
}
