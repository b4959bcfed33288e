//! One-time secrets that are mailed to people, and challenges of a log-in. Only hashes are stored (T-12).

use domain::id::UserId;
use domain::time::Timestamp;
use domain::user::{Token, TokenPurpose};

use crate::{Conn, Result, Tx};

pub async fn insert(tx: &mut Tx, token: &Token, token_hash: &[u8], now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO tokens (id, user_id, purpose, token_hash, address, attempts, created_at, expires_at, used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)",
        token.id,
        token.user_id,
        token.purpose,
        token_hash,
        &token.address,
        token.attempts,
        now,
        token.expires_at
    )?;
    Ok(())
}

/// A token that could still be spent at `now`; it stays unspent.
pub async fn find_alive(
    conn: &mut Conn,
    token_hash: &[u8],
    purpose: TokenPurpose,
    now: Timestamp,
) -> Result<Option<Token>> {
    fetch_optional!(
        conn,
        "SELECT id, user_id, purpose, address, attempts, expires_at FROM tokens
          WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
        token_hash,
        purpose,
        now
    )
}

/// The address that a person was asked to prove for this purpose and has not yet.
pub async fn find_pending_address(
    conn: &mut Conn,
    user: UserId,
    purpose: TokenPurpose,
    now: Timestamp,
) -> Result<Option<String>> {
    let found: Option<(String,)> = fetch_optional!(
        conn,
        "SELECT address FROM tokens
          WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
          ORDER BY created_at DESC, id DESC LIMIT 1",
        user,
        purpose,
        now
    )?;
    Ok(found.map(|(address,)| address))
}

/// Spends a token: of any number of callers exactly one gets it (T-12).
pub async fn spend(
    tx: &mut Tx,
    token_hash: &[u8],
    purpose: TokenPurpose,
    now: Timestamp,
) -> Result<Option<Token>> {
    fetch_optional!(
        tx,
        "UPDATE tokens SET used_at = $3
          WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING id, user_id, purpose, address, attempts, expires_at",
        token_hash,
        purpose,
        now
    )
}

/// Counts one try at a challenge and gives the token with that try in it, as long as it is alive.
pub async fn count_attempt(
    tx: &mut Tx,
    token_hash: &[u8],
    purpose: TokenPurpose,
    now: Timestamp,
) -> Result<Option<Token>> {
    fetch_optional!(
        tx,
        "UPDATE tokens SET attempts = attempts + 1
          WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING id, user_id, purpose, address, attempts, expires_at",
        token_hash,
        purpose,
        now
    )
}

/// Makes all unspent tokens of this person and purpose worthless.
pub async fn burn(tx: &mut Tx, user: UserId, purpose: TokenPurpose, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "UPDATE tokens SET used_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL",
        user,
        purpose,
        now
    )?;
    Ok(())
}

/// Like [`burn`], for every purpose.
pub async fn burn_all(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<()> {
    execute!(tx, "UPDATE tokens SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL", user, now)?;
    Ok(())
}

/// Removes tokens that ran out before `before`; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM tokens WHERE expires_at < $1", before)
}
