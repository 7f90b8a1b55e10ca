//! Ports for servers that tests start.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// The port range: below the system's ephemeral ports (from 32768 on), even with the 10,000 that a Redis Cluster node
/// adds for its bus. So a stopped server finds its port free when it restarts, whatever other tests do meanwhile.
const FIRST: u16 = 12_000;
const COUNT: u16 = 10_000;

/// How many ports this process has tried.
static ATTEMPTS: AtomicU16 = AtomicU16::new(0);

/// A port without a listener that no other call in this process returns.
pub fn free_port() -> u16 {
    // Each process starts at a different port.
    let offset = u16::try_from(std::process::id().wrapping_mul(7_919) % u32::from(COUNT)).unwrap();
    loop {
        let attempt = ATTEMPTS.fetch_add(1, Ordering::SeqCst);
        assert!(attempt < COUNT, "all ports are taken");
        let port = FIRST + (offset + attempt) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
