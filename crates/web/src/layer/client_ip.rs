//! The address of the client: counted from the right of `X-Forwarded-For` through trusted proxies only (T-16, H-26).

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use crate::AppState;

/// Set on every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    /// What a limit counts: the address, or the /64 of an IPv6 one (T-15).
    pub fn bucket(self) -> String {
        match self.0 {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => {
                if let Some(v4) = v6.to_ipv4_mapped() {
                    return v4.to_string();
                }
                let [a, b, c, d, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }
    }
}

pub(crate) async fn client_ip(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip());
    let client = resolve(peer, request.headers(), &state.config.trusted_proxies);
    request.extensions_mut().insert(ClientIp(client));
    next.run(request).await
}

fn resolve(peer: IpAddr, headers: &HeaderMap, trusted: &[ipnet::IpNet]) -> IpAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
    // Bytes: one hop that is no text must not hide the others of its line.
    let hops: Vec<&[u8]> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .collect();
    // A socket for both families gives an IPv4 peer as `::ffff:127.0.0.1`.
    let mut client = peer.to_canonical();
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        // An unreadable hop was written by somebody we do not know: stop at the last address that we do.
        let ip = std::str::from_utf8(hop).ok().and_then(|hop| hop.trim().parse::<IpAddr>().ok());
        let Some(ip) = ip else { break };
        client = ip.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let value = axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append("x-forwarded-for", value);
        }
        let trusted: Vec<_> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        resolve(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    /// Shapes of `X-Forwarded-For` by which somebody might pass for 127.0.0.1, 10.0.0.2 or 1.2.3.4.
    const LIES: [&[&str]; 20] = [
        &["1.2.3.4"],
        &["127.0.0.1"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["10.0.0.2"],
        &["1.2.3.4, 127.0.0.1"],
        &["1.2.3.4,127.0.0.1,10.0.0.2"],
        &["1.2.3.4", "127.0.0.1"],
        &[" 127.0.0.1 "],
        &["127.0.0.1,"],
        &[",127.0.0.1"],
        &[","],
        &[""],
        &["127.0.0.1:443"],
        &["[::1]:443"],
        &["\"127.0.0.1\""],
        &["for=127.0.0.1"],
        &["0x7f000001"],
        &["unknown, 127.0.0.1"],
        &["ÿ, 127.0.0.1"],
    ];

    #[test]
    fn a_header_from_a_stranger_is_not_believed() {
        // T-16
        for lie in LIES {
            for trusted in [&[][..], &["127.0.0.1/32", "10.0.0.0/8"]] {
                assert_eq!(client("203.0.113.7", lie, trusted), "203.0.113.7", "{lie:?} {trusted:?}");
            }
        }
    }

    #[test]
    fn a_lie_in_front_of_what_the_proxy_wrote_is_not_believed() {
        // The proxy appends to the line, or adds a line of its own.
        let trusted = ["127.0.0.1/32", "10.0.0.0/8"];
        for lie in LIES {
            let joined: Vec<String> = lie.iter().map(|line| format!("{line}, 198.51.100.9")).collect();
            let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
            assert_eq!(client("127.0.0.1", &joined, &trusted), "198.51.100.9", "{joined:?}");
            let added = [lie, &["198.51.100.9, 10.0.0.2"]].concat();
            assert_eq!(client("127.0.0.1", &added, &trusted), "198.51.100.9", "{added:?}");
        }
    }

    #[test]
    fn the_hops_are_counted_from_the_right() {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8"];
        assert_eq!(client("127.0.0.1", &["6.6.6.6, garbage"], &trusted), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &[], &trusted), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &["2001:db8::7"], &trusted), "2001:db8::7");
    }

    #[test]
    fn a_trusted_peer_is_known_in_both_ways_to_write_its_address() {
        assert_eq!(client("::ffff:127.0.0.1", &["198.51.100.9"], &["127.0.0.1/32"]), "198.51.100.9");
        assert_eq!(client("::ffff:127.0.0.1", &[], &["127.0.0.1/32"]), "127.0.0.1");
        assert_eq!(client("::1", &["198.51.100.9"], &["127.0.0.1/32"]), "::1");
    }

    #[test]
    fn an_ipv6_client_counts_as_its_network() {
        assert_eq!(ClientIp("2001:db8:1:2:3::4".parse().unwrap()).bucket(), "2001:db8:1:2::/64");
        assert_eq!(ClientIp("::ffff:192.0.2.1".parse().unwrap()).bucket(), "192.0.2.1");
    }
}
