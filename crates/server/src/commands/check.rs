//! `check`: one check as a monitor would run it, with the reason when it is refused.

use std::fmt::Write as _;
use std::io::{self, Read};

use domain::check::{CheckJob, CheckStatus, Outcome};
use domain::id::{MonitorId, OrgId, ServiceId};
use domain::monitor::{Method, Secrets, Settings};
use domain::time::Timestamp;
use egress::{Egress, check_http};
use serde_json::json;
use uuid::Uuid;

use super::{Failure, Result, check_target, print, print_json};
use crate::cli::{Check, Exit, MethodName};
use crate::config::Config;
use crate::parts;

/// Of a check by hand, milliseconds.
const TIMEOUT_MS: u32 = 10_000;

/// Secrets are a few headers.
const MAX_SECRETS_BYTES: u64 = 256 * 1024;

pub(super) async fn run(check: &Check, config: &Config) -> Result {
    let egress = parts::egress(config)?;
    let (url, settings) = what(check).map_err(bad_data)?;
    let secrets = if check.secrets_stdin { Some(read_secrets()?) } else { None };
    if let Some(wrong) = first_wrong(&egress, &url, settings.as_ref(), secrets.as_ref()) {
        return Err(bad_data(wrong));
    }
    let job = CheckJob {
        organization_id: OrgId::new(Uuid::nil()),
        service_id: ServiceId::new(Uuid::nil()),
        monitor_id: MonitorId::new(Uuid::nil()),
        slot_at: Timestamp::from_ms(0),
        url,
        method: match check.method {
            MethodName::Get => Method::Get,
            MethodName::Head => Method::Head,
            MethodName::Post => Method::Post,
        },
        expected_status: 200,
        timeout_ms: TIMEOUT_MS,
        patience_ms: TIMEOUT_MS,
        settings,
        secrets,
    };
    let outcome = egress.check(&job).await;
    if check.output.json {
        print_json(&outcome)?;
    } else {
        print(&describe(&outcome, check.explain))?;
    }
    match outcome.status {
        CheckStatus::Up | CheckStatus::Degraded => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "The check did not succeed.")),
    }
}

fn bad_data(message: String) -> Failure {
    Failure::new(Exit::BadData, message)
}

/// URL and settings of the check; only HTTP has both. The error is for the person who typed them.
fn what(check: &Check) -> std::result::Result<(String, Option<Settings>), String> {
    let target = check.target.clone();
    let Some(text) = &check.settings else {
        // The command line has one of both.
        let target = target.unwrap_or_default();
        let settings = check_target::settings(&target)?;
        return Ok((target, settings));
    };
    let settings =
        serde_json::from_str(text).map_err(|error| format!("The settings cannot be understood: {error}."))?;
    match (&settings, target) {
        (Settings::Http(_), Some(url)) => Ok((url, Some(settings))),
        (Settings::Http(_), None) => {
            Err("Write the URL as well: settings of HTTP do not name it.".to_owned())
        }
        (_, None) => Ok((String::new(), Some(settings))),
        (_, Some(_)) => Err("Leave the target out: settings of this kind name it themselves.".to_owned()),
    }
}

fn read_secrets() -> Result<Secrets> {
    let text = io::read_to_string(io::stdin().lock().take(MAX_SECRETS_BYTES));
    let text = text.map_err(|error| bad_data(format!("The secrets cannot be read: {error}.")))?;
    secrets(&text).map_err(bad_data)
}

/// Says where a mistake is, and not what stands there.
fn secrets(text: &str) -> std::result::Result<Secrets, String> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!(
            "The secrets cannot be understood, line {line}, column {column}: write JSON with password, token or headers."
        )
    })
}

/// The first thing that is wrong with URL, settings or secrets.
fn first_wrong(
    egress: &Egress,
    url: &str,
    settings: Option<&Settings>,
    secrets: Option<&Secrets>,
) -> Option<String> {
    let none = Secrets::default();
    let secrets = secrets.unwrap_or(&none);
    let findings = match settings {
        None => Vec::new(),
        Some(Settings::Http(settings)) => check_http(settings, secrets),
        Some(settings) => egress.validate_settings(settings, secrets),
    };
    if matches!(settings, None | Some(Settings::Http(_)))
        && let Err(refused) = egress.validate(url)
    {
        return Some(format!("{refused} ({})", refused.code()));
    }
    let first = findings.into_iter().next()?;
    Some(format!("{}: {} ({})", first.pointer, first.message, first.code))
}

fn describe(outcome: &Outcome, explain: bool) -> String {
    let word = serde_json::to_value(outcome.status).ok().and_then(|value| value.as_str().map(str::to_owned));
    let mut text = word.unwrap_or_default();
    if let Some(code) = outcome.status_code {
        let _ = write!(text, ", status {code}");
    }
    if let Some(ms) = outcome.response_time_ms {
        let _ = write!(text, ", {ms} ms");
    }
    if let Some(failure) = outcome.failure {
        let class = json!(failure);
        let _ = write!(text, ": {}", class.as_str().unwrap_or_default());
    }
    text.push('\n');
    if explain {
        let phases = &outcome.phases;
        for (name, ms) in [
            ("DNS", phases.dns_ms),
            ("connect", phases.connect_ms),
            ("TLS", phases.tls_ms),
            ("first byte", phases.first_byte_ms),
        ] {
            let value = ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
            let _ = writeln!(text, "  {name:<11}{value}");
        }
        if let Some(end) = outcome.certificate_expires_at {
            let _ = writeln!(text, "  {:<11}valid until {end}", "certificate");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use egress::EgressConfig;

    use super::*;
    use crate::cli::Output;

    fn check(target: Option<&str>, settings: Option<&str>) -> Check {
        Check {
            target: target.map(str::to_owned),
            settings: settings.map(str::to_owned),
            secrets_stdin: false,
            method: MethodName::Get,
            explain: false,
            output: Output::default(),
        }
    }

    /// What is said to a target and its settings; empty: nothing.
    fn said(target: Option<&str>, settings: Option<&str>, secrets: Option<&Secrets>) -> String {
        let egress = Egress::new(EgressConfig::default()).unwrap();
        match what(&check(target, settings)) {
            Err(wrong) => wrong,
            Ok((url, settings)) => first_wrong(&egress, &url, settings.as_ref(), secrets).unwrap_or_default(),
        }
    }

    const URL: Option<&str> = Some("https://example.com/");

    #[test]
    fn settings_of_http_go_with_a_url_and_the_others_without() {
        let (url, settings) = what(&check(URL, Some(r#"{"kind":"http","follow_redirects":false}"#))).unwrap();
        assert_eq!(url, "https://example.com/");
        let Some(Settings::Http(http)) = settings else { panic!("{settings:?}") };
        assert!(!http.follow_redirects && http.verify_certificate, "the others have their defaults");
        let (url, settings) = what(&check(None, Some(r#"{"kind":"icmp","host":"example.com"}"#))).unwrap();
        assert!(url.is_empty() && matches!(settings, Some(Settings::Icmp(_))));
        for (target, settings, start) in [
            (None, r#"{"kind":"http"}"#, "Write the URL"),
            (URL, r#"{"kind":"icmp","host":"example.com"}"#, "Leave the target out"),
            (URL, r#"{"kind":"smoke"}"#, "The settings cannot be understood"),
            (URL, r#"{"kind":"http","follow":1}"#, "The settings cannot be understood"),
            (URL, "{", "The settings cannot be understood"),
        ] {
            let wrong = what(&check(target, Some(settings))).unwrap_err();
            assert!(wrong.starts_with(start), "{settings}: {wrong}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_checked_is_named_with_its_place() {
        let pattern = r#"{"kind":"http","assertions":[{"of":"body","test":"matches","value":"("}]}"#;
        assert!(said(URL, Some(pattern), None).starts_with("/assertions/0/value: "));
        let tcp = r#"{"kind":"tcp","host":"127.0.0.1","port":5432}"#;
        let wrong = said(None, Some(tcp), None);
        assert!(wrong.starts_with("/host: ") && wrong.ends_with("(address_not_allowed)"), "{wrong}");
        let private = said(Some("http://127.0.0.1/"), Some(r#"{"kind":"http"}"#), None);
        assert!(private.ends_with("(address_not_allowed)"), "{private}");
        assert_eq!(said(URL, Some(r#"{"kind":"http"}"#), None), "");
        assert_eq!(said(URL, None, None), "");
    }

    #[tokio::test]
    async fn secrets_are_read_and_compared_with_the_settings() {
        let bearer = r#"{"kind":"http","auth":{"scheme":"bearer"}}"#;
        let token = secrets(r#"{"token":"abc"}"#).unwrap();
        assert_eq!(said(URL, Some(bearer), Some(&token)), "");
        let wrong = said(URL, Some(bearer), None);
        assert!(wrong.starts_with("/secrets/"), "{wrong}");
        let wrong = secrets(r#"{"token":"abc","tokens":"hush-hush"}"#).unwrap_err();
        assert!(wrong.contains("line 1") && !wrong.contains("hush"), "{wrong}");
        assert!(!secrets(r#"{"headers":"hush-hush"}"#).unwrap_err().contains("hush"));
    }
}
