//! When a registration ends, asked of a scripted RDAP server. That it does not answer says nothing about the domain.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use domain::check::{CheckStatus, FailureClass, Outcome};
use domain::monitor::{DomainExpirySettings, Settings};
use egress::{Egress, EgressConfig};

use crate::support::{
    Canary, answer, check_kind_through, closed_port, flooding_server, moved, resetting_server, silent_server,
};

fn asking(allow: &str, base: String) -> Egress {
    let config = EgressConfig {
        allow_cidrs: vec![allow.parse().unwrap()],
        rdap_base: Some(base),
        ..EgressConfig::default()
    };
    Egress::new(config).unwrap()
}

fn days(warn_days: u16, fail_days: u16) -> Settings {
    Settings::DomainExpiry(DomainExpirySettings { domain: "Example.com".to_owned(), warn_days, fail_days })
}

async fn ask(base: String, settings: Settings) -> Outcome {
    check_kind_through(&asking("127.0.0.0/8", base), settings).await
}

fn json(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn until(date: &str) -> String {
    json(200, &format!(r#"{{"events":[{{"eventAction":"expiration","eventDate":"{date}"}}]}}"#))
}

#[tokio::test]
async fn the_days_left_decide() {
    let seen = Arc::new(Mutex::new(String::new()));
    let heads = Arc::clone(&seen);
    let server = answer("127.0.0.1", move |head| {
        *heads.lock().unwrap() = head.to_owned();
        until("2100-01-01T00:00:00Z")
    })
    .await;
    let base = format!("http://{server}/domain/");
    let outcome = ask(base.clone(), days(30, 7)).await;
    assert_eq!((outcome.status, outcome.failure, outcome.status_code), (CheckStatus::Up, None, Some(200)));
    assert!(outcome.phases.first_byte_ms.is_some() && outcome.certificate_expires_at.is_none());
    let head = seen.lock().unwrap().clone();
    assert!(head.starts_with("GET /domain/example.com HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("accept: application/rdap+json\r\n"), "{head}");
    let expiring = Some(FailureClass::DomainExpiring);
    let outcome = ask(base.clone(), days(60_000, 7)).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Degraded, expiring));
    let outcome = ask(base, days(60_000, 60_000)).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, expiring));
}

#[tokio::test]
async fn an_ended_or_unknown_domain_is_down() {
    let ended = answer("127.0.0.1", |_| until("2020-01-01T00:00:00Z")).await;
    let outcome = ask(format!("http://{ended}/domain"), days(30, 7)).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, Some(FailureClass::DomainExpired)));
    for text in [json(404, "{}"), json(200, r#"{"events":[]}"#)] {
        let server = answer("127.0.0.1", move |_| text.clone()).await;
        let outcome = ask(format!("http://{server}/domain/"), days(30, 7)).await;
        assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, Some(FailureClass::DomainUnknown)));
    }
}

#[tokio::test]
async fn the_redirector_leads_to_the_registry_through_the_guard() {
    let registry = answer("127.0.0.2", |_| until("2100-01-01T00:00:00Z")).await;
    let redirector = answer("127.0.0.1", move |_| moved(302, &format!("http://{registry}/rdap/x"))).await;
    let base = format!("http://{redirector}/domain/");
    assert_eq!(ask(base.clone(), days(30, 7)).await.status, CheckStatus::Up);
    let outcome = check_kind_through(&asking("127.0.0.1/32", base), days(30, 7)).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::NoData, Some(FailureClass::RedirectRefused)));
    let canary = Canary::sing().await;
    let to = format!("http://127.0.0.2:{}/", canary.port);
    let redirector = answer("127.0.0.1", move |_| moved(302, &to)).await;
    let egress = asking("127.0.0.1/32", format!("http://{redirector}/domain/"));
    let outcome = check_kind_through(&egress, days(30, 7)).await;
    assert_eq!((outcome.failure, canary.accepts().await), (Some(FailureClass::RedirectRefused), 0));
    let around = answer("127.0.0.1", |_| moved(302, "/again")).await;
    let outcome = ask(format!("http://{around}/domain/"), days(30, 7)).await;
    assert_eq!(
        (outcome.status, outcome.failure),
        (CheckStatus::NoData, Some(FailureClass::TooManyRedirects))
    );
}

#[tokio::test]
async fn a_registry_in_trouble_says_nothing_about_the_domain() {
    let base = |server: std::net::SocketAddr| format!("http://{server}/domain/");
    let busy = answer("127.0.0.1", |_| json(429, "{}")).await;
    let words = answer("127.0.0.1", |_| json(200, "<html>")).await;
    let long = "a".repeat(300 * 1024);
    let long = answer("127.0.0.1", move |_| json(200, &long)).await;
    let (flood, sent) = flooding_server(b"HTTP/1.1 200 OK\r\n\r\n", b"a").await;
    for (base, expected) in [
        (base(busy), FailureClass::UnexpectedStatus),
        (base(words), FailureClass::ProtocolError),
        (base(long), FailureClass::AnswerTooLarge),
        (base(flood), FailureClass::AnswerTooLarge),
        (base(silent_server().await), FailureClass::TimedOut),
        (base(resetting_server(false).await), FailureClass::ProtocolError),
        (base(resetting_server(true).await), FailureClass::ProtocolError),
        (format!("http://127.0.0.1:{}/", closed_port().await), FailureClass::ConnectionFailed),
        ("http://10.0.0.1/domain/".to_owned(), FailureClass::ConnectionFailed),
        ("file:///etc/".to_owned(), FailureClass::ConnectionFailed),
    ] {
        let outcome = ask(base.clone(), days(30, 7)).await;
        assert_eq!((outcome.status, outcome.failure), (CheckStatus::NoData, Some(expected)), "{base}");
        assert_eq!(outcome.response_time_ms, None, "{base}");
    }
    assert!(sent.load(Ordering::SeqCst) < 16 * 1024 * 1024);
}
