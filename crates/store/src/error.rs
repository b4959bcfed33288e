//! What can go wrong in the store, named for what a caller can do about it.

/// An error of the store. Messages never carry values of rows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique key is taken. The key is `table.column` (`table.a_b` for several), equal on both databases.
    #[error("already taken: {0}")]
    Conflict(String),
    /// A referenced row does not exist in this tenant (composite foreign keys, X15).
    #[error("a referenced row does not exist")]
    Reference,
    /// The database cannot be reached, is locked for too long, shutting down or full: try again later.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The database went away while a transaction ended: nobody knows whether its writes are stored. Every other
    /// error rolls back.
    #[error("the database did not confirm the end of a transaction")]
    Unconfirmed(#[source] sqlx::Error),
    /// The schema is of a newer version than this program.
    #[error(
        "the database was written by a newer version of this program; start that version or restore a backup"
    )]
    NewerSchema,
    #[error("migration failed")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The URL of the database cannot be used.
    #[error("{0}")]
    Url(String),
    #[error("database error")]
    Database(#[source] sqlx::Error),
}

/// What every function of this crate gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the statement that ends a transaction.
    pub(crate) fn of_commit(error: sqlx::Error) -> Self {
        match Self::from(error) {
            Self::Unavailable(error) => Self::Unconfirmed(error),
            other => other,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(inner) => {
                if inner.is_unique_violation() {
                    return Self::Conflict(conflict_key(inner.constraint(), inner.message()));
                }
                if inner.is_foreign_key_violation() {
                    return Self::Reference;
                }
                let code = inner.code().unwrap_or_default();
                if is_outage(&code) { Self::Unavailable(error) } else { Self::Database(error) }
            }
            _ => Self::Database(error),
        }
    }
}

/// SQLite primary codes 5 busy, 6 locked, 10 I/O, 13 full, 14 cannot open (extended codes keep them in the low
/// byte); PostgreSQL classes 08 connection, 53 resources, 57P shutdown, 40 serialisation, 55P03 lock, 25006 read-only.
fn is_outage(code: &str) -> bool {
    if let Ok(number) = code.parse::<u32>()
        && code.len() < 5
    {
        return matches!(number & 0xff, 5 | 6 | 10 | 13 | 14);
    }
    ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class)) || matches!(code, "55P03" | "25006")
}

/// PostgreSQL names the constraint (`organizations_slug_key`), SQLite only lists the columns in the message
/// (`UNIQUE constraint failed: organizations.slug`). Both become `organizations.slug`; two columns become
/// `services.organization_id_slug`.
fn conflict_key(constraint: Option<&str>, message: &str) -> String {
    if let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") {
        let mut parts = columns.split(", ").filter_map(|part| part.split_once('.'));
        if let Some((table, first)) = parts.next() {
            let rest: Vec<&str> = parts.map(|(_, column)| column).collect();
            return format!("{table}.{}", [&[first], rest.as_slice()].concat().join("_"));
        }
    }
    let name = constraint.unwrap_or_default();
    let Some(stem) = name.strip_suffix("_key").or_else(|| name.strip_suffix("_pkey")) else {
        return name.to_owned();
    };
    let table =
        crate::TABLES.iter().filter(|table| stem.starts_with(**table)).max_by_key(|table| table.len());
    match table {
        Some(table) => format!("{table}.{}", stem.trim_start_matches(table).trim_start_matches('_')),
        None => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_name_a_conflict_alike() {
        let sqlite = conflict_key(None, "UNIQUE constraint failed: organizations.slug");
        assert_eq!(sqlite, "organizations.slug");
        assert_eq!(conflict_key(Some("organizations_slug_key"), "duplicate key value"), sqlite);
        let sqlite = conflict_key(None, "UNIQUE constraint failed: services.organization_id, services.slug");
        assert_eq!(sqlite, "services.organization_id_slug");
        assert_eq!(conflict_key(Some("services_organization_id_slug_key"), ""), sqlite);
    }

    #[test]
    fn only_an_outage_at_the_end_of_a_transaction_leaves_its_writes_in_doubt() {
        assert!(matches!(Error::of_commit(sqlx::Error::WorkerCrashed), Error::Unconfirmed(_)));
        assert!(matches!(Error::of_commit(sqlx::Error::RowNotFound), Error::Database(_)));
        assert!(matches!(Error::from(sqlx::Error::WorkerCrashed), Error::Unavailable(_)));
    }

    #[test]
    fn a_locked_or_full_database_is_an_outage_and_a_wrong_statement_is_not() {
        for code in ["5", "261", "517", "13", "08006", "57P01", "53300", "25006", "40001"] {
            assert!(is_outage(code), "{code}");
        }
        for code in ["1", "19", "42601", "23505", ""] {
            assert!(!is_outage(code), "{code}");
        }
    }
}
