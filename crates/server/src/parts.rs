//! From the configuration to the parts of the program: the only place where they meet.

use std::sync::Arc;
use std::time::Duration;

use actions::ids::RandomIds;
use actions::secrets::Keys;
use actions::signals::Signals;
use actions::{Context, Policy};
use anyhow::Context as _;
use egress::{Egress, EgressConfig};
use notifier::{MailTransport, Mailer, Route, SmtpServer, TransportError};
use secrecy::SecretString;
use store::Database;
use web::{AppState, Rates, WebConfig};

use crate::clock::SystemClock;
use crate::config::{self, Config, ConfigError};

/// For each answer of the mail server.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

/// Opens the database of the configuration without migrating it.
pub async fn database(config: &Config) -> store::Result<Database> {
    Database::connect(config.database.url.expose(), config.database.connections).await
}

/// What actions are given.
pub fn context(config: &Config, db: Database) -> anyhow::Result<Context> {
    let key = config.secrets.load_or_create_key(&config.data_dir)?;
    Ok(Context {
        db,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        keys: Arc::new(Keys::derive(key.bytes())),
        passwords: actions::Passwords::new(),
        policy: Arc::new(policy(config)),
        signals: Signals::default(),
    })
}

fn policy(config: &Config) -> Policy {
    Policy {
        are_plans_enforced: config.plans.enforce,
        is_registration_open: config.registration.open,
        public_url: config.public_url.as_str().to_owned(),
        free_organizations_per_user: domain::plan::FREE_ORGANIZATIONS_PER_USER,
    }
}

/// The door out, with the operator's rules.
pub fn egress(config: &Config) -> anyhow::Result<Egress> {
    let public_url = &config.public_url;
    // On loopback the name is that of every machine; where we listen still tells us apart.
    let has_name = !public_url.is_loopback() && !config.egress.allow_own;
    let per_second = config.egress.per_host_per_second;
    let rules = EgressConfig {
        allow_cidrs: config.egress.allow_cidrs.clone(),
        per_host_gap: Duration::from_secs(1).checked_div(per_second).unwrap_or_default(),
        per_host_concurrency: usize::try_from(config.egress.per_host_concurrency).unwrap_or(usize::MAX),
        contact_url: Some(config.contact_url().to_owned()),
        rdap_base: config.egress.rdap_url.clone(),
        own_hosts: if has_name { vec![public_url.host().to_owned()] } else { Vec::new() },
        own_port: if has_name { public_url.url().port_or_known_default() } else { None },
        own_sockets: if config.egress.allow_own { Vec::new() } else { vec![config.server.listen] },
        ..EgressConfig::default()
    };
    Egress::new(rules).context("outgoing connections cannot be set up")
}

/// The way out for mail.
pub fn mailer(config: &Config) -> anyhow::Result<Mailer> {
    let route = match &config.mail.url {
        None => Route::Files(config.mail_dir()),
        Some(url) => Route::Smtp(SmtpServer {
            host: url.host.clone(),
            port: url.port,
            tls: match url.tls {
                config::Tls::Implicit => notifier::Tls::Implicit,
                config::Tls::Required => notifier::Tls::Required,
                config::Tls::Off => notifier::Tls::Off,
            },
            log_in: url
                .user
                .clone()
                .zip(config.mail.password.as_ref())
                .map(|(user, password)| (user, SecretString::from(password.expose().to_owned()))),
            timeout: SMTP_TIMEOUT,
        }),
    };
    let transport = MailTransport { from: config.mail.sender(&config.public_url), route };
    Mailer::new(transport, config.public_url.as_str(), notifier::AT_ONCE)
        .map_err(|error| no_mail(config, error))
}

/// What cannot be otherwise until the operator writes something else is a mistake in the configuration.
fn no_mail(config: &Config, error: TransportError) -> anyhow::Error {
    let sentence = match &error {
        TransportError::From => {
            "mail.from is no sender: write one such as \"Example Status <status@example.com>\".".to_owned()
        }
        TransportError::Tls(source) => {
            format!(
                "mail.url names a server that cannot be checked over TLS ({source}): write its host name."
            )
        }
        TransportError::Folder(source) if config::is_misplaced(source) => format!(
            "{} cannot be written ({source}): write a folder that this program may change as data_dir, or a mail \
             server as mail.url.",
            config.mail_dir().display()
        ),
        TransportError::Folder(_) => return anyhow::Error::new(error).context("mail cannot be sent"),
    };
    ConfigError::new(sentence).into()
}

/// How much is watched at once, and how long it is kept.
pub fn checker(config: &Config) -> checker::Config {
    checker::Config {
        concurrency: usize::try_from(config.checks.concurrency).unwrap_or(usize::MAX),
        confirm_after: Duration::from_secs(config.checks.confirm_after_seconds.into()),
        anchors: config.checks.anchors.clone(),
        retention: checker::Retention {
            raw_days: config.retention.raw_days,
            rollup_days: config.retention.rollup_days,
        },
        ..checker::Config::default()
    }
}

/// What HTTP handlers reach.
pub fn state(config: &Config, ctx: Context, egress: Egress) -> AppState {
    let web = WebConfig {
        public_url: config.public_url.url().clone(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        rates: Rates {
            public_page_per_minute: config.limits.public_page_per_minute,
            register_per_hour: config.limits.register_per_hour,
            login_per_hour: config.limits.login_per_hour,
            subscribe_per_hour: config.limits.subscribe_per_hour,
            api_per_minute: config.limits.api_per_minute,
        },
    };
    AppState::new(ctx, web, egress)
}
