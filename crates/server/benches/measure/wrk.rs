//! wrk as the visitor: one run of load, and what the server under it took.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::running;

/// Tells in one line what wrk otherwise prints for people.
const SUMMARY: &str = r#"
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("figures %d %d %f %f %f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
"#;

/// One way to ask for a page.
pub(crate) struct Load<'a> {
    pub(crate) url: String,
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
    pub(crate) headers: &'a [(&'a str, &'a str)],
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// Of the server, seconds.
    pub(crate) cpu_per_1000: f64,
    pub(crate) errors: f64,
}

pub(crate) struct Wrk(PathBuf);

impl Wrk {
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        let script = folder.join("wrk.lua");
        std::fs::write(&script, SUMMARY)?;
        Ok(Self(script))
    }

    /// Asks the server with process `id`; `meanwhile` runs a moment after the start.
    pub(crate) fn run(
        &self,
        load: &Load<'_>,
        id: u32,
        meanwhile: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Figures> {
        let threads = if load.connections > 32 { 2 } else { 1 };
        let mut command = Command::new("wrk");
        command
            .args([format!("-t{threads}"), format!("-c{}", load.connections), format!("-d{}s", load.seconds)])
            .args(["--timeout", "10s", "-s"])
            .arg(&self.0);
        for (name, value) in load.headers {
            command.args(["-H".to_owned(), format!("{name}: {value}")]);
        }
        command.arg(&load.url).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let before = running::cpu_seconds(id);
        let child = command.spawn().context("wrk cannot be started")?;
        std::thread::sleep(Duration::from_millis(200));
        meanwhile()?;
        let output = child.wait_with_output()?;
        read(&output, running::cpu_seconds(id) - before)
    }
}

fn read(output: &Output, cpu_seconds: f64) -> anyhow::Result<Figures> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("figures "));
    let numbers: Vec<f64> =
        line.unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
    let &[requests, duration_us, p50_us, p99_us, max_us, errors] = numbers.as_slice() else {
        bail!("wrk said: {text}{}", String::from_utf8_lossy(&output.stderr));
    };
    if requests < 1.0 {
        bail!("wrk got no answer: {text}");
    }
    Ok(Figures {
        per_second: requests / duration_us * 1e6,
        p50_ms: p50_us / 1000.0,
        p99_ms: p99_us / 1000.0,
        max_ms: max_us / 1000.0,
        cpu_per_1000: cpu_seconds / requests * 1000.0,
        errors,
    })
}
