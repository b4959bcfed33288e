//! Looks at rows (and, for tiers, changes one) without the product: what one organization's rows look like in one
//! text, and what checks left behind.

use std::fmt::Write as _;

use domain::check::CheckStatus;
use domain::id::{MonitorId, OrgId};
use domain::plan::Tier;
use domain::time::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::TestDatabase;

/// Tables with an `organization_id`, children of an organization included.
const TABLES: [&str; 14] = [
    "organization_members",
    "invitations",
    "status_pages",
    "services",
    "placements",
    "monitors",
    "state_intervals",
    "incidents",
    "incident_services",
    "incident_updates",
    "subscribers",
    "site_settings",
    "outbox",
    "slug_redirects",
];

impl TestDatabase {
    /// What SQLite says about its file; "ok" when it is whole.
    pub async fn integrity(&self) -> String {
        let mut conn = SqliteConnection::connect(self.url()).await.unwrap();
        let said = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        said
    }

    /// Every row of the organization in every tenant table, in a fixed order.
    pub async fn digest(&self, organization: OrgId) -> String {
        self.rows_of(&TABLES, Some(organization), &[]).await
    }

    /// Every row of every table, without the columns `but`, in a fixed order.
    pub async fn digest_of_all(&self, but: &[&str]) -> String {
        self.rows_of(store::TABLES, None, but).await
    }

    async fn rows_of(&self, tables: &[&str], organization: Option<OrgId>, but: &[&str]) -> String {
        let filter = if organization.is_some() { "WHERE organization_id = $1" } else { "" };
        let mut text = String::new();
        if self.url().starts_with("postgres") {
            let mut conn = PgConnection::connect(self.url()).await.unwrap();
            let without =
                if but.is_empty() { String::new() } else { format!(" - '{{{}}}'::text[]", but.join(",")) };
            for table in tables {
                let sql = format!("SELECT (to_jsonb(t){without})::text FROM {table} t {filter} ORDER BY 1");
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                if let Some(organization) = organization {
                    query = query.bind(organization);
                }
                let rows: Vec<String> = query.fetch_all(&mut conn).await.unwrap();
                let _ = writeln!(text, "{table}\n{}", rows.join("\n"));
            }
            conn.close().await.unwrap();
        } else {
            let mut conn = SqliteConnection::connect(self.url()).await.unwrap();
            for table in tables {
                let columns: Vec<String> =
                    sqlx::query_scalar("SELECT name FROM pragma_table_info($1) ORDER BY cid")
                        .bind(*table)
                        .fetch_all(&mut conn)
                        .await
                        .unwrap();
                let all: Vec<String> = columns
                    .iter()
                    .filter(|column| !but.contains(&column.as_str()))
                    .map(|column| format!("quote({column})"))
                    .collect();
                let sql = format!("SELECT {} FROM {table} {filter} ORDER BY 1", all.join(" || '|' || "));
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                if let Some(organization) = organization {
                    query = query.bind(organization);
                }
                let rows: Vec<String> = query.fetch_all(&mut conn).await.unwrap();
                let _ = writeln!(text, "{table}\n{}", rows.join("\n"));
            }
            conn.close().await.unwrap();
        }
        text
    }

    /// Every row of every table as text; bytes stand there in hexadecimal.
    pub async fn dump(&self) -> String {
        let mut text = String::new();
        for table in store::TABLES {
            let rows: Vec<String> = if self.url().starts_with("postgres") {
                let mut conn = PgConnection::connect(self.url()).await.unwrap();
                let sql = format!("SELECT t::text FROM {table} t");
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap()
            } else {
                let mut conn = SqliteConnection::connect(self.url()).await.unwrap();
                let columns: Vec<String> =
                    sqlx::query_scalar("SELECT 'quote(' || name || ')' FROM pragma_table_info($1)")
                        .bind(table)
                        .fetch_all(&mut conn)
                        .await
                        .unwrap();
                let sql = format!("SELECT {} FROM {table}", columns.join(" || '|' || "));
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap()
            };
            let _ = writeln!(text, "{table}\n{}", rows.join("\n"));
        }
        text
    }

    /// When the oldest raw result that is "down" was made. `None`: no check failed yet.
    pub async fn first_failed_check(&self) -> Option<Timestamp> {
        let sql = "SELECT recent FROM monitors UNION ALL SELECT results FROM check_results";
        let packed: Vec<Vec<u8>> = if self.url().starts_with("postgres") {
            let mut conn = PgConnection::connect(self.url()).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
        } else {
            let mut conn = SqliteConnection::connect(self.url()).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
        };
        let nobody = MonitorId::new(uuid::Uuid::nil());
        let results = packed.iter().flat_map(|packed| domain::packed::unpack(packed, nobody));
        results.filter(|result| result.status == CheckStatus::Down).map(|result| result.checked_at).min()
    }

    pub(crate) async fn set_tier(&self, organization: OrgId, tier: Tier) {
        let sql = "UPDATE organizations SET tier = $2 WHERE id = $1";
        if self.url().starts_with("postgres") {
            let mut conn = PgConnection::connect(self.url()).await.unwrap();
            sqlx::query(sql).bind(organization).bind(tier).execute(&mut conn).await.unwrap();
        } else {
            let mut conn = SqliteConnection::connect(self.url()).await.unwrap();
            sqlx::query(sql).bind(organization).bind(tier).execute(&mut conn).await.unwrap();
        }
    }
}
