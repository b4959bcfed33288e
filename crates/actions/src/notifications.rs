//! Puts messages into the outbox, inside the transaction of their cause.

use domain::id::{DeliveryId, OrgId};
use domain::notification::Message;
use domain::time::Timestamp;
use store::Tx;
use store::outbox::NewDelivery;

use crate::{Context, Error, Result};

/// Queues `message` to `recipient`. `dedup_key` makes it once-only; the caller wakes the notifier after its commit
/// with `ctx.signals.outbox_filled()`.
pub(crate) async fn enqueue(
    ctx: &Context,
    tx: &mut Tx,
    organization: Option<OrgId>,
    dedup_key: &str,
    recipient: &str,
    message: &Message,
    now: Timestamp,
) -> Result<()> {
    let payload =
        serde_json::to_string(message).map_err(|_| Error::Internal("a message could not be written"))?;
    let delivery = NewDelivery {
        id: DeliveryId::new(ctx.uuid(now)),
        organization_id: organization,
        dedup_key,
        recipient,
        payload: &payload,
    };
    store::outbox::insert(tx, &delivery, now).await?;
    Ok(())
}
