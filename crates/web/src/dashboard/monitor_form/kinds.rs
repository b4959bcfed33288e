//! The fields of every kind but HTTP, from settings to what is typed and back.

use actions::Checks;
use domain::monitor::{
    DnsSettings, DomainExpirySettings, GrpcSettings, HeartbeatSchedule, HeartbeatSettings, IcmpSettings,
    Monitor, MonitorKind, RecordType, Settings, TcpSettings, TlsCertificateSettings, WebsocketSettings,
};

use super::typed::{Typed, choices, wrong};
use super::{http, rows};
use crate::view::dashboard::fields::{Field, Part};

const PORT: &str = "Write a port from 1 to 65535.";
const DAYS: &str = "Write a number of days.";
const SECONDS: &str = "Write a number of seconds.";
const MAX_SEND: usize = 1024;

pub(super) fn read(kind: MonitorKind, typed: &Typed, checks: &mut Checks) -> Settings {
    let text = |name: &str| typed.get(name).trim().to_owned();
    let host = || text("settings_host");
    match kind {
        MonitorKind::Http => Settings::Http(Box::new(http::read(typed, checks))),
        MonitorKind::Tcp => Settings::Tcp(TcpSettings {
            host: host(),
            port: port(typed, checks),
            tls: typed.is_ticked("settings_tls"),
            send: typed.as_it_is("settings_send"),
            expect: typed.as_it_is("settings_expect"),
        }),
        MonitorKind::Dns => Settings::Dns(DnsSettings {
            name: text("settings_name"),
            record: typed.chosen(
                checks,
                "/record",
                &RecordType::ALL.map(|record| (record, record.as_str())),
                RecordType::A,
            ),
            resolver: typed.filled("settings_resolver"),
            expected: lines(typed.get("settings_expected")),
            exactly: typed.is_ticked("settings_exactly"),
        }),
        MonitorKind::Icmp => Settings::Icmp(IcmpSettings { host: host() }),
        MonitorKind::TlsCertificate => {
            let usual = TlsCertificateSettings::default();
            Settings::TlsCertificate(TlsCertificateSettings {
                host: host(),
                port: typed.number(checks, "/port", usual.port, PORT),
                warn_days: typed.number(checks, "/warn_days", usual.warn_days, DAYS),
                fail_days: typed.number(checks, "/fail_days", usual.fail_days, DAYS),
            })
        }
        MonitorKind::DomainExpiry => {
            let usual = DomainExpirySettings::default();
            Settings::DomainExpiry(DomainExpirySettings {
                domain: text("settings_domain"),
                warn_days: typed.number(checks, "/warn_days", usual.warn_days, DAYS),
                fail_days: typed.number(checks, "/fail_days", usual.fail_days, DAYS),
            })
        }
        MonitorKind::Websocket => Settings::Websocket(WebsocketSettings {
            url: text("settings_url"),
            headers: rows::read_headers(typed, rows::HEADERS),
            send: typed.as_it_is("settings_send"),
            expect: typed.as_it_is("settings_expect"),
        }),
        MonitorKind::Grpc => Settings::Grpc(GrpcSettings {
            host: host(),
            port: port(typed, checks),
            tls: typed.is_ticked("settings_tls"),
            service: text("settings_service"),
        }),
        MonitorKind::Heartbeat => Settings::Heartbeat(heartbeat(typed, checks)),
        MonitorKind::Manual => Settings::Manual,
    }
}

/// Port 0 is refused by the guard, with words that name the ports.
fn port(typed: &Typed, checks: &mut Checks) -> u16 {
    if typed.get("settings_port").trim().is_empty() {
        wrong(checks, "/port", "required", PORT);
        return 1;
    }
    typed.number(checks, "/port", 1, PORT)
}

fn heartbeat(typed: &Typed, checks: &mut Checks) -> HeartbeatSettings {
    let mut seconds = |name: &str, path: &str| {
        let text = typed.get(name).trim();
        text.parse().unwrap_or_else(|_| {
            wrong(checks, path, "wrong_type", SECONDS);
            0
        })
    };
    let schedule = if typed.get("heartbeat_by") == "cron" {
        let text = |name: &str| typed.get(name).trim().to_owned();
        HeartbeatSchedule::Cron {
            expression: text("heartbeat_expression"),
            time_zone: text("heartbeat_time_zone"),
        }
    } else {
        HeartbeatSchedule::Period { seconds: seconds("heartbeat_seconds", "/schedule/seconds") }
    };
    let grace_seconds = if typed.filled("heartbeat_grace_seconds").is_none() {
        0
    } else {
        seconds("heartbeat_grace_seconds", "/grace_seconds")
    };
    HeartbeatSettings { schedule, grace_seconds }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What a new form of this kind starts with.
pub(super) fn start(typed: &mut Typed, kind: MonitorKind) {
    let settings = match kind {
        MonitorKind::Http => {
            typed.set("expected_status", "200");
            return;
        }
        MonitorKind::Tcp | MonitorKind::Icmp | MonitorKind::Manual => return,
        MonitorKind::Dns => Settings::Dns(DnsSettings::default()),
        MonitorKind::TlsCertificate => Settings::TlsCertificate(TlsCertificateSettings::default()),
        MonitorKind::DomainExpiry => Settings::DomainExpiry(DomainExpirySettings::default()),
        MonitorKind::Websocket => Settings::Websocket(WebsocketSettings::default()),
        MonitorKind::Grpc => Settings::Grpc(GrpcSettings { port: 443, tls: true, ..GrpcSettings::default() }),
        MonitorKind::Heartbeat => Settings::Heartbeat(HeartbeatSettings {
            schedule: HeartbeatSchedule::default(),
            grace_seconds: 300,
        }),
    };
    write_settings(typed, &settings);
}

/// What the form of a monitor that is there starts with.
pub(super) fn write(typed: &mut Typed, monitor: &Monitor) {
    match &monitor.settings {
        Settings::Http(http) => http::write(typed, monitor, http),
        others => write_settings(typed, others),
    }
}

fn write_settings(typed: &mut Typed, settings: &Settings) {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    match settings {
        Settings::Http(_) | Settings::Manual => {}
        Settings::Tcp(tcp) => {
            host_and_port(typed, &tcp.host, tcp.port);
            typed.tick("settings_tls", tcp.tls);
            typed.set("settings_send", some(&tcp.send));
            typed.set("settings_expect", some(&tcp.expect));
        }
        Settings::Dns(dns) => {
            typed.set("settings_name", &dns.name);
            typed.set("settings_record", dns.record.as_str());
            typed.set("settings_resolver", some(&dns.resolver));
            typed.set("settings_expected", dns.expected.join("\n"));
            typed.tick("settings_exactly", dns.exactly);
        }
        Settings::Icmp(icmp) => typed.set("settings_host", &icmp.host),
        Settings::TlsCertificate(tls) => {
            host_and_port(typed, &tls.host, tls.port);
            days(typed, tls.warn_days, tls.fail_days);
        }
        Settings::DomainExpiry(expiry) => {
            typed.set("settings_domain", &expiry.domain);
            days(typed, expiry.warn_days, expiry.fail_days);
        }
        Settings::Websocket(socket) => {
            typed.set("settings_url", &socket.url);
            rows::write_headers(typed, rows::HEADERS, &socket.headers);
            typed.set("settings_send", some(&socket.send));
            typed.set("settings_expect", some(&socket.expect));
        }
        Settings::Grpc(grpc) => {
            host_and_port(typed, &grpc.host, grpc.port);
            typed.tick("settings_tls", grpc.tls);
            typed.set("settings_service", &grpc.service);
        }
        Settings::Heartbeat(heartbeat) => write_heartbeat(typed, heartbeat),
    }
}

fn write_heartbeat(typed: &mut Typed, heartbeat: &HeartbeatSettings) {
    match &heartbeat.schedule {
        HeartbeatSchedule::Period { seconds } => {
            typed.set("heartbeat_by", "period");
            typed.set("heartbeat_seconds", seconds.to_string());
        }
        HeartbeatSchedule::Cron { expression, time_zone } => {
            typed.set("heartbeat_by", "cron");
            typed.set("heartbeat_expression", expression);
            typed.set("heartbeat_time_zone", time_zone);
        }
    }
    typed.set("heartbeat_grace_seconds", heartbeat.grace_seconds.to_string());
}

fn host_and_port(typed: &mut Typed, host: &str, port: u16) {
    typed.set("settings_host", host);
    typed.set("settings_port", port.to_string());
}

fn days(typed: &mut Typed, warn: u16, fail: u16) {
    typed.set("settings_warn_days", warn.to_string());
    typed.set("settings_fail_days", fail.to_string());
}

/// Browsers send every line end as CR LF. Text that differs from the stored one in nothing else stays as it is stored.
pub(super) fn keep_line_ends(wanted: &mut Settings, stored: &Settings) {
    let keep = |wanted: &mut Option<String>, stored: &Option<String>| {
        let plain = |text: &Option<String>| text.as_deref().map(|text| text.replace("\r\n", "\n"));
        if plain(wanted) == plain(stored) {
            wanted.clone_from(stored);
        }
    };
    match (wanted, stored) {
        (Settings::Http(wanted), Settings::Http(stored)) => keep(&mut wanted.body, &stored.body),
        (Settings::Tcp(wanted), Settings::Tcp(stored)) => keep(&mut wanted.send, &stored.send),
        (Settings::Websocket(wanted), Settings::Websocket(stored)) => keep(&mut wanted.send, &stored.send),
        _ => {}
    }
}

/// What is watched: the fields that everybody sees.
pub(super) fn target(kind: MonitorKind, typed: &Typed) -> Vec<Part> {
    let text = |name: &str, label: &str| Field::text(name, label, typed.get(name));
    let host =
        || text("settings_host", "Host").required().hint("A name or an address, such as db.example.com.");
    let port = || text("settings_port", "Port").required().longest(5);
    let tls = || Part::Field(Field::check("settings_tls", "With TLS", typed.is_ticked("settings_tls")));
    match kind {
        MonitorKind::Http => http::target(typed),
        MonitorKind::Tcp | MonitorKind::Grpc => vec![Part::Pair(host(), port()), tls()],
        MonitorKind::Dns => {
            let records = RecordType::ALL.map(|record| (record.as_str(), record.as_str()));
            let record =
                Field::choose("settings_record", "Record", choices(records, typed.get("settings_record")));
            let name = text("settings_name", "Name").required().hint("Such as example.com.");
            vec![Part::Pair(name, record)]
        }
        MonitorKind::Icmp => vec![Part::Field(host())],
        MonitorKind::TlsCertificate => {
            vec![Part::Pair(host(), port()), days_fields(typed)]
        }
        MonitorKind::DomainExpiry => {
            let domain = text("settings_domain", "Domain").required().hint("Such as example.com.");
            vec![Part::Field(domain), days_fields(typed)]
        }
        MonitorKind::Websocket => {
            let url = text("settings_url", "Address").url().required();
            vec![Part::Field(url.hint("ws:// or wss://, such as wss://example.com/socket."))]
        }
        MonitorKind::Heartbeat => heartbeat_fields(typed),
        MonitorKind::Manual => Vec::new(),
    }
}

fn days_fields(typed: &Typed) -> Part {
    let days = |name: &str, label: &str| Field::text(name, label, typed.get(name)).longest(4);
    Part::Pair(
        days("settings_warn_days", "Degraded below, in days").hint("Fewer days left than this."),
        days("settings_fail_days", "Down below, in days").hint("Fewer days left than this."),
    )
}

fn heartbeat_fields(typed: &Typed) -> Vec<Part> {
    let text = |name: &str, label: &str| Field::text(name, label, typed.get(name));
    let by = [("period", "After a time"), ("cron", "At times of a cron expression")];
    let grace = text("heartbeat_grace_seconds", "Grace, in seconds").longest(7);
    vec![
        Part::Pair(
            Field::choose("heartbeat_by", "Expected", choices(by, typed.get("heartbeat_by"))),
            grace.hint("So much later is still in time."),
        ),
        Part::Field(
            text("heartbeat_seconds", "Every, in seconds")
                .longest(8)
                .hint("After a time: so long after the last one. 86400 is a day."),
        ),
        Part::Pair(
            text("heartbeat_expression", "Cron expression")
                .hint("Five fields: 0 3 * * 1-5 is 03:00 from Monday to Friday."),
            text("heartbeat_time_zone", "Time zone").hint("Of the expression, such as Europe/Berlin or UTC."),
        ),
    ]
}

/// The settings that most people leave as they are.
pub(super) fn options(kind: MonitorKind, typed: &Typed) -> Vec<Part> {
    let text = |name: &str, label: &str| Field::text(name, label, typed.get(name));
    let say = |hint: &str| {
        let send = Field::area("settings_send", "Send", typed.get("settings_send"), 2, MAX_SEND);
        let expect = text("settings_expect", "Expect").longest(512);
        let words = "Has to stand in the answer. Left empty: any answer will do.";
        vec![Part::Field(send.hint(hint)), Part::Field(expect.hint(words))]
    };
    match kind {
        MonitorKind::Tcp => say("Sent after connecting; each line ends with CR LF."),
        MonitorKind::Websocket => {
            let headers = rows::headers(typed, "Sent with the handshake.");
            say("Sent as a text message after opening.").into_iter().chain([headers]).collect()
        }
        MonitorKind::Dns => {
            let area = Field::area(
                "settings_expected",
                "Expected values",
                typed.get("settings_expected"),
                3,
                11_000,
            );
            let exactly = typed.is_ticked("settings_exactly");
            vec![
                Part::Field(
                    area.hint(
                        "One a line. Each has to be among the answers. Left empty: any answer will do.",
                    ),
                ),
                Part::Field(Field::check("settings_exactly", "And no others", exactly)),
                Part::Field(
                    text("settings_resolver", "DNS server")
                        .hint("Such as 1.1.1.1 or 1.1.1.1:53. Left empty: the one of this installation."),
                ),
            ]
        }
        MonitorKind::Grpc => vec![Part::Field(
            text("settings_service", "Service").longest(512).hint("Left empty: the server as a whole."),
        )],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::monitor::Header;

    fn back(settings: &Settings) -> Settings {
        let mut typed = Typed::default();
        write_settings(&mut typed, settings);
        let mut checks = Checks::default();
        let read = read(settings.kind(), &typed, &mut checks);
        checks.finish().unwrap();
        read
    }

    #[test]
    fn settings_survive_the_way_through_the_form() {
        let some = |text: &str| Some(text.to_owned());
        for settings in [
            Settings::Tcp(TcpSettings {
                host: "db.example.com".into(),
                port: 5432,
                tls: true,
                send: some("PING\r\n"),
                expect: some(" PONG"),
            }),
            Settings::Dns(DnsSettings {
                name: "example.com".into(),
                record: RecordType::Mx,
                resolver: some("1.1.1.1"),
                expected: vec!["10 mail.example.com".into(), "20 mail.example.net".into()],
                exactly: true,
            }),
            Settings::Icmp(IcmpSettings { host: "192.0.2.1".into() }),
            Settings::TlsCertificate(TlsCertificateSettings {
                host: "a".into(),
                port: 8443,
                warn_days: 20,
                fail_days: 0,
            }),
            Settings::DomainExpiry(DomainExpirySettings { domain: "a".into(), warn_days: 60, fail_days: 9 }),
            Settings::Websocket(WebsocketSettings {
                url: "wss://a.example/".into(),
                headers: vec![Header { name: "X-A".into(), value: "b".into() }],
                send: some("hi"),
                expect: None,
            }),
            Settings::Grpc(GrpcSettings { host: "a".into(), port: 50051, tls: false, service: "s".into() }),
            Settings::Heartbeat(HeartbeatSettings {
                schedule: HeartbeatSchedule::Period { seconds: 60 },
                grace_seconds: 5,
            }),
            Settings::Heartbeat(HeartbeatSettings {
                schedule: HeartbeatSchedule::Cron { expression: "0 3 * * *".into(), time_zone: "UTC".into() },
                grace_seconds: 0,
            }),
            Settings::Manual,
        ] {
            assert_eq!(back(&settings), settings);
        }
    }

    #[test]
    fn line_ends_of_a_browser_change_nothing() {
        let tcp =
            |send: &str| Settings::Tcp(TcpSettings { send: Some(send.to_owned()), ..TcpSettings::default() });
        let mut wanted = tcp("a\r\nb\r\n");
        keep_line_ends(&mut wanted, &tcp("a\nb\n"));
        assert_eq!(wanted, tcp("a\nb\n"));
        let mut wanted = tcp("a\r\nc\r\n");
        keep_line_ends(&mut wanted, &tcp("a\nb\n"));
        assert_eq!(wanted, tcp("a\r\nc\r\n"));
    }
}
