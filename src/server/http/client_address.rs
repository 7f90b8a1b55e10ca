use crate::server::model::ClientAddress;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The proxies whose forwarding headers are trusted (setting `TRUSTED_PROXIES`).
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    has_warned: Arc<AtomicBool>,
    has_warned_of_scheme: Arc<AtomicBool>,
}

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

impl TrustedProxies {
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self { networks: networks.into(), has_warned: Arc::default(), has_warned_of_scheme: Arc::default() }
    }

    /// Whether a peer is a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the peer or, behind trusted proxies, the right-most address in `X-Forwarded-For` that is
    /// not a trusted proxy. Entries to the left of it can be forged.
    #[must_use]
    pub fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> ClientAddress {
        let peer = peer(extensions);
        if !self.trusts(peer) {
            self.warn_of(headers);
            return ClientAddress::new(peer);
        }
        let lines = headers.get_all(FORWARDED_FOR).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        let hops: Vec<_> = lines.flat_map(|line| line.split(',').map(address_of).collect::<Vec<_>>()).collect();
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            // An invalid entry ends the trusted part of the list.
            let Some(hop) = hop else { break };
            client = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        ClientAddress::new(client)
    }

    /// Whether a trusted proxy says that it received the request without encryption.
    #[must_use]
    pub fn reports_http(&self, extensions: &Extensions, headers: &HeaderMap) -> bool {
        self.trusts(peer(extensions)) && headers.get(FORWARDED_PROTO).is_some_and(|proto| proto == "http")
    }

    /// Logs once that a page was redirected because of a trusted proxy's header.
    pub fn warn_of_scheme(&self) {
        if !self.has_warned_of_scheme.swap(true, Ordering::Relaxed) {
            let hint = "if pages redirect in a loop, make the proxy set X-Forwarded-Proto to the browser's scheme";
            tracing::warn!(forwarded_proto = "http", hint, "redirected to https");
        }
    }

    fn warn_of(&self, headers: &HeaderMap) {
        let claims = headers.contains_key(FORWARDED_FOR) || headers.contains_key(FORWARDED_PROTO);
        if claims && !self.has_warned.swap(true, Ordering::Relaxed) {
            let hint = "if this peer is your proxy, add its network to TRUSTED_PROXIES";
            tracing::warn!(hint, "X-Forwarded-For or X-Forwarded-Proto from an untrusted peer ignored");
        }
    }
}

/// The address of a hop, with or without a port.
fn address_of(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.trim_matches(['[', ']']).parse().ok().or_else(with_port)
}

/// Without a connection, as in tests, all clients share one address.
fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(peer: &str, forwarded: &[&str]) -> ClientAddress {
        let proxies = TrustedProxies::new(&["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies.client(&extensions, &headers)
    }

    fn is(client: ClientAddress, expected: &str) -> bool {
        client == ClientAddress::new(expected.parse().unwrap())
    }

    #[test]
    fn headers_of_untrusted_peers_are_ignored() {
        assert!(is(client("192.0.2.1", &["203.0.113.9"]), "192.0.2.1"));
    }

    #[test]
    fn behind_trusted_proxies_the_right_most_untrusted_address_is_the_client() {
        assert!(is(client("10.0.0.1", &["203.0.113.9"]), "203.0.113.9"));
        assert!(is(client("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9"));
        assert!(is(client("10.0.0.1", &["1.1.1.1", "203.0.113.9", "10.0.0.2"]), "203.0.113.9"));
        assert!(is(client("::ffff:10.0.0.1", &["2001:db8::7"]), "2001:db8::8"), "the same network");
    }

    #[test]
    fn an_invalid_entry_ends_the_trusted_part() {
        assert!(is(client("10.0.0.1", &[]), "10.0.0.1"));
        assert!(is(client("10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1"));
        assert!(is(client("10.0.0.1", &["203.0.113.9, nonsense, 10.0.0.2"]), "10.0.0.2"));
        assert!(
            is(client("10.0.0.1", &["203.0.113.9", "h\u{fc}pf"]), "10.0.0.1"),
            "a line that is not UTF-8 is a hop, too"
        );
        assert!(is(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3"), "all are trusted");
    }

    #[test]
    fn a_hop_may_have_a_port() {
        for hop in ["203.0.113.9:4711", "203.0.113.9"] {
            assert!(is(client("10.0.0.1", &[hop]), "203.0.113.9"), "{hop}");
        }
        for hop in ["[2001:db8::7]:4711", "[2001:db8::7]", "2001:db8::7"] {
            assert!(is(client("10.0.0.1", &[hop]), "2001:db8::7"), "{hop}");
        }
    }
}
