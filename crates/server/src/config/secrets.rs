//! Secrets: a text that never prints, the rules for the master key, and the key file. There is no default for any secret
//! (D2, T-10). Keys for single purposes are derived from the master key elsewhere.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

use super::error::{ConfigError, Result};
use super::settings::Settings;

pub(super) const REDACTED: &str = "[redacted]";
const KEY_MIN_BYTES: usize = 32;
const FILE_MAX_BYTES: u64 = 64 * 1024;
const NEW_KEY: &str = "write the output of `openssl rand -hex 32`";

/// Parts of secrets that stand in documentation and templates, compared without case, `-`, `_` and spaces.
const PLACEHOLDERS: &[&str] = &[
    "changeme",
    "changethis",
    "changeinproduction",
    "changeit",
    "replaceme",
    "replacethis",
    "placeholder",
    "yoursecret",
    "mysecret",
    "supersecret",
    "secretkey",
    "devsecret",
    "insecure",
    "whsecxxxx",
    "redacted",
];

/// A text that shows as `[redacted]` wherever it is printed or serialised.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is wrong with it as a key, in words that follow the option's name. `None` when it is good enough.
    pub(super) fn weakness(&self) -> Option<&'static str> {
        let text = self.expose();
        let plain: String = text.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
        let mut distinct: Vec<char> = text.chars().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if text.is_empty() {
            Some("is empty")
        } else if PLACEHOLDERS.iter().any(|placeholder| plain.contains(placeholder)) || plain == "secret" {
            Some("is a placeholder that everybody knows")
        } else if text.len() < KEY_MIN_BYTES {
            Some("is shorter than 32 bytes")
        } else if distinct.len() < 8 {
            Some("repeats the same few characters")
        } else {
            None
        }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

/// The key that all others are derived from: at least 32 bytes, the same text wherever it was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MasterKey(Secret);

impl MasterKey {
    /// Input for a key derivation, not a key of a cipher: the length varies, 32 bytes or more.
    pub fn bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// `[secrets]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SecretsConfig {
    /// `None`: the key of the data directory is used, see [`SecretsConfig::load_or_create_key`].
    pub key: Option<MasterKey>,
}

impl SecretsConfig {
    pub(super) fn read(settings: &mut Settings) -> Result<Self> {
        let key = settings.secret("secrets.key")?;
        if let Some(file) = settings.secret_file("secrets.key")?
            && is_open_to_others(&file)
        {
            let problem =
                format!("names {}, which other users of this machine can read or change", file.display());
            return Err(settings.refuse("secrets.key", &problem, "run chmod 600 on that file"));
        }
        match key.as_ref().and_then(Secret::weakness) {
            Some(problem) => Err(settings.refuse("secrets.key", problem, NEW_KEY)),
            None => Ok(Self { key: key.map(MasterKey) }),
        }
    }

    /// The configured key; else the one in `<data_dir>/secret.key`, which is created (random, mode 0600) when absent.
    /// Processes that start at the same time end up with the same key.
    pub fn load_or_create_key(&self, data_dir: &Path) -> std::result::Result<MasterKey, ConfigError> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let path = data_dir.join("secret.key");
        if !path.exists() {
            create_key(data_dir, &path).map_err(|error| {
                let advice =
                    "write the path of a folder that this program may change as data_dir, or set secrets.key";
                ConfigError::new(format!("{} cannot be created ({error}): {advice}.", path.display()))
            })?;
        }
        if is_open_to_others(&path) {
            let advice = "run chmod 600 on it";
            return Err(ConfigError::new(format!(
                "{} can be read or changed by other users of this machine: {advice}.",
                path.display()
            )));
        }
        let key = read_file(&path).map_err(|error| {
            let advice = "let this program read it, or write another data_dir";
            ConfigError::new(format!("{} cannot be read ({error}): {advice}.", path.display()))
        })?;
        match key.weakness() {
            Some(problem) => {
                let advice = "put its backup back, or remove it to get a new one, which ends every session";
                Err(ConfigError::new(format!("{} {problem}: {advice}.", path.display())))
            }
            None => Ok(MasterKey(key)),
        }
    }
}

/// Reads a secret from a file; line ends at the end do not belong to it.
pub(super) fn read_file(path: &Path) -> io::Result<Secret> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let mut text = String::new();
    file.take(FILE_MAX_BYTES).read_to_string(&mut text)?;
    Ok(Secret::from(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Whether users other than owner and group may read it, or anybody but the owner may change it.
pub(super) fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o027 != 0)
}

/// Written beside its place and linked there, so that nobody ever reads half a key and the first of two starters wins.
fn create_key(data_dir: &Path, path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let draft = data_dir.join(format!(".secret.key.{}", hex::encode(rand::random::<[u8; 8]>())));
    let outcome = write_key(&draft).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => {}
        Ok(()) => {
            File::open(data_dir)?.sync_all()?;
            tracing::info!(path = %path.display(), "Created a secret key; keep it with the backups of the database");
        }
    }
    removed
}

fn write_key(draft: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    writeln!(file, "{}", hex::encode(rand::random::<[u8; 32]>()))?;
    file.sync_all()
}
