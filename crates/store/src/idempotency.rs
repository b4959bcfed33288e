//! Answers to requests that carried an `Idempotency-Key`, kept so that a repetition gets the same one.

use domain::time::Timestamp;

use crate::{Conn, Result, Tx};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptAnswer {
    /// Hash of the request that used the key first.
    pub fingerprint: Vec<u8>,
    /// `None`: that request still runs.
    pub status: Option<i32>,
    /// JSON object of header names and values.
    pub headers: Option<String>,
    pub body: Option<String>,
}

/// Takes a key for a request; `false` when it is taken. Rows made before `expired` count as absent, and so do
/// requests that have not come to an end since `stuck`.
pub async fn claim(
    tx: &mut Tx,
    scope: &[u8],
    key: &str,
    fingerprint: &[u8],
    now: Timestamp,
    expired: Timestamp,
    stuck: Timestamp,
) -> Result<bool> {
    let claimed = execute!(
        tx,
        "INSERT INTO idempotency_keys (scope, key, fingerprint, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = NULL, headers = NULL,
                                                body = NULL, created_at = excluded.created_at
          WHERE idempotency_keys.created_at <= $5
             OR (idempotency_keys.status IS NULL AND idempotency_keys.created_at <= $6)",
        scope,
        key,
        fingerprint,
        now,
        expired,
        stuck
    )?;
    Ok(claimed > 0)
}

pub async fn find(conn: &mut Conn, scope: &[u8], key: &str) -> Result<Option<KeptAnswer>> {
    fetch_optional!(
        conn,
        "SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE scope = $1 AND key = $2",
        scope,
        key
    )
}

/// Keeps the answer of the request that claimed the key at `claimed_at`; `false` when another one took it over.
pub async fn settle(
    tx: &mut Tx,
    scope: &[u8],
    key: &str,
    claimed_at: Timestamp,
    status: i32,
    headers: &str,
    body: &str,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
          WHERE scope = $1 AND key = $2 AND created_at = $3 AND status IS NULL",
        scope,
        key,
        claimed_at,
        status,
        headers,
        body
    )?;
    Ok(changed > 0)
}

/// Gives a key back: the request changed nothing and may be repeated.
pub async fn release(tx: &mut Tx, scope: &[u8], key: &str, claimed_at: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND created_at = $3 AND status IS NULL",
        scope,
        key,
        claimed_at
    )?;
    Ok(changed > 0)
}

/// Removes keys that were made before `before`; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM idempotency_keys WHERE created_at < $1", before)
}
