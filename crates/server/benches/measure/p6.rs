//! P-6: from exec to the first page with 1,000 organizations, the size of the binary, and memory at rest (P-4).

use std::time::{Duration, Instant};

use crate::Bench;
use crate::product::Product;
use crate::report::median;
use crate::running;
use crate::seed::Seed;

const ORGANIZATIONS: usize = 1_000;
const PAGE: &str = "/p/org-500";

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let product = Product::new(folder.path(), None);
    bench.runtime.block_on(fill(&product))?;
    let mut starts = Vec::new();
    for _ in 0..bench.choose(10, 3) {
        let start = Instant::now();
        let mut running = product.execute(bench)?;
        bench.runtime.block_on(product.until_answered(&mut running, PAGE))?;
        starts.push(start.elapsed().as_secs_f64() * 1000.0);
        running.stop()?;
    }
    let mut running = product.execute(bench)?;
    bench.runtime.block_on(product.until_answered(&mut running, PAGE))?;
    std::thread::sleep(Duration::from_secs(bench.choose(10, 2)));
    let idle_mib = running::memory_mib(running.id());
    let before = running::cpu_seconds(running.id());
    std::thread::sleep(Duration::from_secs(bench.choose(10, 2)));
    let idle_share = (running::cpu_seconds(running.id()) - before) / bench.choose(10.0, 2.0) * 100.0;
    let stopped = running.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let size_mb = std::fs::metadata(&bench.product)?.len() as f64 / 1e6;

    bench.report.title("P-6  Start and size, 1,000 organizations");
    let fastest = starts.iter().copied().fold(f64::INFINITY, f64::min);
    let slowest = starts.iter().copied().fold(0.0, f64::max);
    bench.report.line(&format!(
        "exec → first page: median {:.0} ms of {} starts (fastest {fastest:.0}, slowest {slowest:.0}); \
         stop: {} ms; at rest {idle_share:.1} % of a core",
        median(&starts),
        starts.len(),
        stopped.as_millis()
    ));
    let start = format!("{:.0} ms", median(&starts));
    bench.report.figure("P-6 exec to first page", start, "≤ 50 ms", "150 ms");
    bench.report.figure("P-6 binary, stripped", format!("{size_mb:.1} MB"), "≤ 25 MB", "40 MB");
    bench.report.figure("P-4 memory at rest", format!("{idle_mib:.1} MiB"), "≤ 25 MiB", "40 MiB");
    Ok(())
}

async fn fill(product: &Product) -> anyhow::Result<()> {
    let ctx = product.context().await?;
    let mut seed = Seed::begin(&ctx).await?;
    for number in 0..ORGANIZATIONS {
        let place = seed.organization(&format!("org-{number}")).await?;
        seed.service(place, 1, "Website").await?;
    }
    seed.commit().await
}
