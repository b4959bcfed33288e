//! What an organization says on all of its pages, one row per key. Which keys there are is decided by `actions`.

use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result, Tx};

/// One setting. An absent row is a setting that was never made or was emptied.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SiteSetting {
    pub key: String,
    pub value: String,
    pub updated_at: Timestamp,
}

pub async fn list(conn: &mut Conn, scope: OrgScope) -> Result<Vec<SiteSetting>> {
    fetch_all!(
        conn,
        "SELECT key, value, updated_at FROM site_settings WHERE organization_id = $1 ORDER BY key",
        scope.organization_id()
    )
}

/// Sets a key, whether it was there or not.
pub async fn upsert(tx: &mut Tx, scope: OrgScope, key: &str, value: &str, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO site_settings (organization_id, key, value, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (organization_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        scope.organization_id(),
        key,
        value,
        now
    )?;
    Ok(())
}

/// Empties a key; `false` when it was empty.
pub async fn delete(tx: &mut Tx, scope: OrgScope, key: &str) -> Result<bool> {
    let changed = execute!(
        tx,
        "DELETE FROM site_settings WHERE organization_id = $1 AND key = $2",
        scope.organization_id(),
        key
    )?;
    Ok(changed > 0)
}
