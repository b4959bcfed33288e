//! What a database says about its own schema, in words that are the same for both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use testkit::{Kind, TestDatabase};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Schema {
    pub(crate) tables: BTreeMap<String, Table>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Table {
    pub(crate) columns: BTreeMap<String, Column>,
    pub(crate) indexes: BTreeSet<Index>,
    pub(crate) references: BTreeSet<Reference>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// As SQLite calls it: what PostgreSQL has is translated.
    pub(crate) kind: String,
    pub(crate) is_nullable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Index {
    pub(crate) columns: Vec<String>,
    pub(crate) is_unique: bool,
    pub(crate) is_partial: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    pub(crate) columns: Vec<String>,
    pub(crate) table: String,
    pub(crate) to: Vec<String>,
    pub(crate) on_delete: String,
}

pub(crate) async fn read(database: &TestDatabase) -> Schema {
    let mut schema = match database.kind() {
        Kind::Sqlite => sqlite(&mut SqliteConnection::connect(database.url()).await.unwrap()).await,
        Kind::Postgres => postgres(&mut PgConnection::connect(database.url()).await.unwrap()).await,
    };
    schema.tables.remove("_sqlx_migrations");
    schema
}

/// The schema that the migrations of SQLite lead to, whichever database the test runs on.
pub(crate) async fn of_sqlite() -> Schema {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    Migrator::new(folder).await.unwrap().run(&mut conn).await.unwrap();
    let mut schema = sqlite(&mut conn).await;
    schema.tables.remove("_sqlx_migrations");
    schema
}

/// The type that SQLite has for one of PostgreSQL. What we do not use has none.
fn sqlite_kind(postgres: &str) -> &str {
    match postgres {
        "uuid" | "bytea" => "BLOB",
        "bigint" | "integer" | "smallint" | "boolean" => "INTEGER",
        "text" => "TEXT",
        "double precision" => "REAL",
        other => other,
    }
}

async fn sqlite(conn: &mut SqliteConnection) -> Schema {
    let mut schema = Schema::default();
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    for name in names {
        let mut table = Table::default();
        let columns: Vec<(String, String, bool)> =
            sqlx::query_as("SELECT name, type, \"notnull\" FROM pragma_table_info($1)")
                .bind(&name)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        for (column, kind, not_null) in columns {
            table.columns.insert(column, Column { kind, is_nullable: !not_null });
        }
        let indexes: Vec<(String, bool, bool)> =
            sqlx::query_as("SELECT name, \"unique\", partial FROM pragma_index_list($1)")
                .bind(&name)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        for (index, is_unique, is_partial) in indexes {
            let columns = sqlx::query_scalar("SELECT name FROM pragma_index_info($1) ORDER BY seqno")
                .bind(&index)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
            table.indexes.insert(Index { columns, is_unique, is_partial });
        }
        table.references = sqlite_references(conn, &name).await;
        schema.tables.insert(name, table);
    }
    schema
}

async fn sqlite_references(conn: &mut SqliteConnection, table: &str) -> BTreeSet<Reference> {
    let rows: Vec<(i64, String, String, String, String)> = sqlx::query_as(
        "SELECT id, \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list($1) ORDER BY id, seq",
    )
    .bind(table)
    .fetch_all(conn)
    .await
    .unwrap();
    let mut by_id: BTreeMap<i64, Reference> = BTreeMap::new();
    for (id, table, from, to, on_delete) in rows {
        let empty = Reference { columns: Vec::new(), table, to: Vec::new(), on_delete };
        let reference = by_id.entry(id).or_insert(empty);
        reference.columns.push(from);
        reference.to.push(to);
    }
    by_id.into_values().collect()
}

async fn postgres(conn: &mut PgConnection) -> Schema {
    let mut schema = Schema::default();
    let columns: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
           FROM information_schema.columns WHERE table_schema = current_schema()",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    for (table, column, kind, is_nullable) in columns {
        let kind = sqlite_kind(&kind).to_owned();
        schema.tables.entry(table).or_default().columns.insert(column, Column { kind, is_nullable });
    }
    let names = |of: &str, table: &str| {
        format!(
            "ARRAY(SELECT a.attname::text FROM unnest({of}) WITH ORDINALITY AS k(n, place)
                     JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.n ORDER BY k.place)"
        )
    };
    let sql = format!(
        "SELECT c.relname::text, i.indisunique, i.indpred IS NOT NULL, {}
           FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
          WHERE c.relnamespace = current_schema()::regnamespace",
        names("i.indkey::int2[]", "i.indrelid")
    );
    let indexes: Vec<(String, bool, bool, Vec<String>)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut *conn).await.unwrap();
    for (table, is_unique, is_partial, columns) in indexes {
        let table = schema.tables.entry(table).or_default();
        table.indexes.insert(Index { columns, is_unique, is_partial });
    }
    let sql = format!(
        "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, c.confdeltype::text, {}, {}
           FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace",
        names("c.conkey", "c.conrelid"),
        names("c.confkey", "c.confrelid")
    );
    let references: Vec<ReferenceRow> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(conn).await.unwrap();
    for (from, table, action, columns, to) in references {
        let on_delete = match action.as_str() {
            "c" => "CASCADE",
            "n" => "SET NULL",
            "r" => "RESTRICT",
            "d" => "SET DEFAULT",
            _ => "NO ACTION",
        };
        let on_delete = on_delete.to_owned();
        let from = schema.tables.entry(from).or_default();
        from.references.insert(Reference { columns, table, to, on_delete });
    }
    schema
}

/// Table, table it points to, what happens on delete, its columns, their columns.
type ReferenceRow = (String, String, String, Vec<String>, Vec<String>);
