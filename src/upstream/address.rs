//! Which addresses may be dialled. Pure: it judges addresses and resolves nothing.
//!
//! Every special-purpose range of the IANA registries (IPv4 and IPv6) is refused unless the
//! operator names a range that contains it. An IPv6 address that carries an IPv4 address is judged
//! by what it carries, and where the carrier itself is a transition mechanism it is refused even
//! for a public one: the packet would end wherever a relay decides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// IPv4 special-purpose ranges: IANA registry, RFC 6890 and successors, with multicast (RFC 5771).
const REFUSED_V4: [(Ipv4Addr, u8); 19] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network, RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private use, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared address space, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback, RFC 1122
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link local and cloud metadata, RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private use, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // IETF protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation, RFC 5737
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112, RFC 7535
    (Ipv4Addr::new(192, 52, 193, 0), 24), // AMT, RFC 7450
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relay anycast, RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private use, RFC 1918
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112, RFC 7534
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation, RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation, RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast, RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, RFC 1112
    (Ipv4Addr::BROADCAST, 32),            // limited broadcast, RFC 8190
];

/// IPv6 special-purpose ranges inside global unicast space (`2000::/3`); everything outside that
/// space is refused as a whole.
const REFUSED_V6: [(Ipv6Addr, u8); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocols, Teredo, ORCHID, RFC 2928
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, RFC 3056
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112, RFC 7534
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
];

/// Whether an address may be dialled, given the ranges the operator allows beyond public space.
#[must_use]
pub fn may_dial(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = unmapped(address);
    if allowed.iter().any(|range| range.contains(&address)) {
        return true;
    }
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6) && isatap(v6).is_none_or(is_public_v4),
    }
}

/// An IPv4-mapped or IPv4-compatible address dials the IPv4 address it carries.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0xffff, ..] => IpAddr::V4(low_bits(v6)),
            // `::` and `::1` are addresses of their own.
            [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => IpAddr::V4(low_bits(v6)),
            _ => address,
        },
    }
}

fn low_bits(v6: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = v6.octets();
    Ipv4Addr::new(a, b, c, d)
}

/// RFC 5214 §6.1: an ISATAP interface identifier carries an IPv4 address.
fn isatap(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    match v6.segments() {
        [_, _, _, _, 0x0000 | 0x0200, 0x5efe, _, _] => Some(low_bits(v6)),
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |net: Ipv4Addr, prefix: u8| {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        u32::from(address) & mask == u32::from(net)
    };
    !REFUSED_V4.iter().any(|(net, prefix)| within(*net, *prefix))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let within = |net: Ipv6Addr, prefix: u8| {
        let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
        u128::from(address) & mask == u128::from(net)
    };
    within(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
        && !REFUSED_V6.iter().any(|(net, prefix)| within(*net, *prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(address: &str) -> bool {
        may_dial(address.parse().expect(address), &[])
    }

    #[test]
    fn public_addresses_may_be_dialled() {
        for address in [
            "8.8.8.8",
            "100.63.255.254",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "9.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4003::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "3fff:1000::1",
        ] {
            assert!(may(address), "{address}");
        }
    }

    #[test]
    fn special_purpose_addresses_are_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.1.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2001:10::1",
            "2001:20::1",
            "2002:0808:0808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!may(address), "{address}");
        }
    }

    #[test]
    fn a_carried_ipv4_address_is_judged() {
        for address in [
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::10.0.0.1",
            "2a00:1450::5efe:10.0.0.1",
            "2a00:1450::200:5efe:127.0.0.1",
        ] {
            assert!(!may(address), "{address}");
        }
        assert!(may("2a00:1450::5efe:8.8.8.8"));
    }

    #[test]
    fn a_range_the_operator_names_is_allowed_and_nothing_beside_it() {
        let allowed = ["127.0.0.1/32".parse().expect("a range")];
        let may = |address: &str| may_dial(address.parse().expect(address), &allowed);
        assert!(may("127.0.0.1"));
        assert!(may("::ffff:127.0.0.1"));
        assert!(!may("127.0.0.2"));
        assert!(!may("::1"));
        assert!(!may("10.0.0.1"));
    }
}
