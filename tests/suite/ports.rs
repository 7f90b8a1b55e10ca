//! Ports for servers of a test's own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Where these ports begin and how many there are: below those that the system gives to connections going out (from 32768
/// on), also with the 10,000 added that a node of a Redis Cluster adds for its bus. So a server that is stopped finds its
/// port free when it starts again, whatever other tests do meanwhile.
const FIRST: u16 = 12_000;
const COUNT: u16 = 10_000;

/// How many were looked at by this process.
static DRAWN: AtomicU16 = AtomicU16::new(0);

/// A port without a listener and that no other call gives out, in this process at least.
pub fn free_port() -> u16 {
    // Another process begins elsewhere, also the next one.
    let offset = u16::try_from(std::process::id().wrapping_mul(7_919) % u32::from(COUNT)).unwrap();
    loop {
        let drawn = DRAWN.fetch_add(1, Ordering::SeqCst);
        assert!(drawn < COUNT, "every port is taken");
        let port = FIRST + (offset + drawn) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
