//! Secrets on their way from one sending of a form to the next: sealed, so that a page can hold them without showing
//! them, for the same person and organization and for an hour (T-22).

use domain::monitor::Secrets;
use domain::time::{HOUR_MS, Timestamp};
use store::organizations::Membership;

use crate::{Context, Error, Result};

/// Secrets as text for a hidden field. Empty: there are none.
pub fn carry(ctx: &Context, by: &Membership, secrets: &Secrets) -> Result<String> {
    if secrets.is_empty() {
        return Ok(String::new());
    }
    let plain = serde_json::to_vec(&(ctx.now().ms(), secrets))
        .map_err(|_| Error::Internal("secrets could not be written"))?;
    Ok(hex::encode(ctx.keys.seal(&place(by), &plain, &ctx.ids.secret())?))
}

/// What [`carry`] sealed; nothing when it is of somebody else, older than an hour, or none of ours.
pub fn carried(ctx: &Context, by: &Membership, text: &str) -> Secrets {
    let read = || {
        let sealed = hex::decode(text).ok()?;
        let plain = ctx.keys.open(&place(by), &sealed).ok()?;
        let (at_ms, secrets): (i64, Secrets) = serde_json::from_slice(&plain).ok()?;
        (ctx.now().since(Timestamp::from_ms(at_ms)) <= HOUR_MS).then_some(secrets)
    };
    read().unwrap_or_default()
}

fn place(by: &Membership) -> String {
    format!("monitors.carried.{}.{}", by.organization.id, by.user_id)
}
