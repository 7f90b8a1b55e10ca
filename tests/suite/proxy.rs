//! A TCP proxy in front of a backend, which a test can cut, stall and restore.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq, Eq)]
enum LinkState {
    Open,
    /// Client connections stay open, but no data passes.
    Stalled,
    Cut,
}

pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<watch::Sender<LinkState>>,
}

impl Proxy {
    /// Starts forwarding connections to `upstream` (host and port).
    pub async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::channel(LinkState::Open).0);
        let link = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *link.borrow() != LinkState::Cut {
                    tokio::spawn(forward(client, upstream.clone(), link.subscribe()));
                }
            }
        });
        Self { address, state }
    }

    /// Closes all connections and accepts no new ones.
    pub fn cut(&self) {
        self.state.send_replace(LinkState::Cut);
    }

    /// Keeps client connections open and accepts new ones, but forwards no data.
    pub fn stall(&self) {
        self.state.send_replace(LinkState::Stalled);
    }

    /// Forwards new connections again; stalled ones are closed.
    pub fn restore(&self) {
        self.state.send_replace(LinkState::Open);
    }
}

async fn forward(mut client: TcpStream, upstream: String, mut state: watch::Receiver<LinkState>) {
    let mut changes = state.clone();
    let was_open = *state.borrow() == LinkState::Open;
    if was_open {
        let Ok(mut server) = TcpStream::connect(upstream).await else { return };
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
            _ = changes.wait_for(|state| *state != LinkState::Open) => {}
        }
    }
    let _ = state.wait_for(|state| *state != LinkState::Stalled).await;
    drop(client);
}
