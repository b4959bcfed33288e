//! Which addresses may be reached: the forbidden networks, addresses inside addresses, and what the
//! operator allows. Pure: no DNS here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Answers anybody's questions about the machine it runs on; stays out of reach inside an allowed network.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether an address is private, local, reserved or a metadata service, in itself or by the IPv4 address
/// inside it (T-01).
pub fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_forbidden_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_forbidden_v4(inner),
            None => is_forbidden_v6(address),
        },
    }
}

const fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [0 | 10 | 127 | 224..=255, ..]
        | [100, 64..=127, ..]
        | [169, 254, ..]
        | [172, 16..=31, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [192, 168, ..]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        // Azure's metadata service lives in public space.
        | [168, 63, 129, 16] => true,
        _ => false,
    }
}

/// Only `2000::/3` is global unicast; what is special inside it is listed.
const fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => true,
        [first, ..] => first & 0xe000 != 0x2000,
    }
}

/// The IPv4 address that packets to `address` may end up at: mapped, compatible, NAT64, 6to4.
const fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.octets() {
        // `::` and `::1` are addresses of their own, not IPv4.
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, w, x, y, z]
        | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, w, x, y, z]
        | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, w, x, y, z]
        | [0x20, 0x02, w, x, y, z, ..] => Some(Ipv4Addr::new(w, x, y, z)),
        _ => None,
    }
}

/// Where packets to `address` end up: it, or the IPv4 address inside it.
pub(crate) fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(outer) => embedded(outer).map_or(address, IpAddr::V4),
    }
}

/// The forbidden networks, less what the operator allows.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    allow_cidrs: Vec<IpNet>,
}

impl Policy {
    pub const fn new(allow_cidrs: Vec<IpNet>) -> Self {
        Self { allow_cidrs }
    }

    /// Whether a connection to `address` may be opened.
    pub fn permits(&self, address: IpAddr) -> bool {
        let both = [address, reached(address)];
        if both.iter().any(|one| METADATA.contains(one)) {
            return self.allow_cidrs.iter().any(|net| both.iter().any(|one| *net == IpNet::from(*one)));
        }
        !is_forbidden(address) || self.is_allowed(address)
    }

    /// Whether the operator names `address`, or a network around it.
    pub(crate) fn is_allowed(&self, address: IpAddr) -> bool {
        let both = [address, reached(address)];
        self.allow_cidrs.iter().any(|net| both.iter().any(|one| net.contains(one)))
    }

    /// Whether the operator opened any network that is not public: an installation at home or in an office.
    pub const fn allows_private(&self) -> bool {
        !self.allow_cidrs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// T-01 as it is written down, decided network by network.
    const DENIED_V4: [&str; 17] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "168.63.129.16/32",
    ];
    const DENIED_V6: [&str; 12] = [
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "64:ff9b:1::/48",
    ];
    /// Networks that carry an IPv4 address, and the bit it begins at.
    const CARRIERS: [(&str, u32); 4] =
        [("::ffff:0:0/96", 96), ("::/96", 96), ("64:ff9b::/96", 96), ("2002::/16", 16)];

    fn is_in(list: &[&str], address: IpAddr) -> bool {
        list.iter().any(|net| net.parse::<IpNet>().unwrap().contains(&address))
    }

    fn carry(carrier: &str, first_bit: u32, inner: Ipv4Addr) -> Ipv6Addr {
        let IpNet::V6(net) = carrier.parse().unwrap() else { panic!("{carrier} is not IPv6") };
        Ipv6Addr::from_bits(net.network().to_bits() | (u128::from(inner.to_bits()) << (96 - first_bit)))
    }

    /// Random addresses hardly ever lie in a small network, so half of them are put into or beside one.
    fn near(nets: &'static [&'static str]) -> impl Strategy<Value = IpAddr> {
        (proptest::sample::select(nets), any::<u128>(), -1i128..=1).prop_map(|(net, random, step)| match net
            .parse::<IpNet>()
            .unwrap()
        {
            IpNet::V4(net) => {
                let width = 1i128 << (32 - net.prefix_len());
                let start = i128::from(net.network().to_bits()) + step * width;
                let offset = i128::try_from(random % u128::try_from(width).unwrap()).unwrap();
                IpAddr::V4(Ipv4Addr::from_bits(u32::try_from((start + offset).rem_euclid(1 << 32)).unwrap()))
            }
            IpNet::V6(net) => {
                let host_bits = u32::from(128 - net.prefix_len());
                let offset = if host_bits == 0 { 0 } else { random >> (128 - host_bits) };
                let width = 1u128.checked_shl(host_bits).unwrap_or(0);
                let start = match step {
                    0 => net.network().to_bits(),
                    1 => net.network().to_bits().wrapping_add(width),
                    _ => net.network().to_bits().wrapping_sub(width),
                };
                IpAddr::V6(Ipv6Addr::from_bits(start.wrapping_add(offset)))
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        // T-01
        #[test]
        fn ipv4_is_forbidden_exactly_where_the_list_says(random: u32, near in near(&DENIED_V4)) {
            for address in [IpAddr::V4(Ipv4Addr::from_bits(random)), near] {
                prop_assert_eq!(is_forbidden(address), is_in(&DENIED_V4, address), "{}", address);
            }
        }

        #[test]
        fn ipv6_is_forbidden_where_the_list_says_and_outside_global_unicast(random: u128, near in near(&DENIED_V6)) {
            for address in [IpAddr::V6(Ipv6Addr::from_bits(random)), near] {
                let carried = CARRIERS.iter().any(|(net, _)| is_in(&[net], address));
                if is_in(&DENIED_V6, address) {
                    prop_assert!(is_forbidden(address), "{}", address);
                } else if !carried {
                    prop_assert_eq!(is_forbidden(address), !is_in(&["2000::/3"], address), "{}", address);
                }
            }
        }

        #[test]
        fn a_carried_address_is_judged_by_itself(random: u32, near in near(&DENIED_V4), low: u16) {
            let IpAddr::V4(near) = near else { panic!("IPv4 only") };
            for inner in [Ipv4Addr::from_bits(random), near] {
                for (net, first_bit) in CARRIERS {
                    let mut outer = carry(net, first_bit, inner);
                    if first_bit == 16 {
                        outer = Ipv6Addr::from_bits(outer.to_bits() | u128::from(low));
                    }
                    prop_assert_eq!(is_forbidden(outer.into()), is_forbidden(inner.into()), "{} in {}", inner, net);
                }
            }
        }

        #[test]
        fn without_exceptions_the_policy_is_the_list(random4: u32, random6: u128, near in near(&DENIED_V6)) {
            let policy = Policy::default();
            for address in [Ipv4Addr::from_bits(random4).into(), Ipv6Addr::from_bits(random6).into(), near] {
                prop_assert_eq!(policy.permits(address), !is_forbidden(address));
            }
        }
    }

    fn policy(allow: &[&str]) -> Policy {
        Policy::new(allow.iter().map(|net| net.parse().unwrap()).collect())
    }

    fn permits(policy: &Policy, address: &str) -> bool {
        policy.permits(address.parse().unwrap())
    }

    #[test]
    fn both_ends_of_each_network_are_forbidden() {
        for net in DENIED_V4.iter().chain(&DENIED_V6) {
            let net: IpNet = net.parse().unwrap();
            assert!(is_forbidden(net.network()) && is_forbidden(net.broadcast()), "{net}");
        }
    }

    #[test]
    fn public_addresses_are_permitted() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.15",
            "172.32.0.0",
            "192.0.1.1",
            "192.0.3.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2a00::1",
            "64:ff9b::8.8.8.8",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(permits(&Policy::default(), address), "{address}");
        }
    }

    #[test]
    fn an_allowed_network_opens_itself_and_nothing_else() {
        let policy = policy(&["10.0.0.0/8", "fd12::/16"]);
        for address in
            ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::", "fd12::7", "8.8.8.8"]
        {
            assert!(permits(&policy, address), "{address}");
        }
        for address in ["11.0.0.1", "127.0.0.1", "::1", "192.168.0.1", "fd13::1", "::ffff:127.0.0.1"] {
            assert_eq!(permits(&policy, address), address == "11.0.0.1", "{address}");
        }
    }

    #[test]
    fn metadata_services_need_an_entry_of_exactly_their_address() {
        let metadata = ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200"];
        let wide = policy(&["0.0.0.0/0", "::/0"]);
        for address in metadata {
            assert!(!permits(&wide, address), "{address}");
            let exact = IpNet::from(address.parse::<IpAddr>().unwrap()).to_string();
            assert!(permits(&policy(&[&exact]), address), "{exact}");
        }
        assert!(permits(&wide, "169.254.169.253"));
        for carried in
            ["::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "::169.254.169.254"]
        {
            assert!(!permits(&wide, carried), "{carried}");
            assert!(permits(&policy(&["169.254.169.254/32"]), carried), "{carried}");
        }
    }

    #[test]
    fn loopback_is_not_ipv4_in_disguise() {
        let policy = policy(&["0.0.0.0/0"]);
        assert!(!permits(&policy, "::1") && !permits(&policy, "::"));
    }
}
