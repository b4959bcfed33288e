//! A target that is this installation itself, by name and by address.

use std::net::IpAddr;

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::{Settings, TcpSettings};
use egress::{Egress, EgressConfig, TargetError};

use crate::support::{DnsStub, answer, check, check_kind_through, ok};

#[tokio::test]
async fn where_we_listen_is_no_target_under_any_name_and_other_ports_are() {
    let (own, other) = (answer("127.0.0.1", |_| ok()).await, answer("127.0.0.1", |_| ok()).await);
    let dns = DnsStub::start(|_, _| vec!["127.0.0.1".parse().unwrap()]).await;
    let config = |own_sockets| EgressConfig {
        allow_cidrs: vec!["127.0.0.0/8".parse().unwrap(), "::/0".parse().unwrap()],
        resolver: Some(dns.address),
        own_sockets,
        ..EgressConfig::default()
    };
    let everywhere = format!("0.0.0.0:{}", own.port()).parse().unwrap();
    for sockets in [vec![own], vec![everywhere]] {
        let egress = Egress::new(config(sockets)).unwrap();
        for host in ["127.0.0.1", "localhost", "alias.example.com", "2130706433", "[::ffff:127.0.0.1]"] {
            for (port, is_own) in [(own.port(), true), (other.port(), false)] {
                let url = format!("http://{host}:{port}/");
                let outcome = check(&egress, &url).await;
                let failure = is_own.then_some(FailureClass::ConnectionFailed);
                assert_eq!(outcome.failure, failure, "{url}");
                let consulted = egress.consult(&egress.validate(&url).unwrap()).await;
                assert_eq!(consulted.err(), is_own.then_some(TargetError::OwnHost), "{url}");
                let settings =
                    Settings::Tcp(TcpSettings { host: host.to_owned(), port, ..TcpSettings::default() });
                assert_eq!(check_kind_through(&egress, settings.clone()).await.failure, failure, "{url}");
                let finding = egress.consult_settings(&settings).await.map(|finding| finding.code);
                assert_eq!(finding, is_own.then_some("own_host"), "{url}");
            }
        }
    }
}

#[tokio::test]
async fn the_address_of_our_public_name_is_ours_at_our_port_and_anothers_under_another_name() {
    let server = answer("127.0.0.1", |_| ok()).await;
    let dns = DnsStub::start(|name, _| match name {
        "status.example.com" | "shop.example.com" => vec!["127.0.0.1".parse::<IpAddr>().unwrap()],
        _ => Vec::new(),
    })
    .await;
    let egress = Egress::new(EgressConfig {
        allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()],
        resolver: Some(dns.address),
        own_hosts: vec!["status.example.com".to_owned()],
        own_port: Some(server.port()),
        ..EgressConfig::default()
    })
    .unwrap();
    let by_name = format!("http://status.example.com:{}/", server.port());
    assert_eq!(egress.validate(&by_name).err(), Some(TargetError::OwnHost));
    let by_address = format!("http://127.0.0.1:{}/", server.port());
    let target = egress.validate(&by_address).unwrap();
    assert_eq!(egress.consult(&target).await.err(), Some(TargetError::OwnHost));
    assert_eq!(check(&egress, &by_address).await.failure, Some(FailureClass::ConnectionFailed));
    // Another site behind the same proxy.
    let other = format!("http://shop.example.com:{}/", server.port());
    egress.consult(&egress.validate(&other).unwrap()).await.unwrap();
    assert_eq!(check(&egress, &other).await.status, CheckStatus::Up);
}
