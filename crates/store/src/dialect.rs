//! The statements that must differ between the databases, each with its reason.

use crate::{Conn, Result};

/// Versions of the applied migrations; the column is called differently by nobody, but the table is missing on an
/// empty database, which the two drivers report in different words.
pub(crate) async fn applied_migrations(conn: &mut Conn) -> Result<Vec<i64>> {
    let known: Vec<(i64,)> = fetch_all_per_driver!(
        conn,
        "SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'",
        "SELECT COUNT(*) FROM information_schema.tables
          WHERE table_name = '_sqlx_migrations' AND table_schema = current_schema()"
    )?;
    if known.first().is_none_or(|(count,)| *count == 0) {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64,)> =
        fetch_all!(conn, "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")?;
    Ok(rows.into_iter().map(|(version,)| version).collect())
}
