//! One fresh, migrated database per test, on either system.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::{Database, Kind};

use crate::logs::ErrorLog;
use crate::{postgres, sqlite};

/// Bounds the readers on SQLite, and all connections of one test on PostgreSQL.
const CONNECTIONS: u32 = 10;

/// Changes whenever a migration changes, so that a template of older migrations is not used.
pub(crate) fn template_key(kind: Kind) -> u64 {
    let folder = match kind {
        Kind::Sqlite => "../store/migrations/sqlite",
        Kind::Postgres => "../store/migrations/postgres",
    };
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        std::fs::read(&file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

/// A database that belongs to one test. Clones are the same database.
/// Everything of `store::Database` is there too (`read`, `write`, …).
#[derive(Clone)]
pub struct TestDatabase(Arc<Inner>);

struct Inner {
    database: Database,
    url: String,
    place: Place,
    errors: ErrorLog,
}

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
        let database = connect(&url).await;
        Self(Arc::new(Inner { database, url, place, errors }))
    }

    pub(crate) async fn remove(self) {
        // Whoever still holds a connection now was left behind by the test and loses it.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.0.database.close()).await;
        if let Place::Postgres(name) = &self.0.place {
            postgres::remove(name).await;
        }
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

impl Deref for TestDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.0.database
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
pub(crate) async fn migrate(url: &str) {
    let database = connect(url).await;
    database.migrate().await.unwrap_or_else(|error| panic!("migrate {url}: {error}"));
    database.close().await;
}

async fn connect(url: &str) -> Database {
    Database::connect(url, CONNECTIONS).await.unwrap_or_else(|error| panic!("connect to {url}: {error}"))
}
