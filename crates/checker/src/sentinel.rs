//! Watches our own network: while none of the anchors answers, failures of targets outside say nothing (F-13). It speaks
//! up only once an anchor has answered within the last week: an installation that never reaches the world outside still
//! sees the outages of its own network.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actions::Context;
use domain::time::{DAY_MS, Timestamp};
use egress::anchor_answers;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Between two looks, as long as no check fails.
const EVERY: Duration = Duration::from_secs(10);
/// Between two looks that checks ask for which fail: anchors are somebody else's servers.
const PACE: Duration = Duration::from_secs(2);
/// For the connection to an anchor.
const PATIENCE: Duration = Duration::from_secs(3);
/// So long after an anchor answered, silence means that our network failed.
const ARMED_MS: i64 = 7 * DAY_MS;
/// Between two notes in the database that an anchor answered.
const NOTE_EVERY_MS: i64 = 3_600_000;

pub(crate) struct Sentinel {
    ctx: Context,
    anchors: Vec<SocketAddr>,
    seen: Mutex<Seen>,
}

/// What the looks saw.
#[derive(Default)]
struct Seen {
    /// The start of the newest look.
    looked_at: Option<Instant>,
    /// The end of the newest look at which nobody answered while the sentinel was armed.
    offline_at: Option<Instant>,
    is_offline: bool,
    /// When an anchor last answered, this process or an earlier one.
    answered_at: Option<Timestamp>,
    /// Read from the database.
    is_read: bool,
    is_warned: bool,
}

impl Sentinel {
    pub(crate) fn new(ctx: Context, anchors: Vec<SocketAddr>) -> Self {
        Self { ctx, anchors, seen: Mutex::default() }
    }

    /// Whether our network failed at some time after `since`, or fails now. Only a look that begins
    /// from now on tells: just before the failure all may have been well. Many checks that fail share a look.
    pub(crate) async fn was_offline_since(&self, since: Instant) -> bool {
        if self.anchors.is_empty() {
            return false;
        }
        let asked_at = Instant::now();
        let mut seen = self.seen.lock().await;
        // It may have come back between the failure and the next look.
        let was_offline = seen.is_offline;
        while seen.looked_at.is_none_or(|looked_at| looked_at < asked_at) {
            let early = seen.looked_at.and_then(|looked_at| PACE.checked_sub(looked_at.elapsed()));
            if let Some(early) = early {
                drop(seen);
                tokio::time::sleep(early).await;
                seen = self.seen.lock().await;
            } else {
                self.look(&mut seen).await;
            }
        }
        was_offline || seen.is_offline || seen.offline_at.is_some_and(|offline_at| offline_at >= since)
    }

    /// Whether an anchor answered.
    async fn look(&self, seen: &mut Seen) -> bool {
        if !seen.is_read {
            self.recall(seen).await;
        }
        let looked_at = Instant::now();
        let is_answered = self.is_answered().await;
        let now = self.ctx.now();
        if is_answered {
            seen.answered_at = Some(now);
        }
        let is_armed = seen.answered_at.is_some_and(|at| now.since(at) <= ARMED_MS);
        let is_offline = !is_answered && is_armed;
        if !is_answered && !is_armed && !seen.is_warned {
            seen.is_warned = true;
            tracing::warn!(
                "none of checks.anchors has answered within a week, so failures of this machine's own network cannot be \
                 told from those of what is watched: let it reach one of them, name others, or write an empty list"
            );
        }
        self.tell(seen.is_offline, is_offline);
        seen.is_offline = is_offline;
        seen.looked_at = Some(looked_at);
        if is_offline {
            seen.offline_at = Some(Instant::now());
        }
        is_answered
    }

    /// Asks all at once; the first answer is enough.
    async fn is_answered(&self) -> bool {
        let mut answers: FuturesUnordered<_> =
            self.anchors.iter().map(|anchor| anchor_answers(*anchor, PATIENCE)).collect();
        while let Some(answer) = answers.next().await {
            if answer {
                return true;
            }
        }
        false
    }

    fn tell(&self, was_offline: bool, is_offline: bool) {
        self.ctx.signals.health().set_offline(is_offline);
        match (was_offline, is_offline) {
            (false, true) => tracing::error!(
                "our own network has failed: none of checks.anchors answers; checks of public addresses that fail count \
                 as no data until one does"
            ),
            (true, false) => tracing::info!("our own network is back: an anchor answers"),
            (true, true) | (false, false) => {}
        }
    }

    /// Reads when an anchor last answered, so that a start without network is no start in a network of its own.
    async fn recall(&self, seen: &mut Seen) {
        let read = async {
            let mut conn = self.ctx.db.read().await?;
            store::engine_facts::find_anchor_answered_at(&mut conn).await
        };
        match read.await {
            Ok(noted_at) => {
                seen.is_read = true;
                seen.answered_at = seen.answered_at.max(noted_at);
            }
            // The next look tries again.
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "what anchors did is not known");
            }
        }
    }

    /// Writes down that an anchor answered, once in a while. Outside of any look: checks that fail do not wait for it.
    async fn note(&self, answered_at: Timestamp) -> store::Result<()> {
        let mut tx = self.ctx.db.write().await?;
        store::engine_facts::upsert_anchor_answered_at(&mut tx, answered_at).await?;
        tx.commit().await
    }
}

/// Looks until `stop`.
pub(crate) async fn run(sentinel: Arc<Sentinel>, stop: CancellationToken) {
    if sentinel.anchors.is_empty() {
        return;
    }
    let looks = async {
        let mut noted_at: Option<Timestamp> = None;
        loop {
            let mut seen = sentinel.seen.lock().await;
            let is_answered = sentinel.look(&mut seen).await;
            drop(seen);
            let answered_at = is_answered.then(|| sentinel.ctx.now());
            let is_noted = |at: Timestamp| {
                noted_at.is_some_and(|noted_at| (0..NOTE_EVERY_MS).contains(&at.since(noted_at)))
            };
            if let Some(at) = answered_at.filter(|at| !is_noted(*at)) {
                match sentinel.note(at).await {
                    Ok(()) => noted_at = Some(at),
                    // The next look tries again.
                    Err(error) => {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "an answer could not be noted"
                        );
                    }
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    let _ = stop.run_until_cancelled(looks).await;
}
