//! What a monitor says, in words; shared by its own pages, services and the overview.

use domain::monitor::{Monitor, MonitorKind, MonitorState};
use domain::time::Timestamp;
use url::Url;

use crate::view::State;
use crate::words;

/// What its owners call it; else what it watches: host, port and path of a URL.
pub(crate) fn name(monitor: &Monitor) -> String {
    match (&monitor.name, monitor.kind) {
        (Some(name), _) => name.clone(),
        (None, MonitorKind::Http) => address(&monitor.url),
        (None, MonitorKind::Heartbeat) => "Heartbeat".to_owned(),
        (None, MonitorKind::Manual) => "Reported by people".to_owned(),
        (None, MonitorKind::Websocket) => address(&monitor.target()),
        (None, _) => monitor.target(),
    }
}

/// What people call a kind.
pub(crate) const fn kind(kind: MonitorKind) -> &'static str {
    use MonitorKind as K;
    match kind {
        K::Http => "HTTP",
        K::Tcp => "TCP port",
        K::Dns => "DNS",
        K::Icmp => "Ping",
        K::TlsCertificate => "TLS certificate",
        K::DomainExpiry => "Domain registration",
        K::Websocket => "WebSocket",
        K::Grpc => "gRPC",
        K::Heartbeat => "Heartbeat",
        K::Manual => "Manual",
    }
}

/// What a monitor of this kind is for.
pub(crate) const fn kind_sentence(kind: MonitorKind) -> &'static str {
    use MonitorKind as K;
    match kind {
        K::Http => "A site or an API answers as it should.",
        K::Tcp => "A port takes connections.",
        K::Dns => "A name has its records.",
        K::Icmp => "A host answers an echo request.",
        K::TlsCertificate => "A certificate is valid and does not end soon.",
        K::DomainExpiry => "A domain stays registered.",
        K::Websocket => "A socket opens and answers.",
        K::Grpc => "A service says that it serves.",
        K::Heartbeat => "Your program calls us, or we tell.",
        K::Manual => "Nothing is checked; people report.",
    }
}

/// "ends in 23 days, 20 Dec 2026", "ended 2 days ago, 21 Nov 2026".
pub(crate) fn ends(at: Timestamp, now: Timestamp) -> String {
    let date = words::date(at);
    if at > now {
        format!("ends in {}, {date}", words::lasting(at.since(now)))
    } else {
        format!("ended {} ago, {date}", words::lasting(now.since(at)))
    }
}

/// Host, port and path of a URL; the address as it stands when it is none.
fn address(url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else { return url.to_owned() };
    let host = parsed.host_str().unwrap_or_default();
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = parsed.path().trim_end_matches('/');
    format!("{host}{port}{path}")
}

/// Fails or is slow, and is watched.
pub(crate) fn is_broken(monitor: &Monitor) -> bool {
    monitor.is_active && matches!(monitor.state, MonitorState::Down | MonitorState::Degraded)
}

/// A paused monitor says nothing.
pub(crate) fn state(monitor: &Monitor) -> State {
    if monitor.is_active { monitor.state.into() } else { State::NoData }
}

/// What the last check met: "The server answered 503 instead of 200."
pub(crate) fn seen(monitor: &Monitor) -> String {
    match (monitor.last_failure, monitor.last_response_time_ms) {
        (Some(failure), _) => failure.explain(monitor.last_status_code, monitor.expected_status),
        (None, Some(took)) => format!("Answered in {took} ms."),
        (None, None) => String::new(),
    }
}

/// "Answers", "Paused", "Not checked yet", or what went wrong.
pub(crate) fn answer(monitor: &Monitor) -> String {
    match monitor.state {
        _ if !monitor.is_active => "Paused".to_owned(),
        MonitorState::NoData if monitor.last_checked_at.is_none() => "Not checked yet".to_owned(),
        MonitorState::NoData => "No recent check".to_owned(),
        MonitorState::Up if monitor.last_failure.is_none() => "Answers".to_owned(),
        MonitorState::Degraded if monitor.last_failure.is_none() => "Answers slowly".to_owned(),
        _ => match seen(monitor) {
            text if text.is_empty() => "Fails".to_owned(),
            text => text,
        },
    }
}

/// "Down for 39 min", "Answers since 21 Nov 2026, 09:12 UTC".
pub(crate) fn standing(monitor: &Monitor, now: Timestamp) -> String {
    let since = monitor.state_since;
    match (monitor.state, since) {
        _ if !monitor.is_active => "Paused".to_owned(),
        (MonitorState::Down, Some(at)) => format!("Down for {}", words::lasting(now.since(at))),
        (MonitorState::Degraded, Some(at)) if monitor.last_failure.is_some() => {
            format!("Degraded for {}", words::lasting(now.since(at)))
        }
        (MonitorState::Degraded, Some(at)) => format!("Slow for {}", words::lasting(now.since(at))),
        (MonitorState::Up, Some(at)) => format!("Answers since {}", words::moment(at, now).text),
        _ => answer(monitor),
    }
}

/// "Flapping since 21 Nov 2026, 09:12 UTC"; empty when it does not (D4).
pub(crate) fn flapping(monitor: &Monitor, now: Timestamp) -> String {
    let since = monitor.flapping_since.filter(|_| monitor.is_active);
    since.map(|at| format!("Flapping since {}", words::moment(at, now).text)).unwrap_or_default()
}

/// "Snoozed until 21 Nov 2026, 09:12 UTC"; empty when it is not.
pub(crate) fn snoozed(monitor: &Monitor, now: Timestamp) -> String {
    let until = monitor.snoozed_until.filter(|_| monitor.is_snoozed(now));
    until.map(|at| format!("Snoozed until {}", words::moment(at, now).text)).unwrap_or_default()
}

/// "12 s ago", "never".
pub(crate) fn checked(monitor: &Monitor, now: Timestamp) -> String {
    match monitor.last_checked_at {
        Some(at) => format!("{} ago", words::lasting(now.since(at))),
        None => "never".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_has_days_and_date() {
        let at = |day: i64| Timestamp::from_ms(1_795_428_131_120 + day * domain::time::DAY_MS);
        assert_eq!(ends(at(23), at(0)), "ends in 23 days, 16 Dec 2026");
        assert_eq!(ends(at(-2), at(0)), "ended 2 days ago, 21 Nov 2026");
    }

    #[test]
    fn a_monitor_is_called_by_host_port_and_path() {
        assert_eq!(address("https://example.com/"), "example.com");
        assert_eq!(address("https://example.com/health?x=1"), "example.com/health");
        assert_eq!(address("http://127.0.0.1:8080/a"), "127.0.0.1:8080/a");
        assert_eq!(address("nonsense"), "nonsense");
    }
}
