use std::net::{IpAddr, Ipv6Addr};

/// The source of a request, as rate limits distinguish clients: an IPv4 address, or the /64 network of an IPv6 address,
/// since one client has all addresses of such a network. Sites get /56 or /48 networks (RFC 6177), so limits apply to
/// those too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into()),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }

    /// The networks that a limit applies to, narrowest first, each with the factor by which the limit is raised.
    #[must_use]
    pub fn networks(self) -> Vec<(Network, u32)> {
        match self.0 {
            IpAddr::V4(v4) => vec![((v4.to_ipv6_mapped().octets(), 128), 1)],
            IpAddr::V6(v6) => [(64, 1), (56, 4), (48, 16)].map(|(bits, factor)| (network(v6, bits), factor)).to_vec(),
        }
    }
}

/// A network: an address with its host bits cleared, and the prefix length.
pub type Network = ([u8; 16], u8);

fn network(address: Ipv6Addr, bits: u8) -> Network {
    (Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - bits))).octets(), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_or_an_ipv4_address_is_one_client() {
        let key = |text: &str| ClientAddress::new(text.parse().unwrap()).networks()[0];
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"), "IPv4-mapped");
    }

    #[test]
    fn wider_ipv6_networks_are_shared_by_neighbours() {
        let networks = |text: &str| ClientAddress::new(text.parse().unwrap()).networks();
        let (one, neighbour, other) =
            (networks("2001:db8:1:2::1"), networks("2001:db8:1:3::1"), networks("2001:db8:1:102::1"));
        assert_eq!(one.iter().map(|(_, factor)| *factor).collect::<Vec<_>>(), [1, 4, 16]);
        assert!(one[0] != neighbour[0] && one[1] == neighbour[1]);
        assert!(one[1] != other[1] && one[2] == other[2]);
        assert_eq!(networks("192.0.2.1").len(), 1);
    }
}
