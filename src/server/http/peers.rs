//! Limits the connections of each peer.

use crate::server::model::ClientAddress;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections by the address of the peer; an IPv6 network is one peer.
#[derive(Clone, Debug)]
pub struct PeerLimiter {
    most: u32,
    counts: Arc<Mutex<HashMap<ClientAddress, u32>>>,
    has_warned: Arc<AtomicBool>,
}

/// One connection of a peer; released when dropped.
#[derive(Debug)]
pub struct PeerPermit {
    peers: PeerLimiter,
    peer: ClientAddress,
}

impl PeerLimiter {
    /// Each peer may have `most` connections.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { most, counts: Arc::default(), has_warned: Arc::default() }
    }

    /// A permit for one more connection; `None` if the peer has its maximum.
    #[must_use]
    pub fn acquire(&self, address: IpAddr) -> Option<PeerPermit> {
        let peer = ClientAddress::new(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(peer).or_default();
        if *count >= self.most {
            if !self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    most = self.most,
                    hint = "if this peer is your proxy, add it to TRUSTED_PROXIES",
                    "peer connection limit exceeded"
                );
            }
            return None;
        }
        *count += 1;
        Some(PeerPermit { peers: self.clone(), peer })
    }
}

impl Drop for PeerPermit {
    fn drop(&mut self) {
        let mut counts = self.peers.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.peer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_has_its_own_limit_and_permits_are_released() {
        let peers = PeerLimiter::new(2);
        let acquire = |address: &str| peers.acquire(address.parse().unwrap());
        let (first, _second) = (acquire("192.0.2.1"), acquire("192.0.2.1"));
        assert!(first.is_some() && acquire("192.0.2.1").is_none());
        assert!(acquire("192.0.2.2").is_some());
        drop(first);
        assert!(acquire("192.0.2.1").is_some());
        let (_one, _other) = (acquire("2001:db8::1"), acquire("2001:db8::2"));
        assert!(acquire("2001:db8::3").is_none(), "an IPv6 network is one peer");
        assert_eq!(peers.counts.lock().unwrap().len(), 2, "peers without connections are forgotten");
    }
}
