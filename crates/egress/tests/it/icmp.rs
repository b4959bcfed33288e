//! Echo requests to this machine, as far as the system permits them.

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::{IcmpSettings, Settings};

use crate::support::{DnsStub, check_kind, check_kind_through, egress};

fn icmp(host: &str) -> Settings {
    Settings::Icmp(IcmpSettings { host: host.to_owned() })
}

#[tokio::test]
async fn this_machine_answers_or_the_system_does_not_permit_to_ask() {
    let mut hosts = vec!["127.0.0.1", "localhost"];
    if tokio::net::UdpSocket::bind("[::1]:0").await.is_ok() {
        hosts.push("::1");
    }
    for host in hosts {
        let outcome = check_kind(icmp(host)).await;
        println!("{host}: {outcome:?}");
        if outcome.failure == Some(FailureClass::NotPermitted) {
            assert_eq!((outcome.status, outcome.response_time_ms), (CheckStatus::NoData, None), "{host}");
        } else {
            assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None), "{host}");
            assert!(outcome.phases.first_byte_ms.is_some() && outcome.response_time_ms.is_some(), "{host}");
        }
        assert!(outcome.is_inside, "{host}");
    }
}

#[tokio::test]
async fn a_forbidden_address_is_not_even_asked_about() {
    let dns = DnsStub::start(|_, _| vec!["127.0.0.1".parse().unwrap()]).await;
    let egress = egress(&[], Some(dns.address));
    for host in
        ["127.0.0.1", "2130706433", "0x7f.1", "::1", "[::1]", "::ffff:7f00:1", "localhost", "nip.example.com"]
    {
        let outcome = check_kind_through(&egress, icmp(host)).await;
        assert_eq!(outcome.status, CheckStatus::Down, "{host}");
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{host}");
        let is_name = host == "nip.example.com";
        assert_eq!((outcome.is_inside, outcome.phases.first_byte_ms), (!is_name, None), "{host}");
    }
}

#[tokio::test]
async fn a_name_without_address_is_a_dns_failure() {
    let dns = DnsStub::start(|_, _| Vec::new()).await;
    let outcome = check_kind_through(&egress(&[], Some(dns.address)), icmp("nowhere.example.com")).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, Some(FailureClass::DnsFailed)));
}
