//! What the owner of an HTTP check can ask for beyond address, method and status.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::{Auth, Header, HttpSettings, HttpVersion, Method, Secrets, Settings, StatusRange};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{answer, check, job, job_with, moved, ok, open_egress, serve};

type Heads = Arc<Mutex<Vec<String>>>;

/// Answers with what `script` makes of the path, and remembers every head.
async fn recorder(script: impl Fn(&str) -> String + Send + Sync + 'static) -> (SocketAddr, Heads) {
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    let address = answer("127.0.0.1", move |head| {
        seen.lock().unwrap().push(head.to_owned());
        script(head.split(' ').nth(1).unwrap())
    })
    .await;
    (address, heads)
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn a_status_in_one_of_the_ranges_is_as_good_as_the_expected_one() {
    let server = answer("127.0.0.1", |head| {
        let status = &head.split(' ').nth(1).unwrap()[1..];
        format!("HTTP/1.1 {status} Such\r\nLocation: /200\r\nContent-Length: 0\r\n\r\n")
    })
    .await;
    let statuses = vec![StatusRange { from: 201, to: 204 }, StatusRange { from: 301, to: 301 }];
    for (status, expected) in [
        (200, None),
        (201, None),
        (204, None),
        (301, None),
        (205, Some(FailureClass::UnexpectedStatus)),
        (302, Some(FailureClass::UnexpectedStatus)),
        (500, Some(FailureClass::UnexpectedStatus)),
    ] {
        let settings = HttpSettings { statuses: statuses.clone(), ..HttpSettings::default() };
        let outcome = open_egress().check(&job_with(&format!("http://{server}/{status}"), settings)).await;
        assert_eq!((outcome.failure, outcome.status_code), (expected, Some(status)));
    }
}

#[tokio::test]
async fn headers_of_the_owner_are_sent_in_place_of_ours() {
    let (server, heads) = recorder(|_| ok()).await;
    let settings = HttpSettings {
        headers: vec![header("Accept", "text/plain"), header("X-A", "1"), header("X-A", "2")],
        ..HttpSettings::default()
    };
    let mut job = job_with(&format!("http://{server}/"), settings);
    job.secrets = Some(Secrets { headers: vec![header("X-Key", "secret")], ..Secrets::default() });
    assert_eq!(open_egress().check(&job).await.failure, None);
    let head = heads.lock().unwrap().pop().unwrap();
    for line in [
        "accept: text/plain\r\n",
        "x-a: 1\r\n",
        "x-a: 2\r\n",
        "x-key: secret\r\n",
        "user-agent: indie-status/",
    ] {
        assert!(head.contains(line), "{head}");
    }
    assert_eq!(head.matches("accept: ").count(), 1, "{head}");
}

#[tokio::test]
async fn a_body_goes_out_with_its_length_and_only_where_a_method_has_one() {
    let seen = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&seen);
    let server = serve("127.0.0.1", move |mut stream| {
        let log = Arc::clone(&log);
        async move {
            let mut request = Vec::new();
            let mut buffer = vec![0; 32 * 1024];
            let is_whole = |request: &[u8]| {
                let text = String::from_utf8_lossy(request);
                !text.starts_with("POST") && text.ends_with("\r\n\r\n") || text.ends_with("-end")
            };
            while !is_whole(&request) {
                let read = stream.read(&mut buffer).await.unwrap();
                assert!(read > 0, "{}", String::from_utf8_lossy(&request));
                request.extend_from_slice(&buffer[..read]);
            }
            *log.lock().unwrap() = String::from_utf8(request).unwrap();
            stream.write_all(ok().as_bytes()).await.unwrap();
        }
    })
    .await;
    let body = format!("{}-end", "ä".repeat(8_000));
    let settings = HttpSettings {
        body: Some(body.clone()),
        headers: vec![header("Content-Type", "application/json")],
        ..HttpSettings::default()
    };
    let mut job = job_with(&format!("http://{server}/"), settings);
    job.method = Method::Post;
    assert_eq!(open_egress().check(&job).await.failure, None);
    let request = std::mem::take(&mut *seen.lock().unwrap());
    assert!(request.contains("content-length: 16004\r\n") && request.ends_with(&format!("\r\n\r\n{body}")));
    assert!(request.contains("content-type: application/json\r\n"));
    for method in [Method::Get, Method::Head] {
        job.method = method;
        assert_eq!(open_egress().check(&job).await.failure, None);
        let request = std::mem::take(&mut *seen.lock().unwrap());
        assert!(!request.contains("content-length") && !request.contains("-end"), "{request}");
    }
}

#[tokio::test]
async fn basic_and_bearer_say_who_asks() {
    let (server, heads) = recorder(|_| ok()).await;
    let secrets = Secrets {
        password: Some("open sesame".to_owned()),
        token: Some("abc.def".to_owned()),
        ..Secrets::default()
    };
    for (auth, expected) in [
        (Auth::None, None),
        (
            Auth::Basic { username: "Aladdin".to_owned() },
            Some("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"),
        ),
        (Auth::Bearer, Some("authorization: Bearer abc.def\r\n")),
    ] {
        let mut job =
            job_with(&format!("http://{server}/"), HttpSettings { auth, ..HttpSettings::default() });
        job.secrets = Some(secrets.clone());
        assert_eq!(open_egress().check(&job).await.failure, None);
        let head = heads.lock().unwrap().pop().unwrap();
        assert_eq!(head.contains("authorization"), expected.is_some());
        assert!(expected.is_none_or(|line| head.contains(line)), "{head}");
    }
}

// T-01
#[tokio::test]
async fn secrets_follow_a_redirect_on_the_same_server_and_no_other() {
    let (other, other_heads) = recorder(|_| ok()).await;
    let (server, heads) = recorder(move |path| match path {
        "/same" => moved(302, "/end"),
        "/port" => moved(302, &format!("http://{other}/")),
        "/name" => moved(302, &format!("http://localhost:{}/", other.port())),
        _ => ok(),
    })
    .await;
    let settings = HttpSettings {
        auth: Auth::Bearer,
        headers: vec![header("X-Plain", "1"), header("Cookie", "session=1")],
        ..HttpSettings::default()
    };
    let secrets = Secrets {
        token: Some("token".to_owned()),
        headers: vec![header("X-Key", "secret")],
        ..Secrets::default()
    };
    let secret_lines = ["authorization: Bearer token\r\n", "x-key: secret\r\n", "cookie: session=1\r\n"];
    let run = async |path: &str| {
        let mut job = job_with(&format!("http://{server}{path}"), settings.clone());
        job.secrets = Some(secrets.clone());
        assert_eq!(open_egress().check(&job).await.failure, None);
    };
    run("/same").await;
    let seen = std::mem::take(&mut *heads.lock().unwrap());
    assert_eq!(seen.len(), 2);
    for head in &seen {
        assert!(secret_lines.iter().all(|line| head.contains(line)), "{head}");
    }
    for path in ["/port", "/name"] {
        run(path).await;
        let head = other_heads.lock().unwrap().pop().unwrap();
        assert!(secret_lines.iter().all(|line| !head.contains(line)), "{head}");
        assert!(head.contains("x-plain: 1\r\n"), "{head}");
    }
}

// T-01
#[tokio::test]
async fn secrets_that_were_left_behind_do_not_come_back() {
    let home = Arc::new(Mutex::new(String::new()));
    let back = Arc::clone(&home);
    let other = answer("127.0.0.1", move |_| moved(302, &back.lock().unwrap())).await;
    let (server, heads) = recorder(move |path| match path {
        "/away" => moved(302, &format!("http://{other}/")),
        _ => ok(),
    })
    .await;
    *home.lock().unwrap() = format!("http://{server}/end");
    let settings = HttpSettings { auth: Auth::Bearer, ..HttpSettings::default() };
    let mut job = job_with(&format!("http://{server}/away"), settings);
    job.secrets = Some(Secrets { token: Some("token".to_owned()), ..Secrets::default() });
    assert_eq!(open_egress().check(&job).await.failure, None);
    let heads = heads.lock().unwrap();
    assert!(heads[0].contains("authorization: ") && !heads[1].contains("authorization: "), "{heads:?}");
}

#[tokio::test]
async fn a_redirect_can_be_left_alone() {
    let (server, heads) = recorder(|path| if path == "/" { moved(302, "/end") } else { ok() }).await;
    for (follow_redirects, expected, asked) in
        [(true, None, 2), (false, Some(FailureClass::UnexpectedStatus), 1)]
    {
        let settings = HttpSettings { follow_redirects, ..HttpSettings::default() };
        let outcome = open_egress().check(&job_with(&format!("http://{server}/"), settings)).await;
        assert_eq!(outcome.failure, expected);
        assert_eq!(std::mem::take(&mut *heads.lock().unwrap()).len(), asked);
    }
}

#[tokio::test]
async fn http2_is_not_spoken_without_tls() {
    let server = answer("127.0.0.1", |_| ok()).await;
    for (version, expected) in [
        (HttpVersion::Auto, None),
        (HttpVersion::Http1, None),
        (HttpVersion::Http2, Some(FailureClass::HandshakeRefused)),
    ] {
        let settings = HttpSettings { version, ..HttpSettings::default() };
        let outcome = open_egress().check(&job_with(&format!("http://{server}/"), settings)).await;
        assert_eq!(outcome.failure, expected, "{version:?}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_sent_say_nothing_about_the_target() {
    let (server, heads) = recorder(|_| ok()).await;
    for bad in [header("X", "a\r\nY: b"), header("X Y", "a")] {
        let settings = HttpSettings { headers: vec![bad], ..HttpSettings::default() };
        let outcome = open_egress().check(&job_with(&format!("http://{server}/"), settings)).await;
        assert_eq!(outcome.status, CheckStatus::NoData);
    }
    assert_eq!(heads.lock().unwrap().len(), 0);
    let mut job = job(&format!("http://{server}/"));
    job.settings = Some(Settings::Http(Box::default()));
    assert_eq!(open_egress().check(&job).await.status, CheckStatus::Up);
}

#[tokio::test]
async fn what_lies_inside_is_said_to_be_inside() {
    let server = answer("127.0.0.1", |_| ok()).await;
    let up = check(&open_egress(), &format!("http://{server}/")).await;
    assert!(up.is_inside && up.certificate_expires_at.is_none());
    let by_name = check(&open_egress(), &format!("http://localhost:{}/", server.port())).await;
    assert!(by_name.is_inside);
    let closed = check(&open_egress(), "http://127.0.0.1:9999/").await;
    assert_eq!((closed.failure, closed.is_inside), (Some(FailureClass::ConnectionFailed), true));
}
