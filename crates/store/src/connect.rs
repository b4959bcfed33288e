//! Connections and transactions. The two drivers meet here and in the macros, nowhere else.

use std::fs::DirBuilder;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use crate::{Error, Result};

/// How long a caller waits for a connection or a lock before the database counts as away (F-04, F-05).
const PATIENCE: Duration = Duration::from_secs(5);

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations/postgres");

/// Which of the two databases is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// As the folder of its migrations is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

#[derive(Clone)]
enum Pools {
    /// SQLite has one writer; readers see the last commit beside it (WAL).
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
        path: PathBuf,
    },
    Postgres(PgPool),
}

/// A database, cheap to clone.
#[derive(Clone)]
pub struct Database(Pools);

/// A connection for reading. Statements outside a [`Tx`] each see the newest commit.
pub struct Conn(Inner);

enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteTx(Transaction<'static, Sqlite>),
    PostgresTx(Transaction<'static, Postgres>),
}

pub(crate) enum Driver<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A transaction. Rolls back when dropped without [`Tx::commit`].
pub struct Tx(Conn);

/// The state of the schema, for `migrate status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    pub version: i64,
    pub description: String,
    pub is_applied: bool,
}

impl Database {
    /// Opens `sqlite://path` (created when absent, with a folder of its own user) or `postgres://…`. Does not migrate.
    /// `connections` bounds the readers of SQLite and all connections of PostgreSQL.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url).map_err(|_| {
                Error::Url(
                    "the PostgreSQL URL cannot be read; write postgres://user:password@host:5432/name".into(),
                )
            })?;
            let pool = pool_options(connections).connect_lazy_with(options);
            drop(pool.acquire().await.map_err(Error::of_first_connection)?);
            return Ok(Self(Pools::Postgres(pool)));
        }
        let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) else {
            return Err(Error::Url("the database URL must start with sqlite:// or postgres://".into()));
        };
        Self::open_sqlite(Path::new(path), connections).await
    }

    async fn open_sqlite(path: &Path, connections: u32) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
                Error::Url(format!("the folder {} cannot be created: {error}", folder.display()))
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: an acknowledged write survives a power cut, not only a crash of the program (F-01).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            .optimize_on_close(false, None);
        // Each check changes the row of its monitor: with room for many of them, pages are read once and written to
        // the database file once for many changes. It is taken only as far as the database is large.
        let writer = options.clone().pragma("cache_size", "-16384").pragma("wal_autocheckpoint", "4000");
        // Each small statement of a large transaction keeps what it may have to undo; that needs no file.
        let writer = writer.pragma("temp_store", "MEMORY");
        let write =
            pool_options(1).connect_with(writer).await.map_err(|error| Error::of_first_file(path, error))?;
        let read =
            pool_options(connections).connect_with(options.read_only(true).create_if_missing(false)).await?;
        Ok(Self(Pools::Sqlite { read, write, path: path.to_owned() }))
    }

    /// Brings the schema up to date. Several processes may call this at once; one of them does the work (F-12).
    pub async fn migrate(&self) -> Result<()> {
        let done = match &self.0 {
            Pools::Sqlite { write, .. } => SQLITE_MIGRATIONS.run(write).await,
            Pools::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await,
        };
        done.map_err(|error| match error {
            sqlx::migrate::MigrateError::VersionMissing(_) => Error::NewerSchema,
            other => Error::Migration(other),
        })
    }

    /// Every migration this program knows, with whether the database has it.
    pub async fn migrations(&self) -> Result<Vec<MigrationStatus>> {
        let migrator = match self.kind() {
            Kind::Sqlite => &SQLITE_MIGRATIONS,
            Kind::Postgres => &POSTGRES_MIGRATIONS,
        };
        let applied = crate::dialect::applied_migrations(&mut self.read().await?).await?;
        Ok(migrator
            .iter()
            .map(|migration| MigrationStatus {
                version: migration.version,
                description: migration.description.to_string(),
                is_applied: applied.contains(&migration.version),
            })
            .collect())
    }

    /// Whether the database answers and has every migration of this program.
    pub async fn is_ready(&self) -> Result<bool> {
        Ok(self.migrations().await?.iter().all(|migration| migration.is_applied))
    }

    pub fn kind(&self) -> Kind {
        match &self.0 {
            Pools::Sqlite { .. } => Kind::Sqlite,
            Pools::Postgres(_) => Kind::Postgres,
        }
    }

    /// The file of an SQLite database; `None` for PostgreSQL.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Pools::Sqlite { path, .. } => Some(path),
            Pools::Postgres(_) => None,
        }
    }

    /// A connection for reading; waits at most five seconds for a free one.
    pub async fn read(&self) -> Result<Conn> {
        Ok(Conn(match &self.0 {
            Pools::Sqlite { read, .. } => Inner::Sqlite(read.acquire().await?),
            Pools::Postgres(pool) => Inner::Postgres(pool.acquire().await?),
        }))
    }

    /// A transaction that writes. On SQLite it holds the write lock from the start, so what it reads stays true.
    /// Do not wait for the network while it is open.
    pub async fn write(&self) -> Result<Tx> {
        Ok(Tx(Conn(match &self.0 {
            Pools::Sqlite { write, .. } => Inner::SqliteTx(write.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Inner::PostgresTx(pool.begin().await?),
        })))
    }

    /// Closes all connections; SQLite folds its log back into the file.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

fn pool_options<D: sqlx::Database>(connections: u32) -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
}

impl Conn {
    pub(crate) fn driver(&mut self) -> Driver<'_> {
        match &mut self.0 {
            Inner::Sqlite(conn) => Driver::Sqlite(conn),
            Inner::SqliteTx(tx) => Driver::Sqlite(tx),
            Inner::Postgres(conn) => Driver::Postgres(conn),
            Inner::PostgresTx(tx) => Driver::Postgres(tx),
        }
    }
}

impl Tx {
    /// Makes the writes of this transaction durable.
    pub async fn commit(self) -> Result<()> {
        match self.0.0 {
            Inner::SqliteTx(tx) => tx.commit().await.map_err(Error::of_commit)?,
            Inner::PostgresTx(tx) => tx.commit().await.map_err(Error::of_commit)?,
            // A Tx is only ever made from a transaction, see `Database::write`.
            Inner::Sqlite(_) | Inner::Postgres(_) => {}
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}
