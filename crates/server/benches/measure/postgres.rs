//! A fresh database in the cluster of `TEST_POSTGRES_URL`, gone when its value is dropped.

use std::sync::mpsc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use testkit::{Flavor, Kind, TestDatabase};
use tokio::sync::oneshot;

pub(crate) struct Postgres {
    pub(crate) url: String,
    done: Option<oneshot::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Postgres {
    /// `None`: no cluster was named.
    pub(crate) fn create() -> anyhow::Result<Option<Self>> {
        if std::env::var_os("TEST_POSTGRES_URL").is_none() {
            return Ok(None);
        }
        let (tell, told) = mpsc::channel();
        let (done, is_done) = oneshot::channel::<()>();
        let keeper = std::thread::spawn(move || {
            testkit::run(Kind::Postgres, Flavor::CurrentThread, |database: TestDatabase| async move {
                let _ = tell.send(database.url().to_owned());
                let _ = is_done.await;
            });
        });
        let url = told.recv().context("no PostgreSQL database")?;
        Ok(Some(Self { url, done: Some(done), keeper: Some(keeper) }))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}
