//! One file per command of the command line, `check_target` apart. `main` reads the configuration and comes here.

mod check;
mod check_target;
mod migrate;
mod openapi;
mod org;
mod serve;
mod user;

use std::io::Write;

use serde::Serialize;

use crate::cli::{Command, ConfigCommand, Exit};
use crate::config::Config;

/// A command that ended badly: the sentence for standard error and the code.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

pub type Result<T = ()> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let exit = match &error {
            store::Error::Unavailable(_) | store::Error::Unconfirmed(_) => Exit::Unavailable,
            store::Error::Url(problem) => return unusable_database(problem),
            store::Error::Refused(problem) => return unusable_database(problem),
            _ => Exit::Failed,
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::new(exit, format!("{error}{cause}"))
    }
}

fn unusable_database(problem: &str) -> Failure {
    let advice = "write sqlite://data/indie-status.db or postgres://user:password@host:5432/name";
    Failure::new(Exit::Config, format!("database.url cannot be used, because {problem}: {advice}."))
}

impl From<actions::Error> for Failure {
    fn from(error: actions::Error) -> Self {
        match error {
            actions::Error::Store(error) => error.into(),
            actions::Error::Invalid(fields) => {
                let text: Vec<String> = fields.into_iter().map(|field| field.message).collect();
                Self::new(Exit::BadData, text.join(" "))
            }
            other => Self::new(Exit::Failed, other.to_string()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let exit = if error.is::<crate::config::ConfigError>() { Exit::Config } else { Exit::Failed };
        Self::new(exit, format!("{error:#}"))
    }
}

/// Runs one command to its end.
pub async fn run(command: Command, config: Config, warnings: Vec<String>) -> Result {
    match command {
        Command::Serve => serve::run(config, warnings).await,
        Command::Migrate(what) => migrate::run(what, &config).await,
        Command::Check(check) => self::check::run(&check, &config).await,
        Command::Config(ConfigCommand::Show { output, .. }) => show_config(&config, output.json),
        Command::Openapi => openapi::run(),
        Command::Version(output) => version(output.json),
        Command::User(what) => user::run(what, &config).await,
        Command::Org(what) => org::run(what, &config).await,
    }
}

fn show_config(config: &Config, json: bool) -> Result {
    if json {
        return print_json(config);
    }
    let text = config.to_toml().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    print(&text)
}

fn version(json: bool) -> Result {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        print_json(&serde_json::json!({ "version": version }))
    } else {
        print(&format!("indie-status {version}\n"))
    }
}

/// Data goes to standard output. A reader that went away is no error.
#[expect(clippy::unnecessary_wraps, reason = "stands at the end of most commands")]
fn print(text: &str) -> Result {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(())
}

fn print_json(value: &impl Serialize) -> Result {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    print(&format!("{text}\n"))
}
