//! The command line: what can be typed and the codes the process ends with. Nothing runs here.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Flag;

/// Status pages with their own checks, in one program.
#[derive(Debug, Clone, Parser)]
#[command(name = "indie-status", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    /// Without a command the product is served.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// What to do: `serve` unless something else was typed.
    pub fn chosen(&self) -> Command {
        self.command.clone().unwrap_or(Command::Serve)
    }
}

/// Options of the configuration that can be given before or after the command; they win over file and environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Options {
    /// Configuration file [default: indie-status.toml, when there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on, such as 127.0.0.1:8765
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// `sqlite://PATH` or `postgres://…`
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Address that visitors open
    #[arg(long, global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// Folder of the SQLite database, the secret key and unsent mails
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<String>,
}

impl Options {
    /// The highest layer of the configuration.
    pub fn flags(&self) -> Vec<Flag> {
        let all = [
            ("--listen", "server.listen", &self.listen),
            ("--database-url", "database.url", &self.database_url),
            ("--public-url", "public_url", &self.public_url),
            ("--data-dir", "data_dir", &self.data_dir),
        ];
        all.into_iter()
            .filter_map(|(name, key, value)| value.clone().map(|value| Flag { name, key, value }))
            .collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve pages and run checks
    Serve,
    /// Bring the database up to date, or say whether it is
    #[command(subcommand)]
    Migrate(Migrate),
    /// Accounts
    #[command(subcommand)]
    User(User),
    /// Organizations
    #[command(subcommand)]
    Org(Org),
    /// Check an address once, as a monitor would
    Check(Check),
    /// The configuration that is in force
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI document
    Openapi,
    /// Print the version
    Version(Output),
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Migrate {
    /// Apply what is missing
    Up,
    /// List all migrations and whether they are applied
    Status(Output),
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum User {
    /// Create an account, with its organization and page
    Create {
        #[arg(long)]
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long, required = true)]
        password_stdin: bool,
        /// Name of the new organization [default: derived from the address]
        #[arg(long, value_name = "NAME")]
        org: Option<String>,
        /// Treat the address as verified
        #[arg(long)]
        verified: bool,
    },
    /// Set a new password and end all sessions of the account
    ResetPassword {
        #[arg(long)]
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long, required = true)]
        password_stdin: bool,
        /// Switch the second factor off as well: the person lost the app and the recovery codes
        #[arg(long)]
        clear_second_factor: bool,
    },
    /// Bring back an account that was deleted less than 30 days ago, with the organizations that went with it
    Restore {
        #[arg(long)]
        email: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Org {
    /// List all organizations
    List(Output),
    /// Move an organization to another tier
    SetTier {
        slug: String,
        #[arg(value_enum)]
        tier: TierName,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Check {
    /// URL of a website, or `tcp://host:port`, `tls://host[:port]`, `dns://name?record=MX&resolver=1.1.1.1`,
    /// `icmp://host`, `domain://example.com`, `ws[s]://host/path`, `grpc[s]://host:port/service`
    #[arg(required_unless_present = "settings")]
    pub target: Option<String>,
    /// All settings of a kind as JSON, such as `{"kind":"http","verify_certificate":false}`; only those of HTTP go with a
    /// URL, the others name their target
    #[arg(long, value_name = "JSON")]
    pub settings: Option<String>,
    /// Read secrets for these settings from standard input, as JSON with `password`, `token` and `headers`
    #[arg(long, requires = "settings")]
    pub secrets_stdin: bool,
    /// Method of HTTP
    #[arg(long, value_enum, default_value_t)]
    pub method: MethodName,
    /// Show each phase, or why the address is refused
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print all options with their values; secrets are never shown
    Show {
        /// Changes nothing: secrets are always redacted
        #[arg(long)]
        redacted: bool,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Output {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The tiers as they are typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TierName {
    Free,
    Pro,
    Team,
}

/// The methods of HTTP as they are typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    #[default]
    Get,
    Head,
    Post,
}

/// How the process ends; scripts rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    Failed = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// The data that was handed in is wrong.
    BadData = 65,
    /// The database or another service is away.
    Unavailable = 69,
    /// Somebody else holds a lock; the same call may work later.
    TryAgain = 75,
    /// The configuration cannot be used.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_the_product_is_served() {
        assert_eq!(parsed("indie-status").unwrap().chosen(), Command::Serve);
        let cli = parsed("indie-status --listen 0.0.0.0:80").unwrap();
        assert_eq!(cli.chosen(), Command::Serve);
        assert_eq!(cli.options.listen.as_deref(), Some("0.0.0.0:80"));
    }

    #[test]
    fn options_of_the_configuration_stand_before_or_after_the_command() {
        let flags = |line: &str| parsed(line).unwrap().options;
        assert_eq!(flags("indie-status --data-dir x serve"), flags("indie-status serve --data-dir x"));
        let all = flags(
            "indie-status serve --config c.toml --listen l --database-url d --public-url p --data-dir x",
        );
        assert_eq!(all.config, Some(PathBuf::from("c.toml")));
        let pairs: Vec<_> = all.flags().into_iter().map(|flag| (flag.name, flag.key, flag.value)).collect();
        let expected = [
            ("--listen", "server.listen", "l"),
            ("--database-url", "database.url", "d"),
            ("--public-url", "public_url", "p"),
            ("--data-dir", "data_dir", "x"),
        ];
        assert_eq!(pairs, expected.map(|(name, key, value)| (name, key, value.to_owned())));
    }

    #[test]
    fn every_command_is_understood() {
        let json = Output { json: true };
        let plain = Output::default();
        let create = User::Create {
            email: "alice@example.com".into(),
            password_stdin: true,
            org: Some("Acme".into()),
            verified: true,
        };
        let reset = |clear_second_factor| User::ResetPassword {
            email: "alice@example.com".into(),
            password_stdin: true,
            clear_second_factor,
        };
        let restore = User::Restore { email: "alice@example.com".into() };
        let set_tier = Org::SetTier { slug: "acme".into(), tier: TierName::Team };
        for (line, expected) in [
            ("serve", Command::Serve),
            ("migrate up", Command::Migrate(Migrate::Up)),
            ("migrate status --json", Command::Migrate(Migrate::Status(json))),
            (
                "user create --email alice@example.com --password-stdin --org Acme --verified",
                Command::User(create),
            ),
            ("user reset-password --email alice@example.com --password-stdin", Command::User(reset(false))),
            (
                "user reset-password --email alice@example.com --password-stdin --clear-second-factor",
                Command::User(reset(true)),
            ),
            ("user restore --email alice@example.com", Command::User(restore)),
            ("org list", Command::Org(Org::List(plain))),
            ("org list --json", Command::Org(Org::List(json))),
            ("org set-tier acme team", Command::Org(set_tier)),
            ("config show", Command::Config(ConfigCommand::Show { redacted: false, output: plain })),
            (
                "config show --redacted --json",
                Command::Config(ConfigCommand::Show { redacted: true, output: json }),
            ),
            ("openapi", Command::Openapi),
            ("version", Command::Version(plain)),
        ] {
            assert_eq!(parsed(&format!("indie-status {line}")).unwrap().chosen(), expected, "{line}");
        }
    }

    #[test]
    fn a_check_has_a_target_or_settings_or_both() {
        let plain = Output::default();
        let check = |target: Option<&str>| Check {
            target: target.map(str::to_owned),
            settings: None,
            secrets_stdin: false,
            method: MethodName::Get,
            explain: false,
            output: plain,
        };
        let page = Check { explain: true, ..check(Some("https://example.com")) };
        let socket = check(Some("tcp://db.example.com:5432"));
        let whole = Check {
            settings: Some(r#"{"kind":"http"}"#.into()),
            secrets_stdin: true,
            method: MethodName::Post,
            ..check(Some("https://example.com"))
        };
        let other = Check { settings: Some(r#"{"kind":"icmp"}"#.into()), ..check(None) };
        for (line, expected) in [
            ("check https://example.com --explain", page),
            (r#"check https://example.com --settings {"kind":"http"} --secrets-stdin --method post"#, whole),
            (r#"check --settings {"kind":"icmp"}"#, other),
            ("check tcp://db.example.com:5432", socket),
        ] {
            let chosen = parsed(&format!("indie-status {line}")).unwrap().chosen();
            assert_eq!(chosen, Command::Check(expected), "{line}");
        }
    }

    #[test]
    fn a_wrong_command_line_ends_with_the_usage_code() {
        for line in [
            "dance",
            "migrate",
            "migrate sideways",
            "user create --email alice@example.com",
            "user create --password-stdin",
            "user reset-password",
            "user restore",
            "org set-tier acme",
            "org set-tier acme gold",
            "check",
            "check --explain",
            "check https://example.com --settings",
            "check https://example.com --secrets-stdin",
            "check https://example.com --method dance",
            "serve --colour",
        ] {
            let error = parsed(&format!("indie-status {line}")).expect_err(line);
            assert_eq!(error.exit_code(), i32::from(Exit::Usage as u8), "{line}");
        }
    }

    #[test]
    fn the_exit_codes_are_those_that_scripts_rely_on() {
        let all = [
            Exit::Ok,
            Exit::Failed,
            Exit::Usage,
            Exit::BadData,
            Exit::Unavailable,
            Exit::TryAgain,
            Exit::Config,
        ];
        assert_eq!(all.map(|exit| exit as u8), [0, 1, 2, 65, 69, 75, 78]);
    }
}
