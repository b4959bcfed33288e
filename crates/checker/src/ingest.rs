//! Records reports, many in one transaction. While the database is away they wait here (F-05).

use std::time::Duration;

use actions::Context;
use actions::checks;
use domain::check::CheckReport;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bus::Reports;

/// First wait after a failure; doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How long the last reports of a stopping program wait for a database that is away.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Records until the probes have ended. Sets `behind` while reports wait for the database.
pub(crate) async fn run(
    ctx: Context,
    mut reports: Reports,
    behind: watch::Sender<bool>,
    stop: CancellationToken,
) {
    while let Some(batch) = reports.batch().await {
        let began = Instant::now();
        ctx.signals.meters().reports_waiting(batch.len() + reports.waiting());
        save(&ctx, &batch, &behind, &stop).await;
        ctx.signals.meters().batch_ingested(batch.len(), began.elapsed());
        ctx.signals.meters().reports_waiting(reports.waiting());
        // Only now the next slots of these monitors are known.
        ctx.signals.schedule_changed();
    }
}

async fn save(ctx: &Context, batch: &[CheckReport], behind: &watch::Sender<bool>, stop: &CancellationToken) {
    let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let tried_at = Instant::now();
        match checks::record(ctx, batch).await {
            Ok(done) => {
                ctx.signals.meters().results_written(done.flips, done.too_late, tried_at.elapsed());
                break;
            }
            // Recording a batch twice stores it once, so that an end nobody confirmed is repeated too.
            Err(actions::Error::Store(
                store::Error::Unavailable(error) | store::Error::Unconfirmed(error),
            )) => {
                if !behind.send_replace(true) {
                    tracing::warn!(%error, checks = batch.len(), "results wait for the database");
                }
                if stop.is_cancelled() && started.elapsed() >= LAST_PATIENCE {
                    ctx.signals.meters().reports_lost(batch.len());
                    tracing::warn!(checks = batch.len(), "results are lost; the checks are run again");
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a batch of results was refused");
                save_one_by_one(ctx, batch).await;
                break;
            }
        }
    }
    if behind.send_replace(false) {
        tracing::info!("the database is back, results were recorded");
    }
}

/// One report that the database refuses must not take its neighbours along.
async fn save_one_by_one(ctx: &Context, batch: &[CheckReport]) {
    for report in batch {
        if let Err(error) = checks::record(ctx, std::slice::from_ref(report)).await {
            ctx.signals.meters().reports_lost(1);
            tracing::error!(
                monitor.id = %report.monitor_id,
                error = &error as &dyn std::error::Error,
                "a result was refused"
            );
        }
    }
}
