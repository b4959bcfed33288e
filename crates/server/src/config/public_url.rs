//! The address that people type, and the mode that the product runs in.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Serialize, Serializer};
use url::{Host, Url};

use super::error::Result;
use super::settings::Settings;

const ADVICE: &str =
    "an address that visitors can open, such as https://status.example.com or https://example.com/status";

/// Whether the product serves strangers or its operator (D7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Many organizations; tiers are enforced unless `plans.enforce` says otherwise.
    #[default]
    Saas,
    /// Everything unlimited unless `plans.enforce` says otherwise, billing off.
    SelfHosted,
}

impl Mode {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let mode = settings.parsed("mode", "\"saas\" or \"self_hosted\"", |text| match text {
            "saas" => Some(Self::Saas),
            "self_hosted" => Some(Self::SelfHosted),
            _ => None,
        })?;
        Ok(mode.unwrap_or_default())
    }
}

/// `public_url`: http or https, a host, perhaps a path prefix; no query, fragment, user or trailing slash.
/// All links derive from it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// When the option is absent, the address of the listening port on this machine.
    pub(super) fn read(settings: &mut Settings, listen: SocketAddr, mode: Mode) -> Result<Self> {
        let Some(public_url) = settings.parsed("public_url", ADVICE, Self::parse)? else {
            let public_url = Self::on_this_machine(listen);
            if !listen.ip().is_loopback() {
                settings.warn(format!(
                    "public_url is not set, so links in pages and mails lead to {public_url}: write the address that visitors open."
                ));
            }
            return Ok(public_url);
        };
        if mode == Mode::Saas && !public_url.is_https() && !public_url.is_loopback() {
            settings.warn(format!(
                "public_url is {public_url}, so passwords and sessions travel unencrypted: write an https:// address."
            ));
        }
        Ok(public_url)
    }

    #[expect(clippy::expect_used, reason = "a constant address")]
    pub(super) fn on_this_machine(listen: SocketAddr) -> Self {
        let mut url = Url::parse("http://localhost").expect("a valid address");
        // Fails for addresses without a host only.
        let _ = url.set_port(Some(listen.port()));
        Self(url)
    }

    fn parse(text: &str) -> Option<Self> {
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return None;
        }
        let mut url = Url::parse(text).ok()?;
        let is_bare = url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let is_somewhere = ip_of(&url).is_none_or(|ip| !ip.is_unspecified());
        let path = url.path().trim_end_matches('/').to_owned();
        let is_plain_path = !path.contains("//")
            && path
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'~'));
        url.set_path(&path);
        (is_bare && is_anonymous && is_somewhere && is_plain_path).then_some(Self(url))
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Scheme, host, port and prefix, without a slash at the end: append paths that begin with one.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The path prefix that requests come in with: empty, or `/status`.
    pub fn base_path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// Without brackets for IPv6.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether only this machine can open it.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

fn ip_of(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(name) => name.parse().ok(),
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
    }
}

/// Whether the host is `localhost` or a loopback address.
pub(super) fn is_loopback(url: &Url) -> bool {
    ip_of(url).map_or_else(
        || url.host_str().is_some_and(|host| host == "localhost" || host.ends_with(".localhost")),
        |ip| ip.is_loopback(),
    )
}
