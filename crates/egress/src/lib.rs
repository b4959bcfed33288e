//! The only door out: addresses, DNS, connections and the checks, behind one SSRF guard (T-01, T-24).
//!
//! `address` decides which addresses may be reached, `target` reads a URL or host once, `connect` resolves and compares
//! every address, `visit` connects to exactly those, with a turn (`turns`) and the owner's leave (`opt_out`). `probe` runs a
//! check over it: of HTTP in `http`, whose answer `assertions` compares, of the other kinds in a file each. `anchor` is for
//! our own network.

mod address;
mod anchor;
mod assertions;
mod clock;
mod connect;
mod dns;
mod domain_expiry;
mod drive;
mod fetch;
mod finding;
mod form;
mod grpc;
mod http;
#[cfg(test)]
mod http2_tests;
mod icmp;
mod link;
mod opt_out;
mod own;
mod probe;
mod target;
mod tcp;
mod tls;
mod tls_certificate;
#[cfg(test)]
mod tls_kinds_tests;
#[cfg(test)]
mod tls_tests;
mod turns;
mod visit;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderValue;
use domain::check::{CheckJob, Outcome};
use domain::monitor::{Secrets, Settings};
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;

pub use address::{Policy, is_forbidden};
pub use anchor::anchor_answers;
pub use finding::Finding;
pub use http::check_http;
pub use target::{Target, TargetError};

use crate::connect::Connector;
use crate::opt_out::OptOuts;
use crate::target::Place;
use crate::turns::{Limits, Turns};

/// Outgoing connections could not be set up at start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the DNS settings of this system could not be read: {0}")]
    Resolver(String),
    #[error("the TLS settings are not usable: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the contact address cannot stand in a User-Agent header: {0:?}")]
    Contact(String),
}

/// What the operator decides about outgoing connections.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Networks that may be reached although they are not public. Metadata services need an entry of exactly their
    /// address (`/32`, `/128`).
    pub allow_cidrs: Vec<IpNet>,
    /// Checks of one target host, of each of its addresses and each of its names, that may run at once; the others wait.
    /// 0: no limit (T-19).
    pub per_host_concurrency: usize,
    /// Between the starts of two checks of one host, of each of its addresses and each of its names. Zero: none (T-19).
    pub per_host_gap: Duration,
    /// Whether both limits hold for what `allow_cidrs` names, too. Usually not: it is the operator's own network.
    pub limits_allowed: bool,
    /// Whether a TXT record `checks=no` at `_indie-status.` before the name of a host keeps us away (T-19).
    pub honours_opt_outs: bool,
    /// Asks this DNS server instead of those of the system.
    pub resolver: Option<SocketAddr>,
    /// Where this installation listens; never a target, so that nobody makes a loop. An unspecified address stands for
    /// every address of this machine.
    pub own_sockets: Vec<SocketAddr>,
    /// Host names this installation answers on; never a target.
    pub own_hosts: Vec<String>,
    /// The port at those names. The addresses of the names are no target at this port; other names at the same addresses
    /// are.
    pub own_port: Option<u16>,
    /// Where the owner of a target can ask who we are; part of the `User-Agent`. `None`: left out.
    pub contact_url: Option<String>,
    /// Where the registration of a domain is asked for: the URL before the domain's name. It goes through the guard
    /// like every target. `None`: a public redirector, which knows the server of each registry.
    pub rdap_base: Option<String>,
    /// Certificate authorities that are trusted besides the public ones, as inside networks have them.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            allow_cidrs: Vec::new(),
            per_host_concurrency: 5,
            per_host_gap: Duration::from_secs(1),
            limits_allowed: false,
            honours_opt_outs: true,
            resolver: None,
            own_sockets: Vec::new(),
            own_hosts: Vec::new(),
            own_port: None,
            contact_url: None,
            rdap_base: None,
            extra_roots: Vec::new(),
        }
    }
}

/// The door. A clone shares resolver, caches and limits.
#[derive(Debug, Clone)]
pub struct Egress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: target::Rules,
    connector: Connector,
    tls: tls::Connectors,
    dns: dns::Asker,
    rdap_base: String,
    turns: Turns,
    limits_allowed: bool,
    opt_outs: OptOuts,
    honours_opt_outs: bool,
    user_agent: HeaderValue,
}

impl Egress {
    /// Reads the system's DNS settings unless `config` names a resolver; opens no connection.
    pub fn new(config: EgressConfig) -> Result<Self, Error> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in &config.extra_roots {
            roots.add(root.clone())?;
        }
        Self::with_roots(config, roots)
    }

    fn with_roots(config: EgressConfig, roots: rustls::RootCertStore) -> Result<Self, Error> {
        let tls = tls::Connectors::new(roots)?;
        let dns = dns::Asker::new(config.resolver)?;
        let connector = Connector::new(config.resolver)?;
        let rdap_base = config.rdap_base.clone().unwrap_or_else(|| domain_expiry::DEFAULT_BASE.to_owned());
        let user_agent = user_agent(config.contact_url.as_deref())?;
        let turns = Turns::new(Limits { at_once: config.per_host_concurrency, gap: config.per_host_gap });
        Ok(Self(Arc::new(Inner {
            connector,
            tls,
            dns,
            rdap_base,
            turns,
            limits_allowed: config.limits_allowed,
            opt_outs: OptOuts::default(),
            honours_opt_outs: config.honours_opt_outs,
            user_agent,
            rules: target::Rules::new(config),
        })))
    }

    /// Runs one check of any kind, each hop on a connection of its own. Ends within `timeout_ms`, not counting what it
    /// waits for turns at the hosts it visits; when none comes within `patience_ms`, the outcome is `NoData`.
    pub async fn check(&self, job: &CheckJob) -> Outcome {
        probe::run(&self.0, job).await
    }

    /// What is wrong with the settings of a check, for the form: syntax, forbidden addresses, ports and lengths. Of
    /// HTTP nothing: its settings have [`check_http`], its URL has [`Self::validate`].
    pub fn validate_settings(&self, settings: &Settings, secrets: &Secrets) -> Vec<Finding> {
        form::findings(&self.0.rules, settings, secrets)
    }

    /// Whether this text may become a target at all. Asks no DNS: a name is compared with the rules again at
    /// each connection, and only that decides.
    pub fn validate(&self, url: &str) -> Result<Target, TargetError> {
        self.0.rules.parse(url)
    }

    /// What only the network can say about a target before it is stored: whether it is this installation, and whether its
    /// owner wants no checks. Takes a few seconds at most; silence is no refusal, because the check asks again.
    pub async fn consult(&self, target: &Target) -> Result<(), TargetError> {
        self.0.consult(target.place(), Some(target.port())).await
    }

    /// The same for the settings of a check, in words for the form. `None`: nothing is wrong. Of HTTP nothing: its URL
    /// has [`Self::consult`].
    pub async fn consult_settings(&self, settings: &Settings) -> Option<Finding> {
        let rules = &self.0.rules;
        let host = |host: &str, port| Some(("/host", rules.host(host).ok()?, port));
        let (pointer, place, port): (_, Place, Option<u16>) = match settings {
            Settings::Tcp(settings) => host(&settings.host, Some(settings.port)),
            Settings::Icmp(settings) => host(&settings.host, None),
            Settings::TlsCertificate(settings) => host(&settings.host, Some(settings.port)),
            Settings::Grpc(settings) => host(&settings.host, Some(settings.port)),
            Settings::Websocket(settings) => {
                let target = websocket::target(rules, &settings.url).ok()?;
                Some(("/url", target.place().clone(), Some(target.port())))
            }
            // No host of theirs is visited.
            Settings::Http(_)
            | Settings::Dns(_)
            | Settings::DomainExpiry(_)
            | Settings::Heartbeat(_)
            | Settings::Manual => None,
        }?;
        let refused = self.0.consult(&place, port).await.err()?;
        let message = refused.to_string().into();
        Some(Finding { pointer: pointer.to_owned(), code: refused.code(), message })
    }
}

fn user_agent(contact: Option<&str>) -> Result<HeaderValue, Error> {
    let text = match contact {
        Some(contact) => format!("indie-status/{} (+{contact})", env!("CARGO_PKG_VERSION")),
        None => concat!("indie-status/", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    HeaderValue::from_str(&text).map_err(|_| Error::Contact(contact.unwrap_or_default().to_owned()))
}
