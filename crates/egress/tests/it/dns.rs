//! DNS checks against a scripted DNS server, asked as the installation's resolver and as the owner's.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use domain::check::{CheckStatus, FailureClass, Outcome};
use domain::monitor::{DnsSettings, RecordType, Settings};
use tokio::net::UdpSocket;

use crate::support::{check_kind_through, egress, question};

/// What the server says to one question: code of the answer, and records as type and data.
type Reply = (u8, Vec<(u16, Vec<u8>)>);

const NAME_ERROR: u8 = 3;
const SERVER_FAILURE: u8 = 2;
const REFUSED: u8 = 5;

async fn server(reply: impl Fn(&str, u16) -> Reply + Send + Sync + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let (name, kind, end) = question(&buffer[..length]);
            let (code, records) = reply(&name, kind);
            let mut answer = buffer[..end].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x80 | code]);
            answer[4..12].copy_from_slice(&[0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
            for (kind, data) in records {
                // Pointer to the name of the question, class IN, TTL of an hour.
                answer.extend([0xc0, 12]);
                answer.extend(kind.to_be_bytes());
                answer.extend([0, 1, 0, 0, 14, 16]);
                answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                answer.extend(data);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

fn name(text: &str) -> Vec<u8> {
    let labels = text
        .split('.')
        .flat_map(|label| [&[u8::try_from(label.len()).unwrap()][..], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn text(parts: &[&str]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| [&[u8::try_from(part.len()).unwrap()][..], part.as_bytes()].concat())
        .collect()
}

/// A zone with one record of each kind, and two addresses.
fn zone(asked: &str, kind: u16) -> Reply {
    let records = match (asked, kind) {
        ("gone.example.com", _) => return (NAME_ERROR, Vec::new()),
        ("broken.example.com", _) => return (SERVER_FAILURE, Vec::new()),
        ("closed.example.com", _) => return (REFUSED, Vec::new()),
        ("inside.example.com", 1) => vec![vec![10, 0, 0, 7]],
        ("mixed.example.com", 1) => vec![vec![10, 0, 0, 7], vec![8, 8, 4, 4]],
        ("example.com", 1) => vec![vec![8, 8, 8, 8], vec![8, 8, 4, 4]],
        ("example.com", 28) => vec![[&[0x20, 1, 0x48, 0x60][..], &[0; 10], &[0x88, 0x88]].concat()],
        ("example.com", 5) => vec![name("Other.Example.ORG")],
        ("example.com", 15) => vec![[&[0, 10][..], &name("mail.example.com")].concat()],
        ("example.com", 2) => vec![name("ns1.example.com"), name("ns2.example.com")],
        ("example.com", 16) => vec![text(&["v=spf1 ", "-all"])],
        ("example.com", 33) => vec![[&[0, 1, 0, 2, 0x14, 0x66][..], &name("sip.example.com")].concat()],
        ("example.com", 257) => vec![[&[0, 5][..], b"issue", b"letsencrypt.org"].concat()],
        ("example.com", 6) => {
            let numbers: Vec<u8> = [2026u32, 2, 3, 4, 5].iter().flat_map(|one| one.to_be_bytes()).collect();
            vec![[name("ns1.example.com"), name("admin.example.com"), numbers].concat()]
        }
        _ => Vec::new(),
    };
    (0, records.into_iter().map(|data| (kind, data)).collect())
}

/// Asks the owner's server.
async fn ask(
    server: SocketAddr,
    name: &str,
    record: RecordType,
    expected: &[&str],
    exactly: bool,
) -> Outcome {
    let settings = DnsSettings {
        name: name.to_owned(),
        record,
        resolver: Some(server.to_string()),
        expected: expected.iter().map(|&value| value.to_owned()).collect(),
        exactly,
    };
    check_kind_through(&egress(&["127.0.0.0/8"], None), Settings::Dns(settings)).await
}

#[tokio::test]
async fn each_kind_of_record_is_read_and_compared() {
    let server = server(zone).await;
    for (record, good) in [
        (RecordType::A, &["8.8.8.8", "8.8.4.4"][..]),
        (RecordType::Aaaa, &["2001:4860:0:0:0:0:0:8888"]),
        (RecordType::Cname, &["other.example.org"]),
        (RecordType::Mx, &["10 Mail.example.com."]),
        (RecordType::Mx, &["mail.example.com"]),
        (RecordType::Ns, &["NS2.example.com", "ns1.example.com."]),
        (RecordType::Txt, &["v=spf1 -all"]),
        (RecordType::Txt, &["\"v=spf1 -all\""]),
        (RecordType::Srv, &["1  2 5222 sip.example.com"]),
        (RecordType::Caa, &["0 issue \"letsencrypt.org\""]),
        (RecordType::Caa, &["letsencrypt.org"]),
        (RecordType::Soa, &["ns1.example.com admin.example.com 2026 2 3 4 5"]),
        (RecordType::Soa, &["ns1.example.com"]),
    ] {
        for (expected, exactly) in [(&[][..], false), (good, false), (good, true)] {
            let outcome = ask(server, "Example.com.", record, expected, exactly).await;
            assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None), "{record:?} {expected:?}");
            assert!(outcome.is_inside && outcome.phases.dns_ms.is_some());
            assert_eq!((outcome.phases.connect_ms, outcome.status_code), (None, None));
        }
        let outcome = ask(server, "example.com", record, &["other"], false).await;
        assert_eq!(
            (outcome.status, outcome.failure),
            (CheckStatus::Down, Some(FailureClass::UnexpectedRecords))
        );
    }
}

#[tokio::test]
async fn some_of_the_records_are_enough_unless_they_have_to_be_exactly_those() {
    let server = server(zone).await;
    let unexpected = Some(FailureClass::UnexpectedRecords);
    for (expected, exactly, failure) in [
        (&["8.8.8.8"][..], false, None),
        (&["8.8.8.8"], true, unexpected),
        (&["8.8.4.4", "8.8.8.8"], true, None),
        (&["8.8.4.4", "8.8.8.8", "9.9.9.9"], false, unexpected),
        (&["8.8.4.4", "8.8.8.8", "9.9.9.9"], true, unexpected),
        (&[], true, None),
    ] {
        let outcome = ask(server, "example.com", RecordType::A, expected, exactly).await;
        assert_eq!(outcome.failure, failure, "{expected:?} {exactly}");
    }
    // What stands in quotes or in capitals is text.
    let outcome = ask(server, "example.com", RecordType::Txt, &["V=SPF1 -all"], false).await;
    assert_eq!(outcome.failure, unexpected);
}

#[tokio::test]
async fn no_records_and_no_answer_are_two_things() {
    let server = server(zone).await;
    for (name, record, expected) in [
        ("gone.example.com", RecordType::A, FailureClass::NoRecords),
        ("www.example.com", RecordType::Mx, FailureClass::NoRecords),
        ("broken.example.com", RecordType::A, FailureClass::DnsFailed),
        ("closed.example.com", RecordType::A, FailureClass::DnsFailed),
    ] {
        let outcome = ask(server, name, record, &[], false).await;
        assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, Some(expected)), "{name}");
    }
}

#[tokio::test]
async fn an_alias_is_followed_to_the_records_that_were_asked_for() {
    let server = server(|asked, kind| match (asked, kind) {
        ("www.example.com", 1) => (0, vec![(5, name("example.com"))]),
        ("example.com", 1) => (0, vec![(1, vec![8, 8, 8, 8])]),
        ("loop.example.com", 1) => (0, vec![(5, name("loop.example.com"))]),
        _ => (0, Vec::new()),
    })
    .await;
    let outcome = ask(server, "www.example.com", RecordType::A, &["8.8.8.8"], true).await;
    assert_eq!(outcome.failure, None);
    assert_eq!(ask(server, "loop.example.com", RecordType::A, &[], false).await.status, CheckStatus::Down);
}

async fn installation(server: SocketAddr, allow: &[&str], name: &str, record: RecordType) -> Outcome {
    let settings = DnsSettings { name: name.to_owned(), record, ..DnsSettings::default() };
    check_kind_through(&egress(allow, Some(server)), Settings::Dns(settings)).await
}

#[tokio::test]
async fn the_installations_resolver_is_asked_anew_each_time() {
    let round = Arc::new(std::sync::atomic::AtomicU8::new(0));
    let count = Arc::clone(&round);
    let server = server(move |_, kind| {
        let round = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (0, vec![(kind, vec![8, 8, 8, round])])
    })
    .await;
    let egress = egress(&[], Some(server));
    for round in 0..3 {
        let settings = DnsSettings {
            name: "example.com".to_owned(),
            expected: vec![format!("8.8.8.{round}")],
            ..DnsSettings::default()
        };
        let outcome = check_kind_through(&egress, Settings::Dns(settings)).await;
        assert_eq!(outcome.failure, None, "round {round}: nothing is remembered, whatever its TTL");
        assert!(!outcome.is_inside);
    }
}

// T-01: what our own resolver knows about the network around us is nobody's business.
#[tokio::test]
async fn a_private_address_looks_like_none_unless_it_is_allowed() {
    let server = server(zone).await;
    let no_records = Some(FailureClass::NoRecords);
    let inside = installation(server, &[], "inside.example.com", RecordType::A).await;
    let gone = installation(server, &[], "gone.example.com", RecordType::A).await;
    assert_eq!((inside.failure, gone.failure), (no_records, no_records));
    assert_eq!(installation(server, &[], "mixed.example.com", RecordType::A).await.failure, None);
    let allowed = installation(server, &["10.0.0.0/8"], "inside.example.com", RecordType::A).await;
    assert_eq!(allowed.failure, None);
    for name in ["localhost", "db", "vault.internal", "printer.local", "router.home.arpa"] {
        let outcome = installation(server, &[], name, RecordType::Txt).await;
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{name}");
        assert_eq!(outcome.phases.dns_ms, None, "{name}: nobody was asked");
    }
}

#[tokio::test]
async fn servers_that_do_not_behave_end_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let outcome = ask(silent.local_addr().unwrap(), "example.com", RecordType::A, &[], false).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, Some(FailureClass::TimedOut)));
    // Answers every packet with noise, a hundred times.
    let noisy = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = noisy.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((_, from)) = noisy.recv_from(&mut buffer).await {
            for _ in 0..100 {
                let _ = noisy.send_to(&[0xff; 512], from).await;
            }
        }
    });
    let outcome = ask(address, "example.com", RecordType::A, &[], false).await;
    assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
    // A port where nobody listens.
    let gone: (IpAddr, u16) = ("127.0.0.1".parse().unwrap(), crate::support::closed_port().await);
    let outcome = ask(gone.into(), "example.com", RecordType::A, &[], false).await;
    assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
}
