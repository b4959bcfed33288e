//! Processes under measurement: start, stop, and what the kernel says they took.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How long a process may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with this value.
pub(crate) struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Output goes to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { child, name })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails when the process is gone.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended by itself: {status}", self.name),
            None => Ok(()),
        }
    }

    /// Asks it to end and waits; gives how long that took.
    pub(crate) fn stop(mut self) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.check()?;
        Command::new("kill").arg(self.id().to_string()).status()?;
        while start.elapsed() < PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(start.elapsed());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("{} did not end within {} s", self.name, PATIENCE.as_secs())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // nginx takes its workers along only when it is asked.
            let _ = Command::new("kill").arg(self.id().to_string()).status();
            let start = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

static TICKS_PER_SECOND: LazyLock<f64> = LazyLock::new(|| {
    let told = Command::new("getconf").arg("CLK_TCK").output().ok();
    told.and_then(|told| String::from_utf8(told.stdout).ok()?.trim().parse().ok()).unwrap_or(100.0)
});

/// Parent and used ticks of one process, from its `stat` line.
fn stat(line: &str) -> Option<(u32, f64)> {
    // The name in the second field may hold anything, also spaces and brackets.
    let mut fields = line.rsplit_once(") ")?.1.split(' ');
    let parent = fields.nth(1)?.parse().ok()?;
    let user: f64 = fields.nth(9)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((parent, user + system))
}

/// The process and its children, with what each used.
fn tree(id: u32) -> Vec<(u32, f64)> {
    let of = |id: u32| fs::read_to_string(format!("/proc/{id}/stat")).ok().as_deref().and_then(stat);
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|other| Some((other, of(other)?)))
        .filter(|(other, (parent, _))| *other == id || *parent == id)
        .map(|(other, (_, ticks))| (other, ticks))
        .collect()
}

/// User and system seconds of the process and its children so far.
pub(crate) fn cpu_seconds(id: u32) -> f64 {
    tree(id).iter().map(|(_, ticks)| ticks).sum::<f64>() / *TICKS_PER_SECOND
}

/// Resident memory of the process and its children; pages that several share count once.
pub(crate) fn memory_mib(id: u32) -> f64 {
    let of = |id: u32| {
        let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find(|line| line.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    tree(id).iter().filter_map(|(id, _)| of(*id)).sum::<f64>() / 1024.0
}

/// `2 cores (NAME), Linux 6.1`
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores ({}), Linux {}; {}",
        name.map_or("unknown", |(_, name)| name),
        kernel.trim(),
        load()
    )
}

/// How busy the machine is: with others at work the times say little and the ratios less.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load of the last minute {}", text.split(' ').next().unwrap_or("unknown"))
}
