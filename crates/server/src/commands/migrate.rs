//! `migrate up` and `migrate status`.

use super::{Result, print, print_json};
use crate::cli::Migrate;
use crate::config::Config;
use crate::parts;

pub(super) async fn run(what: Migrate, config: &Config) -> Result {
    let db = parts::database(config).await?;
    match what {
        Migrate::Up => {
            db.migrate().await?;
            print("The database is up to date.\n")
        }
        Migrate::Status(output) => {
            let migrations = db.migrations().await?;
            if output.json {
                let rows: Vec<_> = migrations
                    .iter()
                    .map(|one| serde_json::json!({ "version": one.version, "description": one.description, "is_applied": one.is_applied }))
                    .collect();
                return print_json(&rows);
            }
            let lines: Vec<String> = migrations
                .iter()
                .map(|one| {
                    format!(
                        "{:04} {} {}\n",
                        one.version,
                        if one.is_applied { "applied" } else { "missing" },
                        one.description
                    )
                })
                .collect();
            print(&lines.concat())
        }
    }
}
