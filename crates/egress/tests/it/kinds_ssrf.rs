//! The guard, for every kind but HTTP: whoever names a forbidden address, in whatever form, reaches nobody (T-01).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::{
    DnsSettings, DomainExpirySettings, GrpcSettings, Secrets, Settings, TcpSettings, TlsCertificateSettings,
    WebsocketSettings,
};
use egress::{Egress, EgressConfig};
use tokio::net::UdpSocket;

use crate::support::{Canary, DnsStub, check_kind_through, egress};

/// Refused as it is written.
const LITERALS: [&str; 18] = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "127.0.0.1.",
    "::1",
    "[::1]",
    "::",
    "::ffff:127.0.0.1",
    "[::ffff:7f00:1]",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "localhost",
    "a.localhost.",
    "１２７.0.0.1",
];
/// Names that lead there.
const NAMES: [&str; 4] =
    ["inside.example.com", "mixed.example.com", "six.example.com", "INSIDE.example.com."];

/// One check of each kind that connects to `host`.
fn kinds(host: &str, port: u16) -> Vec<Settings> {
    let bracketed = if host.matches(':').count() > 1 && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let socket = |scheme: &str| WebsocketSettings {
        url: format!("{scheme}://{bracketed}:{port}/"),
        ..WebsocketSettings::default()
    };
    let tcp = |tls| TcpSettings { host: host.to_owned(), port, tls, ..TcpSettings::default() };
    let grpc = |tls| GrpcSettings { host: host.to_owned(), port, tls, ..GrpcSettings::default() };
    vec![
        Settings::Tcp(tcp(false)),
        Settings::Tcp(tcp(true)),
        Settings::TlsCertificate(TlsCertificateSettings {
            host: host.to_owned(),
            port,
            ..TlsCertificateSettings::default()
        }),
        Settings::Websocket(socket("ws")),
        Settings::Websocket(socket("wss")),
        Settings::Grpc(grpc(false)),
        Settings::Grpc(grpc(true)),
    ]
}

async fn names() -> DnsStub {
    DnsStub::start(|name, _| match name {
        "inside.example.com" => vec!["127.0.0.1".parse().unwrap()],
        "mixed.example.com" => vec!["127.0.0.2".parse().unwrap(), "127.0.0.1".parse().unwrap()],
        "six.example.com" => vec!["::1".parse().unwrap()],
        _ => Vec::new(),
    })
    .await
}

#[tokio::test]
async fn no_kind_reaches_a_forbidden_address() {
    let (canary, dns) = (Canary::sing().await, names().await);
    // Only the second address of the machine is allowed, so that a mixed answer has something good in it.
    let egress = egress(&["127.0.0.2/32"], Some(dns.address));
    let mut checks = 0;
    for host in LITERALS.into_iter().chain(NAMES) {
        for settings in kinds(host, canary.port) {
            let outcome = check_kind_through(&egress, settings.clone()).await;
            checks += 1;
            assert_eq!(outcome.status, CheckStatus::Down, "{settings:?}");
            assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{settings:?}");
            // What is refused as it is written needs no network to fail.
            let is_inside = LITERALS.contains(&host) && !host.contains("localhost");
            assert_eq!((outcome.phases.connect_ms, outcome.is_inside), (None, is_inside), "{settings:?}");
        }
    }
    let accepts = canary.accepts().await;
    println!("{checks} checks of forbidden addresses, {accepts} accepts");
    assert_eq!(accepts, 0);
}

/// Proves that the canary hears those kinds when nothing stands between.
#[tokio::test]
async fn every_kind_does_reach_the_canary_when_it_is_allowed() {
    let canary = Canary::sing().await;
    let egress = egress(&["127.0.0.0/8"], None);
    let kinds = kinds("127.1", canary.port);
    let expected = kinds.len();
    for settings in kinds {
        check_kind_through(&egress, settings).await;
    }
    assert_eq!(canary.accepts().await, expected);
}

#[tokio::test]
async fn no_registry_is_asked_at_a_forbidden_address() {
    let (canary, dns) = (Canary::sing().await, names().await);
    for host in ["127.0.0.1", "2130706433", "[::1]", "localhost", "inside.example.com", "mixed.example.com"] {
        let config = EgressConfig {
            allow_cidrs: vec!["127.0.0.2/32".parse().unwrap()],
            resolver: Some(dns.address),
            rdap_base: Some(format!("http://{host}:{}/domain/", canary.port)),
            ..EgressConfig::default()
        };
        let settings =
            DomainExpirySettings { domain: "example.com".to_owned(), ..DomainExpirySettings::default() };
        let egress = Egress::new(config).unwrap();
        let outcome = check_kind_through(&egress, Settings::DomainExpiry(settings)).await;
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{host}");
    }
    assert_eq!(canary.accepts().await, 0);
}

#[tokio::test]
async fn no_dns_server_is_asked_at_a_forbidden_address() {
    let canary = Canary::sing().await;
    let socket = UdpSocket::bind(("127.0.0.1", canary.port)).await.unwrap();
    let packets = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&packets);
    tokio::spawn(async move {
        while socket.recv_from(&mut [0; 512]).await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let asking = |resolver: String| {
        Settings::Dns(DnsSettings {
            name: "example.com".to_owned(),
            resolver: Some(resolver),
            ..DnsSettings::default()
        })
    };
    let egress = egress(&["127.0.0.2/32"], None);
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "localhost", "127.1"] {
        let outcome = check_kind_through(&egress, asking(format!("{host}:{}", canary.port))).await;
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{host}");
        assert_eq!((outcome.phases.dns_ms, outcome.is_inside), (None, true), "{host}");
    }
    for resolver in
        ["127.0.0.1", "::1", "[::1]", "169.254.169.254", "10.0.0.53", "8.8.8.8:25", "8.8.8.8:0", ""]
    {
        let outcome = check_kind_through(&egress, asking(resolver.to_owned())).await;
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{resolver}");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((packets.load(Ordering::SeqCst), canary.accepts().await), (0, 0));
    // The same question does arrive where it is allowed.
    let open = crate::support::open_egress();
    check_kind_through(&open, asking(format!("127.0.0.1:{}", canary.port))).await;
    assert!(packets.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn ports_of_mail_and_none_are_refused_for_each_kind_and_others_are_not() {
    let egress = egress(&[], None);
    for port in [0, 25, 465, 587] {
        for settings in kinds("example.com", port) {
            let outcome = check_kind_through(&egress, settings.clone()).await;
            assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{settings:?}");
            assert_eq!(outcome.phases.dns_ms, None, "{settings:?}");
            assert!(!egress.validate_settings(&settings, &Secrets::default()).is_empty(), "{settings:?}");
        }
    }
    for port in [21, 22, 53, 110, 143, 993, 995, 5060, 6379] {
        for settings in kinds("example.com", port) {
            let is_http = matches!(settings, Settings::Websocket(_));
            let refusals = egress.validate_settings(&settings, &Secrets::default());
            assert_eq!(refusals.is_empty(), !is_http || port == 6379, "{settings:?}: {refusals:?}");
        }
    }
}

#[tokio::test]
async fn all_kinds_share_the_places_at_a_host() {
    let server = crate::support::silent_server().await;
    let config = EgressConfig {
        allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()],
        per_host_concurrency: 1,
        limits_allowed: true,
        ..EgressConfig::default()
    };
    let egress = Egress::new(config).unwrap();
    let held = tokio::spawn({
        let egress = egress.clone();
        let mut job = crate::support::job(&format!("http://{server}/"));
        job.timeout_ms = 3_000;
        async move { egress.check(&job).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    for settings in kinds("127.0.0.1", server.port()) {
        let mut job = crate::support::kind_job(settings);
        job.patience_ms = 100;
        let outcome = egress.check(&job).await;
        let busy = Some(FailureClass::TooManyChecks);
        assert_eq!((outcome.status, outcome.failure), (CheckStatus::NoData, busy), "{job:?}");
    }
    assert_eq!(held.await.unwrap().failure, Some(FailureClass::TimedOut));
}
