//! The product as an operator runs it: the binary with its configuration in the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use actions::Context;
use anyhow::bail;
use server::config::{Config, Sources};
use server::parts;

use crate::running::Running;
use crate::{Bench, http};

/// How long a start may take before we give up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where it runs and with which options.
pub(crate) struct Product {
    pub(crate) address: SocketAddr,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl Product {
    /// On a free port, with its data in `folder`, on `database` or on SQLite there. Nothing is limited by tiers or by
    /// client address, and loopback may be watched.
    pub(crate) fn new(folder: &Path, database: Option<&str>) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], testkit::free_port()));
        let data = folder.join("data");
        let sqlite = format!("sqlite://{}", data.join("indie-status.db").display());
        let environment = [
            ("PUBLIC_URL", format!("http://{address}")),
            ("MODE", "self_hosted".to_owned()),
            ("DATA_DIR", data.display().to_string()),
            ("SERVER__LISTEN", address.to_string()),
            ("DATABASE__URL", database.map_or(sqlite, str::to_owned)),
            ("EGRESS__ALLOW_CIDRS", "127.0.0.0/8".to_owned()),
            ("LIMITS__PUBLIC_PAGE_PER_MINUTE", "0".to_owned()),
            ("LOG__LEVEL", "warn".to_owned()),
        ];
        let environment =
            environment.into_iter().map(|(name, value)| (format!("INDIE_STATUS_{name}"), value)).collect();
        Self { address, folder: folder.to_owned(), environment }
    }

    /// The same database and keys as the running program, for filling it before the start.
    pub(crate) async fn context(&self) -> anyhow::Result<Context> {
        let environment = self.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let config = Config::load(Sources { environment, ..Sources::default() })?.config;
        let db = parts::database(&config).await?;
        db.migrate().await?;
        parts::context(&config, db)
    }

    /// Executes the binary; it may not answer yet.
    pub(crate) fn execute(&self, bench: &Bench) -> anyhow::Result<Running> {
        let mut command = Command::new(&bench.product);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.arg("serve").current_dir(&self.folder).envs(environment);
        Running::start(&mut command, &self.folder.join("product.log"))
    }

    /// Executes the binary and waits for its first answer.
    pub(crate) fn start(&self, bench: &Bench) -> anyhow::Result<Running> {
        let mut running = self.execute(bench)?;
        bench.runtime.block_on(self.until_answered(&mut running, "/livez"))?;
        Ok(running)
    }

    /// Asks for `path` until it is answered with 200.
    pub(crate) async fn until_answered(&self, running: &mut Running, path: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            match http::page(self.address, path, &[]).await {
                Ok(_) => return Ok(()),
                Err(error) if start.elapsed() > PATIENCE => {
                    bail!("no answer from the product: {error:#}; see {}/product.log", self.folder.display())
                }
                Err(_) => tokio::time::sleep(Duration::from_micros(300)).await,
            }
            running.check()?;
        }
    }
}
