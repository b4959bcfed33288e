//! How often something was tried in a window of time. Counts survive a restart and are shared by replicas (T-15).

use domain::time::Timestamp;

use crate::{Result, Tx};

/// The state of a counter after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Count {
    /// Tries in this window, the present one included.
    pub used: i32,
    /// The window opens with its first try and lasts its length, however often it is tried meanwhile.
    pub window_started_at: Timestamp,
}

/// Counts one try, in one statement, so that tries at the same time are all counted. `subject` is a hash: what is
/// counted cannot be read back.
pub async fn count(
    tx: &mut Tx,
    action: &str,
    subject: &[u8],
    window_ms: i64,
    now: Timestamp,
) -> Result<Count> {
    fetch_one!(
        tx,
        "INSERT INTO throttles (action, subject, window_started_at, used) VALUES ($1, $2, $3, 1)
         ON CONFLICT (action, subject) DO UPDATE SET
                used = CASE WHEN throttles.window_started_at + $4 <= excluded.window_started_at THEN 1
                            ELSE throttles.used + 1 END,
                window_started_at = CASE WHEN throttles.window_started_at + $4 <= excluded.window_started_at
                                         THEN excluded.window_started_at ELSE throttles.window_started_at END
         RETURNING used, window_started_at",
        action,
        subject,
        now,
        window_ms
    )
}

/// Takes one try back: it turned out to be none of the kind that is limited.
pub async fn give_back(tx: &mut Tx, action: &str, subject: &[u8]) -> Result<()> {
    execute!(
        tx,
        "UPDATE throttles SET used = used - 1 WHERE action = $1 AND subject = $2 AND used > 0",
        action,
        subject
    )?;
    Ok(())
}

/// Starts over: the next try is the first one.
pub async fn forget(tx: &mut Tx, action: &str, subject: &[u8]) -> Result<()> {
    execute!(tx, "DELETE FROM throttles WHERE action = $1 AND subject = $2", action, subject)?;
    Ok(())
}

/// Removes counters whose window opened before `before`; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM throttles WHERE window_started_at < $1", before)
}
