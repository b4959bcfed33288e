//! The five ways to run a statement. The SQL is a literal with `$1` placeholders, the same text for both databases;
//! house rules in CONTRIBUTING.md. Each takes `&mut Conn` (or `&mut Tx`), the literal, and the values in order.

/// Runs `$body` once per driver with `$c` bound to that driver's connection.
macro_rules! on_driver {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn.driver() {
            $crate::Driver::Sqlite($c) => $body,
            $crate::Driver::Postgres($c) => $body,
        }
    };
}

/// Runs a statement; gives the number of rows it changed.
macro_rules! execute {
    ($conn:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        on_driver!($conn, c => sqlx::query($sql)$(.bind($value))*.execute(c).await.map(|done| done.rows_affected()))
            .map_err($crate::Error::from)
    };
}

/// One row as a `FromRow` type; no row is an error.
macro_rules! fetch_one {
    ($conn:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        on_driver!($conn, c => sqlx::query_as($sql)$(.bind($value))*.fetch_one(c).await).map_err($crate::Error::from)
    };
}

/// One row as a `FromRow` type, or `None`.
macro_rules! fetch_optional {
    ($conn:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        on_driver!($conn, c => sqlx::query_as($sql)$(.bind($value))*.fetch_optional(c).await)
            .map_err($crate::Error::from)
    };
}

/// All rows as a `FromRow` type.
macro_rules! fetch_all {
    ($conn:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        on_driver!($conn, c => sqlx::query_as($sql)$(.bind($value))*.fetch_all(c).await).map_err($crate::Error::from)
    };
}

/// The first column of the only row.
macro_rules! fetch_scalar {
    ($conn:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        on_driver!($conn, c => sqlx::query_scalar($sql)$(.bind($value))*.fetch_one(c).await)
            .map_err($crate::Error::from)
    };
}

/// For statements that must differ, only in `dialect.rs`: the SQLite text, then the PostgreSQL text.
macro_rules! fetch_all_per_driver {
    ($conn:expr, $sqlite:literal, $postgres:literal $(, $value:expr)* $(,)?) => {
        match $conn.driver() {
            $crate::Driver::Sqlite(c) => sqlx::query_as($sqlite)$(.bind($value))*.fetch_all(c).await,
            $crate::Driver::Postgres(c) => sqlx::query_as($postgres)$(.bind($value))*.fetch_all(c).await,
        }
        .map_err($crate::Error::from)
    };
}

/// Like [`fetch_all_per_driver`] for statements that give no rows; gives the number of rows changed.
macro_rules! execute_per_driver {
    ($conn:expr, $sqlite:literal, $postgres:literal $(, $value:expr)* $(,)?) => {
        match $conn.driver() {
            $crate::Driver::Sqlite(c) => {
                sqlx::query($sqlite)$(.bind($value))*.execute(c).await.map(|done| done.rows_affected())
            }
            $crate::Driver::Postgres(c) => {
                sqlx::query($postgres)$(.bind($value))*.execute(c).await.map(|done| done.rows_affected())
            }
        }
        .map_err($crate::Error::from)
    };
}
