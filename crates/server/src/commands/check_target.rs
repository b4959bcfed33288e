//! What can be typed after `check`: a URL whose scheme says what is checked.

use domain::monitor::{
    DnsSettings, DomainExpirySettings, GrpcSettings, IcmpSettings, RecordType, Settings, TcpSettings,
    TlsCertificateSettings, WebsocketSettings,
};
use url::form_urlencoded;

/// The settings that a target means. `None`: an HTTP check of it. The error is for the person who typed it.
pub(super) fn settings(target: &str) -> Result<Option<Settings>, String> {
    let Some((scheme, rest)) = target.split_once("://") else { return Ok(None) };
    let settings = match scheme.to_ascii_lowercase().as_str() {
        "tcp" => {
            let (host, port) = host_and_port(bare(rest, "tcp://host:port")?, None)?;
            Settings::Tcp(TcpSettings { host, port, ..TcpSettings::default() })
        }
        "tls" => {
            let default = TlsCertificateSettings::default();
            let (host, port) =
                host_and_port(bare(rest, "tls://host or tls://host:port")?, Some(default.port))?;
            Settings::TlsCertificate(TlsCertificateSettings { host, port, ..default })
        }
        "dns" => Settings::Dns(dns(rest)?),
        "icmp" => Settings::Icmp(IcmpSettings { host: bare(rest, "icmp://host")?.to_owned() }),
        "domain" => {
            let domain = bare(rest, "domain://example.com")?.to_owned();
            Settings::DomainExpiry(DomainExpirySettings { domain, ..DomainExpirySettings::default() })
        }
        "ws" | "wss" => {
            let url = target.to_owned();
            Settings::Websocket(WebsocketSettings { url, ..WebsocketSettings::default() })
        }
        "grpc" => Settings::Grpc(grpc(rest, false)?),
        "grpcs" => Settings::Grpc(grpc(rest, true)?),
        _ => return Ok(None),
    };
    Ok(Some(settings))
}

/// A target without path and question; a final slash does not matter.
fn bare<'a>(rest: &'a str, form: &str) -> Result<&'a str, String> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() || rest.contains(['/', '?', '#', '@']) {
        return Err(format!("This target cannot be understood. Write it like {form}."));
    }
    Ok(rest)
}

/// Only a host in brackets has colons of its own.
fn host_and_port(text: &str, default: Option<u16>) -> Result<(String, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || (host.contains(':') && !is_bracketed) {
        return Err(
            "The host cannot be understood. Write an IPv6 address in brackets, such as [::1].".to_owned()
        );
    }
    let port = match port {
        Some(port) => port.parse().ok(),
        None => default,
    };
    let port =
        port.ok_or("The port is missing. Write a number from 1 to 65535 after the host and a colon.")?;
    Ok((host.to_owned(), port))
}

fn dns(rest: &str) -> Result<DnsSettings, String> {
    let (name, question) = rest.split_once('?').unwrap_or((rest, ""));
    let form = "dns://example.com?record=MX&resolver=1.1.1.1";
    let mut settings = DnsSettings { name: bare(name, form)?.to_owned(), ..DnsSettings::default() };
    for (key, value) in form_urlencoded::parse(question.as_bytes()) {
        match &*key {
            "record" => settings.record = record(&value)?,
            "resolver" => settings.resolver = Some(value.into_owned()),
            "expected" => settings.expected.push(value.into_owned()),
            _ => {
                return Err(format!("{key} is none of record, resolver and expected. Write it like {form}."));
            }
        }
    }
    Ok(settings)
}

fn record(text: &str) -> Result<RecordType, String> {
    serde_json::from_value(text.to_ascii_uppercase().into()).map_err(|_| {
        format!("{text} is no type of record. Use A, AAAA, CNAME, MX, NS, TXT, SRV, CAA or SOA.")
    })
}

fn grpc(rest: &str, tls: bool) -> Result<GrpcSettings, String> {
    let (place, service) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = host_and_port(bare(place, "grpc://host:port/service")?, None)?;
    Ok(GrpcSettings { host, port, tls, service: service.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Settings {
        Settings::Tcp(TcpSettings { host: host.to_owned(), port, ..TcpSettings::default() })
    }

    fn tls(host: &str, port: u16) -> Settings {
        let host = host.to_owned();
        Settings::TlsCertificate(TlsCertificateSettings { host, port, ..TlsCertificateSettings::default() })
    }

    fn grpc(tls: bool, service: &str) -> Settings {
        Settings::Grpc(GrpcSettings {
            host: "example.com".to_owned(),
            port: 50051,
            tls,
            service: service.to_owned(),
        })
    }

    fn dns(record: RecordType, resolver: Option<&str>, expected: &[&str]) -> Settings {
        Settings::Dns(DnsSettings {
            name: "example.com".to_owned(),
            record,
            resolver: resolver.map(str::to_owned),
            expected: expected.iter().map(|&value| value.to_owned()).collect(),
            exactly: false,
        })
    }

    #[test]
    fn the_scheme_says_what_is_checked() {
        let socket = |url: &str| WebsocketSettings { url: url.to_owned(), ..WebsocketSettings::default() };
        let domain = "example.com".to_owned();
        for (target, expected) in [
            ("tcp://example.com:5432", tcp("example.com", 5432)),
            ("TCP://[2001:db8::1]:22/", tcp("[2001:db8::1]", 22)),
            ("tls://example.com", tls("example.com", 443)),
            ("tls://[2001:db8::1]", tls("[2001:db8::1]", 443)),
            ("tls://example.com:8443", tls("example.com", 8443)),
            ("dns://example.com", dns(RecordType::A, None, &[])),
            ("dns://example.com?record=mx&resolver=1.1.1.1", dns(RecordType::Mx, Some("1.1.1.1"), &[])),
            (
                "dns://example.com/?record=TXT&expected=v%3Dspf1%20-all&expected=b",
                dns(RecordType::Txt, None, &["v=spf1 -all", "b"]),
            ),
            ("icmp://192.0.2.1", Settings::Icmp(IcmpSettings { host: "192.0.2.1".to_owned() })),
            (
                "domain://example.com",
                Settings::DomainExpiry(DomainExpirySettings { domain, ..DomainExpirySettings::default() }),
            ),
            ("ws://example.com/a?b=c", Settings::Websocket(socket("ws://example.com/a?b=c"))),
            ("wss://example.com", Settings::Websocket(socket("wss://example.com"))),
            ("grpc://example.com:50051", grpc(false, "")),
            ("grpcs://example.com:50051/shop.v1.Shop", grpc(true, "shop.v1.Shop")),
        ] {
            assert_eq!(settings(target), Ok(Some(expected)), "{target}");
        }
        for target in ["https://example.com", "http://example.com", "example.com", "ftp://example.com", ""] {
            assert_eq!(settings(target), Ok(None), "{target}: HTTP, or refused as such");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_explained() {
        for target in [
            "tcp://example.com",
            "tcp://example.com:",
            "tcp://example.com:http",
            "tcp://example.com:65536",
            "tcp://:22",
            "tcp://2001:db8::1:22",
            "tcp://[2001:db8::1]",
            "tcp://alice@example.com:22",
            "tcp://example.com:22/path",
            "tls://",
            "icmp://example.com/x",
            "icmp://",
            "domain://example.com?x=y",
            "dns://",
            "dns://example.com?record=PTR",
            "dns://example.com?server=1.1.1.1",
            "grpc://example.com",
            "grpc://example.com/service",
        ] {
            let refused = settings(target).expect_err(target);
            assert!(refused.ends_with('.'), "{target}: {refused}");
        }
    }
}
