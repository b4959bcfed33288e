//! Many monitors on one running product: filled in, run for a while, and looked at from the side of the targets.

use std::time::Duration;

use anyhow::bail;
use domain::id::MonitorId;
use domain::schedule::Rhythm;
use domain::time::Timestamp;
use tempfile::TempDir;

use crate::Bench;
use crate::postgres::Postgres;
use crate::product::Product;
use crate::report::quantile;
use crate::running::{self, Running};
use crate::seed::{Place, Seed};
use crate::target::{Hit, Target, can_hang, now_ms};

pub(crate) const INTERVAL_S: i32 = 30;
const INTERVAL_MS: f64 = 30_000.0;
/// Of one organization, which has a tenth as many services.
const PER_ORGANIZATION: usize = 50;

/// Which database the product runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

impl On {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A filled database with the product that runs on it.
pub(crate) struct Fleet {
    product: Product,
    running: Option<Running>,
    monitors: Vec<(Place, MonitorId)>,
    began_ms: f64,
    // Dropped last: the product lives in them.
    _database: Option<Postgres>,
    _folder: TempDir,
}

/// What happened between two instants.
pub(crate) struct Stretch {
    hits: Vec<Hit>,
    from_ms: f64,
    to_ms: f64,
    pub(crate) cpu_seconds: f64,
}

/// How far behind their slots checks started, milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lateness {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    /// Slots in which nobody came.
    pub(crate) missed: f64,
}

impl Fleet {
    /// `size` monitors, every one due in its own slot; started. `None`: there is no such database here.
    pub(crate) fn start(bench: &Bench, target: &Target, on: On, size: usize) -> anyhow::Result<Option<Self>> {
        let database = match on {
            On::Sqlite => None,
            On::Postgres => match Postgres::create()? {
                None => return Ok(None),
                created => created,
            },
        };
        let folder = tempfile::tempdir()?;
        let product = Product::new(folder.path(), database.as_ref().map(|database| database.url.as_str()));
        let monitors = bench.runtime.block_on(fill(&product, target, size))?;
        let began_ms = now_ms();
        let running = Some(product.start(bench)?);
        Ok(Some(Self { product, running, monitors, began_ms, _database: database, _folder: folder }))
    }

    fn id(&self) -> u32 {
        self.running.as_ref().map_or(0, Running::id)
    }

    /// Lets it run and notes what came.
    pub(crate) fn watch(&mut self, target: &Target, seconds: u64) -> anyhow::Result<Stretch> {
        let (from_ms, before) = (now_ms(), running::cpu_seconds(self.id()));
        std::thread::sleep(Duration::from_secs(seconds));
        let (to_ms, cpu_seconds) = (now_ms(), running::cpu_seconds(self.id()) - before);
        if let Some(running) = &mut self.running {
            running.check()?;
        }
        let hits = target.hits(from_ms, to_ms);
        if hits.is_empty() {
            bail!("no check came within {seconds} s");
        }
        Ok(Stretch { hits, from_ms, to_ms, cpu_seconds })
    }

    /// Stops and starts the product at once; gives how long the stop took, seconds.
    pub(crate) fn restart(&mut self, bench: &Bench) -> anyhow::Result<f64> {
        let took = self.stop()?;
        self.began_ms = now_ms();
        self.running = Some(self.product.start(bench)?);
        Ok(took)
    }

    /// Gives how long it took, seconds.
    pub(crate) fn stop(&mut self) -> anyhow::Result<f64> {
        let running = self.running.take();
        running.map_or(Ok(0.0), |running| Ok(running.stop()?.as_secs_f64()))
    }

    /// When each monitor was checked first since the start, in seconds after it; `None` for those that were not.
    pub(crate) fn first_checks(&self, target: &Target) -> Vec<Option<f64>> {
        let mut first = vec![None; self.monitors.len()];
        for hit in target.hits(self.began_ms, now_ms()) {
            if let Some(slot @ None) = first.get_mut(hit.number) {
                *slot = Some((hit.at_ms - self.began_ms) / 1000.0);
            }
        }
        first
    }

    /// How far behind their slots the checks of the stretch came; only of monitors that `is_meant` holds for.
    pub(crate) fn lateness(&self, stretch: &Stretch, is_meant: impl Fn(usize) -> bool) -> Lateness {
        let mut late = Vec::new();
        let mut seen: Vec<Vec<f64>> = vec![vec![stretch.from_ms]; self.monitors.len()];
        for hit in stretch.hits.iter().filter(|hit| is_meant(hit.number)) {
            if let (Some((_, id)), Some(seen)) = (self.monitors.get(hit.number), seen.get_mut(hit.number)) {
                late.push(behind(*id, hit.at_ms));
                seen.push(hit.at_ms);
            }
        }
        let mut missed = 0.0;
        for (_, mut instants) in seen.into_iter().enumerate().filter(|(number, _)| is_meant(*number)) {
            instants.push(stretch.to_ms);
            // Up to two seconds too long is late, not missed.
            let gaps = instants.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()? - 2_000.0));
            missed += gaps.map(|gap| (gap / INTERVAL_MS).floor().max(0.0)).sum::<f64>();
        }
        Lateness { p50: quantile(&late, 0.5), p99: quantile(&late, 0.99), max: quantile(&late, 1.0), missed }
    }

    /// Of the checks of some monitors since the fleet was made, the share whose result is stored. Stop it first.
    pub(crate) fn stored_share(&self, bench: &Bench, target: &Target) -> anyhow::Result<f64> {
        let some: Vec<usize> = (0..self.monitors.len()).step_by((self.monitors.len() / 200).max(1)).collect();
        let hits = target.hits(self.began_ms, now_ms());
        let asked = hits.iter().filter(|hit| some.binary_search(&hit.number).is_ok()).count();
        let stored = bench.runtime.block_on(async {
            let ctx = self.product.context().await?;
            let mut conn = ctx.db.read().await?;
            let mut stored = 0;
            for (place, id) in some.iter().filter_map(|number| self.monitors.get(*number)) {
                stored += store::check_results::list(&mut conn, place.scope, *id, None, 10_000).await?.len();
            }
            drop(conn);
            ctx.db.close().await;
            anyhow::Ok(stored)
        })?;
        Ok(crate::report::float(stored) / crate::report::float(asked))
    }
}

impl Stretch {
    pub(crate) fn checks(&self) -> f64 {
        crate::report::float(self.hits.len())
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.to_ms - self.from_ms) / 1000.0
    }
}

/// Monitors that look at targets which always answer.
pub(crate) const fn is_healthy(number: usize) -> bool {
    !can_hang(number)
}

/// Milliseconds since the newest slot of the monitor; below zero when a check came up to a second too early.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "milliseconds of this century"
)]
fn behind(monitor: MonitorId, at_ms: f64) -> f64 {
    let at = Timestamp::from_ms(at_ms as i64);
    let slot = Rhythm::of(monitor, INTERVAL_S).next_slot(at.plus_s(-i64::from(INTERVAL_S)));
    let late = at_ms - slot.ms() as f64;
    if late > INTERVAL_MS - 1000.0 { late - INTERVAL_MS } else { late }
}

async fn fill(product: &Product, target: &Target, size: usize) -> anyhow::Result<Vec<(Place, MonitorId)>> {
    let ctx = product.context().await?;
    let mut seed = Seed::begin(&ctx).await?;
    let mut monitors = Vec::with_capacity(size);
    while monitors.len() < size {
        let place = seed.organization(&format!("fleet-{}", monitors.len())).await?;
        for position in 1..=5 {
            let service = seed.service(place, position, "Website").await?;
            for _ in 0..PER_ORGANIZATION / 5 {
                let url = target.url(monitors.len());
                let due_at = |id, now| Rhythm::of(id, INTERVAL_S).next_slot(now);
                let id = seed.monitor(place, service, INTERVAL_S, due_at, |_| url).await?;
                monitors.push((place, id));
            }
        }
    }
    seed.commit().await?;
    Ok(monitors)
}
