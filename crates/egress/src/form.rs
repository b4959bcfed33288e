//! What is wrong with the settings of a check, in words for the person who typed them. Asks no DNS: a name is compared
//! with the rules again at each connection, and only that decides (T-01).

use std::borrow::Cow;
use std::net::IpAddr;

use domain::monitor::{
    DnsSettings, DomainExpirySettings, GrpcSettings, Header, IcmpSettings, RecordType, Secrets, Settings,
    TcpSettings, TlsCertificateSettings, WebsocketSettings,
};

use crate::finding::Finding;
use crate::probe::REFUSED_PORTS;
use crate::target::{Rules, TargetError};
use crate::{dns, websocket};

/// Longest text that is sent, in bytes.
const MAX_SEND_BYTES: usize = 1024;
/// Longest expected text, name of a service or value of a record, in bytes.
const MAX_VALUE_BYTES: usize = 512;
const MAX_VALUES: usize = 20;
/// Of both kinds together.
const MAX_HEADERS: usize = 20;
const MAX_HEADER_BYTES: usize = 4096;
/// About ten years: no certificate and no registration lasts longer.
const MAX_DAYS: u16 = 3660;

/// Everything that is wrong; empty: nothing. Of the secrets only headers go with these kinds.
pub(crate) fn findings(rules: &Rules, settings: &Settings, secrets: &Secrets) -> Vec<Finding> {
    let mut form = Form { rules, findings: Vec::new() };
    match settings {
        // Of HTTP `check_http` speaks; the last two ask nothing of anybody.
        Settings::Http(_) | Settings::Heartbeat(_) | Settings::Manual => {}
        Settings::Tcp(settings) => form.tcp(settings),
        Settings::Dns(settings) => form.dns(settings),
        Settings::Icmp(IcmpSettings { host }) => form.host(host),
        Settings::TlsCertificate(settings) => form.tls_certificate(settings),
        Settings::DomainExpiry(settings) => form.domain_expiry(settings),
        Settings::Websocket(settings) => form.websocket(settings, secrets),
        Settings::Grpc(settings) => form.grpc(settings),
    }
    form.findings
}

struct Form<'a> {
    rules: &'a Rules,
    findings: Vec<Finding>,
}

impl Form<'_> {
    fn tcp(&mut self, settings: &TcpSettings) {
        self.host(&settings.host);
        self.port(settings.port);
        self.text("/send", settings.send.as_deref(), MAX_SEND_BYTES);
        self.text("/expect", settings.expect.as_deref(), MAX_VALUE_BYTES);
    }

    fn dns(&mut self, settings: &DnsSettings) {
        if settings.name.trim().is_empty() {
            self.refuse("/name", "required", "Write the name to look up, such as example.com.");
        } else if let Err(error) = dns::name(self.rules, settings) {
            self.refuse(
                "/name",
                error.code(),
                "This name cannot be looked up from here. Use a public name, such as example.com.",
            );
        }
        if let Some(Err(error)) = settings.resolver.as_deref().map(|text| dns::server(self.rules, text)) {
            let message = match error {
                TargetError::PortNotAllowed => PORT.to_owned(),
                TargetError::AddressNotAllowed => error.to_string(),
                _ => "Write the address of a DNS server, such as 1.1.1.1 or 1.1.1.1:53.".to_owned(),
            };
            self.refuse("/resolver", error.code(), message);
        }
        if settings.expected.len() > MAX_VALUES {
            self.refuse("/expected", "too_many", format!("Write at most {MAX_VALUES} values."));
        }
        for (index, value) in settings.expected.iter().take(MAX_VALUES).enumerate() {
            let pointer = format!("/expected/{index}");
            self.text(&pointer, Some(value), MAX_VALUE_BYTES);
            if let Some(example) = wrong_address(value, settings.record) {
                self.refuse(pointer, "malformed", format!("Write an address, such as {example}."));
            }
        }
    }

    fn tls_certificate(&mut self, settings: &TlsCertificateSettings) {
        self.host(&settings.host);
        self.port(settings.port);
        self.days(settings.warn_days, settings.fail_days);
    }

    fn domain_expiry(&mut self, settings: &DomainExpirySettings) {
        if settings.domain.trim().is_empty() {
            self.refuse("/domain", "required", "Write the domain, such as example.com.");
        } else if let Err(error) = self.rules.plain_name(&settings.domain) {
            self.refuse("/domain", error.code(), "This is not a domain. Write it like example.com.");
        }
        self.days(settings.warn_days, settings.fail_days);
    }

    fn websocket(&mut self, settings: &WebsocketSettings, secrets: &Secrets) {
        if let Err(error) = websocket::target(self.rules, &settings.url) {
            let message = match error {
                TargetError::Malformed => {
                    "This is not a complete URL. Write it with scheme and host, such as wss://example.com/socket."
                        .to_owned()
                }
                TargetError::SchemeNotAllowed => {
                    "A WebSocket has an address that starts with ws:// or wss://.".to_owned()
                }
                _ => error.to_string(),
            };
            self.refuse("/url", error.code(), message);
        }
        if settings.headers.len() + secrets.headers.len() > MAX_HEADERS {
            self.refuse("/headers", "too_many", format!("Write at most {MAX_HEADERS} headers."));
        }
        self.headers("/headers", &settings.headers);
        self.headers("/secrets/headers", &secrets.headers);
        self.text("/send", settings.send.as_deref(), MAX_SEND_BYTES);
        self.text("/expect", settings.expect.as_deref(), MAX_VALUE_BYTES);
    }

    /// The headers of a WebSocket's handshake; a list that is too long was told already.
    fn headers(&mut self, pointer: &str, headers: &[Header]) {
        for (index, header) in headers.iter().take(MAX_HEADERS).enumerate() {
            if websocket::header(header).is_none() {
                let message = "This header cannot be sent: it has characters that headers do not have, or the handshake sets it.";
                self.refuse(format!("{pointer}/{index}/name"), "header_not_allowed", message);
            }
            self.text(&format!("{pointer}/{index}/value"), Some(&header.value), MAX_HEADER_BYTES);
        }
    }

    fn grpc(&mut self, settings: &GrpcSettings) {
        self.host(&settings.host);
        self.port(settings.port);
        self.text("/service", Some(&settings.service), MAX_VALUE_BYTES);
    }

    fn host(&mut self, host: &str) {
        if host.trim().is_empty() {
            self.refuse("/host", "required", "Write a host name or an address, such as example.com.");
        } else if let Err(error) = self.rules.host(host) {
            self.refuse("/host", error.code(), error.to_string());
        }
    }

    fn port(&mut self, port: u16) {
        if REFUSED_PORTS.contains(&port) {
            self.refuse("/port", TargetError::PortNotAllowed.code(), PORT);
        }
    }

    fn text(&mut self, pointer: &str, text: Option<&str>, most_bytes: usize) {
        if text.is_some_and(|text| text.len() > most_bytes) {
            self.refuse(pointer, "too_long", format!("Use at most {most_bytes} bytes."));
        }
    }

    fn days(&mut self, warn_days: u16, fail_days: u16) {
        for (pointer, days) in [("/warn_days", warn_days), ("/fail_days", fail_days)] {
            if days > MAX_DAYS {
                self.refuse(pointer, "out_of_range", format!("Use at most {MAX_DAYS} days."));
            }
        }
        if fail_days > warn_days {
            let message = "The days to fail at cannot be more than those to warn at.";
            self.refuse("/fail_days", "out_of_range", message);
        }
    }

    fn refuse(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.findings.push(Finding { pointer: pointer.into(), code, message: message.into() });
    }
}

const PORT: &str = "This port is for mail between servers, or it is none. Use another port from 1 to 65535.";

/// An example of what belongs there when a value is no address of the record's family.
fn wrong_address(value: &str, record: RecordType) -> Option<&'static str> {
    let address: Result<IpAddr, _> = value.trim().parse();
    match (record, address) {
        (RecordType::A, Ok(IpAddr::V4(_))) | (RecordType::Aaaa, Ok(IpAddr::V6(_))) => None,
        (RecordType::A, _) => Some("192.0.2.1"),
        (RecordType::Aaaa, _) => Some("2001:db8::1"),
        _ => None,
    }
}
