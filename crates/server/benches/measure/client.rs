//! Clients to compare checks with, each in a process of its own: `bare` asks and forgets, `guarded` checks through the
//! product's only door out. Neither stores anything.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use domain::check::{CheckJob, CheckStatus};
use domain::id::{MonitorId, OrgId, ServiceId};
use domain::monitor::Method;
use domain::time::Timestamp;
use egress::{Egress, EgressConfig};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::{running, target};

/// As many as the product may have under way at one target by default, times some targets.
const AT_ONCE: usize = 64;

/// Starts this program again as a client; gives its checks per CPU second.
pub(crate) fn measure(kind: &str, port: u16, seconds: u64) -> anyhow::Result<f64> {
    let program = std::env::current_exe()?;
    let arguments = ["--product", "none", "client", kind];
    let output = Command::new(program)
        .args(arguments)
        .args([port.to_string(), seconds.to_string()])
        .output()
        .context("a client cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// The client itself; prints what [`measure`] reads.
pub(crate) async fn run(kind: &str, port: u16, seconds: u64) -> anyhow::Result<f64> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let done = Arc::new(AtomicU64::new(0));
    let rules = EgressConfig { allow_cidrs: vec!["127.0.0.0/8".parse()?], ..EgressConfig::default() };
    let egress = Egress::new(rules)?;
    let mut clients = Vec::new();
    for first in 0..AT_ONCE {
        let (done, egress, kind) = (Arc::clone(&done), egress.clone(), kind.to_owned());
        clients.push(tokio::spawn(async move {
            let mut number = first;
            while Instant::now() < end {
                number = (number + AT_ONCE) % 5_000;
                let url = target::url(port, number);
                match kind.as_str() {
                    "bare" => bare(&url).await?,
                    "guarded" => guarded(&egress, url).await?,
                    other => bail!("{other} is no client"),
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }));
    }
    for client in clients {
        client.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let checks = done.load(Ordering::Relaxed) as f64;
    Ok(checks / running::cpu_seconds(std::process::id()))
}

async fn bare(url: &str) -> anyhow::Result<()> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().context("no authority")?;
    let stream = TcpStream::connect(authority.as_str()).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(uri.path()).header("host", authority.as_str()).header("connection", "close");
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    if !answer.status().is_success() {
        bail!("{url} answers {}", answer.status());
    }
    answer.into_body().collect().await?;
    Ok(())
}

async fn guarded(egress: &Egress, url: String) -> anyhow::Result<()> {
    let job = CheckJob {
        organization_id: OrgId::new(Uuid::nil()),
        service_id: ServiceId::new(Uuid::nil()),
        monitor_id: MonitorId::new(Uuid::nil()),
        slot_at: Timestamp::from_ms(0),
        url,
        method: Method::Get,
        expected_status: 200,
        timeout_ms: 10_000,
        patience_ms: 10_000,
        settings: None,
        secrets: None,
    };
    let outcome = egress.check(&job).await;
    if outcome.status != CheckStatus::Up {
        bail!("{}: {outcome:?}", job.url);
    }
    Ok(())
}
