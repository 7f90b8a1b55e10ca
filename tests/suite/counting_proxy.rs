//! A TCP proxy that counts round trips: the first data that a client sends after a response begins the next one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The protocol, which decides which messages do not count as a round trip.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL: `begin` and `commit` are not counted, nor are the pool's checks.
    Postgres,
    Redis,
}

/// A proxy that counts round trips.
pub struct CountingProxy {
    pub address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl CountingProxy {
    /// Starts forwarding connections to `upstream` (host and port).
    pub async fn start(upstream: String, protocol: Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let was_answered = Arc::new(AtomicBool::new(true));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let answers = Arc::clone(&was_answered);
                tokio::spawn(forward(from_server, to_client, move |_| answers.store(true, Ordering::SeqCst)));
                let counter = Arc::clone(&counter);
                tokio::spawn(forward(from_client, to_server, move |sent| {
                    let begins = was_answered.swap(false, Ordering::SeqCst);
                    if begins && !(protocol == Protocol::Postgres && is_upkeep(sent)) {
                        counter.fetch_add(1, Ordering::SeqCst);
                    }
                }));
            }
        });
        Self { address, count }
    }

    /// The number of round trips since the last call.
    pub fn take(&self) -> usize {
        self.count.swap(0, Ordering::SeqCst)
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut seen: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        seen(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Not counted by the budget: a simple query that begins or ends a transaction, and a lone `Sync`, with which the pool
/// checks a returned connection while no command waits (PostgreSQL 15, section 55.7: `Q`, length, text; `S`, length).
fn is_upkeep(sent: &[u8]) -> bool {
    let text = sent.strip_prefix(b"Q").and_then(|rest| rest.get(4..)).unwrap_or_default().to_ascii_lowercase();
    sent == b"S\0\0\0\x04" || ["begin", "commit", "rollback"].iter().any(|word| text.starts_with(word.as_bytes()))
}
