//! A host that has to answer an echo request. Uses the datagram sockets for it, which need no privilege where the
//! system permits them (`net.ipv4.ping_group_range`), else a raw one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use domain::check::FailureClass;
use domain::monitor::IcmpSettings;
use rustls::crypto::aws_lc_rs;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use crate::anchor::is_inside;
use crate::connect::{add, is_out_of_files};
use crate::probe::{Probe, Stop};

/// Wait for an answer before the next request: one lost packet is no outage.
const WAIT: Duration = Duration::from_secs(1);
const HEADER_BYTES: usize = 8;
const NONCE_BYTES: usize = 16;
/// Longer answers are not ours.
const MAX_PACKET_BYTES: usize = 2048;

pub(crate) async fn check(probe: &mut Probe<'_>, settings: &IcmpSettings) -> Result<(), Stop> {
    // No port: any that is not refused.
    let place = probe.place(&settings.host, u16::MAX)?;
    let mut last = Stop::down(FailureClass::ConnectionFailed);
    for address in probe.addresses(&place, None).await? {
        probe.take_address(address).await?;
        probe.sight.is_inside = is_inside(address);
        let mut echo = match Echo::open(address) {
            Ok(echo) => echo,
            Err(stop) => {
                last = stop;
                continue;
            }
        };
        let started = Instant::now();
        match echo.exchange().await {
            Ok(()) => {
                add(&mut probe.sight.phases.first_byte_ms, started);
                return Ok(());
            }
            // No way there, for example without IPv6: the next address may have one.
            Err(_) => last = Stop::down(FailureClass::ConnectionFailed),
        }
    }
    Err(last)
}

/// Requests and answers with one address.
struct Echo {
    socket: UdpSocket,
    is_v6: bool,
    /// Of our requests. A datagram socket puts its own in its place.
    id: u16,
    sequence: u16,
    /// Nobody who does not see our packets can answer them.
    nonce: [u8; NONCE_BYTES],
}

impl Echo {
    fn open(address: IpAddr) -> Result<Self, Stop> {
        let mut random = [0; NONCE_BYTES + 2];
        let filled = aws_lc_rs::default_provider().secure_random.fill(&mut random);
        filled.map_err(|_| Stop::unknown(None))?;
        let [high, low, nonce @ ..] = random;
        let (socket, is_raw) = open_socket(address).map_err(|error| not_opened(&error))?;
        let own = socket.local_addr().map_or(0, |own| own.port());
        let id = if is_raw || own == 0 { u16::from_be_bytes([high, low]) } else { own };
        Ok(Self { socket, is_v6: address.is_ipv6(), id, sequence: 0, nonce })
    }

    /// Asks until somebody answers; the caller holds the deadline.
    async fn exchange(&mut self) -> io::Result<()> {
        loop {
            self.sequence = self.sequence.wrapping_add(1);
            self.socket.send(&self.request()).await?;
            if let Ok(answered) = timeout(WAIT, self.answer()).await {
                return answered;
            }
        }
    }

    /// Any of our answers will do, also a late one. Other packets are passed over.
    async fn answer(&self) -> io::Result<()> {
        let mut packet = [0; MAX_PACKET_BYTES];
        loop {
            let length = self.socket.recv(&mut packet).await?;
            if packet.get(..length).is_some_and(|packet| self.is_answer(packet)) {
                return Ok(());
            }
        }
    }

    fn request(&self) -> Vec<u8> {
        let kind = if self.is_v6 { 128 } else { 8 };
        let mut packet = vec![kind, 0, 0, 0];
        packet.extend(self.id.to_be_bytes());
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.nonce);
        if !self.is_v6 {
            // The system does this for IPv6 and for datagram sockets.
            let [high, low] = checksum(&packet).to_be_bytes();
            packet.splice(2..4, [high, low]);
        }
        packet
    }

    fn is_answer(&self, packet: &[u8]) -> bool {
        let packet = if self.is_v6 { packet } else { without_ip_header(packet) };
        let Some((&[kind, code, _, _, id_high, id_low, sequence_high, sequence_low], nonce)) =
            packet.split_first_chunk::<HEADER_BYTES>()
        else {
            return false;
        };
        let sequence = u16::from_be_bytes([sequence_high, sequence_low]);
        kind == if self.is_v6 { 129 } else { 0 }
            && code == 0
            && u16::from_be_bytes([id_high, id_low]) == self.id
            && (1..=self.sequence).contains(&sequence)
            && nonce == self.nonce
    }
}

/// Raw sockets, and those of some systems, show the header before the answer; an echo reply begins with 0.
fn without_ip_header(packet: &[u8]) -> &[u8] {
    match packet.first() {
        Some(first) if first >> 4 == 4 => packet.get(usize::from(first & 15) * 4..).unwrap_or_default(),
        _ => packet,
    }
}

/// Of RFC 1071: the complement of the sum of all 16-bit words.
fn checksum(packet: &[u8]) -> u16 {
    let words = packet.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// A socket that hears nobody but `address`, and whether it is a raw one. A `UdpSocket` is how tokio waits for
/// datagrams of any protocol.
fn open_socket(address: IpAddr) -> io::Result<(UdpSocket, bool)> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let (socket, is_raw) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
        Ok(socket) => (socket, false),
        Err(error) if is_not_permitted(&error) => (Socket::new(domain, Type::RAW, Some(protocol))?, true),
        Err(error) => return Err(error),
    };
    socket.set_nonblocking(true)?;
    socket.connect(&SocketAddr::new(address, 0).into())?;
    Ok((UdpSocket::from_std(socket.into())?, is_raw))
}

fn not_opened(error: &io::Error) -> Stop {
    if is_not_permitted(error) {
        Stop::unknown(Some(FailureClass::NotPermitted))
    } else if is_out_of_files(error) {
        Stop::unknown(None)
    } else {
        Stop::down(FailureClass::ConnectionFailed)
    }
}

/// `EPERM`, `EACCES`, and `EPROTONOSUPPORT` of systems without such datagram sockets.
fn is_not_permitted(error: &io::Error) -> bool {
    const NO_SUCH_PROTOCOL: i32 = 93;
    error.kind() == io::ErrorKind::PermissionDenied || error.raw_os_error() == Some(NO_SUCH_PROTOCOL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(is_v6: bool) -> Echo {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let socket = UdpSocket::from_std(socket).unwrap();
        Echo { socket, is_v6, id: 0x1234, sequence: 2, nonce: [7; NONCE_BYTES] }
    }

    fn answer(kind: u8, id: u16, sequence: u16, nonce: u8) -> Vec<u8> {
        let mut packet = vec![kind, 0, 0, 0];
        packet.extend(id.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend([nonce; NONCE_BYTES]);
        packet
    }

    #[tokio::test]
    async fn only_an_answer_to_our_own_requests_counts() {
        for is_v6 in [false, true] {
            let (echo, good) = (echo(is_v6), if is_v6 { 129 } else { 0 });
            for (packet, expected) in [
                (answer(good, 0x1234, 1, 7), true),
                (answer(good, 0x1234, 2, 7), true),
                (answer(good, 0x1234, 3, 7), false),
                (answer(good, 0x1234, 0, 7), false),
                (answer(good, 0x1235, 2, 7), false),
                (answer(good, 0x1234, 2, 8), false),
                (answer(3, 0x1234, 2, 7), false),
                (answer(echo.request()[0], 0x1234, 2, 7), false),
                (answer(good, 0x1234, 2, 7)[..20].to_vec(), false),
                (Vec::new(), false),
                (vec![0x4f], false),
            ] {
                assert_eq!(echo.is_answer(&packet), expected, "{packet:?}");
            }
            let with_header = [&[0x45; 20][..], &answer(0, 0x1234, 2, 7)].concat();
            assert_eq!(echo.is_answer(&with_header), !is_v6);
        }
    }

    #[tokio::test]
    async fn a_request_of_ipv4_has_a_checksum_that_fits() {
        let request = echo(false).request();
        assert_eq!((request[0], checksum(&request)), (8, 0));
        assert_eq!(checksum(&[1]), !0x0100);
        assert_eq!(echo(true).request()[..4], [128, 0, 0, 0]);
    }
}
