//! An allowed target that sends us to a forbidden one.

use domain::check::{CheckStatus, FailureClass};
use domain::monitor::Method;

use crate::support::{Canary, DnsStub, answer, egress, job, moved};

/// Status and `Location` of the first answer; `PORT` is the canary's port, `SELF` the server itself.
const SCRIPTS: [(u16, &str); 24] = [
    (301, "http://127.0.0.1:PORT/"),
    (302, "http://127.0.0.1:PORT/"),
    (303, "http://127.0.0.1:PORT/"),
    (307, "http://127.0.0.1:PORT/"),
    (308, "http://127.0.0.1:PORT/"),
    (302, "https://127.0.0.1:PORT/"),
    (302, "//127.0.0.1:PORT/"),
    (302, "\\\\127.0.0.1:PORT/"),
    (302, "/\\127.0.0.1:PORT/"),
    (302, "http:\\\\127.0.0.1:PORT/"),
    (302, "http://2130706433:PORT/"),
    (302, "http://0x7f.1:PORT/"),
    (302, "http://017700000001:PORT/"),
    (302, "http://[::1]:PORT/"),
    (302, "http://[::ffff:7f00:1]:PORT/"),
    (302, "http://0.0.0.0:PORT/"),
    (302, "http://localhost:PORT/"),
    (302, "http://127.0.0.2@127.0.0.1:PORT/"),
    (302, "http://inside.example:PORT/"),
    (302, "http://mixed.example:PORT/"),
    (302, "/again"),
    (302, "gopher://127.0.0.1:PORT/_x"),
    (302, "file:///etc/passwd"),
    (302, "http://169.254.169.254/latest/meta-data/"),
];

#[tokio::test]
async fn no_redirect_leads_to_a_forbidden_address() {
    let canary = Canary::sing().await;
    let dns = DnsStub::start(|name, _| match name {
        "inside.example" => vec!["127.0.0.1".parse().unwrap()],
        _ => vec!["127.0.0.2".parse().unwrap(), "127.0.0.1".parse().unwrap()],
    })
    .await;
    let port = canary.port.to_string();
    let server = answer("127.0.0.2", move |head| match head.split(' ').nth(1).unwrap() {
        "/again" => moved(307, &format!("http://127.0.0.1:{port}/")),
        path => {
            let (status, to) = SCRIPTS[path[1..].parse::<usize>().unwrap()];
            moved(status, &to.replace("PORT", &port))
        }
    })
    .await;
    let egress = egress(&["127.0.0.2/32"], Some(dns.address));
    let mut checks = 0;
    for (number, (_, to)) in SCRIPTS.into_iter().enumerate() {
        for method in [Method::Get, Method::Head, Method::Post] {
            let mut job = job(&format!("http://{server}/{number}"));
            job.method = method;
            let outcome = egress.check(&job).await;
            checks += 1;
            assert_eq!(outcome.status, CheckStatus::Down);
            assert_eq!(outcome.failure, Some(FailureClass::RedirectRefused), "{to}");
            assert!(outcome.status_code.is_some_and(|code| code / 100 == 3), "{to}");
        }
    }
    let accepts = canary.accepts().await;
    println!("{} redirect scripts, {checks} checks, {accepts} accepts", SCRIPTS.len());
    assert_eq!(accepts, 0);
}
