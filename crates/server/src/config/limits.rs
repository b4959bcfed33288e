//! `[limits]`: how often one client address may do what needs no account (T-15, X96).

use serde::Serialize;

use super::error::Result;
use super::settings::Settings;

/// `[limits]`, per client address; 0 switches a limit off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitsConfig {
    pub public_page_per_minute: u32,
    pub register_per_hour: u32,
    pub login_per_hour: u32,
    pub subscribe_per_hour: u32,
    /// Per session instead.
    pub api_per_minute: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            public_page_per_minute: 300,
            register_per_hour: 5,
            login_per_hour: 20,
            subscribe_per_hour: 5,
            api_per_minute: 120,
        }
    }
}

impl LimitsConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let default = Self::default();
        let limit = |key: &str, default: u32| Ok(settings.number(key, &(0..=1_000_000))?.unwrap_or(default));
        Ok(Self {
            public_page_per_minute: limit("limits.public_page_per_minute", default.public_page_per_minute)?,
            register_per_hour: limit("limits.register_per_hour", default.register_per_hour)?,
            login_per_hour: limit("limits.login_per_hour", default.login_per_hour)?,
            subscribe_per_hour: limit("limits.subscribe_per_hour", default.subscribe_per_hour)?,
            api_per_minute: limit("limits.api_per_minute", default.api_per_minute)?,
        })
    }
}
