//! What a form says to the settings of a check before anything is asked.

use domain::monitor::{
    DnsSettings, DomainExpirySettings, GrpcSettings, Header, HttpSettings, IcmpSettings, RecordType, Secrets,
    Settings, TcpSettings, TlsCertificateSettings, WebsocketSettings,
};

use egress::Finding;

use crate::support::egress;

/// Pointers and words of all refusals.
fn refusals(allow: &[&str], settings: &Settings) -> Vec<String> {
    let refusals = egress(allow, None).validate_settings(settings, &Secrets::default());
    for Finding { pointer, message, .. } in &refusals {
        assert!(pointer.starts_with('/') && message.ends_with('.'), "{pointer}: {message}");
    }
    refusals.into_iter().map(|one| format!("{} {}", one.pointer, one.code)).collect()
}

fn tcp(host: &str, port: u16) -> Settings {
    Settings::Tcp(TcpSettings { host: host.to_owned(), port, ..TcpSettings::default() })
}

fn dns(name: &str, record: RecordType, resolver: Option<&str>, expected: &[&str]) -> Settings {
    Settings::Dns(DnsSettings {
        name: name.to_owned(),
        record,
        resolver: resolver.map(str::to_owned),
        expected: expected.iter().map(|&value| value.to_owned()).collect(),
        exactly: false,
    })
}

fn socket(url: &str, header: Option<(&str, &str)>) -> Settings {
    let headers = header.map(|(name, value)| Header { name: name.to_owned(), value: value.to_owned() });
    Settings::Websocket(WebsocketSettings {
        url: url.to_owned(),
        headers: headers.into_iter().collect(),
        ..WebsocketSettings::default()
    })
}

#[tokio::test]
async fn good_settings_are_accepted() {
    for settings in [
        Settings::Http(Box::<HttpSettings>::default()),
        tcp("db.example.com", 5432),
        tcp("8.8.8.8", 53),
        tcp("2606:4700:4700::1111", 22),
        tcp("[2606:4700:4700::1111]", 22),
        tcp("bücher.example", 993),
        dns("example.com", RecordType::A, None, &["8.8.8.8"]),
        dns("_dmarc.example.com.", RecordType::Txt, Some("1.1.1.1"), &["v=DMARC1"]),
        dns("example.com", RecordType::Aaaa, Some("[2606:4700:4700::1111]:53"), &["2001:db8::1"]),
        dns("vault.internal", RecordType::A, Some("1.1.1.1"), &[]),
        Settings::Icmp(IcmpSettings { host: "example.com".to_owned() }),
        Settings::TlsCertificate(TlsCertificateSettings {
            host: "example.com".to_owned(),
            ..TlsCertificateSettings::default()
        }),
        Settings::DomainExpiry(DomainExpirySettings {
            domain: "Example.com".to_owned(),
            ..DomainExpirySettings::default()
        }),
        socket("wss://example.com/socket", Some(("Origin", "https://example.com"))),
        Settings::Grpc(GrpcSettings {
            host: "example.com".to_owned(),
            port: 50051,
            ..GrpcSettings::default()
        }),
    ] {
        assert_eq!(refusals(&[], &settings), Vec::<String>::new(), "{settings:?}");
    }
}

#[tokio::test]
async fn each_mistake_is_shown_at_its_field() {
    let long = "a".repeat(1025);
    let talk = TcpSettings { send: Some(long.clone()), expect: Some(long), ..TcpSettings::default() };
    for (settings, expected) in [
        (tcp("", 5432), &["/host required"][..]),
        (tcp("127.0.0.1", 5432), &["/host address_not_allowed"]),
        (tcp("::1", 5432), &["/host address_not_allowed"]),
        (tcp("0x7f.1", 5432), &["/host address_not_allowed"]),
        (tcp("localhost", 5432), &["/host host_not_allowed"]),
        (tcp("https://example.com", 5432), &["/host host_not_allowed"]),
        (tcp("example.com:80", 80), &["/host host_not_allowed"]),
        (tcp("alice@example.com", 80), &["/host host_not_allowed"]),
        (tcp("example.com/x", 80), &["/host host_not_allowed"]),
        (tcp(&"a.".repeat(2000), 80), &["/host too_long"]),
        (tcp("example.com", 25), &["/port port_not_allowed"]),
        (
            Settings::Tcp(talk),
            &["/host required", "/port port_not_allowed", "/send too_long", "/expect too_long"],
        ),
        (dns("", RecordType::A, None, &[]), &["/name required"]),
        (dns("127.0.0.1", RecordType::A, None, &[]), &["/name host_not_allowed"]),
        (dns("db.internal", RecordType::A, None, &[]), &["/name host_not_allowed"]),
        (dns("example.com", RecordType::A, Some("dns.google"), &[]), &["/resolver malformed"]),
        (dns("example.com", RecordType::A, Some("10.0.0.1"), &[]), &["/resolver address_not_allowed"]),
        (dns("example.com", RecordType::A, Some("8.8.8.8:25"), &[]), &["/resolver port_not_allowed"]),
        (
            dns("example.com", RecordType::A, None, &["1.1.1.1", "x", "::1"]),
            &["/expected/1 malformed", "/expected/2 malformed"],
        ),
        (dns("example.com", RecordType::Ns, None, &["x"; 21]), &["/expected too_many"]),
        (Settings::Icmp(IcmpSettings { host: "10.0.0.1".to_owned() }), &["/host address_not_allowed"]),
        (socket("https://example.com/", None), &["/url scheme_not_allowed"]),
        (socket("example.com", None), &["/url malformed"]),
        (socket("ws://127.0.0.1/", None), &["/url address_not_allowed"]),
        (socket("ws://example.com:22/", None), &["/url port_not_allowed"]),
        (socket("ws://a:b@example.com/", None), &["/url userinfo_not_allowed"]),
        (socket("ws://example.com/", Some(("Host", "x"))), &["/headers/0/name header_not_allowed"]),
        (socket("ws://example.com/", Some(("a b", "x"))), &["/headers/0/name header_not_allowed"]),
        (socket("ws://example.com/", Some(("A", "x\r\nB: y"))), &["/headers/0/name header_not_allowed"]),
    ] {
        assert_eq!(refusals(&[], &settings), expected, "{settings:?}");
    }
}

#[tokio::test]
async fn secret_headers_of_a_websocket_meet_the_same_rules() {
    let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
    let secrets = |headers| Secrets { headers, ..Secrets::default() };
    let found = |secrets: &Secrets| -> Vec<String> {
        let findings = egress(&[], None).validate_settings(&socket("wss://example.com/", None), secrets);
        findings.iter().map(|finding| format!("{} {}", finding.pointer, finding.code)).collect()
    };
    assert_eq!(found(&secrets(vec![header("X-Key", "k")])), Vec::<String>::new());
    let bad = secrets(vec![header("Upgrade", "h2c"), header("A", "x\r\nB: y")]);
    let expected =
        ["/secrets/headers/0/name header_not_allowed", "/secrets/headers/1/name header_not_allowed"];
    assert_eq!(found(&bad), expected);
    assert_eq!(found(&secrets(vec![header("A", "x"); 21])), ["/headers too_many"]);
}

#[tokio::test]
async fn days_have_an_order_and_an_end() {
    let certificate = |warn_days, fail_days| {
        let host = "example.com".to_owned();
        Settings::TlsCertificate(TlsCertificateSettings { host, port: 443, warn_days, fail_days })
    };
    let domain = |warn_days, fail_days| {
        let domain = "example.com".to_owned();
        Settings::DomainExpiry(DomainExpirySettings { domain, warn_days, fail_days })
    };
    for settings in [certificate(7, 8), domain(7, 8)] {
        assert_eq!(refusals(&[], &settings), ["/fail_days out_of_range"]);
    }
    for settings in [certificate(3661, 0), domain(3661, 0)] {
        assert_eq!(refusals(&[], &settings), ["/warn_days out_of_range"]);
    }
    assert_eq!(refusals(&[], &certificate(0, 0)), Vec::<String>::new());
    let own = Settings::DomainExpiry(DomainExpirySettings::default());
    assert_eq!(refusals(&[], &own), ["/domain required"]);
}

#[tokio::test]
async fn an_office_may_watch_its_own_machines() {
    let allow = &["10.0.0.0/8"];
    for settings in [
        tcp("10.0.0.7", 5432),
        tcp("db", 5432),
        dns("db.internal", RecordType::A, None, &[]),
        dns("db", RecordType::A, Some("10.0.0.53"), &[]),
    ] {
        assert_eq!(refusals(allow, &settings), Vec::<String>::new(), "{settings:?}");
    }
}
