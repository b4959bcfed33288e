//! What was written where: values of the file, the environment and the flags, merged by rank, and the typed readers
//! over them. A reader's error names the place of the value that won.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::error::{ConfigError, Result};
use super::options;
use super::secrets::{self, Secret};

/// Where a value was written; a later layer wins over an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    File,
    Alias,
    Environment,
    Flag,
}

/// A value as it was written: typed by TOML, or text from the environment and the flags.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    Toml(toml::Value),
    Text(String),
}

#[derive(Debug, Clone)]
struct Entry {
    layer: Layer,
    /// How a message calls it: `server.listen in indie-status.toml`, `INDIE_STATUS_SERVER__LISTEN`, `--listen`.
    place: String,
    raw: Raw,
}

#[derive(Debug, Default)]
pub(super) struct Settings {
    entries: BTreeMap<&'static str, Entry>,
    warnings: Vec<String>,
}

impl Settings {
    /// Takes a value over when nothing of a higher layer stands there. A secret and its `_file` variant are one option:
    /// both on one layer is an error, else the higher layer wins.
    pub(super) fn insert(&mut self, key: &'static str, layer: Layer, place: String, raw: Raw) -> Result<()> {
        let twin = options::file_variant(key).or_else(|| options::direct_variant(key));
        for other in [Some(key), twin].into_iter().flatten() {
            let Some(there) = self.entries.get(other) else { continue };
            if there.layer == layer && other != key {
                return Err(ConfigError::new(format!(
                    "Both {} and {place} are set: write only one of them.",
                    there.place
                )));
            }
            if there.layer > layer {
                return Ok(());
            }
            if there.layer == Layer::Alias {
                self.warnings.push(format!("{} is ignored because {place} is set.", there.place));
            }
            self.entries.remove(other);
        }
        self.entries.insert(key, Entry { layer, place, raw });
        Ok(())
    }

    pub(super) fn warn(&mut self, sentence: String) {
        self.warnings.push(sentence);
    }

    /// What to tell the operator once logging is up, the names of other programs' options included.
    pub(super) fn into_warnings(mut self) -> Vec<String> {
        for (key, entry) in self.entries.iter().filter(|(_, entry)| entry.layer == Layer::Alias) {
            let own = options::env_name(key);
            self.warnings.push(format!("{} is read as {key}: write {own} instead.", entry.place));
        }
        self.warnings
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// How to call the option in a message: where it was written, else its name in the file.
    pub(super) fn place(&self, key: &str) -> String {
        let twin = options::file_variant(key).and_then(|twin| self.entries.get(twin));
        self.entries.get(key).or(twin).map_or_else(|| key.to_owned(), |entry| entry.place.clone())
    }

    /// `place is "value": write advice.`
    pub(super) fn wrong(&self, key: &str, advice: &str) -> ConfigError {
        let place = self.place(key);
        match self.entries.get(key) {
            Some(entry) if !options::is_private(key) && !has_login(&entry.raw) => {
                ConfigError::new(format!("{place} is {}: write {advice}.", shown(&entry.raw)))
            }
            _ => ConfigError::new(format!("{place} cannot be used: write {advice}.")),
        }
    }

    /// `place problem: advice.`
    pub(super) fn refuse(&self, key: &str, problem: &str, advice: &str) -> ConfigError {
        ConfigError::new(format!("{} {problem}: {advice}.", self.place(key)))
    }

    fn untrimmed(&self, key: &str, advice: &str) -> Result<Option<&str>> {
        match self.entries.get(key).map(|entry| &entry.raw) {
            None => Ok(None),
            Some(Raw::Text(text) | Raw::Toml(toml::Value::String(text))) => Ok(Some(text)),
            Some(Raw::Toml(_)) => Err(self.wrong(key, &format!("{advice}, in quotes"))),
        }
    }

    fn text(&self, key: &str, advice: &str) -> Result<Option<&str>> {
        Ok(self.untrimmed(key, advice)?.map(str::trim))
    }

    /// A text that must be there when the option is written at all.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        advice: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(text) = self.text(key, advice)? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| self.wrong(key, advice))
    }

    /// A text whose empty form means "not set".
    pub(super) fn optional<T>(
        &self,
        key: &str,
        advice: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.text(key, advice)? {
            Some(text) if !text.is_empty() => parse(text).map(Some).ok_or_else(|| self.wrong(key, advice)),
            _ => Ok(None),
        }
    }

    pub(super) fn number(&self, key: &str, range: &RangeInclusive<u32>) -> Result<Option<u32>> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let number = match &entry.raw {
            Raw::Toml(toml::Value::Integer(number)) => u32::try_from(*number).ok(),
            Raw::Text(text) => text.trim().parse().ok(),
            Raw::Toml(_) => None,
        };
        number.filter(|number| range.contains(number)).map(Some).ok_or_else(|| {
            self.wrong(
                key,
                &format!("a whole number from {} to {}, without quotes", range.start(), range.end()),
            )
        })
    }

    pub(super) fn switch(&self, key: &str) -> Result<Option<bool>> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let switch = match &entry.raw {
            Raw::Toml(toml::Value::Boolean(switch)) => Some(*switch),
            Raw::Text(text) => text.trim().parse().ok(),
            Raw::Toml(_) => None,
        };
        switch.map(Some).ok_or_else(|| self.wrong(key, "true or false, without quotes"))
    }

    /// An array of texts in the file; comma-separated in the environment, where an empty value is an empty list (D14).
    pub(super) fn list<T>(
        &self,
        key: &str,
        advice: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>> {
        let Some(entry) = self.entries.get(key) else { return Ok(None) };
        let items: Option<Vec<T>> = match &entry.raw {
            Raw::Text(text) if text.trim().is_empty() => Some(Vec::new()),
            Raw::Text(text) => text.split(',').map(|item| parse(item.trim())).collect(),
            Raw::Toml(toml::Value::Array(items)) => {
                items.iter().map(|item| item.as_str().and_then(|item| parse(item.trim()))).collect()
            }
            Raw::Toml(_) => None,
        };
        items.map(Some).ok_or_else(|| self.wrong(key, advice))
    }

    /// A secret, from the option itself or from the file that its `_file` variant names.
    pub(super) fn secret(&mut self, key: &'static str) -> Result<Option<Secret>> {
        let Some(file) = self.secret_file(key)? else {
            let text = self.untrimmed(key, "the secret")?;
            return Ok(text.map(|text| Secret::from(text.trim_end_matches(['\r', '\n']).to_owned())));
        };
        let place = self.place(key);
        let secret = secrets::read_file(&file).map_err(|error| {
            let advice = "write the path of a text file that this program may read";
            ConfigError::new(format!(
                "{place} names {}, which cannot be read ({error}): {advice}.",
                file.display()
            ))
        })?;
        if secret.expose().is_empty() {
            let advice = "write the secret into it";
            return Err(ConfigError::new(format!(
                "{place} names {}, which is empty: {advice}.",
                file.display()
            )));
        }
        if secrets::is_open_to_others(&file) && key != "secrets.key" {
            self.warn(format!(
                "{} is readable by every user of this machine: run chmod 600 on it.",
                file.display()
            ));
        }
        Ok(Some(secret))
    }

    /// The file that holds a secret, when it is set that way.
    pub(super) fn secret_file(&self, key: &str) -> Result<Option<PathBuf>> {
        match options::file_variant(key) {
            Some(twin) => self
                .parsed(twin, "the path of a file", |text| (!text.is_empty()).then(|| PathBuf::from(text))),
            None => Ok(None),
        }
    }
}

/// Whether the value is an address with a user, and so perhaps a password.
fn has_login(raw: &Raw) -> bool {
    let (Raw::Text(text) | Raw::Toml(toml::Value::String(text))) = raw else { return false };
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// The value for a message, on one line and not longer than a line.
fn shown(raw: &Raw) -> String {
    let text = match raw {
        Raw::Text(text) | Raw::Toml(toml::Value::String(text)) => format!("{text:?}"),
        Raw::Toml(toml::Value::Table(_)) => "a section".to_owned(),
        Raw::Toml(value) => value.to_string(),
    };
    if text.chars().count() <= 80 { text } else { text.chars().take(79).chain(['…']).collect() }
}
