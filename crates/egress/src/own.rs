//! Where this installation itself answers; never a target, so that nobody makes a loop or watches a page by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Names, and addresses with a port.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Lower case, without a dot at the end.
    pub(crate) hosts: Vec<String>,
    /// The port of our public address.
    pub(crate) public_port: Option<u16>,
    /// Where we listen; an unspecified address stands for every address of this machine.
    pub(crate) sockets: Vec<SocketAddr>,
}

impl Own {
    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.hosts.iter().any(|own| own == name)
    }

    /// Whether one may meet us at this port, so that it is worth asking where a name leads.
    pub(crate) fn may_be_at(&self, port: u16) -> bool {
        self.sockets.iter().any(|own| own.port() == port)
    }

    /// Whether we listen there.
    pub(crate) fn is_socket(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        self.sockets.iter().filter(|own| own.port() == port).any(|own| {
            let own_address = own.ip().to_canonical();
            own_address == address
                || (own_address.is_unspecified() && is_of_this_machine(address).unwrap_or(false))
        })
    }
}

/// Whether packets to `address` stay on this machine: then their source would be the same address. Nothing is sent.
fn is_of_this_machine(address: IpAddr) -> std::io::Result<bool> {
    if address.is_loopback() {
        return Ok(true);
    }
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    // Any port will do: to connect a UDP socket only looks up the way.
    socket.connect((address, 9))?;
    Ok(socket.local_addr()?.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(sockets: &[&str]) -> Own {
        Own { sockets: sockets.iter().map(|socket| socket.parse().unwrap()).collect(), ..Own::default() }
    }

    #[test]
    fn an_address_is_ours_where_we_listen_on_it() {
        let one = own(&["127.0.0.1:8765"]);
        for (address, port, expected) in [
            ("127.0.0.1", 8765, true),
            ("::ffff:127.0.0.1", 8765, true),
            ("127.0.0.1", 80, false),
            ("127.0.0.2", 8765, false),
            ("::1", 8765, false),
        ] {
            assert_eq!(one.is_socket(address.parse().unwrap(), port), expected, "{address} {port}");
        }
        for all in [own(&["0.0.0.0:8765"]), own(&["[::]:8765"])] {
            for (address, port, expected) in [
                ("127.0.0.1", 8765, true),
                ("127.0.0.9", 8765, true),
                ("::1", 8765, true),
                ("127.0.0.1", 80, false),
                ("203.0.113.9", 8765, false),
            ] {
                assert_eq!(all.is_socket(address.parse().unwrap(), port), expected, "{address} {port}");
            }
        }
    }

    #[test]
    fn every_address_that_this_machine_sends_from_is_of_this_machine() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        // Without any network there is only loopback.
        if socket.connect("203.0.113.9:9").is_ok() {
            let own = socket.local_addr().unwrap().ip();
            assert!(is_of_this_machine(own).unwrap(), "{own}");
        }
        assert!(!is_of_this_machine("203.0.113.9".parse().unwrap()).unwrap_or(false));
    }
}
