//! P-1: a warm public page of 20 services and 90 days against nginx with the same bytes in a file.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use domain::id::ServiceId;
use hyper::Method;
use serde_json::{Value, json};

use crate::product::Product;
use crate::report::{Table, median, times};
use crate::running::{self, Running};
use crate::seed::{self, Seed};
use crate::wrk::{Figures, Load, Wrk};
use crate::{Bench, http, nginx};

const SERVICES: i32 = 20;
const PAGE: &str = "/p/acme";
/// The same bytes below nginx.
const FILE: &str = "/page.html";

type Headers = &'static [(&'static str, &'static str)];
/// What is asked for, with the headers that ask for it.
const ANSWERS: [(&str, Headers); 3] = [
    ("plain", &[]),
    ("gzip", &[("accept-encoding", "gzip")]),
    // Any version: the page is made anew every five seconds, and its tag with it.
    ("304", &[("if-none-match", "*")]),
];

/// One of the two that are compared.
struct Server {
    name: &'static str,
    url: String,
    id: u32,
}

/// All runs of one kind against one server.
struct Runs {
    answer: &'static str,
    connections: usize,
    server: &'static str,
    figures: Vec<Figures>,
}

impl Runs {
    fn median(&self, of: impl Fn(&Figures) -> f64) -> f64 {
        median(&self.figures.iter().map(of).collect::<Vec<_>>())
    }
}

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let product = Product::new(folder.path(), None);
    let service = bench.runtime.block_on(fill(&product))?;
    let running = product.start(bench)?;
    let nginx_address = SocketAddr::from(([127, 0, 0, 1], testkit::free_port()));
    let nginx = bench.runtime.block_on(twin(folder.path(), product.address, nginx_address))?;

    bench.report.title("P-1  Public page, 20 services × 90 days, against nginx (one worker)");
    let page = bench.runtime.block_on(describe(&product))?;
    bench.report.line(&page);
    let servers = [
        Server { name: "product", url: format!("http://{}{PAGE}", product.address), id: running.id() },
        Server { name: "nginx", url: format!("http://{nginx_address}{FILE}"), id: nginx.id() },
    ];
    let wrk = Wrk::new(folder.path())?;
    let all = compare(bench, &wrk, &servers)?;
    tell(bench, &all);
    bench.report.line(&format!(
        "Memory after the load: product {:.1} MiB, nginx {:.1} MiB",
        running::memory_mib(running.id()),
        running::memory_mib(nginx.id())
    ));
    invalidate(bench, &wrk, &servers, &product, service)?;
    nginx.stop()?;
    running.stop()?;
    Ok(())
}

/// One organization with the page under measurement; gives one of its services.
async fn fill(product: &Product) -> anyhow::Result<ServiceId> {
    let ctx = product.context().await?;
    let mut seed = Seed::begin(&ctx).await?;
    let place = seed.organization("acme").await?;
    let mut last = None;
    for position in 1..=SERVICES {
        let group = ["Website", "Interfaces", "Data"].get(position.unsigned_abs() as usize % 3);
        let service = seed.service(place, position, group.copied().unwrap_or_default()).await?;
        // Due in a day: no check shall run beside the load.
        let due_at = |_, now: domain::time::Timestamp| now.plus_s(86_400);
        let monitor = seed.monitor(place, service, 86_400, due_at, |id| format!("http://127.0.0.1:9/{id}"));
        let monitor = monitor.await?;
        seed.history(place, service, monitor, i64::from(5 + position)).await?;
        last = Some(service);
    }
    seed.commit().await?;
    last.context("no service")
}

/// Starts nginx with the product's own bytes and headers.
async fn twin(folder: &Path, product: SocketAddr, address: SocketAddr) -> anyhow::Result<Running> {
    let plain = http::page(product, PAGE, &[]).await?;
    let packed = http::page(product, PAGE, &[("accept-encoding", "gzip")]).await?;
    let www = folder.join("www");
    fs::create_dir_all(&www)?;
    fs::write(www.join("page.html"), &plain.body)?;
    fs::write(www.join("page.html.gz"), &packed.body)?;
    let mut running = nginx::start(folder, address, &plain.headers)?;
    for _ in 0..200 {
        running.check().with_context(|| fs::read_to_string(folder.join("nginx.log")).unwrap_or_default())?;
        if let Ok(answer) = http::page(address, FILE, &[]).await {
            let gzip = http::page(address, FILE, &[("accept-encoding", "gzip")]).await?;
            if answer.body != plain.body || gzip.body != packed.body {
                bail!("nginx does not serve the product's bytes");
            }
            return Ok(running);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    bail!("nginx does not answer")
}

async fn describe(product: &Product) -> anyhow::Result<String> {
    let plain = http::page(product.address, PAGE, &[]).await?;
    let packed = http::page(product.address, PAGE, &[("accept-encoding", "gzip")]).await?;
    let best = http::page(product.address, PAGE, &[("accept-encoding", "gzip, br")]).await?;
    Ok(format!(
        "The page: {} bytes, {} with gzip, {} with brotli; {} response headers",
        plain.body.len(),
        packed.body.len(),
        best.body.len(),
        plain.headers.len()
    ))
}

/// Product and nginx by turns, the first one changing, so that what else the machine does falls on both.
fn compare(bench: &Bench, wrk: &Wrk, servers: &[Server; 2]) -> anyhow::Result<Vec<Runs>> {
    let (rounds, seconds) = bench.choose((5, 2), (1, 1));
    let mut all = Vec::new();
    for (answer, headers) in ANSWERS {
        for connections in [16, 64] {
            let load =
                |server: &Server, seconds| Load { url: server.url.clone(), connections, seconds, headers };
            let [product, nginx] = servers;
            let mut runs = [product, nginx].map(|server| Runs {
                answer,
                connections,
                server: server.name,
                figures: Vec::new(),
            });
            for server in servers {
                wrk.run(&load(server, 1), server.id, || Ok(()))?;
            }
            for round in 0..rounds {
                for turn in 0..2 {
                    let place = (round + turn) % 2;
                    if let (Some(server), Some(runs)) = (servers.get(place), runs.get_mut(place)) {
                        runs.figures.push(wrk.run(&load(server, seconds), server.id, || Ok(()))?);
                    }
                }
            }
            all.extend(runs);
        }
    }
    Ok(all)
}

fn tell(bench: &mut Bench, all: &[Runs]) {
    let mut table =
        Table::new(&["answer", "connections", "server", "req/s", "p50 ms", "p99 ms", "CPU s/1000", "errors"]);
    for runs in all {
        table.row([
            runs.answer.to_owned(),
            runs.connections.to_string(),
            runs.server.to_owned(),
            format!("{:.0}", runs.median(|one| one.per_second)),
            format!("{:.2}", runs.median(|one| one.p50_ms)),
            format!("{:.2}", runs.median(|one| one.p99_ms)),
            format!("{:.4}", runs.median(|one| one.cpu_per_1000)),
            format!("{}", runs.figures.iter().map(|one| one.errors).sum::<f64>()),
        ]);
    }
    bench.report.table(&table);
    let find = |answer: &str, connections, server: &str| {
        all.iter().find(|runs| (runs.answer, runs.connections, runs.server) == (answer, connections, server))
    };
    let ratio = |answer, connections, of: fn(&Figures) -> f64| {
        let of = |server| find(answer, connections, server).map_or(0.0, |runs| runs.median(of));
        of("product") / of("nginx")
    };
    for (answer, connections) in [("plain", 16), ("plain", 64), ("gzip", 16), ("gzip", 64)] {
        let name = |what: &str| format!("P-1 {answer}, {connections} connections: {what} to nginx");
        let per_second = ratio(answer, connections, |one| one.per_second);
        bench.report.figure(&name("req/s"), times(per_second), "≥ 0.8 ×", "0.5 ×");
        let cpu = ratio(answer, connections, |one| one.cpu_per_1000);
        bench.report.figure(&name("CPU"), times(cpu), "≤ 1.5 ×", "3 ×");
    }
    for answer in ["plain", "gzip"] {
        let p99 = times(ratio(answer, 64, |one| one.p99_ms));
        bench.report.figure(&format!("P-1 {answer}, 64 connections: p99 to nginx"), p99, "≤ 3 ×", "");
    }
    let cpu = |answer| find(answer, 16, "product").map_or(0.0, |runs| runs.median(|one| one.cpu_per_1000));
    bench.report.figure("P-1 CPU of a 304 to a 200", times(cpu("304") / cpu("plain")), "< 1 ×", "");
}

/// The second in which the page changes: one request renders, the others get the old page meanwhile.
fn invalidate(
    bench: &mut Bench,
    wrk: &Wrk,
    servers: &[Server; 2],
    product: &Product,
    service: ServiceId,
) -> anyhow::Result<()> {
    let [ours, nginx] = servers;
    let load = |server: &Server| Load { url: server.url.clone(), connections: 64, seconds: 1, headers: &[] };
    let token = bench.runtime.block_on(log_in(product))?;
    let (mut changed, mut quiet, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..bench.choose(7, 2) {
        let change = || bench.runtime.block_on(change(product, &token, service, round));
        changed.push(wrk.run(&load(ours), ours.id, change)?);
        beside.push(wrk.run(&load(nginx), nginx.id, || Ok(()))?);
        quiet.push(wrk.run(&load(ours), ours.id, || Ok(()))?);
        bench.runtime.block_on(is_shown(product, round))?;
    }
    let p99 = |runs: &[Figures]| median(&runs.iter().map(|one| one.p99_ms).collect::<Vec<_>>());
    let worst = |runs: &[Figures]| median(&runs.iter().map(|one| one.max_ms).collect::<Vec<_>>());
    bench.report.line(&format!(
        "The second in which a service is renamed, 64 connections: p99 {:.2} ms, slowest {:.1} ms; \
         another second: {:.2} and {:.1}; nginx: {:.2} and {:.1}",
        p99(&changed),
        worst(&changed),
        p99(&quiet),
        worst(&quiet),
        p99(&beside),
        worst(&beside)
    ));
    let ratio = p99(&changed) / p99(&beside);
    bench.report.figure("P-1 p99 in the second after a change, to nginx", times(ratio), "≤ 3 ×", "");
    Ok(())
}

async fn log_in(product: &Product) -> anyhow::Result<String> {
    let body = json!({ "email": seed::EMAIL, "password": seed::PASSWORD }).to_string();
    let answer = http::send(product.address, Method::POST, "/api/v1/auth/login", &[], Some(body)).await?;
    let value: Value = serde_json::from_slice(&answer.body)?;
    let token = value.get("access_token").and_then(Value::as_str).context("no token")?;
    Ok(format!("Bearer {token}"))
}

/// What a service is called in one round.
fn name(round: i32) -> String {
    format!("Renamed {round}")
}

async fn change(product: &Product, token: &str, service: ServiceId, round: i32) -> anyhow::Result<()> {
    let path = format!("/api/v1/services/{service}");
    let body = json!({ "name": name(round) }).to_string();
    let headers = [("authorization", token)];
    let answer = http::send(product.address, Method::PATCH, &path, &headers, Some(body)).await?;
    if !answer.status.is_success() {
        bail!("the service was not renamed: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}

async fn is_shown(product: &Product, round: i32) -> anyhow::Result<()> {
    let page = http::page(product.address, PAGE, &[]).await?;
    if !String::from_utf8_lossy(&page.body).contains(&name(round)) {
        bail!("the page does not show the new name");
    }
    Ok(())
}
