use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// For an address that an application chose: the public internet, over https.
    Public,
    /// For an address that an administrator registered: also this machine and private networks, even over http; never
    /// link-local addresses, where clouds serve credentials.
    Registered,
}

impl Reach {
    /// Whether a connection to this address is allowed.
    #[must_use]
    pub fn admits(self, address: IpAddr, is_plain: bool) -> bool {
        match (self, embedded(address)) {
            (Self::Public, IpAddr::V4(address)) => is_public_v4(address) && !is_plain,
            (Self::Public, IpAddr::V6(address)) => is_public_v6(address) && !is_plain,
            (Self::Registered, IpAddr::V4(address)) => {
                address.is_loopback() || address.is_private() || (is_public_v4(address) && !is_plain)
            }
            (Self::Registered, IpAddr::V6(address)) => {
                address.is_loopback() || address.is_unique_local() || (is_public_v6(address) && !is_plain)
            }
        }
    }
}

/// The IPv4 address that is embedded in an IPv6 address: mapped (RFC 4291, section 2.5.5.2) or NAT64 (RFC 6052).
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let (high, low) = (high.to_be_bytes(), low.to_be_bytes());
            Ipv4Addr::new(high[0], high[1], low[0], low[1]).into()
        }
        _ => address,
    }
}

/// Whether an address is public (IANA IPv4 Special-Purpose Address Registry).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_special = match address.octets() {
        [0 | 10 | 127 | 224.., ..]
        | [169, 254, ..]
        | [192, 168, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => true,
        [100, second, ..] => (64..128).contains(&second),
        [172, second, ..] => (16..32).contains(&second),
        _ => false,
    };
    !is_special
}

/// Whether an address is public (IANA IPv6 Special-Purpose Address Registry): global unicast without the ranges that
/// are for documentation or embed other addresses.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_global = (0x2000..0x4000).contains(&first);
    let is_special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8,
        0x2002 => true,
        0x3fff => second < 0x1000,
        _ => false,
    };
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached_unless_an_administrator_registered_them() {
        for (address, public, registered) in [
            ("93.184.216.34", true, true),
            ("2606:2800:220:1:248:1893:25c8:1946", true, true),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("10.1.2.3", false, true),
            ("172.16.0.1", false, true),
            ("172.32.0.1", true, true),
            ("192.168.1.1", false, true),
            ("fd00::1", false, true),
            ("169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("100.64.0.1", false, false),
            ("100.128.0.1", true, true),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("192.0.2.1", false, false),
            ("198.18.0.1", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("ff02::1", false, false),
            ("2001:db8::1", false, false),
            ("2002:a00:1::1", false, false),
            ("2001::1", false, false),
            ("::ffff:10.0.0.1", false, true),
            ("::ffff:169.254.169.254", false, false),
            ("::ffff:93.184.216.34", true, true),
            ("64:ff9b::169.254.169.254", false, false),
            ("64:ff9b::93.184.216.34", true, true),
            ("64:ff9b:1::1", false, false),
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(
                (Reach::Public.admits(parsed, false), Reach::Registered.admits(parsed, false)),
                (public, registered),
                "{address}"
            );
        }
        for (address, registered) in
            [("93.184.216.34", false), ("2606:2800:220::1", false), ("10.1.2.3", true), ("::1", true)]
        {
            let parsed: IpAddr = address.parse().unwrap();
            let plain = (Reach::Public.admits(parsed, true), Reach::Registered.admits(parsed, true));
            assert_eq!(plain, (false, registered), "{address} over http");
        }
    }
}
