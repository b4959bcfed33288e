//! Settings: what a check of each kind needs beyond what all monitors have. Stored as JSON beside the kind; secrets
//! stand apart from them, sealed (T-22).

use serde::{Deserialize, Serialize};

use super::assertion::Assertion;

/// What a monitor checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum MonitorKind {
    #[default]
    Http,
    Tcp,
    Dns,
    Icmp,
    TlsCertificate,
    DomainExpiry,
    Websocket,
    Grpc,
    /// Nothing is asked: the watched program calls us (peers.md C6, C7).
    Heartbeat,
    /// Nothing is asked: people report (B1).
    Manual,
}

impl MonitorKind {
    /// In the order in which forms offer them.
    pub const ALL: [Self; 10] = [
        Self::Http,
        Self::Tcp,
        Self::Dns,
        Self::Icmp,
        Self::TlsCertificate,
        Self::DomainExpiry,
        Self::Websocket,
        Self::Grpc,
        Self::Heartbeat,
        Self::Manual,
    ];

    /// Kinds that ask somebody. Only these can be made: nothing receives heartbeats and reports of people yet.
    pub const OFFERED: [Self; 8] = [
        Self::Http,
        Self::Tcp,
        Self::Dns,
        Self::Icmp,
        Self::TlsCertificate,
        Self::DomainExpiry,
        Self::Websocket,
        Self::Grpc,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Dns => "dns",
            Self::Icmp => "icmp",
            Self::TlsCertificate => "tls_certificate",
            Self::DomainExpiry => "domain_expiry",
            Self::Websocket => "websocket",
            Self::Grpc => "grpc",
            Self::Heartbeat => "heartbeat",
            Self::Manual => "manual",
        }
    }
}

/// Settings of one kind each; the JSON has the kind as `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Settings {
    Http(Box<HttpSettings>),
    Tcp(TcpSettings),
    Dns(DnsSettings),
    Icmp(IcmpSettings),
    TlsCertificate(TlsCertificateSettings),
    DomainExpiry(DomainExpirySettings),
    Websocket(WebsocketSettings),
    Grpc(GrpcSettings),
    Heartbeat(HeartbeatSettings),
    Manual,
}

impl Default for Settings {
    /// A plain HTTP check.
    fn default() -> Self {
        Self::Http(Box::default())
    }
}

impl TryFrom<String> for Settings {
    type Error = serde_json::Error;

    /// Reads what [`Self::to_json`] wrote.
    fn try_from(json: String) -> Result<Self, Self::Error> {
        serde_json::from_str(&json)
    }
}

impl Settings {
    /// The form they are stored in, with their kind as `kind`.
    pub fn to_json(&self) -> String {
        // Only fails for maps with keys that are not text; these are plain structs.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// An HTTP check with the defaults for everything.
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Http(http) if **http == HttpSettings::default())
    }

    /// What is watched, in one short line for lists. Empty where the settings do not name it: the URL of an HTTP check
    /// stands beside them, and heartbeats and people come to us.
    pub fn target(&self) -> String {
        match self {
            Self::Http(_) | Self::Heartbeat(_) | Self::Manual => String::new(),
            Self::Tcp(TcpSettings { host, port, .. })
            | Self::TlsCertificate(TlsCertificateSettings { host, port, .. })
            | Self::Grpc(GrpcSettings { host, port, .. }) => format!("{host}:{port}"),
            Self::Dns(dns) => format!("{} {}", dns.record.as_str(), dns.name),
            Self::Icmp(icmp) => icmp.host.clone(),
            Self::DomainExpiry(expiry) => expiry.domain.clone(),
            Self::Websocket(socket) => socket.url.clone(),
        }
    }

    pub const fn kind(&self) -> MonitorKind {
        match self {
            Self::Heartbeat(_) => MonitorKind::Heartbeat,
            Self::Manual => MonitorKind::Manual,
            Self::Http(_) => MonitorKind::Http,
            Self::Tcp(_) => MonitorKind::Tcp,
            Self::Dns(_) => MonitorKind::Dns,
            Self::Icmp(_) => MonitorKind::Icmp,
            Self::TlsCertificate(_) => MonitorKind::TlsCertificate,
            Self::DomainExpiry(_) => MonitorKind::DomainExpiry,
            Self::Websocket(_) => MonitorKind::Websocket,
            Self::Grpc(_) => MonitorKind::Grpc,
        }
    }
}

/// One header of a request. A value that is secret stands in [`Secrets::headers`] instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub name: String,
    pub value: String,
}

/// Which version of HTTP is spoken. HTTP/2 needs TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpVersion {
    /// What the server chooses of both.
    #[default]
    Auto,
    Http1,
    Http2,
}

/// How a request says who asks; the secret half is in [`Secrets`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    #[default]
    None,
    /// RFC 7617; the password is [`Secrets::password`].
    Basic { username: String },
    /// RFC 6750; the token is [`Secrets::token`].
    Bearer,
}

/// Beyond address, method and expected status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Besides the expected status; empty: only that one.
    pub statuses: Vec<StatusRange>,
    pub headers: Vec<Header>,
    /// Sent as it is, with methods that have a body. At most 16 KiB.
    pub body: Option<String>,
    pub auth: Auth,
    /// At most three; each one goes through the guard again.
    pub follow_redirects: bool,
    /// `false`: a certificate that is not valid is no failure. Encryption stays.
    pub verify_certificate: bool,
    pub version: HttpVersion,
    pub assertions: Vec<Assertion>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            statuses: Vec::new(),
            headers: Vec::new(),
            body: None,
            auth: Auth::None,
            follow_redirects: true,
            verify_certificate: true,
            version: HttpVersion::Auto,
            assertions: Vec::new(),
        }
    }
}

/// Statuses that are as good as the expected one, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRange {
    pub from: u16,
    pub to: u16,
}

impl StatusRange {
    pub const fn contains(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }
}

/// A TCP port that has to accept, and perhaps to say something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TcpSettings {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// Sent after connecting. At most 1 KiB.
    pub send: Option<String>,
    /// Has to stand in the first 64 KiB of the answer. `None`: connecting is enough.
    pub expect: Option<String>,
}

/// Records that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    #[default]
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Txt,
    Srv,
    Caa,
    Soa,
}

impl RecordType {
    pub const ALL: [Self; 9] =
        [Self::A, Self::Aaaa, Self::Cname, Self::Mx, Self::Ns, Self::Txt, Self::Srv, Self::Caa, Self::Soa];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Txt => "TXT",
            Self::Srv => "SRV",
            Self::Caa => "CAA",
            Self::Soa => "SOA",
        }
    }
}

/// A name that has to resolve, and perhaps to certain values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsSettings {
    pub name: String,
    pub record: RecordType,
    /// Address of a DNS server, with or without port; it goes through the guard like every target. `None`: the
    /// resolver of the installation.
    pub resolver: Option<String>,
    /// Every one of them has to be among the answers, in any order. Names are compared without case and final dot.
    /// Empty: any answer is good.
    pub expected: Vec<String>,
    /// The answers have to be exactly the expected ones.
    pub exactly: bool,
}

/// A host that has to answer an echo request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IcmpSettings {
    pub host: String,
}

/// A certificate that has to be valid for so many days more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsCertificateSettings {
    pub host: String,
    pub port: u16,
    /// Fewer days left: degraded.
    pub warn_days: u16,
    /// Fewer days left: down.
    pub fail_days: u16,
}

impl Default for TlsCertificateSettings {
    fn default() -> Self {
        Self { host: String::new(), port: 443, warn_days: 14, fail_days: 3 }
    }
}

/// A domain that has to stay registered for so many days more, by RDAP (RFC 9083).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DomainExpirySettings {
    pub domain: String,
    /// Fewer days left: degraded.
    pub warn_days: u16,
    /// Fewer days left: down.
    pub fail_days: u16,
}

impl Default for DomainExpirySettings {
    fn default() -> Self {
        Self { domain: String::new(), warn_days: 30, fail_days: 7 }
    }
}

/// A WebSocket that has to open, and perhaps to answer (RFC 6455).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebsocketSettings {
    /// `ws://` or `wss://`.
    pub url: String,
    pub headers: Vec<Header>,
    /// Sent as a text message after opening.
    pub send: Option<String>,
    /// Has to stand in one of the first messages. `None`: opening is enough.
    pub expect: Option<String>,
}

/// A gRPC service that has to say `SERVING` (grpc.health.v1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcSettings {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// Empty: the server as a whole.
    pub service: String,
}

/// A program that has to call us (`peers.md` C6, C7).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeartbeatSettings {
    pub schedule: HeartbeatSchedule,
    /// So much later than planned is still in time.
    pub grace_seconds: u32,
}

/// When a heartbeat is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum HeartbeatSchedule {
    /// So long after the last one.
    Period { seconds: u32 },
    /// At the instants of a cron expression with five fields, in an IANA time zone.
    Cron { expression: String, time_zone: String },
}

impl Default for HeartbeatSchedule {
    fn default() -> Self {
        Self::Period { seconds: 3600 }
    }
}

/// What must not be read by anybody: stored sealed, handed to the probe, never shown (T-22).
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    pub password: Option<String>,
    pub token: Option<String>,
    pub headers: Vec<Header>,
}

impl Secrets {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_were_written() {
        let all = [
            Settings::default(),
            Settings::Tcp(TcpSettings {
                host: "db.example.com".into(),
                port: 5432,
                ..TcpSettings::default()
            }),
            Settings::Dns(DnsSettings { name: "example.com".into(), ..DnsSettings::default() }),
            Settings::Icmp(IcmpSettings { host: "192.0.2.1".into() }),
            Settings::TlsCertificate(TlsCertificateSettings::default()),
            Settings::DomainExpiry(DomainExpirySettings::default()),
            Settings::Websocket(WebsocketSettings::default()),
            Settings::Grpc(GrpcSettings::default()),
            Settings::Heartbeat(HeartbeatSettings::default()),
            Settings::Manual,
        ];
        for (settings, kind) in all.iter().zip(MonitorKind::ALL) {
            assert_eq!(settings.kind(), kind);
            assert!(settings.to_json().starts_with(&format!("{{\"kind\":\"{}\"", kind.as_str())));
            assert_eq!(Settings::try_from(settings.to_json()).unwrap(), *settings);
        }
        assert_eq!(Settings::try_from("{\"kind\":\"http\"}".to_owned()).unwrap(), Settings::default());
    }

    #[test]
    fn a_target_is_one_line() {
        let dns =
            DnsSettings { name: "example.com".into(), record: RecordType::Mx, ..DnsSettings::default() };
        assert_eq!(Settings::Dns(dns).target(), "MX example.com");
        let tcp = TcpSettings { host: "db.example.com".into(), port: 5432, ..TcpSettings::default() };
        assert_eq!(Settings::Tcp(tcp).target(), "db.example.com:5432");
        assert_eq!(Settings::default().target(), "");
    }
}
