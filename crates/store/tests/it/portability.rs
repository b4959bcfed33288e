//! Every statement is prepared on both migrated databases: a misspelt column is found here, with its place.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _};
use testkit::{Kind, TestDatabase, db_test};

use crate::statements::{self, highest_placeholder};

/// What the database says about a statement that it refuses.
async fn complaint(database: &TestDatabase, sql: String) -> Option<String> {
    let sql = AssertSqlSafe(sql).into_sql_str();
    let prepared = match database.kind() {
        Kind::Sqlite => {
            let mut conn = sqlx::SqliteConnection::connect(database.url()).await.unwrap();
            conn.prepare(sql).await.map(drop)
        }
        Kind::Postgres => {
            let mut conn = sqlx::PgConnection::connect(database.url()).await.unwrap();
            conn.prepare(sql).await.map(drop)
        }
    };
    prepared.err().map(|error| error.to_string())
}

#[db_test]
async fn every_statement_can_be_prepared(database: TestDatabase) {
    let mut wrong = Vec::new();
    for statement in statements::all() {
        let sql = match database.kind() {
            Kind::Sqlite => statement.sqlite,
            Kind::Postgres => statement.postgres,
        };
        if let Some(complaint) = complaint(&database, sql).await {
            wrong.push(format!("src/{} ({}): {complaint}", statement.place, statement.function));
        }
    }
    assert!(wrong.is_empty(), "refused by {}:\n{}", database.kind().as_str(), wrong.join("\n"));
}

#[db_test]
async fn a_misspelt_column_is_noticed(database: TestDatabase) {
    let refused = complaint(&database, "SELECT emial FROM users WHERE id = $1".to_owned()).await;
    assert!(refused.is_some_and(|text| text.contains("emial")));
    assert_eq!(complaint(&database, "SELECT email FROM users WHERE id = $1".to_owned()).await, None);
}

#[test]
fn every_statement_binds_as_many_values_as_it_has_placeholders() {
    let wrong: Vec<String> = statements::all()
        .into_iter()
        .filter(|statement| {
            [&statement.sqlite, &statement.postgres].iter().any(|sql| {
                highest_placeholder(sql) != statement.values
                    || (1..=statement.values).any(|n| !has_placeholder(sql, n))
            })
        })
        .map(|statement| format!("src/{} binds {} values", statement.place, statement.values))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_placeholder(sql: &str, number: usize) -> bool {
    let wanted = format!("${number}");
    sql.match_indices(&wanted)
        .any(|(at, _)| !sql[at + wanted.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

#[test]
fn only_dialect_holds_statements_that_differ() {
    for statement in statements::all() {
        if statement.sqlite != statement.postgres {
            assert!(statement.place.starts_with("dialect.rs:"), "src/{}", statement.place);
        }
    }
}
