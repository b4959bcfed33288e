//! One fresh, migrated database per test, on either system.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::logs::ErrorLog;
use crate::{postgres, sqlite};

/// Which database system a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// As in the names of tests and of the folders of migrations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    fn migrations(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations").join(self.as_str())
    }

    /// Changes whenever a migration changes, so that a template of older migrations is not used.
    pub(crate) fn template_key(self) -> u64 {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.migrations())
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut hasher = DefaultHasher::new();
        for file in files {
            file.file_name().hash(&mut hasher);
            std::fs::read(&file).unwrap().hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// A database that belongs to one test. Clones are the same database.
#[derive(Debug, Clone)]
pub struct TestDatabase(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    url: String,
    place: Place,
    errors: ErrorLog,
}

#[derive(Debug)]
enum Place {
    Sqlite(#[expect(dead_code, reason = "removes the folder when dropped")] tempfile::TempDir),
    Postgres(postgres::Name),
}

impl TestDatabase {
    pub(crate) async fn create(kind: Kind, errors: ErrorLog) -> Self {
        let (url, place) = match kind {
            Kind::Sqlite => {
                let (url, folder) = sqlite::create().await;
                (url, Place::Sqlite(folder))
            }
            Kind::Postgres => {
                let (url, name) = postgres::create().await;
                (url, Place::Postgres(name))
            }
        };
        Self(Arc::new(Inner { kind, url, place, errors }))
    }

    pub(crate) async fn remove(self) {
        if let Place::Postgres(name) = &self.0.place {
            postgres::remove(name).await;
        }
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// As the product takes it in `DATABASE_URL`, for tests that open further connections or start the program.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// What this test logged at error level.
    pub fn errors(&self) -> &ErrorLog {
        &self.0.errors
    }
}

/// What a `#[db_test]` may take as its argument.
pub trait FromTestDatabase: Sized {
    fn from_test_database(database: TestDatabase) -> impl Future<Output = Self>;

    /// Runs after a body that did not panic; panics when the test left something behind.
    fn check_afterwards(database: &TestDatabase) -> impl Future<Output = ()> {
        let _ = database;
        std::future::ready(())
    }
}

impl FromTestDatabase for TestDatabase {
    async fn from_test_database(database: TestDatabase) -> Self {
        database
    }
}

/// Brings an empty database to the newest schema.
pub(crate) async fn migrate(kind: Kind, url: &str) {
    let migrator = sqlx::migrate::Migrator::new(kind.migrations()).await.expect("readable migrations");
    match kind {
        Kind::Sqlite => {
            let pool = sqlx::SqlitePool::connect(url).await.expect("a SQLite file");
            migrator.run(&pool).await.expect("migrations that apply");
            pool.close().await;
        }
        Kind::Postgres => {
            let pool = sqlx::PgPool::connect(url).await.expect("a PostgreSQL database");
            migrator.run(&pool).await.expect("migrations that apply");
            pool.close().await;
        }
    }
}
