//! `[log]`: what the process says, and in which form.

use serde::Serialize;

use super::error::Result;
use super::settings::Settings;

/// `[log]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LogConfig {
    pub format: LogFormat,
    pub level: LogLevel,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// `Pretty` on a terminal, else `Json`.
    #[default]
    Auto,
    Pretty,
    Json,
}

/// The least important messages that are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let format =
            settings.parsed("log.format", "\"auto\", \"pretty\" or \"json\"", |text| match text {
                "auto" => Some(LogFormat::Auto),
                "pretty" => Some(LogFormat::Pretty),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?;
        let advice = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
        let level = settings.parsed("log.level", advice, |text| match text {
            "error" => Some(LogLevel::Error),
            "warn" => Some(LogLevel::Warn),
            "info" => Some(LogLevel::Info),
            "debug" => Some(LogLevel::Debug),
            "trace" => Some(LogLevel::Trace),
            _ => None,
        })?;
        Ok(Self { format: format.unwrap_or_default(), level: level.unwrap_or_default() })
    }
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
