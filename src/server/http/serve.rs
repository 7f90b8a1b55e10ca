//! Accepts and serves connections: limits by peer, timeouts and shutdown.

use super::assets::is_watched;
use super::client_address::{Peer, TrustedProxies};
use super::health::Readiness;
use super::peers::{PeerLimiter, PeerPermit};
use super::syn_filter;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

/// Timeout for the head of a request, from the end of the previous one: also how long an idle connection stays open. A proxy
/// should close idle connections sooner (docs/OPERATIONS.md).
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum size of a request head, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long a client may read nothing of a response before its connection is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum number of open connections; more wait in the system's queue.
const MAX_CONNECTIONS: u32 = 4_096;
/// Maximum number of open connections of one peer that is not a trusted proxy: an eighth of all.
const MAX_CONNECTIONS_PER_PEER: u32 = MAX_CONNECTIONS / 8;
/// At shutdown: the listener closes after this long without a new connection, or at the latest after the second value.
const DRAIN_IDLE: Duration = Duration::from_millis(50);
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// At shutdown: how long handshakes in progress may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_millis(300);
/// At shutdown: how long a new connection may take to send its first byte.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_millis(500);
/// Pause after `accept` failed, for example because no file descriptors are left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// State shared by all connections of a server.
pub struct ConnectionServer {
    pub router: Router,
    pub proxies: TrustedProxies,
    pub readiness: Arc<Readiness>,
    /// Becomes true when idle connections should close.
    closing: watch::Sender<bool>,
    permits: Arc<Semaphore>,
    peers: PeerLimiter,
}

impl ConnectionServer {
    #[must_use]
    pub fn new(router: Router, proxies: TrustedProxies, readiness: Arc<Readiness>) -> Self {
        let (closing, _) = watch::channel(false);
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
        Self { router, proxies, readiness, closing, permits, peers: PeerLimiter::new(MAX_CONNECTIONS_PER_PEER) }
    }

    /// Serves connections until shutdown, then until open requests are answered.
    pub async fn serve(self, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&listener) => accepted,
                _ = stopped.wait_for(|stop| *stop) => break,
            };
            self.spawn_connection(accepted).await;
        }
        self.readiness.stop();
        // Under `cargo leptos watch` one developer waits for the next process.
        if !is_watched() {
            self.drain(&listener).await;
        }
        drop(listener);
        let _ = self.closing.send(true);
        let _ = self.permits.acquire_many(MAX_CONNECTIONS).await;
    }

    /// Connections in the accept queue would be reset if the listener closed at once. So it accepts for a little
    /// longer, which gives a proxy time to see that `/readyz` answers 503. Then the kernel drops attempts to connect,
    /// and the queue is served. A dropped client retries after a second and reaches the next process or a closed port.
    async fn drain(&self, listener: &TcpListener) {
        match self.readiness.drain_time() {
            Some(time) => self.accept_until(listener, Instant::now() + time, time).await,
            None => self.accept_until(listener, Instant::now() + DRAIN_TIMEOUT, DRAIN_IDLE).await,
        }
        if let Err(cause) = syn_filter::drop_new_connections(listener) {
            tracing::debug!(%cause, "dropping new connections failed");
        }
        self.accept_until(listener, Instant::now() + HANDSHAKE_TIMEOUT, HANDSHAKE_TIMEOUT).await;
    }

    /// Accepts connections until none arrives for `quiet`, or until `deadline`.
    async fn accept_until(&self, listener: &TcpListener, deadline: Instant, quiet: Duration) {
        let accepting = async {
            while let Ok(accepted) = timeout(quiet, self.accept(listener)).await {
                self.spawn_connection(accepted).await;
            }
        };
        let _ = timeout_at(deadline, accepting).await;
    }

    /// Serves a connection in its own task.
    async fn spawn_connection(&self, accepted: Accepted) {
        match accepted {
            Ok(Some(accepted)) => drop(tokio::spawn(self.serve_connection(accepted))),
            Ok(None) => {}
            Err(cause) if is_client_abort(&cause) => {}
            Err(cause) => {
                tracing::error!(%cause, "connection not accepted");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }

    /// The next connection, once there is room for it; `None` if its peer has too many.
    async fn accept(&self, listener: &TcpListener) -> Accepted {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, address) = listener.accept().await?;
        let peer = Peer(address.ip());
        if self.proxies.trusts(peer.0) {
            return Ok(Some(Connection { stream, peer, permits: (permit, None) }));
        }
        let of_peer = self.peers.acquire(peer.0);
        Ok(of_peer.map(|of_peer| Connection { stream, peer, permits: (permit, Some(of_peer)) }))
    }

    /// Serves the requests of a connection until either side closes it.
    fn serve_connection(&self, connection: Connection) -> impl Future<Output = ()> + Send + use<> {
        let Connection { stream, peer, permits } = connection;
        let (router, readiness) = (self.router.clone(), Arc::clone(&self.readiness));
        let mut closing = self.closing.subscribe();
        async move {
            let permits = permits;
            if !wait_for_first_byte(&stream, &mut closing).await {
                return;
            }
            let answer = move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                let (answered, readiness) = (router.clone().oneshot(request.map(Body::new)), Arc::clone(&readiness));
                async move {
                    let mut response = answered.await?;
                    if readiness.is_stopping() {
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, std::convert::Infallible>(response)
                }
            };
            let _ = stream.set_nodelay(true);
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(WRITE_TIMEOUT));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(TokioIo::new(Box::pin(stream)), service_fn(answer));
            let mut connection = pin!(connection);
            // Polls the connection first, so that bytes that have arrived are read before it is told to close.
            let done = tokio::select! {
                biased;
                done = connection.as_mut() => Some(done),
                _ = closing.wait_for(|closing| *closing) => None,
            };
            let done = if let Some(done) = done {
                done
            } else {
                connection.as_mut().graceful_shutdown();
                connection.await
            };
            // The client disconnected, was too slow or used another protocol; hyper has handled it.
            if let Err(cause) = done {
                tracing::debug!(%cause, "connection ended early");
            }
            drop(permits);
        }
    }
}

type Accepted = io::Result<Option<Connection>>;

struct Connection {
    stream: TcpStream,
    peer: Peer,
    /// Released when the connection ends.
    permits: (OwnedSemaphorePermit, Option<PeerPermit>),
}

/// Waits for the first byte, because hyper closes an unread connection when it is told to. `false` if none arrived.
async fn wait_for_first_byte(stream: &TcpStream, closing: &mut watch::Receiver<bool>) -> bool {
    let last_moment = async {
        let _ = closing.wait_for(|closing| *closing).await;
        tokio::time::sleep(FIRST_BYTE_TIMEOUT).await;
    };
    tokio::select! {
        readable = timeout(HEAD_TIMEOUT, stream.readable()) => readable.is_ok_and(|readable| readable.is_ok()),
        () = last_moment => false,
    }
}

/// Whether the client gave up before its connection was accepted.
fn is_client_abort(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
