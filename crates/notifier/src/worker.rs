//! The loop: claim what is due, deliver it, settle it. Claims are leases, so what a dead process held comes back.

use std::sync::Arc;
use std::time::Duration;

use actions::Context;
use actions::health::Loop;
use domain::notification::{Delivery, retry_after_s};
use domain::time::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::transport::{Failure, Mailer};

/// Mails on their way at once; the most that arrive twice when the process is killed (F-02).
pub const AT_ONCE: usize = 8;
/// Of these, how many one organization may take in one claim (X59).
const PER_ORGANIZATION: i64 = 4;
/// Longer than a mail can take, so that nobody else sends what is still on its way.
const LEASE_S: i64 = 180;
/// How long the loop sleeps when no hint comes (F-10).
const POLL: Duration = Duration::from_secs(5);
/// A refused mail is tried this often (F-08).
const REFUSALS: i32 = 3;
/// While the mail server is away, a mail is tried at least this often …
const OUTAGE_WAIT_S: i64 = 30 * 60;
/// … and given up this long after it was queued (F-08).
const OUTAGE_S: i64 = 72 * 3600;

/// Delivers until `stop`, then lets the mails on their way arrive.
pub async fn run(ctx: Context, mailer: Mailer, stop: CancellationToken) {
    if let Some(folder) = mailer.folder() {
        tracing::info!(folder = %folder.display(), "no mail server is set: mails are written as files");
    }
    let mailer = Arc::new(mailer);
    let mut flying = JoinSet::new();
    while !stop.is_cancelled() {
        ctx.signals.health().turned(Loop::Notifier, ctx.now());
        let claimed = claim(&ctx, AT_ONCE - flying.len()).await;
        let may_be_more = !claimed.is_empty() && flying.len() + claimed.len() < AT_ONCE;
        for delivery in claimed {
            flying.spawn(deliver(ctx.clone(), Arc::clone(&mailer), delivery));
        }
        if may_be_more {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            Some(ended) = flying.join_next() => note(&ended),
            () = ctx.signals.outbox_is_filled(), if flying.len() < AT_ONCE => {}
            // Also when nothing more can be taken: the turn is the sign of life.
            () = tokio::time::sleep(POLL) => {}
        }
    }
    while let Some(ended) = flying.join_next().await {
        note(&ended);
    }
}

/// Delivers what is due now, one after the other, and tells how many messages it took on. For tests and tools; the
/// server has [`run`].
pub async fn deliver_due(ctx: &Context, mailer: &Arc<Mailer>) -> usize {
    let mut count = 0;
    loop {
        let claimed = claim(ctx, AT_ONCE).await;
        if claimed.is_empty() {
            return count;
        }
        for delivery in claimed {
            count += 1;
            deliver(ctx.clone(), Arc::clone(mailer), delivery).await;
        }
    }
}

fn note(ended: &Result<(), tokio::task::JoinError>) {
    if ended.as_ref().is_err_and(tokio::task::JoinError::is_panic) {
        tracing::error!("a delivery ended in a panic; it is tried again when its lease has ended");
    }
}

/// Up to `free` messages; none while the database is away.
async fn claim(ctx: &Context, free: usize) -> Vec<Delivery> {
    let free = i64::try_from(free).unwrap_or(0);
    if free == 0 {
        return Vec::new();
    }
    let now = ctx.now();
    let claimed = async {
        let mut tx = ctx.db.write().await?;
        let claimed = store::outbox::claim(&mut tx, now, now.plus_s(LEASE_S), PER_ORGANIZATION, free).await?;
        tx.commit().await?;
        store::Result::Ok(claimed)
    };
    claimed.await.unwrap_or_else(|error: store::Error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "messages cannot be claimed");
        Vec::new()
    })
}

async fn deliver(ctx: Context, mailer: Arc<Mailer>, delivery: Delivery) {
    let outcome = mailer.deliver(&delivery, ctx.now()).await;
    match outcome {
        Ok(()) => tracing::debug!(delivery.id = %delivery.id, "mail sent"),
        Err(failure) => {
            tracing::warn!(
                delivery.id = %delivery.id,
                reason = failure.as_str(),
                attempts = delivery.attempts + 1,
                "mail not sent"
            );
        }
    }
    // The mail has left or not; saying so must not fail because the database is away for a moment.
    for pause_s in [1, 3, 9] {
        match settle(&ctx, &delivery, outcome).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a delivery cannot be settled");
                tokio::time::sleep(Duration::from_secs(pause_s)).await;
            }
        }
    }
}

async fn settle(ctx: &Context, delivery: &Delivery, outcome: Result<(), Failure>) -> store::Result<()> {
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    match outcome {
        Ok(()) => store::outbox::settle_sent(&mut tx, delivery.id, now).await?,
        Err(failure) => match next_try(delivery, failure, now) {
            Some(at) => store::outbox::settle_retry(&mut tx, delivery.id, failure.as_str(), at).await?,
            None => store::outbox::settle_failed(&mut tx, delivery.id, failure.as_str(), now).await?,
        },
    };
    tx.commit().await
}

/// When to try again after this failure. `None`: never.
fn next_try(delivery: &Delivery, failure: Failure, now: Timestamp) -> Option<Timestamp> {
    let attempts = delivery.attempts + 1;
    let wait_s = match failure {
        Failure::Unwritable => None,
        Failure::Refused if attempts >= REFUSALS => None,
        Failure::Refused | Failure::Deferred => retry_after_s(attempts),
        _ if now.since(delivery.created_at) >= OUTAGE_S * 1000 => None,
        _ => Some(retry_after_s(attempts).map_or(OUTAGE_WAIT_S, |wait_s| wait_s.min(OUTAGE_WAIT_S))),
    };
    wait_s.map(|wait_s| now.plus_s(wait_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::DeliveryId;
    use uuid::Uuid;

    fn waits(failure: Failure, tries: usize) -> Vec<Option<i64>> {
        let mut now = Timestamp::from_ms(0);
        let mut waits = Vec::new();
        for attempts in 0..tries {
            let delivery = Delivery {
                id: DeliveryId::new(Uuid::from_u128(1)),
                organization_id: None,
                recipient: "alice@example.org".to_owned(),
                payload: String::new(),
                attempts: i32::try_from(attempts).unwrap(),
                created_at: Timestamp::from_ms(0),
            };
            let next = next_try(&delivery, failure, now);
            waits.push(next.map(|at| at.since(now) / 1000));
            now = next.unwrap_or(now);
        }
        waits
    }

    #[test]
    fn a_refused_mail_is_given_up_at_the_third_try() {
        // F-08
        assert_eq!(waits(Failure::Refused, 3), [Some(5), Some(300), None]);
        assert_eq!(waits(Failure::Unwritable, 1), [None]);
    }

    #[test]
    fn a_deferred_mail_is_tried_eight_times() {
        // X59
        let waits = waits(Failure::Deferred, 8);
        assert_eq!(waits.iter().filter(|wait| wait.is_some()).count(), 7);
        assert_eq!(waits.last(), Some(&None));
    }

    #[test]
    fn mail_waits_three_days_for_the_server_and_is_tried_every_half_hour() {
        // F-08
        for failure in [Failure::Unreachable, Failure::TimedOut, Failure::Handshake, Failure::Folder] {
            let waits = waits(failure, 150);
            assert!(waits.iter().flatten().all(|wait| *wait <= OUTAGE_WAIT_S));
            assert!(waits.iter().flatten().sum::<i64>() >= OUTAGE_S);
            assert_eq!(waits.iter().filter(|wait| wait.is_some()).count(), 146, "{failure:?}");
        }
    }
}
