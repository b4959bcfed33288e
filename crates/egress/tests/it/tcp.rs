//! TCP checks: a port that accepts, and perhaps says something.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::check::{CheckStatus, FailureClass, Outcome};
use domain::monitor::{Settings, TcpSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::support::{
    DnsStub, check_kind, check_kind_through, closed_port, egress, flooding_server, resetting_server, serve,
    silent_server,
};

fn tcp(port: u16) -> TcpSettings {
    TcpSettings { host: "127.0.0.1".to_owned(), port, ..TcpSettings::default() }
}

fn talk(port: u16, send: &str, expect: &str) -> Settings {
    Settings::Tcp(TcpSettings { send: Some(send.to_owned()), expect: Some(expect.to_owned()), ..tcp(port) })
}

fn down(outcome: &Outcome) -> Option<FailureClass> {
    assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
    outcome.failure
}

#[tokio::test]
async fn a_port_that_accepts_is_up_with_its_phases() {
    let server = silent_server().await;
    let outcome = check_kind(Settings::Tcp(tcp(server.port()))).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
    assert!(outcome.is_inside && outcome.response_time_ms.is_some() && outcome.phases.connect_ms.is_some());
    let phases = (outcome.phases.dns_ms, outcome.phases.tls_ms, outcome.phases.first_byte_ms);
    assert_eq!((phases, outcome.certificate_expires_at), ((None, None, None), None));
}

#[tokio::test]
async fn a_name_is_resolved_by_us() {
    let dns = DnsStub::start(|_, _| vec!["127.0.0.1".parse().unwrap()]).await;
    let server = silent_server().await;
    let named = TcpSettings { host: "db.example.com".to_owned(), ..tcp(server.port()) };
    let egress = egress(&["127.0.0.0/8"], Some(dns.address));
    let outcome = check_kind_through(&egress, Settings::Tcp(named)).await;
    assert_eq!((outcome.status, dns.resolutions("db.example.com")), (CheckStatus::Up, 1));
    assert!(outcome.phases.dns_ms.is_some());
}

#[tokio::test]
async fn what_is_sent_and_expected_is_compared_across_packets() {
    let server = serve("127.0.0.1", |mut stream| async move {
        let mut asked = [0; 6];
        stream.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"PING\r\n");
        for part in ["+", "PO", "N", "G\r\n"] {
            stream.write_all(part.as_bytes()).await.unwrap();
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_secs(5)).await;
    })
    .await;
    let outcome = check_kind(talk(server.port(), "PING\r\n", "PONG")).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
    assert!(outcome.phases.first_byte_ms.is_some());
}

#[tokio::test]
async fn each_way_to_fail_has_its_class() {
    let closed = Settings::Tcp(tcp(closed_port().await));
    assert_eq!(down(&check_kind(closed).await), Some(FailureClass::ConnectionFailed));
    let other = serve("127.0.0.1", |mut stream| async move {
        let _ = stream.write_all(b"-ERR\r\n").await;
    })
    .await;
    let outcome = check_kind(talk(other.port(), "", "PONG")).await;
    assert_eq!(down(&outcome), Some(FailureClass::UnexpectedAnswer));
    let mute = serve("127.0.0.1", |mut stream| async move { stream.shutdown().await.unwrap() }).await;
    let outcome = check_kind(talk(mute.port(), "", "PONG")).await;
    assert_eq!(down(&outcome), Some(FailureClass::ProtocolError));
    let dns = DnsStub::start(|_, _| Vec::new()).await;
    let nowhere = TcpSettings { host: "nowhere.example.com".to_owned(), ..tcp(5432) };
    let outcome = check_kind_through(&egress(&[], Some(dns.address)), Settings::Tcp(nowhere)).await;
    assert_eq!(down(&outcome), Some(FailureClass::DnsFailed));
}

#[tokio::test]
async fn hostile_servers_end_in_time() {
    let silent = silent_server().await;
    let outcome = check_kind(talk(silent.port(), "hello", "world")).await;
    assert_eq!(down(&outcome), Some(FailureClass::TimedOut));
    assert!(outcome.response_time_ms.unwrap() >= 1_500);
    for reads in [false, true] {
        let server = resetting_server(reads).await;
        let outcome = check_kind(talk(server.port(), "hello", "world")).await;
        assert_eq!(down(&outcome), Some(FailureClass::ProtocolError), "reset, after reading: {reads}");
    }
    let (flood, sent) = flooding_server(b"", b"worl").await;
    let outcome = check_kind(talk(flood.port(), "hello", "world")).await;
    assert_eq!(down(&outcome), Some(FailureClass::UnexpectedAnswer));
    sleep(Duration::from_millis(50)).await;
    assert!(sent.load(Ordering::SeqCst) < 16 * 1024 * 1024, "{sent:?}");
}

#[tokio::test]
async fn the_cap_counts_from_the_first_byte() {
    for (before, expected) in [(65_531, None), (65_532, Some(FailureClass::UnexpectedAnswer))] {
        let server = serve("127.0.0.1", move |mut stream| async move {
            let _ = stream.write_all(&[&vec![b' '; before][..], b"world"].concat()).await;
            sleep(Duration::from_secs(5)).await;
        })
        .await;
        let outcome = check_kind(talk(server.port(), "", "world")).await;
        assert_eq!(outcome.failure, expected, "{before} bytes before");
    }
}

#[tokio::test]
async fn tls_that_goes_wrong_has_its_class_too() {
    let tls = |port| Settings::Tcp(TcpSettings { tls: true, ..tcp(port) });
    let outcome = check_kind(tls(silent_server().await.port())).await;
    assert_eq!(down(&outcome), Some(FailureClass::TimedOut));
    let outcome = check_kind(tls(resetting_server(true).await.port())).await;
    assert_eq!(down(&outcome), Some(FailureClass::TlsFailed));
    let (plain, _) = flooding_server(b"220 mail.example.com\r\n", b"220\r\n").await;
    let outcome = check_kind(tls(plain.port())).await;
    assert_eq!(down(&outcome), Some(FailureClass::TlsFailed));
    assert!(outcome.phases.connect_ms.is_some() && outcome.phases.tls_ms.is_none());
}
