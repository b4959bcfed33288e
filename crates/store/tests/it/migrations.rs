//! Both databases have the same schema, and the same migrations lead to it (X90).

use std::collections::BTreeSet;
use std::path::Path;

use store::{Database, TABLES};
use testkit::{Kind, TestDatabase, db_test};

use crate::schema;

fn files(kind: Kind) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind.as_str());
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn both_databases_have_the_same_migrations_numbered_without_gaps() {
    let sqlite = files(Kind::Sqlite);
    assert_eq!(sqlite, files(Kind::Postgres));
    for (place, name) in sqlite.iter().enumerate() {
        let is_sql = Path::new(name).extension().is_some_and(|extension| extension == "sql");
        assert!(is_sql && name.starts_with(&format!("{:04}_", place + 1)), "{name}");
    }
}

#[db_test]
async fn the_tables_are_the_listed_ones(database: TestDatabase) {
    let found: BTreeSet<String> = schema::read(&database).await.tables.into_keys().collect();
    let listed: BTreeSet<String> = TABLES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}

/// Columns, types, nullability, keys, indexes and references.
#[db_test]
async fn both_schemas_are_equal(database: TestDatabase) {
    let mut differences = Vec::new();
    let (sqlite, found) = (schema::of_sqlite().await, schema::read(&database).await);
    for (name, table) in &found.tables {
        let Some(expected) = sqlite.tables.get(name) else { continue };
        for column in table.columns.keys().chain(expected.columns.keys()).collect::<BTreeSet<_>>() {
            let (here, there) = (table.columns.get(column), expected.columns.get(column));
            if here != there {
                differences.push(format!("{name}.{column}: {here:?}, SQLite {there:?}"));
            }
        }
        for index in table.indexes.symmetric_difference(&expected.indexes) {
            differences.push(format!("{name}, only in one: {index:?}"));
        }
        for reference in table.references.symmetric_difference(&expected.references) {
            differences.push(format!("{name}, only in one: {reference:?}"));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", database.kind().as_str(), differences.join("\n"));
    assert_eq!(found, sqlite);
    assert!(found.tables.values().all(|table| !table.columns.is_empty() && !table.indexes.is_empty()));
}

#[db_test]
async fn a_reference_inside_a_tenant_carries_the_tenant(database: TestDatabase) {
    // X15: both sides name the organization, so a row of one tenant cannot point at a row of another.
    let schema = schema::read(&database).await;
    let is_tenant = |table: &str| {
        table != "organizations" && schema.tables[table].columns.contains_key("organization_id")
    };
    for (name, table) in schema.tables.iter().filter(|(name, _)| is_tenant(name)) {
        for reference in table.references.iter().filter(|reference| is_tenant(&reference.table)) {
            let place = reference.columns.iter().position(|column| column == "organization_id");
            let place = place.unwrap_or_else(|| panic!("{name}: {reference:?}"));
            assert_eq!(reference.to[place], "organization_id", "{name}: {reference:?}");
        }
    }
}

#[db_test]
async fn migrating_twice_changes_nothing_and_the_status_says_so(database: TestDatabase) {
    let db = Database::connect(database.url(), 2).await.unwrap();
    db.migrate().await.unwrap();
    let migrations = db.migrations().await.unwrap();
    assert_eq!(migrations.len(), files(database.kind()).len());
    assert!(migrations.iter().all(|migration| migration.is_applied), "{migrations:?}");
    db.close().await;
}
