//! Makes the kernel drop new connection attempts before a listener closes, so that the accept queue empties.

use std::io;
use tokio::net::TcpListener;

/// Drops segments that open a connection (SYN, RFC 9293, section 3.1); all others pass. The filter sees each segment
/// from its TCP header on (Linux, `Documentation/networking/filter.rst`; opcodes from `linux/bpf_common.h`).
#[cfg(target_os = "linux")]
const DROP_SYN: [(u16, u8, u8, u32); 4] = [
    (0x30, 0, 0, 13),     // ldb [13]: the flags
    (0x45, 0, 1, 0x02),   // jset SYN
    (0x06, 0, 0, 0),      // ret 0: drop
    (0x06, 0, 0, 0xffff), // ret 65535: pass
];

/// Drops every further SYN for this listener. Existing connections continue.
///
/// # Errors
/// When the system does not support such filters.
#[cfg(target_os = "linux")]
pub fn drop_new_connections(listener: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};
    let filter = DROP_SYN.map(|(code, jt, jf, k)| SockFilter::new(code, jt, jf, k));
    SockRef::from(listener).attach_filter(&filter)
}

/// Other systems do not support such filters.
#[cfg(not(target_os = "linux"))]
pub fn drop_new_connections(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
