//! `[egress]`: how checks, webhooks and mails leave this machine.

use ipnet::IpNet;
use serde::Serialize;
use url::Url;

use super::error::Result;
use super::public_url::Mode;
use super::server::{network, networks_advice};
use super::settings::Settings;

/// `[egress]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EgressConfig {
    /// Networks that may be watched although they are private.
    pub allow_cidrs: Vec<IpNet>,
    /// Checks at the same time against one host, over all organizations; 0: no limit (T-19).
    pub per_host_concurrency: u32,
    /// Checks of one host that may start within a second, over all organizations; 0: no limit (T-19).
    pub per_host_per_second: u32,
    /// Whether monitors may watch this installation itself.
    pub allow_own: bool,
    /// Where the owner of a watched host can complain; part of the `User-Agent`. `None`: the public URL.
    pub contact_url: Option<String>,
    /// Where registrations of domains are asked for: the URL before the domain's name. `None`: a public redirector.
    pub rdap_url: Option<String>,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            allow_cidrs: Vec::new(),
            per_host_concurrency: 5,
            per_host_per_second: 1,
            allow_own: false,
            contact_url: None,
            rdap_url: None,
        }
    }
}

impl EgressConfig {
    pub(super) fn read(settings: &mut Settings, mode: Mode) -> Result<Self> {
        let default = Self::default();
        let allow_cidrs = settings.list("egress.allow_cidrs", &networks_advice("10.0.0.0/8"), network)?;
        let allow_cidrs: Vec<IpNet> = allow_cidrs.unwrap_or_default();
        if mode == Mode::Saas && allow_cidrs.iter().any(|network| network.prefix_len() == 0) {
            settings.warn("egress.allow_cidrs allows every address, so strangers can reach your private network: write only the networks to watch.".to_owned());
        }
        let advice = "an address such as https://example.com/contact or mailto:abuse@example.com";
        let contact_url = settings.optional("egress.contact_url", advice, |text| {
            let url = Url::parse(text).ok()?;
            let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
            (is_web || (url.scheme() == "mailto" && url.path().contains('@'))).then(|| url.to_string())
        })?;
        let advice = "an address such as https://rdap.org/domain/";
        let rdap_url = settings.optional("egress.rdap_url", advice, |text| {
            let url = Url::parse(text).ok()?;
            let is_base =
                matches!(url.scheme(), "http" | "https") && url.query().or(url.fragment()).is_none();
            is_base.then(|| url.to_string())
        })?;
        Ok(Self {
            allow_cidrs,
            per_host_concurrency: settings
                .number("egress.per_host_concurrency", &(0..=1_000))?
                .unwrap_or(default.per_host_concurrency),
            per_host_per_second: settings
                .number("egress.per_host_per_second", &(0..=1_000))?
                .unwrap_or(default.per_host_per_second),
            allow_own: settings.switch("egress.allow_own")?.unwrap_or(default.allow_own),
            contact_url,
            rdap_url,
        })
    }
}
