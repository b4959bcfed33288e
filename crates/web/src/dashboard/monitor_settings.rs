//! The settings of a monitor in words, for its page. Of secrets only that they are stored (T-22).

use actions::monitors::SecretsHeld;
use domain::monitor::{
    Assertion, Auth, DnsSettings, HeartbeatSchedule, HeartbeatSettings, HttpSettings, HttpVersion, Monitor,
    Settings, Test,
};

use super::monitor_form::http::statuses_words;
use super::monitor_form::rows::test_words;
use super::monitor_words as about;

/// As `(label, value)`, the target first.
pub(crate) fn words(monitor: &Monitor, held: &SecretsHeld) -> Vec<(String, String)> {
    let mut rows = Rows(vec![("Kind".to_owned(), about::kind(monitor.kind).to_owned())]);
    match &monitor.settings {
        Settings::Http(http) => rows.http(monitor, http, held),
        Settings::Tcp(tcp) => {
            rows.add("Address", tls(monitor.settings.target(), tcp.tls));
            rows.quote("Sends", tcp.send.as_deref());
            rows.quote("Expects", tcp.expect.as_deref());
        }
        Settings::Dns(dns) => rows.dns(dns),
        Settings::Icmp(icmp) => rows.add("Host", &icmp.host),
        Settings::TlsCertificate(certificate) => {
            rows.add("Address", monitor.settings.target());
            rows.days(certificate.warn_days, certificate.fail_days);
        }
        Settings::DomainExpiry(expiry) => {
            rows.add("Domain", &expiry.domain);
            rows.days(expiry.warn_days, expiry.fail_days);
        }
        Settings::Websocket(socket) => {
            rows.add("Address", &socket.url);
            rows.names("Headers", socket.headers.iter().map(|header| header.name.as_str()));
            rows.quote("Sends", socket.send.as_deref());
            rows.quote("Expects", socket.expect.as_deref());
        }
        Settings::Grpc(grpc) => {
            rows.add("Address", tls(monitor.settings.target(), grpc.tls));
            let service = if grpc.service.is_empty() { "the server as a whole" } else { &grpc.service };
            rows.add("Service", service);
        }
        Settings::Heartbeat(heartbeat) => rows.heartbeat(heartbeat),
        Settings::Manual => rows.add("State", "as people report it"),
    }
    rows.0
}

struct Rows(Vec<(String, String)>);

impl Rows {
    fn add(&mut self, label: &str, value: impl Into<String>) {
        self.0.push((label.to_owned(), value.into()));
    }

    fn quote(&mut self, label: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.add(label, quoted(text));
        }
    }

    fn names<'a>(&mut self, label: &str, names: impl Iterator<Item = &'a str>) {
        let names: Vec<&str> = names.collect();
        if !names.is_empty() {
            self.add(label, names.join(", "));
        }
    }

    fn days(&mut self, warn: u16, fail: u16) {
        self.add("Degraded", format!("with fewer than {warn} days left"));
        self.add("Down", format!("with fewer than {fail} days left"));
    }

    fn http(&mut self, monitor: &Monitor, http: &HttpSettings, held: &SecretsHeld) {
        self.add("Address", &monitor.url);
        let statuses = statuses_words(monitor.expected_status, &http.statuses);
        self.add("Request", format!("{}, expects {statuses}", monitor.method.as_str()));
        self.names("Headers", http.headers.iter().map(|header| header.name.as_str()));
        self.quote("Body", http.body.as_deref());
        match &http.auth {
            Auth::None => {}
            Auth::Basic { username } => {
                self.add("Log-in", format!("basic, as {username}, password: {}", stored(held.password)));
            }
            Auth::Bearer => self.add("Log-in", format!("bearer, token: {}", stored(held.token))),
        }
        if !held.headers.is_empty() {
            self.add("Secret headers", format!("{}: stored", held.headers.join(", ")));
        }
        if !http.follow_redirects {
            self.add("Redirects", "not followed");
        }
        if !http.verify_certificate {
            self.add("Certificate", "not verified");
        }
        match http.version {
            HttpVersion::Auto => {}
            HttpVersion::Http1 => self.add("HTTP version", "1.1"),
            HttpVersion::Http2 => self.add("HTTP version", "2"),
        }
        for assertion in &http.assertions {
            self.add("Has to hold", said(assertion));
        }
    }

    fn dns(&mut self, dns: &DnsSettings) {
        self.add("Name", format!("{}, record {}", dns.name, dns.record.as_str()));
        if !dns.expected.is_empty() {
            let no_others = if dns.exactly { ", and no others" } else { "" };
            self.add("Expects", format!("{}{no_others}", dns.expected.join(", ")));
        }
        self.add("DNS server", dns.resolver.as_deref().unwrap_or("of this installation"));
    }

    fn heartbeat(&mut self, heartbeat: &HeartbeatSettings) {
        match &heartbeat.schedule {
            HeartbeatSchedule::Period { seconds } => {
                self.add("Expected", format!("{} after the last one", span(*seconds)));
            }
            HeartbeatSchedule::Cron { expression, time_zone } => {
                self.add("Expected", format!("{expression} in {time_zone}"));
            }
        }
        self.add("Grace", span(heartbeat.grace_seconds));
    }
}

fn span(seconds: u32) -> String {
    crate::words::lasting(i64::from(seconds) * 1000)
}

const fn stored(is_held: bool) -> &'static str {
    if is_held { "stored" } else { "none" }
}

fn tls(target: String, is_tls: bool) -> String {
    if is_tls { format!("{target}, with TLS") } else { target }
}

/// In quotes and on one line; long text is cut.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = text.trim_end().replace(['\r', '\n'], " ");
    let short: String = line.chars().take(LONGEST).collect();
    let more = if short.len() < line.len() { "…" } else { "" };
    format!("“{short}{more}”")
}

fn said(assertion: &Assertion) -> String {
    let compared = |what: String, test: Test, value: &str| match test {
        Test::Exists | Test::NotExists => format!("{what} {}", test_words(test)),
        _ => format!("{what} {} {}", test_words(test), quoted(value)),
    };
    match assertion {
        Assertion::Header { name, test, value } => compared(format!("header {name}"), *test, value),
        Assertion::Body { test, value } => compared("body".to_owned(), *test, value),
        Assertion::Json { path, test, value } => compared(path.clone(), *test, value),
        Assertion::Latency { most_ms } => format!("an answer within {most_ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_and_stays_on_one_line() {
        assert_eq!(quoted("PING\r\n"), "“PING”");
        assert_eq!(quoted(&"ä".repeat(90)), format!("“{}…”", "ä".repeat(80)));
    }

    #[test]
    fn assertions_read_like_sentences() {
        let json = Assertion::Json { path: "$.status".into(), test: Test::Equals, value: "up".into() };
        assert_eq!(said(&json), "$.status is “up”");
        let header = Assertion::Header { name: "etag".into(), test: Test::Exists, value: String::new() };
        assert_eq!(said(&header), "header etag is there");
        assert_eq!(said(&Assertion::Latency { most_ms: 900 }), "an answer within 900 ms");
    }
}
