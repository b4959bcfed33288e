//! `/orgs/{org}/welcome`: one address, its first check, and the page that shows it.

use actions::monitors::NewMonitor;
use actions::services::NewService;
use actions::{Error, checks, monitors, services};
use axum::response::{IntoResponse, Redirect, Response};
use domain::check::FailureClass;
use domain::id::MonitorId;
use domain::monitor::Monitor;
use domain::organization::Permission;
use serde::Deserialize;
use url::Url;

use super::input;
use super::monitor_page::seen;
use super::screen::{Refused, Screen, refused};
use super::staircase;
use crate::api::v1::monitors::checked_url;
use crate::error::Problem;
use crate::extract::CsrfForm;
use crate::page::html;
use crate::view::dashboard::welcome::{ResultPage, WelcomePage};
use crate::view::plan::interval;
use crate::view::{Errors, State};

/// Mail providers whose domain says nothing about the person.
const GENERIC: [&str; 24] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "yahoo.com",
    "yahoo.de",
    "yahoo.co.uk",
    "ymail.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "gmx.com",
    "web.de",
    "mail.com",
    "mail.ru",
    "proton.me",
    "protonmail.com",
    "fastmail.com",
    "zoho.com",
];

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    url: String,
}

/// The field, or what the first check of `?monitor=` saw.
pub(crate) async fn show(screen: Screen) -> Response {
    let body = async {
        if let Some(id) = screen.parameter("monitor") {
            return result(&screen, input::id(&id)?).await;
        }
        screen.require(Permission::ManageMonitors)?;
        let url = guess(&screen.user.login.email).unwrap_or_default();
        Ok(html(&field(&screen, url, true, Errors::default())))
    };
    screen.answer(body).await
}

/// Makes service and monitor, runs the first check, and leads to its result.
pub(crate) async fn watch(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        match begin(&screen, &input.url).await {
            Ok(monitor) => check(&screen, monitor.id).await,
            Err(error) => {
                let Refused { status, errors, .. } = refused(error)?;
                Ok((status, html(&field(&screen, input.url, false, errors))).into_response())
            }
        }
    };
    screen.answer(body).await
}

fn field(screen: &Screen, url: String, is_guess: bool, errors: Errors) -> WelcomePage {
    WelcomePage {
        site: screen.site(),
        root: screen.root(),
        is_guess: is_guess && !url.is_empty(),
        url,
        errors,
    }
}

/// A service of the host's name with one monitor. The address is looked at first, so that a wrong one leaves nothing.
async fn begin(screen: &Screen, typed: &str) -> actions::Result<Monitor> {
    let ctx = &screen.state.ctx;
    let url = checked_url(&screen.state, &with_scheme(typed)).await;
    let url = url.map_err(|field| Error::Invalid(vec![field]))?;
    let host = Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let name = host.trim_start_matches("www.").to_owned();
    let service = NewService { name, is_visible: true, ..NewService::default() };
    let service = services::create(ctx, &screen.membership, service).await?;
    monitors::create(ctx, &screen.membership, NewMonitor::new(service.id, Ok(url))).await
}

/// People type "example.com".
fn with_scheme(typed: &str) -> String {
    let typed = typed.trim();
    if typed.is_empty() || typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") }
}

async fn check(screen: &Screen, id: MonitorId) -> Result<Response, Problem> {
    let by_hand = checks::begin_by_hand(&screen.state.ctx, &screen.membership, id).await?;
    let outcome = screen.state.egress.check(&by_hand.job).await;
    checks::record_by_hand(&screen.state.ctx, &screen.membership, &by_hand, &outcome).await?;
    Ok(Redirect::to(&format!("{}/welcome?monitor={id}", screen.root())).into_response())
}

/// What the stored result says.
async fn result(screen: &Screen, id: MonitorId) -> Result<Response, Problem> {
    let mut conn = screen.read().await?;
    let monitor =
        store::monitors::find(&mut conn, screen.scope(), id).await?.ok_or_else(Problem::not_found)?;
    let results = store::check_results::list(&mut conn, screen.scope(), id, None, 10).await?;
    let page = store::status_pages::find_default(&mut conn, screen.scope()).await?;
    drop(conn);
    let check = results.iter().find(|result| result.is_manual).or(results.first());
    let check = check.ok_or_else(Problem::not_found)?;
    let path = page.map_or_else(|| format!("{}/pages", screen.root()), |page| screen.public_path(&page.slug));
    let (state, words) = seen(check, monitor.expected_status);
    Ok(html(&ResultPage {
        site: screen.site(),
        root: screen.root(),
        phases: staircase::of(monitor.url.starts_with("https:"), check.failure, check.phases),
        is_up: matches!(state, State::Operational | State::Degraded),
        words: if check.failure.is_none() { format!("Status {words}") } else { words },
        total: check.response_time_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms")),
        advice: check.failure.map(advice).unwrap_or_default().to_owned(),
        rhythm: format!(
            "We look again every {}. You can change that later.",
            interval(screen.limits().clamp_interval(monitor.interval_seconds))
        ),
        monitor_path: format!("{}/monitors/{id}", screen.root()),
        page_url: screen.absolute(&path),
        page_path: path,
        url: monitor.url,
    }))
}

/// What can be done about a failure.
const fn advice(class: FailureClass) -> &'static str {
    use FailureClass as F;
    match class {
        F::DnsFailed => "Look whether the name is spelt right and has an A or AAAA record.",
        F::ConnectionFailed => {
            "Look whether the server runs, the port is right, and a firewall lets us in. Private addresses are \
             never reached."
        }
        F::TlsFailed | F::HandshakeRefused => {
            "The server and we found no common TLS version, or it speaks plain HTTP on this port."
        }
        F::CertificateInvalid => "Renew the certificate, or look whether it names this host.",
        F::CertificateExpired => "Renew the certificate.",
        F::CertificateUntrusted => {
            "Use a certificate of a public authority, and let the server send its whole chain."
        }
        F::CertificateWrongName => "Watch a name that the certificate has, or get one that has this name.",
        F::TimedOut => {
            "The server took longer than 10 s. A page that is made faster, such as /health, is a better target."
        }
        F::ProtocolError => "Something else than a web server seems to listen there.",
        F::TooManyRedirects => "Watch the address at the end of the redirects.",
        F::RedirectRefused => "Watch the address that the redirect should lead to.",
        F::UnexpectedStatus => "Mend the server, or expect another status for this address.",
        F::AnswerTooLarge => "Watch a smaller page, such as /health.",
        F::OwnNetworkDown | F::ParentDown | F::TooManyChecks => "Wait for the next check.",
        F::OptedOut => "Ask the owner of the host, or watch another one.",
        // The first check is a plain HTTP check; the others cannot happen to it.
        _ => "",
    }
}

/// `https://` and the domain of a mail address that is the person's own.
fn guess(email: &str) -> Option<String> {
    let (_, domain) = email.rsplit_once('@')?;
    let domain = domain.to_ascii_lowercase();
    let is_own = domain.contains('.') && !GENERIC.contains(&domain.as_str());
    is_own.then(|| format!("https://{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::dashboard::staircase::Reached;
    use domain::check::Phases;

    #[test]
    fn a_domain_of_ones_own_is_guessed_and_a_providers_is_not() {
        assert_eq!(guess("alice@Acme.example").as_deref(), Some("https://acme.example"));
        assert_eq!(guess("bob@gmail.com"), None);
        assert_eq!(guess("root@localhost"), None);
    }

    #[test]
    fn an_address_without_scheme_is_taken_as_https() {
        assert_eq!(with_scheme(" example.com "), "https://example.com");
        assert_eq!(with_scheme("http://example.com"), "http://example.com");
        assert_eq!(with_scheme(""), "");
    }

    fn drawn(url: &str, failure: Option<FailureClass>, phases: Phases) -> Vec<String> {
        staircase::of(url.starts_with("https:"), failure, phases)
            .into_iter()
            .map(|phase| match phase.outcome {
                Reached::Took(ms) => ms.to_string(),
                Reached::Failed(why) => why,
                Reached::Skipped => "-".to_owned(),
            })
            .collect()
    }

    #[test]
    fn the_staircase_ends_where_the_check_failed() {
        let all = Phases { dns_ms: Some(3), connect_ms: Some(5), tls_ms: Some(7), first_byte_ms: Some(11) };
        assert_eq!(drawn("https://a.example", None, all), ["3", "5", "7", "11"]);
        let plain = Phases { dns_ms: None, tls_ms: None, ..all };
        assert_eq!(drawn("http://a.example", None, plain), ["-", "5", "-", "11"]);
        let dns = Some(FailureClass::DnsFailed);
        let none = Phases::default();
        assert_eq!(drawn("https://a.example", dns, none), ["the name is not known", "-", "-", "-"]);
        let tls = Some(FailureClass::CertificateInvalid);
        let expected = ["3", "5", "the certificate is not valid", "-"];
        let connected = Phases { tls_ms: None, first_byte_ms: None, ..all };
        assert_eq!(drawn("https://a.example", tls, connected), expected);
        for (class, why) in [
            (FailureClass::CertificateExpired, "the certificate has expired"),
            (FailureClass::CertificateUntrusted, "nobody we trust signed the certificate"),
            (FailureClass::CertificateWrongName, "the certificate is for other names"),
            (FailureClass::HandshakeRefused, "the handshake failed"),
        ] {
            assert_eq!(drawn("https://a.example", Some(class), connected), ["3", "5", why, "-"]);
            assert!(!advice(class).is_empty(), "{class:?}");
        }
        let status = Some(FailureClass::UnexpectedStatus);
        assert_eq!(drawn("https://a.example", status, all), ["3", "5", "7", "11"]);
    }
}
