//! `[checks]`: how much is watched at the same time, and what is done against false alarms.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Serialize;

use super::error::Result;
use super::settings::Settings;

/// `[checks]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChecksConfig {
    /// Checks in flight at the same time, over all organizations.
    pub concurrency: u32,
    /// Before a check that failed is tried once more; 0: it is not (F-13).
    pub confirm_after_seconds: u32,
    /// What answers as long as this machine's own network is well; empty: not looked at (F-13).
    pub anchors: Vec<SocketAddr>,
}

impl Default for ChecksConfig {
    fn default() -> Self {
        let anchors = [[1, 1, 1, 1], [9, 9, 9, 9], [8, 8, 8, 8]];
        Self {
            concurrency: 2000,
            confirm_after_seconds: 5,
            anchors: anchors.map(|ip| SocketAddr::from((Ipv4Addr::from(ip), 443))).to_vec(),
        }
    }
}

impl ChecksConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let default = Self::default();
        let advice = "a list of addresses with ports, such as [\"1.1.1.1:443\", \"[2620:fe::fe]:443\"]";
        Ok(Self {
            concurrency: settings.number("checks.concurrency", &(1..=10_000))?.unwrap_or(default.concurrency),
            confirm_after_seconds: settings
                .number("checks.confirm_after_seconds", &(0..=60))?
                .unwrap_or(default.confirm_after_seconds),
            anchors: settings
                .list("checks.anchors", advice, |text| text.parse().ok())?
                .unwrap_or(default.anchors),
        })
    }
}
