//! What the engine of checks remembers over a restart, one number per key. Of no organization.

use domain::time::Timestamp;

use crate::{Conn, Result, Tx};

/// When an anchor last answered; written once in a while, so it may lie a little back (F-13).
const ANCHOR_ANSWERED_AT: &str = "anchor_answered_at";

/// `None`: none ever did.
pub async fn find_anchor_answered_at(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let row: Option<(Timestamp,)> =
        fetch_optional!(conn, "SELECT value FROM engine_facts WHERE key = $1", ANCHOR_ANSWERED_AT)?;
    Ok(row.map(|(at,)| at))
}

pub async fn upsert_anchor_answered_at(tx: &mut Tx, at: Timestamp) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO engine_facts (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        ANCHOR_ANSWERED_AT,
        at
    )?;
    Ok(())
}
