//! Subscribers: ask, confirm, leave, and what an admin does with the list (S12, X54–X58). What a visitor is answered
//! never tells whether an address is known (D1).

use domain::id::{PageId, SubscriberId};
use domain::notification::Message;
use domain::organization::Permission;
use domain::plan::{LimitReached, QuotaKind, Tier};
use domain::status_page::StatusPage;
use domain::subscriber::{CONFIRM_SECONDS, Subscriber};
use domain::text::Email;
use domain::time::{DAY_MS, HOUR_MS, Timestamp};
use store::organizations::Membership;
use store::page_view::PublicPage;
use store::subscribers::{Known, Pending};
use store::{OrgScope, Tx};

use crate::accounts::presented;
use crate::patch::Version;
use crate::secrets::{FreshSecret, token_hash};
use crate::{Checks, Context, Error, Result, gate, notifications};

/// Confirmation mails per page and hour (T-13).
const MAILS_PER_PAGE: i32 = 100;
/// Confirmation mails per address and day, over all pages (T-13).
const MAILS_PER_ADDRESS: i32 = 3;
/// Addresses of duties, not of readers (T-13).
const ROLES: [&str; 2] = ["abuse", "postmaster"];

/// Counters of nothing, written where no mail is.
const NOTHING: &[&str] = &["nothing.1", "nothing.2", "nothing.3", "nothing.4"];

/// What a visitor is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It went its way; whether a mail was sent is not told.
    Done,
    /// The tier has no room for another confirmed subscriber (X58).
    Full,
}

/// Who is asking, as far as limits need to know.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The address, or the network of an IPv6 one.
    pub bucket: String,
    /// Requests per hour from one bucket; 0: as many as they like.
    pub per_hour: u32,
}

/// Why an address gets no confirmation mail now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    Role,
    Confirmed,
    MailedToday,
    PageIsBusy { retry_after_s: i64 },
    AddressIsBusy { retry_after_s: i64 },
}

/// A visitor asks for updates of a page: mails a link to confirm, or silently does not.
pub async fn request(ctx: &Context, page: &PublicPage, email: &str, visitor: &Visitor) -> Result<Outcome> {
    let mut checks = Checks::default();
    let email = checks.take("email", Email::parse(email));
    checks.finish()?;
    // D13: a page of an unverified owner offers no subscription.
    let Some(email) = email.filter(|_| page.is_owner_verified) else { return Err(Error::NotFound) };
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let is_busy = is_busy(&mut tx, visitor, now).await?;
    if let Some(reached) = full(ctx, &mut tx, page.scope(), page.tier).await? {
        tell_owners(ctx, &mut tx, page, &reached, now).await?;
        tx.commit().await?;
        ctx.signals.outbox_filled();
        return Ok(Outcome::Full);
    }
    let may_mail = !is_busy && weigh(&mut tx, page.scope(), page.page.id, &email, now).await?.is_ok();
    if may_mail {
        mail_link(ctx, &mut tx, page.scope(), (&page.organization_slug, &page.page), &email, now).await?;
    } else {
        // As many writes as a mail takes, so that the time of the answer tells nothing (D1).
        let writes = if is_busy { NOTHING } else { NOTHING.split_at(2).0 };
        for action in writes {
            store::throttles::count(&mut tx, action, &token_hash(email.canonical()), HOUR_MS, now).await?;
        }
    }
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(Outcome::Done)
}

/// Spends the token of a confirmation mail. `Full` spends nothing: the link works again when there is room.
pub async fn confirm(ctx: &Context, page: &PublicPage, token: &str) -> Result<Outcome> {
    let hash = presented(token)?;
    let (now, scope) = (ctx.now(), page.scope());
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, scope).await?;
    let found = store::subscribers::find_by_token(&mut tx, scope, page.page.id, &hash, now).await?;
    let pending = found.ok_or(Error::InvalidToken)?;
    if let Some(reached) = full(ctx, &mut tx, scope, tier).await? {
        tell_owners(ctx, &mut tx, page, &reached, now).await?;
        tx.commit().await?;
        ctx.signals.outbox_filled();
        return Ok(Outcome::Full);
    }
    if !store::subscribers::update_confirmed(&mut tx, scope, pending.id, now).await? {
        return Err(Error::InvalidToken);
    }
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// Forgets a subscriber by the link in each of his mails; again and again with the same answer (T-14).
pub async fn unsubscribe(ctx: &Context, id: SubscriberId, token: &str) -> Result<()> {
    if !ctx.keys.is_unsubscribe_token(id, token) {
        return Err(Error::InvalidToken);
    }
    let mut tx = ctx.db.write().await?;
    if let Some(scope) = store::subscribers::find_scope(&mut tx, id).await? {
        forget(&mut tx, scope, id, ctx.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// An admin enters an address: it gets the confirmation mail, nothing else.
pub async fn add(ctx: &Context, by: &Membership, page: Option<PageId>, email: &str) -> Result<Subscriber> {
    gate::require(by, Permission::ManageSubscribers)?;
    let (now, scope) = (ctx.now(), by.scope());
    let mut checks = Checks::default();
    let email = checks.take("email", Email::parse(email));
    checks.finish()?;
    let Some(email) = email else { return Err(Error::NotFound) };
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, scope).await?;
    if let Some(reached) = full(ctx, &mut tx, scope, tier).await? {
        return Err(Error::LimitReached(reached));
    }
    if !by.is_email_verified || store::subscribers::list_verified_owners(&mut tx, scope).await?.is_empty() {
        return Err(Error::Forbidden(
            "Confirm your e-mail address first. Until you and an owner have done so, no mail goes to others.",
        ));
    }
    let page = match page {
        Some(id) => store::status_pages::find(&mut tx, scope, id).await?,
        None => store::status_pages::find_default(&mut tx, scope).await?,
    };
    let page =
        page.ok_or_else(|| Error::field("status_page_id", "not_found", "There is no such status page."))?;
    if !page.is_public {
        let message =
            "This page is not public, so the link in the mail would lead nowhere. Publish the page first.";
        return Err(Error::field("status_page_id", "not_public", message));
    }
    weigh(&mut tx, scope, page.id, &email, now).await?.map_err(refusal)?;
    mail_link(ctx, &mut tx, scope, (&by.organization.slug, &page), &email, now).await?;
    let known = store::subscribers::find_by_email(&mut tx, scope, page.id, email.canonical()).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    known.map(|known| known.subscriber).ok_or(Error::NotFound)
}

/// An admin vouches for a pending address; takes a place of the tier's limit (X67). One that is confirmed stays so.
pub async fn confirm_as_admin(ctx: &Context, by: &Membership, id: SubscriberId) -> Result<Subscriber> {
    gate::require(by, Permission::ManageSubscribers)?;
    let (now, scope) = (ctx.now(), by.scope());
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, scope).await?;
    let mut subscriber = store::subscribers::find(&mut tx, scope, id).await?.ok_or(Error::NotFound)?;
    if subscriber.is_confirmed {
        return Ok(subscriber);
    }
    if let Some(reached) = full(ctx, &mut tx, scope, tier).await? {
        return Err(Error::LimitReached(reached));
    }
    store::subscribers::update_confirmed(&mut tx, scope, id, now).await?;
    tx.commit().await?;
    subscriber.is_confirmed = true;
    subscriber.confirmed_at = Some(now);
    Ok(subscriber)
}

/// An admin takes an address off the list.
pub async fn remove(ctx: &Context, by: &Membership, id: SubscriberId, version: Version) -> Result<()> {
    gate::require(by, Permission::ManageSubscribers)?;
    let mut tx = ctx.db.write().await?;
    let found = store::subscribers::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    version.check(version_of(&found))?;
    if !forget(&mut tx, by.scope(), id, ctx.now()).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(())
}

/// A subscriber changes once: by the confirmation.
pub fn version_of(subscriber: &Subscriber) -> Timestamp {
    subscriber.confirmed_at.unwrap_or(subscriber.created_at)
}

/// With the mail that waits for him. `false` when he was gone already.
async fn forget(tx: &mut Tx, scope: OrgScope, id: SubscriberId, now: Timestamp) -> Result<bool> {
    let Some(subscriber) = store::subscribers::find(tx, scope, id).await? else { return Ok(false) };
    notifications::take_back(tx, scope, &subscriber, now).await?;
    Ok(store::subscribers::delete(tx, scope, id).await?)
}

/// Counts the request; whether there were too many from this client within the hour.
async fn is_busy(tx: &mut Tx, visitor: &Visitor, now: Timestamp) -> Result<bool> {
    if visitor.per_hour == 0 {
        return Ok(false);
    }
    let subject = token_hash(&visitor.bucket);
    let count = store::throttles::count(tx, "subscribe.client", &subject, HOUR_MS, now).await?;
    Ok(i64::from(count.used) > i64::from(visitor.per_hour))
}

async fn full(ctx: &Context, tx: &mut Tx, scope: OrgScope, tier: Tier) -> Result<Option<LimitReached>> {
    let confirmed = store::subscribers::count_confirmed(tx, scope).await?;
    Ok(ctx.policy.limits(tier).check(QuotaKind::Subscribers, confirmed).err())
}

/// Whether a mail may go to this address now; if so, it is counted. The page's counter comes first, because its row
/// keeps two requests at the same time apart.
async fn weigh(
    tx: &mut Tx,
    scope: OrgScope,
    page: PageId,
    email: &Email,
    now: Timestamp,
) -> Result<std::result::Result<(), Silence>> {
    let by_page = token_hash(&page.to_string());
    let on_page = store::throttles::count(tx, "subscribe.page", &by_page, HOUR_MS, now).await?;
    let known = store::subscribers::find_by_email(tx, scope, page, email.canonical()).await?;
    let silence = if is_role(email) {
        Some(Silence::Role)
    } else if known.as_ref().is_some_and(|known| known.subscriber.is_confirmed) {
        Some(Silence::Confirmed)
    } else if known.is_some_and(|known: Known| known.mailed_at.plus_ms(DAY_MS) > now) {
        Some(Silence::MailedToday)
    } else if on_page.used > MAILS_PER_PAGE {
        Some(Silence::PageIsBusy { retry_after_s: left(on_page.window_started_at, HOUR_MS, now) })
    } else {
        None
    };
    if let Some(silence) = silence {
        // Only mail counts, so that known addresses do not use up the page's hour.
        store::throttles::give_back(tx, "subscribe.page", &by_page).await?;
        return Ok(Err(silence));
    }
    let by_address = token_hash(email.canonical());
    let to_address = store::throttles::count(tx, "subscribe.address", &by_address, DAY_MS, now).await?;
    if to_address.used > MAILS_PER_ADDRESS {
        store::throttles::give_back(tx, "subscribe.page", &by_page).await?;
        let retry_after_s = left(to_address.window_started_at, DAY_MS, now);
        return Ok(Err(Silence::AddressIsBusy { retry_after_s }));
    }
    Ok(Ok(()))
}

const fn left(window_started_at: Timestamp, window_ms: i64, now: Timestamp) -> i64 {
    (window_started_at.plus_ms(window_ms).since(now) + 999) / 1000
}

fn is_role(email: &Email) -> bool {
    email.canonical().split_once('@').is_some_and(|(local, _)| ROLES.contains(&local))
}

/// An admin sees the list anyway and may be told.
fn refusal(silence: Silence) -> Error {
    match silence {
        Silence::Role => {
            Error::field("email", "role_address", "This is the address of a duty. Enter a person's address.")
        }
        Silence::Confirmed => Error::Conflict {
            code: "already_subscribed",
            message: "This address is subscribed already.".into(),
        },
        Silence::MailedToday => Error::Conflict {
            code: "already_asked",
            message: "This address got a link to confirm within the last 24 hours. Wait for its answer."
                .into(),
        },
        Silence::PageIsBusy { retry_after_s } | Silence::AddressIsBusy { retry_after_s } => {
            Error::Throttled { retry_after_s }
        }
    }
}

/// Adds or renews the pending row and queues the mail with its link.
async fn mail_link(
    ctx: &Context,
    tx: &mut Tx,
    scope: OrgScope,
    (organization_slug, page): (&str, &StatusPage),
    email: &Email,
    now: Timestamp,
) -> Result<()> {
    let secret = FreshSecret::new(&ctx.ids.secret());
    let pending = Pending {
        id: SubscriberId::new(ctx.uuid(now)),
        page: page.id,
        email: email.canonical(),
        token_hash: &secret.hash,
        expires_at: now.plus_s(CONFIRM_SECONDS),
    };
    store::subscribers::put_pending(tx, scope, &pending, now).await?;
    let page_link = notifications::page_link(ctx, organization_slug, &page.slug);
    let message = Message::ConfirmSubscription {
        page: page.title.clone(),
        link: format!("{page_link}/confirm/{}", secret.text),
        page_link,
    };
    let key = format!("confirm-subscription:{}", pending.id);
    let organization = Some(scope.organization_id());
    notifications::enqueue(ctx, tx, organization, &key, email.canonical(), &message, now).await
}

/// Tells the owners, once in 30 days, that somebody could not subscribe (X58).
async fn tell_owners(
    ctx: &Context,
    tx: &mut Tx,
    page: &PublicPage,
    reached: &LimitReached,
    now: Timestamp,
) -> Result<()> {
    let scope = page.scope();
    let message = Message::SubscribersFull {
        page: page.page.title.clone(),
        limit: reached.limit,
        link: format!("{}/orgs/{}/plan", ctx.policy.public_url, page.organization_slug),
    };
    for owner in store::subscribers::list_verified_owners(tx, scope).await? {
        let month = now.day().0 / 30;
        let key = format!("subscribers-full:{}:{}:{month}", scope.organization_id(), owner.id);
        let organization = Some(scope.organization_id());
        notifications::enqueue(ctx, tx, organization, &key, &owner.email, &message, now).await?;
    }
    Ok(())
}
