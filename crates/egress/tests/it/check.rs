//! The ordinary case: a target answers, and the outcome says what it did.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::Method;
use egress::{Egress, EgressConfig};
use tokio::net::TcpSocket;

use crate::support::{DnsStub, answer, check, egress, job, moved, ok, open_egress};

#[tokio::test]
async fn a_good_answer_is_up_with_its_phases() {
    let server = answer("127.0.0.1", |_| ok()).await;
    let outcome = check(&open_egress(), &format!("http://{server}/")).await;
    assert_eq!((outcome.status, outcome.failure, outcome.status_code), (CheckStatus::Up, None, Some(200)));
    assert!(outcome.response_time_ms.is_some() && outcome.phases.connect_ms.is_some());
    assert!(outcome.phases.first_byte_ms.is_some());
    assert_eq!((outcome.phases.dns_ms, outcome.phases.tls_ms), (None, None), "neither was needed");
}

#[tokio::test]
async fn a_name_is_resolved_and_the_time_is_shown() {
    let dns = DnsStub::start(|_, _| vec!["127.0.0.1".parse().unwrap()]).await;
    let server = answer("127.0.0.1", |_| ok()).await;
    let egress = egress(&["127.0.0.1/32"], Some(dns.address));
    let outcome = check(&egress, &format!("http://app.example.com:{}/", server.port())).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
    assert!(outcome.phases.dns_ms.is_some());
    assert_eq!(dns.resolutions("app.example.com"), 1);
}

#[tokio::test]
async fn a_name_without_address_is_a_dns_failure() {
    let dns = DnsStub::start(|_, _| Vec::new()).await;
    let outcome = check(&egress(&[], Some(dns.address)), "http://nowhere.example.com/").await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, Some(FailureClass::DnsFailed)));
    assert_eq!(outcome.phases.connect_ms, None);
}

#[tokio::test]
async fn the_second_address_is_tried_when_the_first_does_not_answer() {
    let dns = DnsStub::start(|_, _| vec!["127.0.0.3".parse().unwrap(), "127.0.0.1".parse().unwrap()]).await;
    let server = answer("127.0.0.1", |_| ok()).await;
    let egress = egress(&["127.0.0.0/8"], Some(dns.address));
    let outcome = check(&egress, &format!("http://two.example.com:{}/", server.port())).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
}

#[tokio::test]
async fn an_address_that_swallows_everything_leaves_time_for_the_next() {
    let server = answer("127.0.0.1", |_| ok()).await;
    // A full queue drops what comes after, like a firewall.
    let hole = TcpSocket::new_v4().unwrap();
    hole.bind(SocketAddr::new("127.0.0.3".parse().unwrap(), server.port())).unwrap();
    let hole = hole.listen(1).unwrap();
    let full = TcpSocket::new_v4().unwrap().connect(hole.local_addr().unwrap());
    let fuller = TcpSocket::new_v4().unwrap().connect(hole.local_addr().unwrap());
    let _queue = (full.await.unwrap(), fuller.await.unwrap());
    let dns = DnsStub::start(|_, _| vec!["127.0.0.3".parse().unwrap(), "127.0.0.1".parse().unwrap()]).await;
    let egress = egress(&["127.0.0.0/8"], Some(dns.address));
    let mut job = job(&format!("http://two.example.com:{}/", server.port()));
    job.timeout_ms = 800;
    let outcome = egress.check(&job).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
    assert!(outcome.phases.connect_ms.unwrap() >= 300, "the first address had half of the time");
    job.url = format!("http://127.0.0.3:{}/", server.port());
    assert_eq!(egress.check(&job).await.failure, Some(FailureClass::TimedOut));
}

#[tokio::test]
async fn localhost_needs_no_dns() {
    let server = answer("127.0.0.1", |_| ok()).await;
    let egress = egress(&["127.0.0.0/8"], Some("127.0.0.1:9".parse().unwrap()));
    let outcome = check(&egress, &format!("http://localhost:{}/", server.port())).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
}

#[tokio::test]
async fn the_request_says_who_asks_and_wants_plain_bytes() {
    let seen = Arc::new(Mutex::new(String::new()));
    let heads = Arc::clone(&seen);
    let server = answer("127.0.0.1", move |head| {
        heads.lock().unwrap().push_str(head);
        ok()
    })
    .await;
    let config = EgressConfig {
        allow_cidrs: vec!["127.0.0.1/32".parse().unwrap()],
        contact_url: Some("https://status.example.com/about".to_owned()),
        ..EgressConfig::default()
    };
    let egress = Egress::new(config).unwrap();
    check(&egress, &format!("http://{server}/a%20b?c=d#fragment")).await;
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "GET /a%20b?c=d HTTP/1.1\r\nhost: {server}\r\n\
         user-agent: indie-status/{version} (+https://status.example.com/about)\r\n\
         accept: */*\r\naccept-encoding: identity\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_contact_that_breaks_the_header_is_an_error_at_start() {
    let config = EgressConfig { contact_url: Some("a\r\nb".to_owned()), ..EgressConfig::default() };
    assert!(Egress::new(config).is_err());
}

#[tokio::test]
async fn head_and_post_are_sent_as_such() {
    let server = answer("127.0.0.1", |head| {
        if head.starts_with("HEAD ") {
            // The length of a body that never comes: a HEAD answer has none.
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_owned()
        } else if head.starts_with("POST ") && head.contains("content-length: 0") {
            "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else {
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_owned()
        }
    })
    .await;
    let egress = open_egress();
    let mut job = job(&format!("http://{server}/"));
    job.method = Method::Head;
    assert_eq!(egress.check(&job).await.failure, None);
    job.method = Method::Post;
    job.expected_status = 201;
    assert_eq!(egress.check(&job).await.failure, None);
}

#[tokio::test]
async fn another_status_than_expected_is_down() {
    let server = answer("127.0.0.1", |_| "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
    let egress = open_egress();
    let mut job = job(&format!("http://{server}/"));
    let outcome = egress.check(&job).await;
    assert_eq!(outcome.status, CheckStatus::Down);
    assert_eq!((outcome.failure, outcome.status_code), (Some(FailureClass::UnexpectedStatus), Some(503)));
    job.expected_status = 503;
    assert_eq!(egress.check(&job).await.status, CheckStatus::Up);
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let server = answer("127.0.0.1", |head| match head.split(' ').nth(1).unwrap() {
        "/0" => ok(),
        path => moved(302, &format!("/{}", path[1..].parse::<u32>().unwrap() - 1)),
    })
    .await;
    let egress = open_egress();
    for (start, expected) in [(1, None), (3, None), (4, Some(FailureClass::TooManyRedirects))] {
        let outcome = check(&egress, &format!("http://{server}/{start}")).await;
        assert_eq!(outcome.failure, expected, "{start} redirects");
        assert_eq!(outcome.status_code, Some(if expected.is_none() { 200 } else { 302 }));
    }
}

#[tokio::test]
async fn an_expected_redirect_is_not_followed() {
    let server = answer("127.0.0.1", |head| match head.split(' ').nth(1).unwrap() {
        "/" => moved(301, "/next"),
        _ => ok(),
    })
    .await;
    let egress = open_egress();
    let mut job = job(&format!("http://{server}/"));
    job.expected_status = 301;
    let outcome = egress.check(&job).await;
    assert_eq!((outcome.failure, outcome.status_code), (None, Some(301)));
    job.expected_status = 308;
    let outcome = egress.check(&job).await;
    assert_eq!((outcome.failure, outcome.status_code), (Some(FailureClass::UnexpectedStatus), Some(301)));
}

#[tokio::test]
async fn a_redirected_post_becomes_a_get_where_browsers_do_so() {
    let server = answer("127.0.0.1", |head| {
        let mut words = head.split(' ');
        match (words.next().unwrap(), words.next().unwrap()) {
            ("POST", path @ ("/301" | "/302" | "/303")) => moved(path[1..].parse().unwrap(), "/get"),
            ("POST", path @ ("/307" | "/308")) => moved(path[1..].parse().unwrap(), "/post"),
            ("GET", "/get") | ("POST", "/post") => ok(),
            _ => "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_owned(),
        }
    })
    .await;
    let egress = open_egress();
    for status in [301, 302, 303, 307, 308] {
        let mut job = job(&format!("http://{server}/{status}"));
        job.method = Method::Post;
        assert_eq!(egress.check(&job).await.failure, None, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_that_names_no_place_is_just_another_status() {
    let server = answer("127.0.0.1", |head| match head.split(' ').nth(1).unwrap() {
        "/304" => moved(304, "/"),
        _ => "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    })
    .await;
    for path in ["302", "304"] {
        let outcome = check(&open_egress(), &format!("http://{server}/{path}")).await;
        assert_eq!(outcome.failure, Some(FailureClass::UnexpectedStatus), "{path}");
    }
}

#[tokio::test]
async fn a_closed_port_and_a_forbidden_address_look_the_same() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let unreachable = check(&open_egress(), &format!("http://{closed}/")).await;
    let refused = check(&egress(&[], None), &format!("http://{closed}/")).await;
    for outcome in [unreachable, refused] {
        assert_eq!(outcome.status, CheckStatus::Down);
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed));
        assert_eq!((outcome.status_code, outcome.phases), (None, domain::check::Phases::default()));
        assert!(outcome.is_inside);
    }
}
