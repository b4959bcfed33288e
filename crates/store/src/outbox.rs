//! The outbox: messages on their way out, and afterwards the log of what was sent.

use domain::id::{DeliveryId, OrgId};
use domain::notification::Delivery;
use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result, Tx};

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

/// Takes up to `limit` messages that are due, at most `per_organization` of each organization, those that waited
/// longest first. A claim is a lease: what is not settled by `lease_until` is due again, and is then sent a second
/// time at the worst (F-02).
pub async fn claim(
    tx: &mut Tx,
    now: Timestamp,
    lease_until: Timestamp,
    per_organization: i64,
    limit: i64,
) -> Result<Vec<Delivery>> {
    fetch_all!(
        tx,
        "UPDATE outbox SET claimed_until = $2
          WHERE id IN (SELECT id
                         FROM (SELECT id, next_attempt_at,
                                      ROW_NUMBER() OVER (PARTITION BY organization_id
                                                         ORDER BY next_attempt_at, id) AS place
                                 FROM outbox
                                WHERE state = 'queued' AND next_attempt_at <= $1 AND claimed_until <= $1) due
                        WHERE place <= $3
                        ORDER BY place, next_attempt_at, id LIMIT $4)
            AND state = 'queued' AND claimed_until <= $1
        RETURNING id, organization_id, recipient, payload, attempts, created_at",
        now,
        lease_until,
        per_organization,
        limit
    )
}

/// The message has left. Its text is emptied, so that no link with a secret stays behind (T-22).
pub async fn settle_sent(tx: &mut Tx, id: DeliveryId, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE outbox SET state = 'sent', payload = '', attempts = attempts + 1, last_error = NULL, settled_at = $2
          WHERE id = $1 AND state = 'queued'",
        id,
        now
    )?;
    Ok(changed > 0)
}

/// This try failed; the next one is at `next_attempt_at`. `error` is one of a few words, never a server's text.
pub async fn settle_retry(
    tx: &mut Tx,
    id: DeliveryId,
    error: &str,
    next_attempt_at: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE outbox SET attempts = attempts + 1, last_error = $2, next_attempt_at = $3, claimed_until = 0
          WHERE id = $1 AND state = 'queued'",
        id,
        error,
        next_attempt_at
    )?;
    Ok(changed > 0)
}

/// The message will not be sent.
pub async fn settle_failed(tx: &mut Tx, id: DeliveryId, error: &str, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE outbox SET state = 'failed', payload = '', attempts = attempts + 1, last_error = $2, settled_at = $3
          WHERE id = $1 AND state = 'queued'",
        id,
        error,
        now
    )?;
    Ok(changed > 0)
}

/// What waits for this recipient, with the key that names its cause.
pub async fn list_queued_to(
    conn: &mut Conn,
    scope: OrgScope,
    recipient: &str,
) -> Result<Vec<(DeliveryId, String)>> {
    fetch_all!(
        conn,
        "SELECT id, dedup_key FROM outbox
          WHERE organization_id = $1 AND recipient = $2 AND state = 'queued' ORDER BY id",
        scope.organization_id(),
        recipient
    )
}

/// Takes back a message that has not left: its recipient does not want it any more.
pub async fn settle_suppressed(tx: &mut Tx, scope: OrgScope, id: DeliveryId, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE outbox SET state = 'suppressed', payload = '', settled_at = $3
          WHERE organization_id = $1 AND id = $2 AND state = 'queued'",
        scope.organization_id(),
        id,
        now
    )?;
    Ok(changed > 0)
}

/// Everything that waits, oldest first, whenever it is due.
pub async fn list_queued(conn: &mut Conn) -> Result<Vec<Delivery>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, recipient, payload, attempts, created_at
           FROM outbox WHERE state = 'queued' ORDER BY created_at, id"
    )
}
