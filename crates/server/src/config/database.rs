//! `[database]`: which of the two databases, and where.

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};
use url::Url;

use super::error::Result;
use super::secrets::{REDACTED, Secret};
use super::settings::Settings;

const ADVICE: &str = "sqlite://data/indie-status.db or postgres://user:password@host:5432/name, with special characters of the password %-encoded";

/// `[database]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DatabaseConfig {
    pub url: DatabaseUrl,
    /// Connections in the pool: readers of SQLite, all of PostgreSQL.
    pub connections: u32,
}

impl DatabaseConfig {
    /// SQLite in the data directory.
    pub(super) fn default_in(data_dir: &Path) -> Self {
        let file = data_dir.join("indie-status.db");
        Self { url: DatabaseUrl(Secret::from(format!("sqlite://{}", file.display()))), connections: 10 }
    }

    pub(super) fn read(settings: &mut Settings, data_dir: &Path) -> Result<Self> {
        let default = Self::default_in(data_dir);
        let connections =
            settings.number("database.connections", &(1..=1_000))?.unwrap_or(default.connections);
        let url = match settings.secret("database.url")? {
            None => default.url,
            Some(text) => DatabaseUrl::read(settings, text.expose().trim())?,
        };
        Ok(Self { url, connections })
    }
}

/// `sqlite://path` or `postgres://…`; shows without its password.
#[derive(Clone, PartialEq)]
pub struct DatabaseUrl(Secret);

impl DatabaseUrl {
    fn read(settings: &Settings, text: &str) -> Result<Self> {
        let refuse = |problem, advice| Err(settings.refuse("database.url", problem, advice));
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(settings.wrong("database.url", ADVICE));
        };
        let (scheme, driver) = scheme.split_once('+').unwrap_or((scheme, ""));
        match scheme {
            "sqlite" if !driver.is_empty() || rest.starts_with("///./") => {
                refuse("is written for another program", "write sqlite://path or sqlite:///absolute/path")
            }
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.contains(":memory:") {
                    return refuse(
                        "would lose everything at the end of the process",
                        "write the path of a file, sqlite://data/indie-status.db",
                    );
                }
                if path.is_empty() || path.ends_with('/') || path.contains(['?', '#']) {
                    return refuse(
                        "names no file",
                        "write the path of a file without parameters, sqlite://data/indie-status.db",
                    );
                }
                Ok(Self(Secret::from(format!("sqlite://{path}"))))
            }
            // A driver after "+" is how other programs write it; the server is the same.
            "postgres" | "postgresql" => {
                let text = format!("postgres:{rest}");
                let names_database = Url::parse(&text)
                    .is_ok_and(|url| url.path().len() > 1 && url.fragment().is_none() && url.has_authority());
                if !names_database {
                    return Err(settings.wrong("database.url", ADVICE));
                }
                Ok(Self(Secret::from(text)))
            }
            _ => Err(settings.wrong("database.url", ADVICE)),
        }
    }

    /// For `store::Database::connect`.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    pub fn is_sqlite(&self) -> bool {
        self.sqlite_path().is_some()
    }

    /// The file of an SQLite database; `None` for PostgreSQL.
    pub fn sqlite_path(&self) -> Option<&Path> {
        self.expose().strip_prefix("sqlite://").map(Path::new)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sqlite() {
            return f.write_str(self.expose());
        }
        let Ok(mut url) = Url::parse(self.expose()) else { return f.write_str(REDACTED) };
        let has_password = url.password().is_some();
        // The marker needs no encoding; both calls fail for addresses without a host only, which have no password.
        let marked = !has_password || url.set_password(Some("REDACTED")).is_ok();
        let query: Vec<String> = url.query_pairs().map(|(name, value)| shown_pair(&name, &value)).collect();
        url.set_query(None);
        if !marked {
            return f.write_str(REDACTED);
        }
        f.write_str(&url.as_str().replacen(":REDACTED@", &format!(":{REDACTED}@"), 1))?;
        if query.is_empty() { Ok(()) } else { write!(f, "?{}", query.join("&")) }
    }
}

fn shown_pair(name: &str, value: &str) -> String {
    format!("{name}={}", if name.contains("password") { REDACTED } else { value })
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
