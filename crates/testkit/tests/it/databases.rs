//! `#[db_test]` gives each test a database of its own.

use testkit::{Kind, TestDatabase, db_test};

/// Both tests below create the same table: that works only in two separate databases.
async fn owns_the_table(database: &TestDatabase, value: &str) {
    let (create, insert, list) = (
        "CREATE TABLE only_mine (value TEXT NOT NULL)",
        "INSERT INTO only_mine (value) VALUES ($1)",
        "SELECT value FROM only_mine",
    );
    let seen: Vec<String> = match database.kind() {
        Kind::Sqlite => {
            let pool = sqlx::SqlitePool::connect(database.url()).await.unwrap();
            sqlx::query(create).execute(&pool).await.unwrap();
            sqlx::query(insert).bind(value).execute(&pool).await.unwrap();
            sqlx::query_scalar(list).fetch_all(&pool).await.unwrap()
        }
        Kind::Postgres => {
            let pool = sqlx::PgPool::connect(database.url()).await.unwrap();
            sqlx::query(create).execute(&pool).await.unwrap();
            sqlx::query(insert).bind(value).execute(&pool).await.unwrap();
            sqlx::query_scalar(list).fetch_all(&pool).await.unwrap()
        }
    };
    assert_eq!(seen, [value]);
}

#[db_test]
async fn one_test_has_a_database_of_its_own(database: TestDatabase) {
    owns_the_table(&database, "first").await;
}

#[db_test(flavor = "multi_thread")]
async fn another_test_has_another_database(database: TestDatabase) {
    assert_eq!(
        tokio::runtime::Handle::current().runtime_flavor(),
        tokio::runtime::RuntimeFlavor::MultiThread
    );
    owns_the_table(&database, "second").await;
}

#[db_test]
#[should_panic(expected = "the body failed")]
async fn a_failing_body_fails_the_test(_database: TestDatabase) {
    panic!("the body failed");
}

#[db_test(flavor = "multi_thread")]
async fn errors_of_other_threads_are_kept_too(database: TestDatabase) {
    tokio::spawn(async { tracing::error!("from a worker") }).await.unwrap();
    tokio::task::spawn_blocking(|| tracing::error!("from a blocking thread")).await.unwrap();
    assert_eq!(database.errors().take().len(), 2);
}
