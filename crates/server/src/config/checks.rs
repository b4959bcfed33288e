//! `[checks]`: how much is watched at the same time.

use serde::Serialize;

use super::error::Result;
use super::settings::Settings;

/// `[checks]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChecksConfig {
    /// Checks in flight at the same time, over all organizations.
    pub concurrency: u32,
}

impl Default for ChecksConfig {
    fn default() -> Self {
        Self { concurrency: 2000 }
    }
}

impl ChecksConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let concurrency = settings.number("checks.concurrency", &(1..=10_000))?;
        Ok(Self { concurrency: concurrency.unwrap_or(Self::default().concurrency) })
    }
}
