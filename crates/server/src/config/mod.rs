//! Configuration: TOML file < environment `INDIE_STATUS_SECTION__KEY` < flags (`config.example.toml` lists all options).
//! It is read once, checked as a whole, and a mistake anywhere is one sentence that stops the start with 78.

mod aliases;
mod checks;
mod database;
mod egress;
mod error;
mod limits;
mod log;
mod mail;
mod options;
mod plans;
mod public_url;
mod retention;
mod secrets;
mod server;
mod settings;
mod sources;
mod stripe;

use std::path::PathBuf;

use serde::Serialize;

pub use checks::ChecksConfig;
pub use database::{DatabaseConfig, DatabaseUrl};
pub use egress::EgressConfig;
pub use error::ConfigError;
pub use limits::LimitsConfig;
pub use log::{LogConfig, LogFormat, LogLevel};
pub use mail::{MailConfig, SmtpUrl, Tls};
pub use options::OPTIONS;
pub use plans::{PlansConfig, RegistrationConfig};
pub use public_url::{Mode, PublicUrl};
pub use retention::RetentionConfig;
pub use secrets::{MasterKey, Secret, SecretsConfig};
pub use server::ServerConfig;
pub use sources::{Flag, Sources};
pub use stripe::StripeConfig;

pub(crate) use error::is_misplaced;

use error::Result;
use settings::Settings;

/// Everything that an operator decides. Serialises with the names of the file and with secrets as `[redacted]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    pub public_url: PublicUrl,
    pub mode: Mode,
    /// Home of the SQLite database, the created key and mails without a mail server.
    pub data_dir: PathBuf,
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub secrets: SecretsConfig,
    pub mail: MailConfig,
    pub egress: EgressConfig,
    pub checks: ChecksConfig,
    pub plans: PlansConfig,
    pub registration: RegistrationConfig,
    pub limits: LimitsConfig,
    pub retention: RetentionConfig,
    pub stripe: StripeConfig,
    pub log: LogConfig,
}

/// A configuration that can be used, with what the operator should hear about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub config: Config,
    /// Sentences to log as warnings once logging is up.
    pub warnings: Vec<String>,
}

impl Default for Config {
    /// What an empty file and an empty environment give.
    fn default() -> Self {
        let (data_dir, mode, server) = (PathBuf::from("data"), Mode::default(), ServerConfig::default());
        Self {
            public_url: PublicUrl::on_this_machine(server.listen),
            database: DatabaseConfig::default_in(&data_dir),
            plans: PlansConfig::default_in(mode),
            mode,
            data_dir,
            server,
            secrets: SecretsConfig::default(),
            mail: MailConfig::default(),
            egress: EgressConfig::default(),
            checks: ChecksConfig::default(),
            registration: RegistrationConfig::default(),
            limits: LimitsConfig::default(),
            retention: RetentionConfig::default(),
            stripe: StripeConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Config {
    /// Merges and checks the sources. Touches nothing but the files that `*_file` options name, and creates none.
    pub fn load(sources: Sources) -> Result<Loaded> {
        let mut settings = sources.merge()?;
        let config = Self::read(&mut settings)?;
        Ok(Loaded { config, warnings: settings.into_warnings() })
    }

    fn read(settings: &mut Settings) -> Result<Self> {
        let mode = Mode::read(settings)?;
        let data_dir = settings
            .parsed("data_dir", "the path of a folder", |text| {
                (!text.is_empty()).then(|| PathBuf::from(text))
            })?
            .unwrap_or_else(|| Self::default().data_dir);
        let server = ServerConfig::read(settings)?;
        Ok(Self {
            public_url: PublicUrl::read(settings, server.listen, mode)?,
            database: DatabaseConfig::read(settings, &data_dir)?,
            secrets: SecretsConfig::read(settings)?,
            mail: MailConfig::read(settings)?,
            egress: EgressConfig::read(settings, mode)?,
            checks: ChecksConfig::read(settings)?,
            plans: PlansConfig::read(settings, mode)?,
            registration: RegistrationConfig::read(settings)?,
            limits: LimitsConfig::read(settings)?,
            retention: RetentionConfig::read(settings)?,
            stripe: StripeConfig::read(settings, mode)?,
            log: LogConfig::read(settings)?,
            mode,
            data_dir,
            server,
        })
    }

    /// The configuration in the form of the file, secrets redacted.
    pub fn to_toml(&self) -> std::result::Result<String, toml::ser::Error> {
        toml::to_string(&toml::Table::try_from(self)?)
    }

    /// What the `User-Agent` of checks points to.
    pub fn contact_url(&self) -> &str {
        self.egress.contact_url.as_deref().unwrap_or_else(|| self.public_url.as_str())
    }

    /// Where mails go as `.eml` files when no mail server is configured.
    pub fn mail_dir(&self) -> PathBuf {
        self.data_dir.join("mail")
    }
}
