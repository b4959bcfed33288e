//! Hundreds of ways to write an address that must not be reached, against listeners on every local
//! address.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::check::{CheckStatus, FailureClass};
use egress::TargetError;

use crate::support::{Canary, DnsStub, check, egress};

/// The first seven lead to this machine, so the canary hears them.
const INNER: [Ipv4Addr; 14] = [
    Ipv4Addr::LOCALHOST,
    Ipv4Addr::new(127, 0, 0, 2),
    Ipv4Addr::new(127, 1, 2, 3),
    Ipv4Addr::new(127, 127, 127, 127),
    Ipv4Addr::new(127, 255, 255, 254),
    Ipv4Addr::new(127, 0, 1, 1),
    Ipv4Addr::UNSPECIFIED,
    Ipv4Addr::new(10, 0, 0, 1),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(172, 16, 0, 1),
    Ipv4Addr::new(192, 168, 1, 1),
    Ipv4Addr::new(224, 0, 0, 1),
];

const LEGITIMATE: [&str; 36] = [
    "http://example.com",
    "https://example.com",
    "https://example.com/",
    "https://example.com/health",
    "https://example.com/health?deep=1&x=y",
    "https://example.com/#top",
    "https://EXAMPLE.com/Path",
    "https://example.com.",
    "https://www.example.co.uk",
    "https://a.b.c.d.e.example.org",
    "https://xn--mnchen-3ya.example",
    "https://münchen.example",
    "https://例え.テスト",
    "https://1.example.com",
    "https://127.0.0.1.example.com",
    "https://10-0-0-1.example.com",
    "https://localhost.example.com",
    "https://my_service.example.com",
    "https://1password.com",
    "https://example.com:443",
    "http://example.com:80",
    "http://example.com:8080",
    "https://example.com:8443/status",
    "http://example.com:3000",
    "http://example.com:65535",
    "https://example.com/?u=http://127.0.0.1/",
    "https://example.com/@127.0.0.1",
    "https://example.com/a%20b",
    "https://example.com/ä",
    "https://example.com/a/../b",
    "http://1.1.1.1",
    "http://8.8.8.8:8080/x",
    "https://9.9.9.9/",
    "https://[2606:4700:4700::1111]/",
    "http://[2001:4860:4860::8888]:8080",
    "http://[64:ff9b::808:808]/",
];

/// Notations of an IPv4 address that some parser takes for it.
fn notations(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let bits = address.to_bits();
    let (last3, last2) = (bits & 0xff_ffff, bits & 0xffff);
    let other_digits = |zero: char| -> String {
        let shift = |digit: char| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap();
        address.to_string().chars().map(|c| if c == '.' { c } else { shift(c) }).collect()
    };
    let circled: String = address
        .to_string()
        .chars()
        .map(|c| match c {
            '.' => '.',
            '0' => '⓪',
            digit => char::from_u32(u32::from('①') + digit.to_digit(10).unwrap() - 1).unwrap(),
        })
        .collect();
    let escaped = address.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    vec![
        address.to_string(),
        format!("{address}."),
        format!("{bits}"),
        format!("{bits:#x}"),
        format!("0X{bits:08X}"),
        format!("0{bits:o}"),
        format!("000000000{bits:o}"),
        format!("0x000000000{bits:x}"),
        format!("{a}.{last3}"),
        format!("{a}.{last3:#x}"),
        format!("{a}.{b}.{last2}"),
        format!("{a}.{b}.0{last2:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:#06x}.{b}.0{c:o}.{d:#x}"),
        format!("000{a:o}.{b}.{c}.{d}"),
        other_digits('０'),
        other_digits('𝟎'),
        other_digits('𝟬'),
        circled,
        escaped,
        address.to_string().replace('.', "。"),
        address.to_string().replace('.', "．"),
        address.to_string().replace('.', "｡"),
        address.to_string().replace('.', "%2e"),
        address.to_string().replace('.', "\u{ad}."),
        address.to_string().replace('.', ".\u{200b}"),
        address.to_string().replace('.', ".\t"),
    ]
}

/// IPv6 addresses that carry an IPv4 address.
fn carriers(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    vec![
        format!("[::ffff:{address}]"),
        format!("[::FFFF:{high:X}:{low:x}]"),
        format!("[0:0:0:0:0:ffff:{high:x}:{low:x}]"),
        format!("[0000:0000:0000:0000:0000:ffff:{high:04x}:{low:04x}]"),
        format!("[::{address}]"),
        format!("[64:ff9b::{address}]"),
        format!("[64:ff9b:1::{address}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:{high:x}:{low:x}::1]"),
    ]
}

const IPV6: [&str; 24] = [
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0.0.0.1]",
    "[::]",
    "[0::0]",
    "[fe80::1]",
    "[FE80::1]",
    "[febf::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fdff::1]",
    "[ff02::1]",
    "[ff0e::1]",
    "[100::1]",
    "[2001::1]",
    "[2001:1ff::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[4000::1]",
    "[::1%25lo]",
    "[fe80::1%25eth0]",
];

const PREFIXES: [&str; 9] = [
    "http:",
    "http:/",
    "http:///",
    "http:////",
    "http:\\\\",
    "http:/\\",
    "HTTP://",
    "\t http://",
    "ht\ntp://",
];

const USERS: [&str; 9] = [
    "a@",
    "a:b@",
    ":b@",
    "example.com@",
    "example.com:pass@",
    "example.com%00@",
    "a@b@",
    "%31@",
    "http:\\\\x@",
];

const SCHEMES: [&str; 19] = [
    "file",
    "ftp",
    "gopher",
    "dict",
    "ldap",
    "tftp",
    "ws",
    "wss",
    "jar:http",
    "view-source:http",
    "unix",
    "netdoc",
    "ssh",
    "sftp",
    "smb",
    "http+unix",
    "redis",
    "blob:http",
    "https+insecure",
];

const MALFORMED: [&str; 23] = [
    "file:///etc/passwd",
    "data:text/plain,x",
    "javascript:alert(1)",
    "about:blank",
    "mailto:a@example.com",
    "//127.0.0.1/",
    "/",
    "127.0.0.1",
    "localhost:8080",
    "http://",
    "http://:80/",
    "http://?",
    "http://#",
    "http://@/",
    "http://[",
    "http://[]/",
    "http://%/",
    "http://256.0.0.1/",
    "http://1.2.3.4.5/",
    "http://127.0.0.0x/",
    "http://4294967296/",
    "http://exa%00mple.com/",
    "http://example.com:99999/",
];

const LOCAL_NAMES: [&str; 13] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "loc%61lhost",
    "ｌｏｃａｌｈｏｓｔ",
    "ⓛocalhost",
    "local\u{ad}host",
    "a.localhost",
    "a.b.localhost.",
    "metadata",
    "router",
    "kubernetes",
    "ip6-loopback",
];

/// Refused before anything is looked up.
fn refused_at_the_form(port: u16) -> BTreeSet<String> {
    let mut urls = BTreeSet::new();
    let hosts = INNER.into_iter().flat_map(|address| [notations(address), carriers(address)].concat());
    for host in hosts.chain(IPV6.map(str::to_owned)) {
        urls.insert(format!("http://{host}:{port}/"));
        urls.insert(format!("https://{host}:{port}/"));
    }
    let local = format!("127.0.0.1:{port}");
    for prefix in PREFIXES {
        urls.insert(format!("{prefix}{local}/"));
    }
    for user in USERS {
        urls.insert(format!("http://{user}{local}/"));
        urls.insert(format!("https://{user}example.com/"));
    }
    for scheme in SCHEMES {
        urls.insert(format!("{scheme}://{local}/"));
    }
    for url in MALFORMED {
        urls.insert(url.to_owned());
    }
    for host in LOCAL_NAMES {
        urls.insert(format!("http://{host}:{port}/"));
    }
    for bad_port in [0, 1, 7, 21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 993, 2049, 5060, 6000, 6667, 10080]
    {
        urls.insert(format!("http://example.com:{bad_port}/"));
    }
    urls
}

/// Names that the DNS stub answers with a forbidden address, as `127-0-0-1.nip.example` and the like do.
fn refused_at_the_socket(port: u16) -> BTreeSet<String> {
    let mut urls = BTreeSet::new();
    for address in INNER {
        let dashed = address.to_string().replace('.', "-");
        let mapped = address.to_ipv6_mapped().to_bits();
        for name in [
            format!("{dashed}.nip.example"),
            format!("{dashed}.nip.example."),
            format!("{dashed}.NIP.Example"),
            format!("{dashed}.also-public.example"),
            format!("{mapped:032x}.six.example"),
        ] {
            urls.insert(format!("http://{name}:{port}/"));
            urls.insert(format!("https://{name}:{port}/"));
        }
    }
    for address in
        ["::1", "::", "fe80::1", "fd00:ec2::254", "64:ff9b::7f00:1", "2002:7f00:1::1", "::7f00:1", "ff02::1"]
    {
        let bits = address.parse::<Ipv6Addr>().unwrap().to_bits();
        urls.insert(format!("http://{bits:032x}.six.example:{port}/"));
    }
    // What stands in the user part, path or fragment does not matter; the name does.
    for tail in ["#@example.com/", "?@example.com", "/\\@example.com", "\\@example.com/"] {
        urls.insert(format!("http://127-0-0-1.nip.example:{port}{tail}"));
    }
    urls
}

async fn dns() -> DnsStub {
    DnsStub::start(|name, _| {
        let label = name.split('.').next().unwrap();
        let dashed = || label.replace('-', ".").parse::<IpAddr>().unwrap();
        if name.ends_with(".nip.example") {
            vec![dashed()]
        } else if name.ends_with(".also-public.example") {
            vec!["8.8.8.8".parse().unwrap(), dashed()]
        } else if name.ends_with(".six.example") {
            vec![Ipv6Addr::from_bits(u128::from_str_radix(label, 16).unwrap()).into()]
        } else {
            Vec::new()
        }
    })
    .await
}

#[tokio::test]
async fn no_form_of_a_forbidden_address_is_reached() {
    let (canary, dns) = (Canary::sing().await, dns().await);
    let egress = egress(&[], Some(dns.address));
    let (at_form, at_socket) = (refused_at_the_form(canary.port), refused_at_the_socket(canary.port));
    for url in &at_form {
        assert!(egress.validate(url).is_err(), "accepted at the form: {url:?}");
        let outcome = check(&egress, url).await;
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{url:?}");
    }
    for url in &at_socket {
        assert!(egress.validate(url).is_ok(), "a name is no reason to refuse: {url:?}");
        let outcome = check(&egress, url).await;
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "{url:?}");
        assert_eq!(
            (outcome.status, outcome.status_code, outcome.phases.connect_ms),
            (CheckStatus::Down, None, None)
        );
    }
    let (forms, accepts) = (at_form.len() + at_socket.len(), canary.accepts().await);
    println!(
        "{} URL forms refused at the form, {} at the socket, {accepts} accepts",
        at_form.len(),
        at_socket.len()
    );
    assert!(forms >= 300 && !at_socket.is_empty(), "the corpus shrank to {forms}");
    assert_eq!(accepts, 0);
}

/// Proves that the canary hears those forms when nothing stands between.
#[tokio::test]
async fn the_same_forms_do_reach_the_canary_when_everything_is_allowed() {
    let (canary, dns) = (Canary::sing().await, dns().await);
    let egress = egress(&["0.0.0.0/0", "::/0"], Some(dns.address));
    let mut reached = 0;
    for address in INNER.into_iter().take(7) {
        let dashed = address.to_string().replace('.', "-");
        let hosts =
            [notations(address), vec![format!("[::ffff:{address}]"), format!("{dashed}.nip.example")]]
                .concat();
        for host in hosts {
            let mut job = crate::support::job(&format!("http://{host}:{}/", canary.port));
            job.timeout_ms = 2_000;
            if egress.check(&job).await.failure == Some(FailureClass::ProtocolError) {
                reached += 1;
            }
        }
    }
    let accepts = canary.accepts().await;
    println!("{reached} of the same forms reached the canary, {accepts} accepts");
    assert!(reached >= 150, "{reached}");
    assert_eq!(accepts, reached);
}

#[tokio::test]
async fn legitimate_urls_are_accepted() {
    let egress = egress(&[], None);
    for url in LEGITIMATE {
        assert!(egress.validate(url).is_ok(), "{url}: {:?}", egress.validate(url));
    }
    println!("{} legitimate URLs accepted", LEGITIMATE.len());
    assert!(LEGITIMATE.len() >= 30);
}

#[tokio::test]
async fn each_refusal_says_what_is_wrong() {
    let egress = egress(&[], None);
    for (url, error, code) in [
        ("http://2130706433/", TargetError::AddressNotAllowed, "address_not_allowed"),
        ("file:///etc/passwd", TargetError::SchemeNotAllowed, "scheme_not_allowed"),
        ("http://a@example.com/", TargetError::UserinfoNotAllowed, "userinfo_not_allowed"),
        ("http://example.com:25/", TargetError::PortNotAllowed, "port_not_allowed"),
        ("http://localhost/", TargetError::HostNotAllowed, "host_not_allowed"),
        ("http://[::1%25lo]/", TargetError::Malformed, "malformed"),
        (&"a".repeat(2049), TargetError::TooLong, "too_long"),
    ] {
        assert_eq!(egress.validate(url), Err(error), "{url}");
        assert_eq!(error.code(), code);
        assert!(error.to_string().ends_with('.') && !error.to_string().contains("169.254"));
    }
}
