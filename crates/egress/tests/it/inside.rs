//! Whether a target lies in our own network, so that a failure of the way out does not explain its own (F-13).

use std::net::IpAddr;

use domain::check::CheckStatus;

use crate::support::{DnsStub, answer, check, egress, moved, ok};

#[tokio::test]
async fn an_outcome_says_whether_the_target_lies_inside() {
    let near = answer("127.0.0.1", |_| ok()).await;
    let dns = DnsStub::start(|name, _| match name {
        "near.example" => vec!["127.0.0.1".parse::<IpAddr>().unwrap()],
        "far.example" => vec!["203.0.113.1".parse().unwrap()],
        _ => Vec::new(),
    })
    .await;
    let door = egress(&["127.0.0.0/8", "::1/128", "203.0.113.0/24"], Some(dns.address));
    let port = near.port();
    for (url, status, is_inside) in [
        (format!("http://127.0.0.1:{port}/"), CheckStatus::Up, true),
        (format!("http://near.example:{port}/"), CheckStatus::Up, true),
        (format!("http://localhost:{port}/"), CheckStatus::Up, true),
        // It speaks no TLS; a failure is as near as a success.
        (format!("https://near.example:{port}/"), CheckStatus::Down, true),
        ("http://127.0.0.9:8099/".to_owned(), CheckStatus::Down, true),
        ("http://near.example:8099/".to_owned(), CheckStatus::Down, true),
        ("http://far.example/".to_owned(), CheckStatus::Down, false),
        ("http://203.0.113.1/".to_owned(), CheckStatus::Down, false),
        // Refused by the rules, so no network could help.
        ("http://10.0.0.1/".to_owned(), CheckStatus::Down, true),
        // Nobody knows where it is.
        ("http://nowhere.example/".to_owned(), CheckStatus::Down, false),
    ] {
        let outcome = check(&door, &url).await;
        assert_eq!((outcome.status, outcome.is_inside), (status, is_inside), "{url}");
    }
}

#[tokio::test]
async fn a_redirect_leads_out_again() {
    let near = answer("127.0.0.1", |_| moved(302, "http://203.0.113.1/")).await;
    let door = egress(&["127.0.0.0/8", "203.0.113.0/24"], None);
    let outcome = check(&door, &format!("http://{near}/")).await;
    assert_eq!((outcome.failure.is_some(), outcome.is_inside), (true, false));
}
