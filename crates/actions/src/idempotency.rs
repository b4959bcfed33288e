//! Keys that make a repeated request answer like the first one instead of acting twice (`ux.md` 1.6).

use domain::time::{DAY_MS, Timestamp};

use crate::{Context, Result};

/// How long an answer is kept.
pub const KEPT_MS: i64 = DAY_MS;
/// A request that has not come to an end by then counts as dead, and its key can be taken over.
const STUCK_MS: i64 = 60_000;

/// What to do with a request that carries a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first one: carry it out, then [`keep`] its answer or [`release`] the key.
    Run(Claim),
    /// It was carried out before; this was the answer.
    Replay { status: u16, headers: String, body: String },
    /// The key was used for another request.
    Mismatch,
    /// The first request with this key still runs.
    Running,
}

/// The right to carry out the request of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    scope: Vec<u8>,
    key: String,
    claimed_at: Timestamp,
}

/// Claims `key` for a request. `scope`: hash of whoever sends it; `fingerprint`: hash of all that it says.
pub async fn begin(ctx: &Context, scope: &[u8], key: &str, fingerprint: &[u8]) -> Result<Begun> {
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let (expired, stuck) = (now.plus_ms(-KEPT_MS), now.plus_ms(-STUCK_MS));
    let is_ours = store::idempotency::claim(&mut tx, scope, key, fingerprint, now, expired, stuck).await?;
    let found = store::idempotency::find(&mut tx, scope, key).await?;
    tx.commit().await?;
    if is_ours {
        return Ok(Begun::Run(Claim { scope: scope.to_vec(), key: key.to_owned(), claimed_at: now }));
    }
    Ok(match found {
        Some(kept) if kept.fingerprint != fingerprint => Begun::Mismatch,
        Some(kept) => match (kept.status.and_then(|status| u16::try_from(status).ok()), kept.body) {
            (Some(status), Some(body)) => {
                Begun::Replay { status, headers: kept.headers.unwrap_or_default(), body }
            }
            _ => Begun::Running,
        },
        // It was given back between the two statements.
        None => Begun::Running,
    })
}

/// Keeps the answer of the request that was carried out.
pub async fn keep(ctx: &Context, claim: &Claim, status: u16, headers: &str, body: &str) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    let status = i32::from(status);
    store::idempotency::settle(&mut tx, &claim.scope, &claim.key, claim.claimed_at, status, headers, body)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Gives the key back: the request was refused and changed nothing.
pub async fn release(ctx: &Context, claim: &Claim) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    store::idempotency::release(&mut tx, &claim.scope, &claim.key, claim.claimed_at).await?;
    tx.commit().await?;
    Ok(())
}
