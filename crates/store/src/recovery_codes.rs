//! Recovery codes: stand-ins for the second factor, each good for one log-in. Only hashes are stored.

use domain::id::UserId;
use domain::time::Timestamp;

use crate::{Conn, Result, Tx};

pub async fn insert(tx: &mut Tx, user: UserId, code_hash: &[u8]) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO recovery_codes (user_id, code_hash, used_at) VALUES ($1, $2, NULL)",
        user,
        code_hash
    )?;
    Ok(())
}

/// Spends a code: of any number of callers exactly one gets `true`.
pub async fn spend(tx: &mut Tx, user: UserId, code_hash: &[u8], now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
        user,
        code_hash,
        now
    )?;
    Ok(changed > 0)
}

/// Codes that still work.
pub async fn count(conn: &mut Conn, user: UserId) -> Result<i64> {
    fetch_scalar!(conn, "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL", user)
}

pub async fn delete_all(tx: &mut Tx, user: UserId) -> Result<()> {
    execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1", user)?;
    Ok(())
}
