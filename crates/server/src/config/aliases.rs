//! Environment variables without our prefix that are understood, because the product's plan and many hosts use them.

use std::collections::BTreeMap;

use super::error::{ConfigError, Result};
use super::mail::encoded;
use super::options;
use super::settings::{Layer, Raw, Settings};

const ALIASES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("DATABASE_URL_FILE", "database.url_file"),
    ("SECRET_KEY", "secrets.key"),
    ("SECRET_KEY_FILE", "secrets.key_file"),
    ("STRIPE_WEBHOOK_SECRET", "stripe.webhook_secret"),
    ("STRIPE_WEBHOOK_SECRET_FILE", "stripe.webhook_secret_file"),
    ("STRIPE_PRO_CHECKOUT_URL", "stripe.pro_checkout_url"),
    ("STRIPE_TEAM_CHECKOUT_URL", "stripe.team_checkout_url"),
    ("SMTP_PASSWORD", "mail.password"),
    ("SMTP_PASSWORD_FILE", "mail.password_file"),
    ("SMTP_FROM", "mail.from"),
];

/// Inserts what the aliases say. An empty one counts as absent, except an empty key, which is a mistake (X7).
pub(super) fn insert(environment: &BTreeMap<String, String>, settings: &mut Settings) -> Result<()> {
    for (name, key) in ALIASES {
        let Some(value) = environment.get(*name) else { continue };
        if let Some(key) = options::known(key)
            && (!value.is_empty() || key == "secrets.key")
        {
            settings.insert(key, Layer::Alias, (*name).to_owned(), Raw::Text(value.clone()))?;
        }
    }
    insert_mail_url(environment, settings)?;
    if environment.contains_key("ADMIN_API_KEY") {
        let sentence =
            "ADMIN_API_KEY has no effect, because accounts and API keys have replaced it: remove it.";
        settings.warn(sentence.to_owned());
    }
    Ok(())
}

/// `SMTP_HOST`, `SMTP_PORT` and `SMTP_USER` make one `mail.url`; port 465 means TLS from the first byte.
fn insert_mail_url(environment: &BTreeMap<String, String>, settings: &mut Settings) -> Result<()> {
    let value =
        |name: &str| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let (host, port, user) = (value("SMTP_HOST"), value("SMTP_PORT"), value("SMTP_USER"));
    let Some(host) = host else {
        let own = options::env_name("mail.url");
        let lonely = ["SMTP_PORT", "SMTP_USER"].into_iter().find(|name| value(name).is_some());
        return match lonely {
            Some(name) if environment.contains_key(&own) => {
                settings.warn(format!("{name} is ignored because {own} is set."));
                Ok(())
            }
            Some(name) => Err(ConfigError::new(format!(
                "{name} is set but SMTP_HOST is not: write SMTP_HOST too, or remove it."
            ))),
            None => Ok(()),
        };
    };
    if host.contains(['/', '@', '?', '#', ' ']) {
        return Err(ConfigError::new(format!(
            "SMTP_HOST is {host:?}: write the name of the mail server only, such as smtp.example.com."
        )));
    }
    let port = match port.map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return Err(ConfigError::new("SMTP_PORT is not a port: write a number such as 587.")),
    };
    let scheme = if port == Some(465) { "smtps" } else { "smtp" };
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let login = user.map(|user| format!("{}@", encoded(user))).unwrap_or_default();
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let place = if user.is_some() { "SMTP_USER with SMTP_HOST" } else { "SMTP_HOST" };
    let url = format!("{scheme}://{login}{host}{port}");
    settings.insert("mail.url", Layer::Alias, place.to_owned(), Raw::Text(url))
}

/// Whether the variable is one of another program that matters here.
pub(super) fn is_alias(name: &str) -> bool {
    ALIASES.iter().any(|(alias, _)| *alias == name) || matches!(name, "SMTP_HOST" | "SMTP_PORT" | "SMTP_USER")
}
