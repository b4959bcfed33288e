//! The outbox: messages on their way out, and afterwards the log of what was sent.

use domain::id::{DeliveryId, OrgId};
use domain::time::Timestamp;

use crate::{Result, Tx};

/// A message to queue.
#[derive(Debug)]
pub struct NewDelivery<'a> {
    pub id: DeliveryId,
    /// `None` for mail about an account.
    pub organization_id: Option<OrgId>,
    /// The same key is queued once, whatever happens (E-mail, event and recipient in one text).
    pub dedup_key: &'a str,
    pub recipient: &'a str,
    pub payload: &'a str,
}

/// Queues a message; `false` when one with this key is there already.
pub async fn insert(tx: &mut Tx, delivery: &NewDelivery<'_>, now: Timestamp) -> Result<bool> {
    let added = execute!(
        tx,
        "INSERT INTO outbox (id, organization_id, dedup_key, recipient, payload, state, attempts, next_attempt_at,
                             claimed_until, created_at)
         VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, 0, $6)
         ON CONFLICT (dedup_key) DO NOTHING",
        delivery.id,
        delivery.organization_id,
        delivery.dedup_key,
        delivery.recipient,
        delivery.payload,
        now
    )?;
    Ok(added > 0)
}
