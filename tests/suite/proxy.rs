//! A TCP proxy in front of a backend, which a test can cut, stall and restore.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// Client connections stay open, but no data passes.
    Stalled,
    Cut,
}

pub struct Proxy {
    pub address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
}

impl Proxy {
    /// Starts forwarding connections to `upstream` (host and port).
    pub async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(watch::channel(Line::Open).0);
        let gate = Arc::clone(&line);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *gate.borrow() != Line::Cut {
                    tokio::spawn(pass_on(client, upstream.clone(), gate.subscribe()));
                }
            }
        });
        Self { address, line }
    }

    /// Closes all connections and accepts no new ones.
    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    /// Keeps client connections open and accepts new ones, but forwards no data.
    pub fn stall(&self) {
        self.line.send_replace(Line::Stalled);
    }

    /// Forwards new connections again; stalled ones are closed.
    pub fn restore(&self) {
        self.line.send_replace(Line::Open);
    }
}

async fn pass_on(mut client: TcpStream, upstream: String, mut line: watch::Receiver<Line>) {
    let mut changes = line.clone();
    let was_open = *line.borrow() == Line::Open;
    if was_open {
        let Ok(mut server) = TcpStream::connect(upstream).await else { return };
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
            _ = changes.wait_for(|line| *line != Line::Open) => {}
        }
    }
    let _ = line.wait_for(|line| *line != Line::Stalled).await;
    drop(client);
}
