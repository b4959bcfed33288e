//! The devices on which a person is logged in.

use domain::id::{SessionId, UserId};
use domain::user::Session;

use crate::{Context, Error, Result};

/// A session is noted as seen at most this often, so that reading pages hardly writes.
pub const SEEN_EVERY_MS: i64 = 5 * 60_000;

/// Ends one of the caller's sessions, on whichever device.
pub async fn end_session(ctx: &Context, user: UserId, session: SessionId) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    if !store::sessions::delete(&mut tx, user, session).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(())
}

/// Ends all sessions of the caller but the present one; gives their number.
pub async fn end_other_sessions(ctx: &Context, user: UserId, present: SessionId) -> Result<u64> {
    let mut tx = ctx.db.write().await?;
    let ended = store::sessions::delete_others(&mut tx, user, present).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Notes that the session is in use, if that was not noted in the last minutes.
pub async fn touch_session(ctx: &Context, session: &Session) -> Result<()> {
    let now = ctx.now();
    if now.since(session.last_seen_at) < SEEN_EVERY_MS {
        return Ok(());
    }
    let mut tx = ctx.db.write().await?;
    store::sessions::touch(&mut tx, session.id, now).await?;
    tx.commit().await?;
    Ok(())
}
