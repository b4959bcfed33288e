//! Puts messages into the outbox, inside the transaction of their cause.

use domain::id::{DeliveryId, OrgId};
use domain::incident::{Incident, IncidentUpdate};
use domain::notification::Message;
use domain::subscriber::Subscriber;
use domain::time::Timestamp;
use store::outbox::NewDelivery;
use store::{OrgScope, Tx};

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

/// Queues one mail per subscriber of every public page that shows the incident, once per update (X59). Nobody is
/// written to while no owner has proved an address (D13).
pub(crate) async fn fan_out(
    ctx: &Context,
    tx: &mut Tx,
    scope: OrgScope,
    incident: &Incident,
    update: &IncidentUpdate,
    now: Timestamp,
) -> Result<()> {
    for page in store::incidents::list_pages_to_tell(tx, scope, incident.id).await? {
        let services = store::incidents::list_services_on_page(tx, scope, incident.id, page.id).await?;
        let root = page_link(ctx, &page.organization_slug, &page.slug);
        for subscriber in store::subscribers::list_confirmed(tx, scope, page.id).await? {
            let message = Message::IncidentUpdate {
                page: page.title.clone(),
                incident: incident.title.clone(),
                status: update.status,
                body: update.body.clone(),
                services: services.clone(),
                posted_at: update.created_at,
                incident_id: incident.id,
                link: format!("{root}/incidents/{}", incident.id),
                unsubscribe_link: unsubscribe_link(ctx, &root, &subscriber),
            };
            let key = format!("incident-update:{}:{}", update.id, subscriber.id);
            let organization = Some(scope.organization_id());
            enqueue(ctx, tx, organization, &key, &subscriber.email, &message, now).await?;
        }
    }
    Ok(())
}

/// Takes back what waits for a subscriber who has left.
pub(crate) async fn take_back(
    tx: &mut Tx,
    scope: OrgScope,
    subscriber: &Subscriber,
    now: Timestamp,
) -> Result<()> {
    let mark = format!(":{}", subscriber.id);
    for (id, key) in store::outbox::list_queued_to(tx, scope, &subscriber.email).await? {
        if key.ends_with(&mark) {
            store::outbox::settle_suppressed(tx, scope, id, now).await?;
        }
    }
    Ok(())
}

/// Where a page is, for links in mails.
pub(crate) fn page_link(ctx: &Context, organization_slug: &str, page_slug: &str) -> String {
    format!("{}/p/{organization_slug}/{page_slug}", ctx.policy.public_url)
}

fn unsubscribe_link(ctx: &Context, root: &str, subscriber: &Subscriber) -> String {
    format!("{root}/unsubscribe/{}.{}", subscriber.id, ctx.keys.unsubscribe_token(subscriber.id))
}
