//! The three places where an option can be written, and the only reader of the process's environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::aliases;
use super::error::{ConfigError, Result};
use super::options::{self, ENV_PREFIX};
use super::settings::{Layer, Raw, Settings};

/// Names the file, like `--config`.
const FILE_VARIABLE: &str = "INDIE_STATUS_CONFIG";
/// Read from the working directory when nobody names a file.
const FILE_DEFAULT: &str = "indie-status.toml";

/// An option given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// As typed: `--listen`.
    pub name: &'static str,
    /// The option it sets: `server.listen`.
    pub key: &'static str,
    pub value: String,
}

/// What a configuration is made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Path (for messages) and text of the file.
    pub file: Option<(PathBuf, String)>,
    /// All variables; those of other programs are ignored.
    pub environment: Vec<(OsString, OsString)>,
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The sources of this process. The file is `file`, else the one that `INDIE_STATUS_CONFIG` names, else
    /// `indie-status.toml` when there is one; a named file must exist.
    pub fn of_process(file: Option<&Path>, flags: Vec<Flag>) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let variable =
            environment.iter().find(|(name, _)| name == FILE_VARIABLE).map(|(_, path)| PathBuf::from(path));
        let (place, named) = match (file, variable) {
            (Some(path), _) => ("--config", Some(path.to_owned())),
            (None, variable) => (FILE_VARIABLE, variable),
        };
        let path = named.clone().unwrap_or_else(|| PathBuf::from(FILE_DEFAULT));
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some((path, text)),
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let place = if named.is_some() { place } else { "The working directory" };
                let advice = "write the path of a TOML file that this program may read";
                return Err(ConfigError::new(format!(
                    "{place} names {}, which cannot be read ({error}): {advice}.",
                    path.display()
                )));
            }
        };
        Ok(Self { file, environment, flags })
    }

    pub(super) fn merge(self) -> Result<Settings> {
        let mut settings = Settings::default();
        if let Some((path, text)) = &self.file {
            let path = path.display().to_string();
            let table = parse(&path, text)?;
            insert_table(&path, "", table, &mut settings)?;
        }
        let environment = readable(self.environment)?;
        aliases::insert(&environment, &mut settings)?;
        for (name, value) in environment {
            insert_variable(name, value, &mut settings)?;
        }
        for Flag { name, key, value } in self.flags {
            settings.insert(key, Layer::Flag, name.to_owned(), Raw::Text(value))?;
        }
        Ok(settings)
    }
}

fn parse(path: &str, text: &str) -> Result<toml::Table> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let advice = "write name = value, with texts in \"quotes\"";
        ConfigError::new(format!("{path} is not valid TOML at line {line} ({}): {advice}.", error.message()))
    })
}

fn insert_table(path: &str, section: &str, table: toml::Table, settings: &mut Settings) -> Result<()> {
    for (name, value) in table {
        let key = if section.is_empty() { name } else { format!("{section}.{name}") };
        let place = format!("{key} in {path}");
        match (options::known(&key), value) {
            (Some(known), value) => settings.insert(known, Layer::File, place, Raw::Toml(value))?,
            (None, toml::Value::Table(table)) if options::is_section(&key) => {
                insert_table(path, &key, table, settings)?;
            }
            (None, _) if options::is_section(&key) => {
                return Err(ConfigError::new(format!("{place} is a section, not an option: write [{key}].")));
            }
            (None, toml::Value::Table(_)) if section.is_empty() => {
                let nearest = options::nearest_section(&key);
                return Err(ConfigError::new(format!(
                    "[{key}] in {path} is not a section: write [{nearest}] or remove it."
                )));
            }
            (None, _) => return Err(unknown(&place, &key, options::nearest_option(&key))),
        }
    }
    Ok(())
}

fn unknown(place: &str, key: &str, nearest: &str) -> ConfigError {
    match options::moved(key) {
        Some(advice) => ConfigError::new(format!("{place} is not an option: {advice}.")),
        None => ConfigError::new(format!("{place} is not an option: write {nearest} or remove it.")),
    }
}

/// The environment as text. Bytes that are not UTF-8 matter only in variables that are ours.
fn readable(environment: Vec<(OsString, OsString)>) -> Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for (name, value) in environment {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(texts.insert(name, value)),
            Err(_) if name.starts_with(ENV_PREFIX) || aliases::is_alias(&name) => {
                return Err(ConfigError::new(format!("{name} is not UTF-8: write it as plain text.")));
            }
            Err(_) => {}
        }
    }
    Ok(texts)
}

fn insert_variable(name: String, value: String, settings: &mut Settings) -> Result<()> {
    let Some(rest) = name.strip_prefix(ENV_PREFIX) else { return Ok(()) };
    if name == FILE_VARIABLE || is_service_link(rest, &value) {
        return Ok(());
    }
    let key = rest.to_lowercase().replace("__", ".");
    match options::known(&key) {
        Some(key) if options::env_name(key) == name => {
            settings.insert(key, Layer::Environment, name, Raw::Text(value))
        }
        _ => Err(unknown(&name, &key, &options::env_name(options::nearest_option(&key)))),
    }
}

/// Kubernetes puts addresses into the environment for a Service of our name; they are not options.
fn is_service_link(rest: &str, value: &str) -> bool {
    rest == "SERVICE_HOST"
        || rest.starts_with("SERVICE_PORT")
        || (rest == "PORT" && value.starts_with("tcp://"))
        || rest.strip_prefix("PORT_").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
