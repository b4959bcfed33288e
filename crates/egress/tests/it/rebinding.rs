//! DNS that changes its mind: one resolution per connection, and what it says is compared each time (T-01).

use std::net::IpAddr;

use domain::check::{CheckStatus, FailureClass};

use crate::support::{Canary, DnsStub, answer, check, egress, moved, ok};

/// The one address that counts as good here, so that no packet has to leave this machine.
const GOOD: &str = "127.0.0.2";

/// Answers of the first and of every later round. `good` is [`GOOD`].
const SCRIPTS: [(&str, &str); 20] = [
    ("good", "127.0.0.1"),
    ("good", "127.0.0.3"),
    ("good", "127.255.255.254"),
    ("good", "0.0.0.0"),
    ("good", "::1"),
    ("good", "::"),
    ("good", "::ffff:127.0.0.1"),
    ("good", "::127.0.0.1"),
    ("good", "64:ff9b::127.0.0.1"),
    ("good", "2002:7f00:1::1"),
    ("good", "169.254.169.254"),
    ("good", "fd00:ec2::254"),
    ("good", "good 127.0.0.1"),
    ("good", "127.0.0.1 good"),
    ("good", "good ::1"),
    ("good", "good good 127.0.0.1 good"),
    ("good 127.0.0.1", "127.0.0.1"),
    ("127.0.0.1 good", "good 127.0.0.1"),
    ("good ::1", "::1"),
    ("good 8.8.8.8 127.0.0.3", "127.0.0.3 8.8.8.8"),
];

fn addresses(script: &str) -> Vec<IpAddr> {
    script.split(' ').map(|word| if word == "good" { GOOD } else { word }.parse().unwrap()).collect()
}

async fn dns() -> DnsStub {
    DnsStub::start(|name, round| {
        let script = name.split('.').next().unwrap().strip_prefix('s').unwrap().parse::<usize>().unwrap();
        addresses(if round == 0 { SCRIPTS[script].0 } else { SCRIPTS[script].1 })
    })
    .await
}

#[tokio::test]
async fn each_connection_asks_once_and_takes_only_what_it_compared() {
    let (canary, dns) = (Canary::sing().await, dns().await);
    let egress = egress(&["127.0.0.2/32"], Some(dns.address));
    let mut connections = 0;
    for (number, (first, _)) in SCRIPTS.into_iter().enumerate() {
        let name = format!("s{number}.rebind.example");
        for round in 0..4 {
            let outcome = check(&egress, &format!("http://{name}:{}/", canary.port)).await;
            // The canary listens on the good address too: connections that are allowed are counted apart.
            let expected = if round == 0 && first == "good" {
                connections += 1;
                FailureClass::ProtocolError
            } else {
                FailureClass::ConnectionFailed
            };
            assert_eq!(outcome.failure, Some(expected), "script {number}, round {round}");
            assert_eq!(dns.resolutions(&name), round + 1, "script {number}: one resolution per connection");
        }
    }
    let accepts = canary.accepts().await;
    println!(
        "{} rebinding scripts, 80 checks, {} accepts on forbidden addresses",
        SCRIPTS.len(),
        accepts - connections
    );
    assert_eq!(accepts, connections);
}

#[tokio::test]
async fn a_redirect_back_to_the_same_name_is_resolved_and_compared_anew() {
    let (canary, dns) = (Canary::sing().await, dns().await);
    let egress = egress(&["127.0.0.2/32"], Some(dns.address));
    let port = canary.port;
    let server = answer(GOOD, move |head| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        moved(302, &format!("http://{}:{port}/", host.split(':').next().unwrap()))
    })
    .await;
    for number in 0..12 {
        let name = format!("s{number}.rebind.example");
        let outcome = check(&egress, &format!("http://{name}:{}/", server.port())).await;
        assert_eq!(outcome.failure, Some(FailureClass::RedirectRefused), "script {number}");
        assert_eq!((outcome.status_code, dns.resolutions(&name)), (Some(302), 2), "script {number}");
    }
    assert_eq!(canary.accepts().await, 0);
}

#[tokio::test]
async fn an_honest_name_is_asked_once_per_connection_too() {
    let dns = DnsStub::start(|_, _| vec![GOOD.parse().unwrap()]).await;
    let server = answer(GOOD, |_| ok()).await;
    let egress = egress(&["127.0.0.2/32"], Some(dns.address));
    for round in 1..=5 {
        let outcome = check(&egress, &format!("http://honest.example:{}/", server.port())).await;
        assert_eq!((outcome.status, dns.resolutions("honest.example")), (CheckStatus::Up, round));
    }
}
