//! `org list` and `org set-tier`, also beside a running server (D6, D7).

use actions::organizations;
use domain::plan::Tier;
use serde_json::json;

use super::{Failure, Result, print, print_json};
use crate::cli::{Exit, Org, TierName};
use crate::config::Config;
use crate::parts;

pub(super) async fn run(what: Org, config: &Config) -> Result {
    let ctx = parts::context(config, parts::database(config).await?)?;
    match what {
        Org::List(output) => {
            let all = store::organizations::list_all(&mut ctx.db.read().await?).await?;
            if output.json {
                let rows: Vec<_> = all
                    .iter()
                    .map(|one| {
                        json!({"id": one.id, "slug": one.slug, "name": one.name, "tier": one.tier.as_str(),
                               "created_at": one.created_at, "deleted_at": one.deleted_at})
                    })
                    .collect();
                return print_json(&rows);
            }
            let lines: Vec<String> = all
                .iter()
                .map(|one| {
                    let deleted = if one.deleted_at.is_some() { "  (deleted)" } else { "" };
                    format!("{:<24} {:<6} {}{deleted}\n", one.slug, one.tier.as_str(), one.name)
                })
                .collect();
            print(&lines.concat())
        }
        Org::SetTier { slug, tier } => {
            let tier = match tier {
                TierName::Free => Tier::Free,
                TierName::Pro => Tier::Pro,
                TierName::Team => Tier::Team,
            };
            organizations::set_tier_by_operator(&ctx, &slug, tier).await.map_err(|error| match error {
                actions::Error::NotFound => {
                    Failure::new(Exit::BadData, format!("There is no organization with the slug {slug}."))
                }
                other => other.into(),
            })?;
            print(&format!("{slug} is on the tier {} now.\n", tier.as_str()))
        }
    }
}
