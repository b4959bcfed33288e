//! Measures the running product against what it stands beside: nginx for pages, a bare client for checks. Started by
//! `scripts/bench`; what each figure means is in docs/performance.md. Prints ratios and never fails for a slow one.
#![expect(
    clippy::disallowed_methods,
    reason = "looks at the product from outside: own clock, own connections"
)]

mod client;
mod fleet;
mod http;
mod nginx;
mod p1;
mod p3;
mod p6;
mod postgres;
mod product;
mod report;
mod running;
mod seed;
mod target;
mod wrk;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Parser;
use report::Report;
use tokio::runtime::{Builder, Runtime};

#[derive(Parser)]
#[command(about = "Use scripts/bench, which builds what is measured and calls this.")]
struct Arguments {
    /// The binary under measurement.
    #[arg(long)]
    product: Option<PathBuf>,
    /// Where the report is written.
    #[arg(long, default_value = "target/bench.txt")]
    out: PathBuf,
    /// Short runs, to see that everything works; the figures mean little.
    #[arg(long)]
    quick: bool,
    /// Added by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
    /// p1, p3, p6; all of them when none is named.
    parts: Vec<String>,
}

/// What every part is given.
struct Bench {
    product: PathBuf,
    is_quick: bool,
    runtime: Runtime,
    report: Report,
}

impl Bench {
    /// `full`, or `short` in a quick run.
    fn choose<T>(&self, full: T, short: T) -> T {
        if self.is_quick { short } else { full }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let Some(product) = arguments.product else {
        bail!("run scripts/bench: it builds the binary that is measured and names it with --product")
    };
    if let [client, kind, port, seconds] = arguments.parts.as_slice()
        && client == "client"
    {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let figure = runtime.block_on(client::run(kind, port.parse()?, seconds.parse()?))?;
        return Ok(writeln!(std::io::stdout(), "{figure}")?);
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut bench =
        Bench { product, is_quick: arguments.quick, runtime, report: Report::new(arguments.quick) };
    let all = ["p1", "p3", "p6"].map(str::to_owned).to_vec();
    for part in if arguments.parts.is_empty() { all } else { arguments.parts } {
        match part.as_str() {
            "p1" => p1::run(&mut bench).context("P-1")?,
            "p3" => p3::run(&mut bench).context("P-3")?,
            "p6" => p6::run(&mut bench).context("P-6")?,
            other => bail!("{other} is not a part: write p1, p3 or p6"),
        }
    }
    bench.report.finish(&arguments.out)
}
