//! PostgreSQL for one test: a copy of a migrated template database in the cluster of `TEST_POSTGRES_URL`.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use store::Kind;
use url::Url;

use crate::database::{migrate, template_key};

/// The advisory lock of whoever makes the template. Any number that nobody else uses.
const LOCK: i64 = 7_151_204_410;

/// The name of a test's database.
pub(crate) struct Name(String);

/// The url of a fresh database, and its name.
pub(crate) async fn create() -> (String, Name) {
    let (cluster, mut connection) = connect().await;
    let template = template(&cluster, &mut connection).await;
    let name = Name(new_name());
    run(&mut connection, format!("CREATE DATABASE {} TEMPLATE {template}", name.0)).await;
    connection.close().await.unwrap();
    (database(&cluster, &name.0), name)
}

pub(crate) async fn remove(name: &Name) {
    let (_, mut connection) = connect().await;
    run(&mut connection, format!("DROP DATABASE {} WITH (FORCE)", name.0)).await;
    connection.close().await.unwrap();
}

async fn connect() -> (Url, PgConnection) {
    let Ok(cluster) = std::env::var("TEST_POSTGRES_URL") else {
        panic!(
            "This test needs PostgreSQL and TEST_POSTGRES_URL is not set: run `scripts/test`, \
             or `scripts/services COMMAND` for a command of your own."
        );
    };
    let connection = PgConnection::connect(&cluster).await.unwrap_or_else(|error| {
        panic!("PostgreSQL at TEST_POSTGRES_URL ({cluster}) does not answer: {error}")
    });
    (Url::parse(&cluster).unwrap(), connection)
}

async fn template(cluster: &Url, connection: &mut PgConnection) -> String {
    let name = format!("testkit_{:016x}", template_key(Kind::Postgres));
    if is_ready(connection, &name).await {
        return name;
    }
    sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut *connection).await.unwrap();
    if !is_ready(connection, &name).await {
        // Half-made by a run that was killed.
        run(connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(connection, format!("CREATE DATABASE {name}")).await;
        migrate(&database(cluster, &name)).await;
        run(connection, format!("ALTER DATABASE {name} IS_TEMPLATE true ALLOW_CONNECTIONS false")).await;
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(&mut *connection).await.unwrap();
    name
}

async fn is_ready(connection: &mut PgConnection, template: &str) -> bool {
    sqlx::query_scalar("SELECT COUNT(*) > 0 FROM pg_database WHERE datname = $1 AND datistemplate")
        .bind(template)
        .fetch_one(connection)
        .await
        .unwrap()
}

async fn run(connection: &mut PgConnection, statement: String) {
    let shown = statement.clone();
    connection.execute(AssertSqlSafe(statement)).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
}

fn database(cluster: &Url, name: &str) -> String {
    let mut url = cluster.clone();
    url.set_path(name);
    url.into()
}

fn new_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
