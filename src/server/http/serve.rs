//! The connections: who is at the other end, how long they may take, and how they end.

use super::client_address::Peer;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

/// How long the head of a request may take, from the end of the one before: also how long a connection stays open unused.
/// A proxy should let go of an unused connection sooner (docs/OPERATIONS.md).
pub const HEAD: Duration = Duration::from_secs(15);
/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// How long a reader may take none of an answer.
const STUCK: Duration = Duration::from_secs(20);
/// Connections answered at once; more wait in the system's queue.
const MOST: usize = 4_096;
/// When it is to stop: how long nobody new must come, and how long that is waited for.
const QUIET: Duration = Duration::from_millis(50);
const DRAIN: Duration = Duration::from_millis(500);
/// How long to wait after a connection could not be taken, as when there are no descriptors left.
const BREATH: Duration = Duration::from_millis(100);

/// Answers connections until it is told to stop, and then until those that are being answered are done.
pub async fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener, &places) => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        take(accepted, &router, &graceful).await;
    }
    // Whoever was let in by the system already, and waits to be taken, would be cut off by closing now.
    let drained = async {
        while let Ok(accepted) = timeout(QUIET, next(&listener, &places)).await {
            take(accepted, &router, &graceful).await;
        }
    };
    let _ = timeout(DRAIN, drained).await;
    drop(listener);
    graceful.shutdown().await;
}

type Accepted = io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)>;

/// Has a connection answered, beside the others.
async fn take(accepted: Accepted, router: &Router, graceful: &GracefulShutdown) {
    match accepted {
        Ok((stream, peer, place)) => {
            let connection = graceful.watch(connection(stream, Peer(peer.ip()), router.clone()));
            tokio::spawn(async move {
                let _place = place;
                // Whoever goes away, is too slow or speaks something else has had their answer from hyper.
                if let Err(cause) = connection.await {
                    tracing::debug!(%cause, "a connection ended early");
                }
            });
        }
        Err(cause) if is_theirs(&cause) => {}
        Err(cause) => {
            tracing::error!(%cause, "a connection could not be taken");
            tokio::time::sleep(BREATH).await;
        }
    }
}

/// The next connection, once there is room for it.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> Accepted {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
) -> impl GracefulConnection<Error = hyper::Error> + Send + 'static {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(STUCK));
    let answer = move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request.map(Body::new))
    };
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), service_fn(answer))
}

/// Whether the other end gave up before it was taken.
fn is_theirs(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
