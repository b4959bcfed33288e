//! Every statement over a tenant table names the tenant, or stands in a list with its reason (S17, T-02).

use std::collections::BTreeSet;

use testkit::{TestDatabase, db_test};

use crate::schema::{self, Schema};
use crate::statements::{self, Statement};

/// Tables with an organization that are not a tenant's.
const NOT_TENANT: &[(&str, &str)] = &[
    ("sessions", "belongs to a person; the organization in it is only the one used last"),
    ("slug_redirects", "one name space for all organizations; says who held a slug, and nothing else"),
];

const PROVES: &str = "proves a scope from what the caller shows: a session's person, a public slug, a secret";
const PURGES: &str = "retention, for all organizations at once";

/// Functions that may touch tenant tables without `organization_id = $n`, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("dialect::claim_due", "the queue of all organizations; a claimed row proves its scope"),
    ("dialect::load_days", "only monitors that `lock_for_results` locked"),
    ("dialect::load_hours", "only monitors that `lock_for_results` locked"),
    ("dialect::load_hours_of_results", "only monitors that `lock_for_results` locked"),
    ("dialect::lock_for_results", "monitors of a batch of results; each row proves its scope"),
    ("dialect::release", "only monitors that `lock_for_results` locked"),
    ("dialect::replan", "only slots that `claim_due` claimed"),
    ("dialect::save_days", "only monitors that `lock_for_results` locked"),
    ("dialect::save_hours", "only monitors that `lock_for_results` locked"),
    ("dialect::save_hours_of_results", "only monitors that `lock_for_results` locked"),
    ("dialect::settle", "only monitors that `lock_for_results` locked"),
    ("incident_suggestions::purge", PURGES),
    ("invitations::find_opened", PROVES),
    ("invitations::find_preview", PROVES),
    ("invitations::purge", PURGES),
    ("organizations::count_owned", "a number about one person, over all organizations (X73)"),
    ("organizations::find_membership_by_old_slug", PROVES),
    ("organizations::find_membership_by_slug", PROVES),
    ("organizations::list_memberships", PROVES),
    ("organizations::list_restorable", PROVES),
    ("monitors::count_by_state", "a number about the whole installation, for its operator"),
    ("outbox::claim", "the notifier serves all organizations in turn"),
    ("outbox::list_queued", "what waits for the notifier, mail about accounts included"),
    ("outbox::settle_failed", "one claimed row"),
    ("outbox::settle_retry", "one claimed row"),
    ("outbox::settle_sent", "one claimed row"),
    ("page_view::find_moved_page", PROVES),
    ("page_view::find_page_of_incident", PROVES),
    ("page_view::find_public_page", PROVES),
    ("services::purge", PURGES),
    ("status_pages::purge", PURGES),
    ("retention::find_last_night", "counts of monitors in one night, of no organization"),
    ("retention::insert_night", "counts of monitors in one night, of no organization"),
    ("retention::lock_night", "counts of monitors in one night, of no organization"),
    ("retention::update_night", "counts of monitors in one night, of no organization"),
    ("retention::list_monitors", "old data of all organizations"),
    ("retention::purge_monitors", "old data of all organizations"),
    ("retention::trim_history", "old data of one monitor that `list_monitors` gave"),
    ("retention::trim_results", "old data of one monitor that `list_monitors` gave"),
    ("subscribers::find_scope", "the subscriber's unsubscribe token was checked before"),
    ("watch::list_out_of_reach", "the queue of all organizations"),
    ("watch::next_due_at", "an instant, of no organization"),
    ("watch::put_off_deleted", "the queue of all organizations"),
    ("watch::release_all", "the queue of all organizations"),
];

/// Tables with an `organization_id`, and the children of monitors, which reach it through their monitor.
fn tenant_tables(schema: &Schema) -> BTreeSet<&str> {
    schema
        .tables
        .iter()
        .filter(|(_, table)| {
            table.columns.contains_key("organization_id") || table.columns.contains_key("monitor_id")
        })
        .map(|(name, _)| name.as_str())
        .filter(|name| NOT_TENANT.iter().all(|(excluded, _)| excluded != name))
        .collect()
}

/// The tenant tables that a statement touches without naming the tenant.
fn bare_tables<'a>(statement: &str, tables: &BTreeSet<&'a str>) -> Vec<&'a str> {
    if names_the_tenant(statement) {
        return Vec::new();
    }
    let words: BTreeSet<&str> =
        statement.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').collect();
    tables.iter().copied().filter(|table| words.contains(table)).collect()
}

/// `organization_id = $n` in a condition, or in the columns of an insert.
fn names_the_tenant(statement: &str) -> bool {
    let text = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_insert = text.starts_with("INSERT INTO");
    text.contains("organization_id = $")
        || (is_insert && text.split(')').next().is_some_and(|columns| columns.contains("organization_id")))
}

fn bare(schema: &Schema) -> Vec<(Statement, String)> {
    let tables = tenant_tables(schema);
    statements::all()
        .into_iter()
        .filter_map(|statement| {
            let mut found = bare_tables(&statement.sqlite, &tables);
            found.extend(bare_tables(&statement.postgres, &tables));
            found.dedup();
            (!found.is_empty()).then(|| (statement, found.join(", ")))
        })
        .collect()
}

#[db_test]
async fn every_statement_over_a_tenant_table_names_the_tenant(database: TestDatabase) {
    let wrong: Vec<String> = bare(&schema::read(&database).await)
        .into_iter()
        .filter(|(statement, _)| EXCEPTIONS.iter().all(|(name, _)| *name != statement.function))
        .map(|(statement, tables)| {
            format!("src/{} ({}) touches {tables}", statement.place, statement.function)
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "without `organization_id = $n`; add it, or the function and its reason to EXCEPTIONS:\n{}",
        wrong.join("\n")
    );
}

#[db_test]
async fn no_exception_outlives_its_reason(database: TestDatabase) {
    let needed: BTreeSet<String> =
        bare(&schema::read(&database).await).into_iter().map(|(statement, _)| statement.function).collect();
    let stale: Vec<&str> =
        EXCEPTIONS.iter().map(|(name, _)| *name).filter(|name| !needed.contains(*name)).collect();
    assert!(stale.is_empty(), "remove from EXCEPTIONS: {stale:?}");
    assert!(EXCEPTIONS.iter().chain(NOT_TENANT).all(|(_, reason)| reason.len() > 10));
}

#[test]
fn a_statement_without_the_tenant_is_noticed() {
    let tables = BTreeSet::from(["services", "monitors"]);
    assert_eq!(bare_tables("SELECT id, organization_id FROM services WHERE id = $1", &tables), ["services"]);
    assert_eq!(bare_tables("INSERT INTO monitors (id) VALUES ($1)", &tables), ["monitors"]);
    assert!(bare_tables("DELETE FROM services WHERE organization_id = $1", &tables).is_empty());
    assert!(bare_tables("INSERT INTO monitors (id, organization_id) VALUES ($1, $2)", &tables).is_empty());
    assert!(bare_tables("SELECT id FROM users WHERE id = $1", &tables).is_empty());
}
