//! Owners of hosts who want no checks (T-19): a TXT record, asked for at most once an hour.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::{
    GrpcSettings, IcmpSettings, Settings, TcpSettings, TlsCertificateSettings, WebsocketSettings,
};
use egress::{Egress, EgressConfig, TargetError};
use tokio::net::UdpSocket;

use crate::support::{answer, check, check_kind_through, moved, ok, question};

const OUT: Option<FailureClass> = Some(FailureClass::OptedOut);

/// All names lead to 127.0.0.1; `wish` says what the TXT records of a name are, as code of the answer and texts.
async fn zone(
    wish: impl Fn(&str) -> (u8, Vec<&'static str>) + Send + 'static,
) -> (SocketAddr, Arc<Mutex<HashMap<String, usize>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(HashMap::new()));
    let counts = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let (name, kind, end) = question(&buffer[..length]);
            let (code, data) = match kind {
                1 => (0, vec![vec![127, 0, 0, 1]]),
                16 => {
                    *counts.lock().unwrap().entry(name.clone()).or_insert(0usize) += 1;
                    let (code, texts) = wish(&name);
                    let text =
                        |text: &str| [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
                    (code, texts.into_iter().map(text).collect())
                }
                _ => (0, Vec::new()),
            };
            let mut answer = buffer[..end].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x80 | code]);
            answer[4..12].copy_from_slice(&[0, 1, 0, u8::try_from(data.len()).unwrap(), 0, 0, 0, 0]);
            for data in data {
                answer.extend([0xc0, 12]);
                answer.extend(kind.to_be_bytes());
                answer.extend([0, 1, 0, 0, 0, 0]);
                answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                answer.extend(data);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    (address, asked)
}

fn wish(name: &str) -> (u8, Vec<&'static str>) {
    match name {
        "_indie-status.out.example.com" => (0, vec!["v=something", "checks=no"]),
        "_indie-status.loud.example.com" => (0, vec![" CHECKS=NO "]),
        "_indie-status.in.example.com" => (0, vec!["checks=yes"]),
        "_indie-status.broken.example.com" => (2, Vec::new()),
        _ => (3, Vec::new()),
    }
}

/// As for a public host, though these tests have none.
fn door(resolver: SocketAddr, is_public: bool) -> Egress {
    Egress::new(EgressConfig {
        allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()],
        limits_allowed: is_public,
        per_host_gap: std::time::Duration::ZERO,
        resolver: Some(resolver),
        ..EgressConfig::default()
    })
    .unwrap()
}

#[tokio::test]
async fn a_host_whose_owner_wants_no_checks_is_left_alone() {
    let (resolver, asked) = zone(wish).await;
    let server = answer("127.0.0.1", |_| ok()).await;
    let egress = door(resolver, true);
    let url = |host: &str| format!("http://{host}:{}/", server.port());
    for (host, expected) in [
        ("out.example.com", OUT),
        ("loud.example.com", OUT),
        ("in.example.com", None),
        ("none.example.com", None),
        ("www.out.example.com", None),
        ("broken.example.com", None),
        ("127.0.0.1", None),
    ] {
        for _ in 0..3 {
            let outcome = check(&egress, &url(host)).await;
            let status = if expected.is_some() { CheckStatus::NoData } else { CheckStatus::Up };
            assert_eq!((outcome.failure, outcome.status), (expected, status), "{host}");
        }
        let refused = egress.consult(&egress.validate(&url(host)).unwrap()).await.err();
        assert_eq!(refused, expected.map(|_| TargetError::OptedOut), "{host}");
    }
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|(name, times)| *times == 1 || name.contains("broken")), "{asked:?}");
    assert_eq!(asked.len(), 6, "{asked:?}");
}

#[tokio::test]
async fn each_kind_that_visits_a_host_asks_first_and_so_does_a_redirect() {
    let (resolver, _) = zone(wish).await;
    let server = answer("127.0.0.1", |_| moved(302, "http://out.example.com/")).await;
    let egress = door(resolver, true);
    let (host, port) = ("out.example.com".to_owned(), server.port());
    for settings in [
        Settings::Tcp(TcpSettings { host: host.clone(), port, ..TcpSettings::default() }),
        Settings::Icmp(IcmpSettings { host: host.clone() }),
        Settings::TlsCertificate(TlsCertificateSettings {
            host: host.clone(),
            port,
            ..TlsCertificateSettings::default()
        }),
        Settings::Websocket(WebsocketSettings {
            url: format!("ws://{host}:{port}/"),
            ..WebsocketSettings::default()
        }),
        Settings::Grpc(GrpcSettings { host, port, ..GrpcSettings::default() }),
    ] {
        assert_eq!(check_kind_through(&egress, settings.clone()).await.failure, OUT, "{settings:?}");
        let finding = egress.consult_settings(&settings).await.unwrap();
        let pointer = if matches!(settings, Settings::Websocket(_)) { "/url" } else { "/host" };
        assert_eq!((finding.pointer.as_str(), finding.code), (pointer, "opted_out"));
    }
    assert_eq!(check(&egress, &format!("http://{server}/")).await.failure, OUT, "redirect");
}

#[tokio::test]
async fn the_operators_own_network_is_not_asked() {
    let (resolver, asked) = zone(wish).await;
    let server = answer("127.0.0.1", |_| ok()).await;
    let egress = door(resolver, false);
    let url = format!("http://out.example.com:{}/", server.port());
    assert_eq!(check(&egress, &url).await.status, CheckStatus::Up);
    egress.consult(&egress.validate(&url).unwrap()).await.unwrap();
    assert!(asked.lock().unwrap().is_empty());
}
