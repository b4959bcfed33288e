//! `serve`: starts the parts in order, tells where to go, stops them in the reverse order.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actions::health::{Health, Loop};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Failure, Result, print};
use crate::cli::Exit;
use crate::config::{self, Config};
use crate::lock::{LockError, ServerLock};
use crate::{log, parts};

/// Requests and checks that run at a stop may take this long to end (F-03).
const GRACE: Duration = Duration::from_secs(20);
/// Of operators and what scrapes metrics.
const ADMIN_CONNECTIONS: usize = 64;

pub(super) async fn run(config: Config, warnings: Vec<String>) -> Result {
    log::start(&config.log);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let lock = match config.database.url.sqlite_path() {
        Some(path) => Some(ServerLock::take(path).map_err(refused)?),
        None => None,
    };
    let db = parts::database(&config).await?;
    db.migrate().await?;
    let ctx = parts::context(&config, db.clone())?;
    if lock.is_some() {
        // The lock proves that nobody else runs the checks that an earlier process had claimed.
        actions::checks::take_over(&ctx).await?;
    }
    let egress = parts::egress(&config)?;
    let state = parts::state(&config, ctx.clone(), egress.clone());
    let mailer = parts::mailer(&config)?;
    let listener = listen("server.listen", config.server.listen).await?;
    let admin = match config.server.admin_listen {
        Some(address) => Some(listen("server.admin_listen", address).await?),
        None => None,
    };

    let health = ctx.signals.health();
    let stop = stop_signal(health.clone())?;
    // From here on they are expected to turn.
    health.turned(Loop::Scheduler, ctx.now());
    health.turned(Loop::Notifier, ctx.now());
    let tasks = TaskTracker::new();
    let pages = tokio::spawn(state.pages.clone().follow(ctx.signals.changed_pages()));
    tasks.spawn(checker::run(ctx.clone(), egress, parts::checker(&config), stop.clone()));
    tasks.spawn(notifier::run(ctx.clone(), mailer, stop.clone()));
    if let Some(listener) = admin {
        let limits = web::listen::Limits { connections: ADMIN_CONNECTIONS, ..web::listen::Limits::default() };
        let (app, stop) = (web::admin(state.clone()), stop.clone());
        tasks.spawn(async move { web::listen::serve(listener, app, limits, stop.cancelled()).await });
    }
    tasks.close();
    greet(&config)?;
    let limits = web::listen::Limits {
        connections: usize::try_from(config.server.connections).unwrap_or(usize::MAX),
        trusted_proxies: config.server.trusted_proxies.clone(),
        drain: GRACE,
        ..web::listen::Limits::default()
    };
    web::listen::serve(listener, web::app(state).router, limits, stop.cancelled()).await;
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::warn!(
            "checks or mails were still on their way when the time to stop was over; they are due again"
        );
    }
    pages.abort();
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "stands at the end of `map_err`")]
fn refused(error: LockError) -> Failure {
    let exit = match &error {
        LockError::Taken(_) => Exit::TryAgain,
        LockError::Io { source, .. } if config::is_misplaced(source) => Exit::Config,
        LockError::Io { .. } => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}

async fn listen(option: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| not_listening(option, address, &error))
}

/// Another program may end; an address that is not ours, or a port that we may not have, stays as it is.
fn not_listening(option: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let (exit, advice) = match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            (Exit::Config, format!("write an address of this machine as {option}"))
        }
        io::ErrorKind::PermissionDenied => (
            Exit::Config,
            format!("write a port from 1024 on as {option}, or let this program use lower ones"),
        ),
        _ => (Exit::Unavailable, format!("stop the other program, or write another {option}")),
    };
    Failure::new(exit, format!("{address} cannot be listened on ({error}): {advice}."))
}

/// Cancelled by SIGTERM or Ctrl-C, after `health` says so.
fn stop_signal(health: Health) -> Result<CancellationToken> {
    let failed =
        |error: std::io::Error| Failure::new(Exit::Failed, format!("signals cannot be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
        health.drain();
        cancel.cancel();
    });
    Ok(token)
}

fn greet(config: &Config) -> Result {
    let url = config.public_url.as_str();
    let mail = match &config.mail.url {
        Some(_) => String::new(),
        None => format!(
            "  Mail:        no mail server is set; mails are written to {}\n",
            config.mail_dir().display()
        ),
    };
    print(&format!(
        "Indie Status Page {version} is running.\n\n  \
         Sign up:     {url}/signup\n  \
         Listens on:  {listen}\n  \
         Database:    {database}\n{mail}\n\
         Stop it with Ctrl-C. All options: config.example.toml\n",
        version = env!("CARGO_PKG_VERSION"),
        listen = config.server.listen,
        database = config.database.url,
    ))
}
