//! How often something may be tried (T-15). Each try is counted in a transaction of its own before the work, so
//! that a failed one counts and parallel ones do not slip through.

use domain::time::{DAY_MS, HOUR_MS, Timestamp};
use store::Tx;

use crate::secrets::token_hash;
use crate::{Context, Error, Result};

const MINUTE_MS: i64 = 60_000;

/// Who is asking, as far as limits and the list of sessions need to know.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// What limits count: the address, or the network of an IPv6 one.
    pub bucket: String,
    /// Shown in the list of sessions.
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// Sign-ups per hour from one bucket; 0: as many as they like.
    pub registers_per_hour: u32,
    /// Log-ins per hour from one bucket that did not succeed; 0: as many as they like.
    pub log_ins_per_hour: u32,
}

/// One limit on one subject.
pub(crate) struct Limit<'a> {
    action: &'static str,
    subject: &'a str,
    /// 0: no limit.
    most: u32,
    window_ms: i64,
}

const fn limit<'a>(action: &'static str, subject: &'a str, most: u32, window_ms: i64) -> Limit<'a> {
    Limit { action, subject, most, window_ms }
}

/// Log-in: 10 an hour and 20 a day per account, plus the configured number per client.
pub(crate) fn log_in<'a>(client: &'a Client, email: &'a str) -> [Limit<'a>; 3] {
    [
        limit("log_in.client", &client.bucket, client.log_ins_per_hour, HOUR_MS),
        limit("log_in.account.hour", email, 10, HOUR_MS),
        limit("log_in.account.day", email, 20, DAY_MS),
    ]
}

/// Sign-up: the configured number an hour per client, 3 a day per address.
pub(crate) fn register<'a>(client: &'a Client, email: &'a str) -> [Limit<'a>; 2] {
    [
        limit("register.client", &client.bucket, client.registers_per_hour, HOUR_MS),
        limit("register.address", email, 3, DAY_MS),
    ]
}

/// Mail that anybody can ask for: 3 an hour per address, 10 an hour per client where clients are limited at all.
pub(crate) fn mail<'a>(client: &'a Client, action: Mail, email: &'a str) -> [Limit<'a>; 2] {
    let most = if client.log_ins_per_hour == 0 { 0 } else { 10 };
    let (by_client, by_address) = match action {
        Mail::Reset => ("reset.client", "reset.address"),
        Mail::Verify => ("verify.client", "verify.address"),
    };
    [limit(by_client, &client.bucket, most, HOUR_MS), limit(by_address, email, 3, HOUR_MS)]
}

/// Which mail is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mail {
    Reset,
    Verify,
}

/// A password or code asked for again inside a session: 10 an hour, so that a found session cannot be used to guess.
pub(crate) fn confirmation(user: &str) -> [Limit<'_>; 1] {
    [limit("confirmation", user, 10, HOUR_MS)]
}

/// Mail to an address that a person wants to move to: 3 an hour.
pub(crate) fn change_email(user: &str) -> [Limit<'_>; 1] {
    [limit("change_email", user, 3, HOUR_MS)]
}

/// Invitations, first and repeated ones: 20 a day per organization.
pub(crate) fn invite(organization: &str) -> [Limit<'_>; 1] {
    [limit("invite", organization, 20, DAY_MS)]
}

/// Checks by hand, each a request to somebody's server: 6 a minute per organization, whatever the number of monitors.
pub(crate) fn check_by_hand(organization: &str) -> [Limit<'_>; 1] {
    [limit("check_by_hand", organization, 6, MINUTE_MS)]
}

/// Hosts that a new organization has not watched before: 10 a day (T-19).
pub(crate) fn new_host(organization: &str) -> [Limit<'_>; 1] {
    [limit("new_host", organization, 10, DAY_MS)]
}

/// Moves to another slug, each of which holds one for 90 days: 5 a day per organization.
pub(crate) fn slug_change(organization: &str) -> [Limit<'_>; 1] {
    [limit("slug_change", organization, 5, DAY_MS)]
}

/// New organizations, each of which takes a slug: 5 a day per person.
pub(crate) fn new_organization(user: &str) -> [Limit<'_>; 1] {
    [limit("new_organization", user, 5, DAY_MS)]
}

/// Counts a try against all `limits`; `Throttled` when it is too much for one of them.
pub(crate) async fn count(ctx: &Context, limits: &[Limit<'_>]) -> Result<()> {
    if limits.iter().all(|limit| limit.most == 0) {
        return Ok(());
    }
    let mut tx = ctx.db.write().await?;
    let counted = count_step(&mut tx, limits, ctx.now()).await;
    tx.commit().await?;
    counted
}

/// The step of [`count`] inside a transaction. When the caller gives the transaction up, the try does not count: for
/// limits on work, not on guesses.
pub(crate) async fn count_step(tx: &mut Tx, limits: &[Limit<'_>], now: Timestamp) -> Result<()> {
    let mut wait_ms = 0;
    for limit in limits.iter().filter(|limit| limit.most > 0) {
        let subject = token_hash(limit.subject);
        let count = store::throttles::count(tx, limit.action, &subject, limit.window_ms, now).await?;
        if i64::from(count.used) > i64::from(limit.most) {
            wait_ms = wait_ms.max(count.window_started_at.plus_ms(limit.window_ms).since(now));
        }
    }
    if wait_ms > 0 {
        return Err(Error::Throttled { retry_after_s: (wait_ms + 999) / 1000 });
    }
    Ok(())
}

/// The try succeeded and was no guess: it does not count.
pub(crate) async fn give_back(tx: &mut Tx, limits: &[Limit<'_>]) -> Result<()> {
    for limit in limits.iter().filter(|limit| limit.most > 0) {
        store::throttles::give_back(tx, limit.action, &token_hash(limit.subject)).await?;
    }
    Ok(())
}

/// The person proved to be the one whose account others guessed at: log-in is open again at once (X9).
pub(crate) async fn forget_log_ins(tx: &mut Tx, email: &str) -> Result<()> {
    for action in ["log_in.account.hour", "log_in.account.day"] {
        store::throttles::forget(tx, action, &token_hash(email)).await?;
    }
    Ok(())
}
