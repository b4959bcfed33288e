//! `[server]`: where the product listens and whom it believes about client addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use serde::Serialize;

use super::error::Result;
use super::settings::Settings;

/// `[server]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// Where `/metrics` is served, for operators alone; `None`: nowhere.
    pub admin_listen: Option<SocketAddr>,
    /// Peers whose `X-Forwarded-For` counts (T-16).
    pub trusted_proxies: Vec<IpNet>,
    /// Connections open at the same time; further ones wait (T-25).
    pub connections: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8765)),
            admin_listen: None,
            trusted_proxies: Vec::new(),
            connections: 10_000,
        }
    }
}

impl ServerConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let default = Self::default();
        let listen =
            settings.parsed("server.listen", "an address and a port such as 127.0.0.1:8765", |text| {
                text.parse().ok()
            })?;
        let admin_listen = settings.optional(
            "server.admin_listen",
            "an address and a port such as 127.0.0.1:8766",
            |text| text.parse().ok(),
        )?;
        let listen = listen.unwrap_or(default.listen);
        if admin_listen.is_some_and(|admin: SocketAddr| admin.port() != 0 && admin == listen) {
            let problem = "is the same as server.listen, so that everybody could read what is for operators";
            return Err(settings.refuse("server.admin_listen", problem, "write another port"));
        }
        let trusted_proxies: Vec<IpNet> = settings
            .list("server.trusted_proxies", &networks_advice("127.0.0.1/32"), network)?
            .unwrap_or_default();
        if trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
            let problem = "trusts every address, so that any visitor could claim to be another";
            return Err(settings.refuse(
                "server.trusted_proxies",
                problem,
                "write only the networks of your proxies",
            ));
        }
        Ok(Self {
            listen,
            admin_listen,
            trusted_proxies,
            connections: settings
                .number("server.connections", &(1..=1_000_000))?
                .unwrap_or(default.connections),
        })
    }
}

/// A network in CIDR form, or one address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network: Option<IpNet> = text.parse().ok();
    network.map(|network| network.trunc()).or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

pub(super) fn networks_advice(example: &str) -> String {
    format!("a list of networks such as [\"{example}\"], or {example} in the environment")
}
