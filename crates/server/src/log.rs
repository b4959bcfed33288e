//! Where the log goes and how it looks: standard error, one line per event.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogConfig, LogFormat};

/// Our own crates; libraries below are heard only when something is wrong with them.
const OURS: [&str; 8] =
    ["indie_status", "server", "web", "actions", "store", "checker", "notifier", "egress"];

/// Starts logging for the rest of the process. A second call changes nothing.
pub(crate) fn start(config: &LogConfig) {
    let level = tracing::Level::from(config.level);
    let filter = OURS.iter().fold(Targets::new().with_default(LevelFilter::WARN), |filter, target| {
        filter.with_target(*target, level)
    });
    let is_pretty = match config.format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let layer = if is_pretty { lines.boxed() } else { lines.json().flatten_event(true).boxed() };
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}
