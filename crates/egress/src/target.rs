//! A URL that may become a target, read once by the WHATWG rules. Who holds a [`Target`] knows that scheme,
//! user part, host and port were accepted; where a name leads is found out at each connection.

use std::net::IpAddr;

use http::HeaderValue;
use http::uri::PathAndQuery;
use url::{Host, Position, Url};

use crate::EgressConfig;
use crate::address::Policy;
use crate::own::Own;

/// Longest URL in bytes, as written and after normalisation.
const MAX_URL_BYTES: usize = 2048;

/// Ports that browsers refuse, because what listens there is not HTTP and may take a request for a command.
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
    515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723,
    2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Why a text cannot become a target. The message is for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TargetError {
    #[error("This is not a complete URL. Write it with scheme and host, such as https://example.com/health.")]
    Malformed,
    #[error("The URL is too long. Use at most 2048 characters.")]
    TooLong,
    #[error("Only URLs that start with http:// or https:// can be reached.")]
    SchemeNotAllowed,
    #[error("The URL contains a user name or password. Remove the part before the @.")]
    UserinfoNotAllowed,
    #[error("This host cannot be reached from here. Use a public host name, such as example.com.")]
    HostNotAllowed,
    #[error("This port is reserved for another protocol than HTTP. Use another port.")]
    PortNotAllowed,
    #[error("This address is private or reserved, so it cannot be reached from here. Use a public address.")]
    AddressNotAllowed,
    #[error("This is the status page itself, which cannot watch itself. Let another installation watch it.")]
    OwnHost,
    #[error("The owner of this host does not want checks: its DNS says checks=no at _indie-status.")]
    OptedOut,
}

impl TargetError {
    /// Stable word for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::SchemeNotAllowed => "scheme_not_allowed",
            Self::UserinfoNotAllowed => "userinfo_not_allowed",
            Self::HostNotAllowed => "host_not_allowed",
            Self::PortNotAllowed => "port_not_allowed",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::OwnHost => "own_host",
            Self::OptedOut => "opted_out",
        }
    }
}

/// Where a target lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Lower case, without a dot at the end.
    Name(String),
    /// Already compared with the policy; compared again at the connection.
    Address(IpAddr),
}

impl Place {
    /// As the host of a URL: brackets around IPv6.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Address(IpAddr::V4(address)) => address.to_string(),
            Self::Address(IpAddr::V6(address)) => format!("[{address}]"),
        }
    }
}

/// An accepted URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    place: Place,
    port: u16,
    authority: HeaderValue,
    path: PathAndQuery,
}

impl Target {
    /// The normalised URL.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Host as the `Host` header and TLS name it: brackets around IPv6.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The written port or that of the scheme.
    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) const fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    pub(crate) const fn path(&self) -> &PathAndQuery {
        &self.path
    }
}

/// What this installation accepts as a target.
#[derive(Debug)]
pub(crate) struct Rules {
    policy: Policy,
    own: Own,
}

impl Rules {
    pub(crate) fn new(config: EgressConfig) -> Self {
        let hosts = config.own_hosts.iter().map(|host| bare_name(host).to_ascii_lowercase()).collect();
        let own = Own { hosts, public_port: config.own_port, sockets: config.own_sockets };
        Self { policy: Policy::new(config.allow_cidrs), own }
    }

    pub(crate) const fn own(&self) -> &Own {
        &self.own
    }

    pub(crate) const fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn parse(&self, text: &str) -> Result<Target, TargetError> {
        // Before parsing: the parser's work grows with the text.
        if text.len() > MAX_URL_BYTES {
            return Err(TargetError::TooLong);
        }
        self.accept(Url::parse(text).map_err(|_| TargetError::Malformed)?)
    }

    /// The target of a `Location` header that `from` answered with.
    pub(crate) fn follow(&self, from: &Target, location: &str) -> Result<Target, TargetError> {
        if location.len() > MAX_URL_BYTES {
            return Err(TargetError::TooLong);
        }
        self.accept(from.url.join(location).map_err(|_| TargetError::Malformed)?)
    }

    fn accept(&self, url: Url) -> Result<Target, TargetError> {
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(TargetError::TooLong);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::SchemeNotAllowed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::UserinfoNotAllowed);
        }
        let place = self.place(url.host().ok_or(TargetError::HostNotAllowed)?)?;
        let port = url.port_or_known_default().ok_or(TargetError::Malformed)?;
        if BAD_PORTS.contains(&port) {
            return Err(TargetError::PortNotAllowed);
        }
        let authority = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort])
            .map_err(|_| TargetError::Malformed)?;
        let path = PathAndQuery::try_from(&url[Position::BeforePath..Position::AfterQuery])
            .map_err(|_| TargetError::Malformed)?;
        Ok(Target { url, place, port, authority, path })
    }

    /// A host that stands by itself: a name, or an address with or without brackets.
    pub(crate) fn host(&self, text: &str) -> Result<Place, TargetError> {
        self.place(read_host(text)?)
    }

    /// A name that is looked up and never connected to, so that only its form counts.
    pub(crate) fn plain_name(&self, text: &str) -> Result<String, TargetError> {
        let Host::Domain(name) = read_host(text)? else { return Err(TargetError::HostNotAllowed) };
        let name = bare_name(&name);
        let is_local = !name.contains('.') || name.ends_with(".localhost");
        if !is_dns_name(name) || (is_local && !self.policy.allows_private()) {
            return Err(TargetError::HostNotAllowed);
        }
        Ok(name.to_owned())
    }

    fn place<S: AsRef<str>>(&self, host: Host<S>) -> Result<Place, TargetError> {
        let address = match host {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(name) => return self.name(bare_name(name.as_ref())),
        };
        if self.policy.permits(address) {
            Ok(Place::Address(address))
        } else {
            Err(TargetError::AddressNotAllowed)
        }
    }

    fn name(&self, name: &str) -> Result<Place, TargetError> {
        let is_local = !name.contains('.') || name.ends_with(".localhost");
        if !is_dns_name(name) || (is_local && !self.policy.allows_private()) {
            return Err(TargetError::HostNotAllowed);
        }
        if self.own.is_name(name) { Err(TargetError::OwnHost) } else { Ok(Place::Name(name.to_owned())) }
    }
}

fn read_host(text: &str) -> Result<Host<String>, TargetError> {
    // Before parsing: the parser's work grows with the text.
    if text.len() > MAX_URL_BYTES {
        return Err(TargetError::TooLong);
    }
    match text.parse() {
        Ok(address) => Ok(Host::Ipv6(address)),
        Err(_) => Host::parse(text).map_err(|_| TargetError::HostNotAllowed),
    }
}

fn bare_name(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Within the limits of DNS; the URL parser has made it ASCII and lower case.
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &[&str]) -> Rules {
        Rules::new(EgressConfig {
            allow_cidrs: allow.iter().map(|net| net.parse().unwrap()).collect(),
            own_hosts: vec!["Status.Example.com.".to_owned()],
            ..EgressConfig::default()
        })
    }

    fn code(url: &str) -> &'static str {
        rules(&[]).parse(url).map_or_else(TargetError::code, |_| "accepted")
    }

    #[test]
    fn each_refusal_has_its_word() {
        for (url, expected) in [
            ("https://example.com/health?full=1", "accepted"),
            ("", "malformed"),
            ("example.com", "malformed"),
            ("https://", "malformed"),
            ("https://exa mple.com", "malformed"),
            ("https://[::1", "malformed"),
            ("https://256.256.256.256", "malformed"),
            ("example.com:8080", "scheme_not_allowed"),
            ("ftp://example.com", "scheme_not_allowed"),
            ("https://alice@example.com", "userinfo_not_allowed"),
            ("https://:secret@example.com", "userinfo_not_allowed"),
            ("https://example.com:22", "port_not_allowed"),
            ("https://example.com:0", "port_not_allowed"),
            ("https://intranet/", "host_not_allowed"),
            ("https://localhost/", "host_not_allowed"),
            ("https://app.localhost./", "host_not_allowed"),
            ("https://example..com", "host_not_allowed"),
            ("https://example.com..", "host_not_allowed"),
            ("https://status.example.com", "own_host"),
            ("https://status.example.com./", "own_host"),
            ("http://127.0.0.1", "address_not_allowed"),
            ("http://[::1]", "address_not_allowed"),
        ] {
            assert_eq!(code(url), expected, "{url}");
        }
        assert_eq!(code(&format!("https://{}.com", "a".repeat(64))), "host_not_allowed");
        assert_eq!(code(&format!("https://{}com", "abcdefg.".repeat(32))), "host_not_allowed");
        assert_eq!(code(&format!("https://{}com", "abcdefg.".repeat(31))), "accepted");
    }

    #[test]
    fn every_port_that_browsers_refuse_and_those_of_mail_are_refused() {
        for port in BAD_PORTS {
            assert_eq!(code(&format!("http://example.com:{port}/")), "port_not_allowed", "{port}");
        }
        for port in [80, 443, 8080, 8443, 3000, 9090, 65535] {
            assert_eq!(code(&format!("http://example.com:{port}/")), "accepted", "{port}");
        }
    }

    #[test]
    fn the_limit_counts_before_and_after_normalisation() {
        let url = |bytes: usize| format!("https://example.com/{}", "a".repeat(bytes - 20));
        assert_eq!(code(&url(2048)), "accepted");
        assert_eq!(code(&url(2049)), "too_long");
        // Each of these becomes six bytes when it is escaped.
        assert_eq!(code(&format!("https://example.com/{}", "ä".repeat(500))), "too_long");
    }

    #[test]
    fn an_accepted_url_is_taken_apart_once() {
        let target = rules(&[]).parse("HTTPS://Example.COM.:8443/a b?c=d|e#f").unwrap();
        assert_eq!(target.as_str(), "https://example.com.:8443/a%20b?c=d|e#f");
        assert_eq!((target.host(), target.port(), target.is_https()), ("example.com.", 8443, true));
        assert_eq!(target.place(), &Place::Name("example.com".to_owned()));
        assert_eq!(target.authority(), "example.com.:8443");
        assert_eq!(target.path(), "/a%20b?c=d|e");
        let target = rules(&[]).parse("http://[2606:4700:4700::1111]").unwrap();
        assert_eq!((target.host(), target.port(), target.is_https()), ("[2606:4700:4700::1111]", 80, false));
    }

    #[test]
    fn every_path_that_the_parser_lets_through_can_be_sent() {
        for byte in 0u8..=0x7f {
            let url = format!("https://example.com/{0}?{0}", char::from(byte));
            assert_eq!(code(&url), "accepted", "{url:?}");
        }
    }

    #[test]
    fn an_office_may_name_its_own_machines() {
        let rules = rules(&["10.0.0.0/8"]);
        for url in ["http://intranet/", "http://localhost:3000/", "http://app.localhost/", "http://10.0.0.7/"]
        {
            assert!(rules.parse(url).is_ok(), "{url}");
        }
        assert_eq!(rules.parse("http://127.0.0.1/"), Err(TargetError::AddressNotAllowed));
        assert_eq!(rules.parse("http://status.example.com/"), Err(TargetError::OwnHost));
    }

    #[test]
    fn a_location_is_read_against_where_it_came_from() {
        let rules = rules(&[]);
        let from = rules.parse("https://example.com/a/b").unwrap();
        assert_eq!(rules.follow(&from, "../c").unwrap().as_str(), "https://example.com/c");
        assert_eq!(rules.follow(&from, "//example.org/").unwrap().as_str(), "https://example.org/");
        assert_eq!(rules.follow(&from, "http://10.0.0.1/"), Err(TargetError::AddressNotAllowed));
        assert_eq!(rules.follow(&from, "file:///etc/passwd"), Err(TargetError::SchemeNotAllowed));
        assert_eq!(rules.follow(&from, &"a".repeat(2049)), Err(TargetError::TooLong));
        assert_eq!(rules.follow(&from, &"ä".repeat(1000)), Err(TargetError::TooLong));
    }
}
