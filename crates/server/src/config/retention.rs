//! `[retention]`: how long measurements are kept.

use serde::Serialize;

use super::error::Result;
use super::settings::Settings;

/// Pages draw 90 daily bars, so roll-ups never live shorter.
const ROLLUP_DAYS_MIN: u32 = 90;
const DAYS_MAX: u32 = 36_500;

/// `[retention]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetentionConfig {
    /// Days that single check results are kept.
    pub raw_days: u32,
    /// Days that hourly and daily roll-ups, state intervals and deleted monitors are kept. `None`: for ever.
    pub rollup_days: Option<u32>,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { raw_days: 30, rollup_days: None }
    }
}

impl RetentionConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let default = Self::default();
        let raw_days = settings.number("retention.raw_days", &(1..=DAYS_MAX))?.unwrap_or(default.raw_days);
        let rollup_days = settings.number("retention.rollup_days", &(ROLLUP_DAYS_MIN..=DAYS_MAX))?;
        if let Some(rollup_days) = rollup_days.filter(|rollup_days| raw_days > *rollup_days) {
            let key = if settings.has("retention.raw_days") {
                "retention.raw_days"
            } else {
                "retention.rollup_days"
            };
            let problem = format!("makes raw_days ({raw_days}) larger than rollup_days ({rollup_days})");
            return Err(settings.refuse(key, &problem, "write a rollup_days that is at least raw_days"));
        }
        Ok(Self { raw_days, rollup_days })
    }
}
