//! Our own network: which addresses lie inside it, and whether anything outside answers (F-13).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// Whether an anchor takes a connection within `limit`. Anchors come from the operator's configuration, so the rules about
/// addresses do not apply to them; nothing is sent.
#[expect(clippy::disallowed_methods, reason = "the one home of outgoing connections; the operator named it")]
pub async fn anchor_answers(anchor: SocketAddr, limit: Duration) -> bool {
    timeout(limit, TcpStream::connect(anchor)).await.is_ok_and(|connected| connected.is_ok())
}

/// Private, loopback, link-local or unique local: reached without the way out.
pub(crate) const fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => is_inside_v6(address),
    }
}

const fn is_inside_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_is_what_needs_no_way_out() {
        let inside = [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ];
        let outside =
            ["1.1.1.1", "172.32.0.1", "203.0.113.1", "100.64.0.1", "2606:4700::1", "::ffff:9.9.9.9"];
        for address in inside {
            assert!(is_inside(address.parse().unwrap()), "{address}");
        }
        for address in outside {
            assert!(!is_inside(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn an_anchor_answers_as_long_as_it_takes_connections() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let anchor = listener.local_addr().unwrap();
        assert!(anchor_answers(anchor, Duration::from_secs(5)).await);
        drop(listener);
        assert!(!anchor_answers(anchor, Duration::from_secs(5)).await, "refused");
    }
}
