//! The only door out: addresses, DNS, connections and the checks, behind one SSRF guard (T-01, T-24).
//!
//! `address` decides which addresses may be reached, `target` reads a URL or host once, `connect` resolves, compares
//! every address and connects to exactly those. `http` runs an HTTP check over it, whose answer `assertions` compares;
//! `probe` runs one of the other kinds, which have a file each. `anchor` is for our own network.

mod address;
mod anchor;
mod assertions;
mod connect;
mod dns;
mod domain_expiry;
mod drive;
mod fetch;
mod finding;
mod form;
mod grpc;
mod host_slots;
mod http;
#[cfg(test)]
mod http2_tests;
mod icmp;
mod link;
mod probe;
mod target;
mod tcp;
mod tls;
mod tls_certificate;
#[cfg(test)]
mod tls_kinds_tests;
#[cfg(test)]
mod tls_tests;
mod websocket;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

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
use crate::host_slots::HostSlots;

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
    /// Networks that may be reached although they are not public. Metadata services and our own addresses
    /// need an entry of exactly their address (`/32`, `/128`).
    pub allow_cidrs: Vec<IpNet>,
    /// Checks of one target host that may run at once; the others wait. 0: no cap.
    pub per_host_concurrency: usize,
    /// Asks this DNS server instead of those of the system.
    pub resolver: Option<SocketAddr>,
    /// Public addresses this installation answers on; never a target, so that nobody makes a loop.
    pub own_addresses: Vec<IpAddr>,
    /// Host names this installation answers on; never a target.
    pub own_hosts: Vec<String>,
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
            resolver: None,
            own_addresses: Vec::new(),
            own_hosts: Vec::new(),
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
    slots: HostSlots,
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
        let slots = HostSlots::new(config.per_host_concurrency);
        let rules = target::Rules::new(config);
        Ok(Self(Arc::new(Inner { rules, connector, tls, dns, rdap_base, slots, user_agent })))
    }

    /// Runs one check of any kind, each hop on a connection of its own. Ends within `timeout_ms` of getting a place at the
    /// target's host; without a place in that time the outcome is `NoData`.
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
}

fn user_agent(contact: Option<&str>) -> Result<HeaderValue, Error> {
    let text = match contact {
        Some(contact) => format!("indie-status/{} (+{contact})", env!("CARGO_PKG_VERSION")),
        None => concat!("indie-status/", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    HeaderValue::from_str(&text).map_err(|_| Error::Contact(contact.unwrap_or_default().to_owned()))
}
