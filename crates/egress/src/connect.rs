//! Where a place is: resolved once, every address compared with the policy. One attempt to connect, and what errors of
//! connections mean.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use domain::check::{FailureClass, Phases};
use domain::time::Timestamp;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError};
use tokio::net::TcpStream;
use tokio::time::Instant;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Error;
use crate::address::Policy;
use crate::anchor::is_inside;
use crate::target::Place;
use crate::tls::certificate_class;

/// Wait for one answer of a DNS server before the next attempt.
const DNS_WAIT: Duration = Duration::from_secs(2);
/// Longest memory of an answer; shorter when its own TTL says so.
const MAX_DNS_MEMORY: Duration = Duration::from_mins(5);
/// Longest memory of "no such name": an owner who repairs a zone wants to see it.
const MAX_NEGATIVE_DNS_MEMORY: Duration = Duration::from_secs(10);
/// `ENFILE` and `EMFILE`: this process or machine has no file descriptor left.
const OUT_OF_FILES: [i32; 2] = [23, 24];

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectError {
    /// At least one address is not permitted. Nothing was sent to any.
    Refused,
    Unreachable,
    Dns,
    Tls,
    /// The other side speaks none of the protocols that were offered.
    Protocol,
    /// The certificate is not valid, and what is wrong with it.
    Certificate(FailureClass),
    /// The fault is ours; says nothing about the target.
    Local,
    /// The host is checked as often as it may be.
    Busy,
    /// The owner of the host does not want checks.
    OptedOut,
}

/// What is seen on the way to a connection, also when there is none in the end.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    pub(crate) phases: Phases,
    /// The address connected to, or each one tried, is inside by [`is_inside`].
    pub(crate) is_inside: bool,
    /// Of the last certificate shown.
    pub(crate) certificate_expires_at: Option<Timestamp>,
}

/// The resolver for targets, made once.
pub(crate) struct Connector {
    resolver: TokioResolver,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    pub(crate) fn new(resolver: Option<SocketAddr>) -> Result<Self, Error> {
        Ok(Self { resolver: build_resolver(resolver, |_| ())? })
    }

    pub(crate) const fn resolver(&self) -> &TokioResolver {
        &self.resolver
    }

    /// Where a place is, as far as the policy permits to go there.
    pub(crate) async fn addresses(
        &self,
        place: &Place,
        policy: &Policy,
        sight: &mut Sight,
    ) -> Result<Vec<IpAddr>, ConnectError> {
        match place {
            Place::Address(address) => {
                sight.is_inside = is_inside(*address);
                if policy.permits(*address) { Ok(vec![*address]) } else { Err(ConnectError::Refused) }
            }
            Place::Name(name) => {
                sight.is_inside = false;
                let addresses = self.resolve(name, policy, &mut sight.phases).await?;
                sight.is_inside = addresses.iter().all(|address| is_inside(*address));
                Ok(addresses)
            }
        }
    }

    /// Every address of `name`, all permitted. One that is not refuses the name: an answer that mixes public
    /// and private addresses is an attack.
    async fn resolve(
        &self,
        name: &str,
        policy: &Policy,
        phases: &mut Phases,
    ) -> Result<Vec<IpAddr>, ConnectError> {
        if name == "localhost" || name.ends_with(".localhost") {
            // Constant by definition (RFC 6761), so nobody can mix anything in.
            let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            addresses.retain(|address| policy.permits(*address));
            return if addresses.is_empty() { Err(ConnectError::Refused) } else { Ok(addresses) };
        }
        let started = Instant::now();
        // The dot keeps a name out of the system's search domains; a single label may need them.
        let answer = if name.contains('.') {
            self.resolver.lookup_ip(format!("{name}.")).await
        } else {
            self.resolver.lookup_ip(name).await
        };
        add(&mut phases.dns_ms, started);
        let addresses: Vec<IpAddr> = answer.map_err(|error| dns_error(&error))?.iter().collect();
        if addresses.is_empty() {
            return Err(ConnectError::Dns);
        }
        if addresses.iter().all(|address| policy.permits(*address)) {
            Ok(addresses)
        } else {
            Err(ConnectError::Refused)
        }
    }
}

/// Adds the time since `started` to a phase, so that redirects count in full.
pub(crate) fn add(phase: &mut Option<u32>, started: Instant) {
    let spent = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    *phase = Some(phase.unwrap_or(0).saturating_add(spent));
}

/// A resolver of the system or of one server, with our limits and what `change` makes of them.
pub(crate) fn build_resolver(
    server: Option<SocketAddr>,
    change: impl FnOnce(&mut ResolverOpts),
) -> Result<TokioResolver, Error> {
    let unusable = |error: NetError| Error::Resolver(error.to_string());
    let mut builder = match server {
        None => TokioResolver::builder_tokio().map_err(unusable)?,
        Some(address) => {
            let mut name_server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut name_server.connections {
                connection.port = address.port();
            }
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    // IPv4 first: the family that works nearly everywhere.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = DNS_WAIT;
    options.attempts = 1;
    options.positive_max_ttl = Some(MAX_DNS_MEMORY);
    options.negative_max_ttl = Some(MAX_NEGATIVE_DNS_MEMORY);
    options.max_active_requests = 1024;
    change(options);
    builder.build().map_err(unusable)
}

/// One attempt to connect to an address that was compared with the policy.
#[expect(
    clippy::disallowed_methods,
    reason = "the one home of outgoing connections; addresses were compared"
)]
pub(crate) async fn attempt(address: IpAddr, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(SocketAddr::new(address, port)).await?;
    // Only speed depends on it.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

pub(crate) fn server_name(place: &Place) -> Result<ServerName<'static>, ConnectError> {
    match place {
        Place::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Place::Name(name) => ServerName::try_from(name.clone()).map_err(|_| ConnectError::Tls),
    }
}

pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| OUT_OF_FILES.contains(&code))
}

fn dns_error(error: &NetError) -> ConnectError {
    match error {
        NetError::Io(error) if is_out_of_files(error) => ConnectError::Local,
        _ => ConnectError::Dns,
    }
}

pub(crate) fn tls_error(error: &io::Error, sight: &mut Sight) -> ConnectError {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(reason)) => {
            sight.certificate_expires_at = match reason {
                CertificateError::ExpiredContext { not_after, .. } => timestamp(*not_after),
                _ => None,
            };
            ConnectError::Certificate(certificate_class(reason))
        }
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => ConnectError::Protocol,
        _ => ConnectError::Tls,
    }
}

/// When this certificate ends; the target wrote it, so anything may stand there.
pub(crate) fn expires_at(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    certificate.validity().not_after.timestamp().checked_mul(1000).map(Timestamp::from_ms)
}

fn timestamp(at: UnixTime) -> Option<Timestamp> {
    i64::try_from(at.as_secs()).ok()?.checked_mul(1000).map(Timestamp::from_ms)
}
