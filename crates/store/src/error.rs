//! What can go wrong in the store, named for what a caller can do about it.

use std::path::Path;

/// An error of the store. Messages never carry values of rows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique key is taken. The key is `table.column` (`table.a_b` for several), equal on both databases.
    #[error("already taken: {0}")]
    Conflict(String),
    /// A referenced row does not exist in this tenant (composite foreign keys, X15).
    #[error("a referenced row does not exist")]
    Reference,
    /// A text holds a character that PostgreSQL does not keep, such as NUL. Input is parsed before it comes here, so this
    /// is a gap in a parser; nothing was written.
    #[error("a text holds a character that the database does not take")]
    Character(#[source] sqlx::Error),
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
    /// PostgreSQL does not let this user into this database; said when the program starts.
    #[error("{0}")]
    Refused(&'static str),
    #[error("database error")]
    Database(#[source] sqlx::Error),
}

/// What every function of this crate gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Of the first connection: what the URL is to blame for is no outage that ends by itself.
    pub(crate) fn of_first_connection(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .map(std::borrow::Cow::into_owned);
        match code.as_deref().and_then(refusal) {
            Some(refusal) => Self::Refused(refusal),
            None => error.into(),
        }
    }

    /// Like [`Self::of_first_connection`], for the file of SQLite. Primary codes 8 read-only, 14 cannot open, 26 is no
    /// database.
    pub(crate) fn of_first_file(path: &Path, error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let primary = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        let problem = match primary {
            Some(8) => "cannot be changed by this program",
            Some(14) => "cannot be opened",
            Some(26) => "is a file of another kind",
            _ => return error.into(),
        };
        Self::Url(format!("{} {problem}", path.display()))
    }

    /// An error of the statement that ends a transaction.
    pub(crate) fn of_commit(error: sqlx::Error) -> Self {
        match Self::from(error) {
            Self::Unavailable(error) => Self::Unconfirmed(error),
            other => other,
        }
    }
}

/// Codes of PostgreSQL.
fn refusal(code: &str) -> Option<&'static str> {
    match code {
        "28P01" | "28000" => Some("the PostgreSQL server does not accept this user with this password"),
        "3D000" => Some("the PostgreSQL server has no database of this name"),
        "42501" => Some("the PostgreSQL server does not let this user into this database"),
        _ => None,
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
                if is_outage(&code) {
                    Self::Unavailable(error)
                } else if is_character(&code) {
                    Self::Character(error)
                } else {
                    Self::Database(error)
                }
            }
            _ => Self::Database(error),
        }
    }
}

/// SQLite primary codes 5 busy, 6 locked, 10 I/O, 13 full, 14 cannot open (extended codes keep them in the low
/// byte); PostgreSQL classes 08 connection, 28 log-in, 53 resources, 57P shutdown, 40 serialisation, 55P03 lock, 25006
/// read-only, 3D000 no such database (while the program runs: both are being changed by somebody).
fn is_outage(code: &str) -> bool {
    if let Ok(number) = code.parse::<u32>()
        && code.len() < 5
    {
        return matches!(number & 0xff, 5 | 6 | 10 | 13 | 14);
    }
    ["08", "28", "53", "57P", "40"].iter().any(|class| code.starts_with(class))
        || matches!(code, "55P03" | "25006" | "3D000")
}

/// PostgreSQL: 22021 a character that is not in the encoding, 22P05 one that a JSON value cannot give back as text.
fn is_character(code: &str) -> bool {
    matches!(code, "22021" | "22P05")
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
    fn a_wrong_log_in_or_database_is_named_and_another_failure_is_not() {
        for code in ["28P01", "28000", "3D000", "42501"] {
            assert!(refusal(code).is_some(), "{code}");
        }
        for code in ["08006", "53300", "57P03", "14", ""] {
            assert_eq!(refusal(code), None, "{code}");
        }
    }

    #[test]
    fn a_character_that_postgresql_refuses_is_neither_an_outage_nor_a_bug_of_a_statement() {
        assert!(is_character("22021") && is_character("22P05"));
        assert!(!is_character("22P02") && !is_outage("22021"));
    }

    #[test]
    fn only_an_outage_at_the_end_of_a_transaction_leaves_its_writes_in_doubt() {
        assert!(matches!(Error::of_commit(sqlx::Error::WorkerCrashed), Error::Unconfirmed(_)));
        assert!(matches!(Error::of_commit(sqlx::Error::RowNotFound), Error::Database(_)));
        assert!(matches!(Error::from(sqlx::Error::WorkerCrashed), Error::Unavailable(_)));
    }

    #[test]
    fn a_locked_or_full_database_is_an_outage_and_a_wrong_statement_is_not() {
        for code in ["5", "261", "517", "13", "08006", "28P01", "3D000", "57P01", "53300", "25006", "40001"] {
            assert!(is_outage(code), "{code}");
        }
        for code in ["1", "19", "42601", "23505", ""] {
            assert!(!is_outage(code), "{code}");
        }
    }
}
