//! Runs the server: the listener, the background workers, and the graceful shutdown on a signal.

use crate::bootstrap::{self, ServerParts};
use crate::server::admin::{ApplicationsFile, Applied, Refused};
use crate::server::config::Config;
use crate::server::http::AppState;
use crate::server::http::assets::SiteFiles;
use crate::server::http::client_address::TrustedProxies;
use crate::server::http::metrics;
use crate::server::http::serve::ConnectionServer;
use crate::server::jobs::EmailWorker;
use crate::server::jobs::{cleanup, code_counts, key_rotation};
use crate::stderr::{fail, say};
use axum::Router;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long to wait for requests in flight after a signal.
const GRACE_PERIOD: Duration = Duration::from_secs(10);
/// How many emails are sent at once.
const EMAIL_WORKERS: usize = 8;
/// How many logout notices are sent at once: an application that does not answer takes 5 seconds.
const LOGOUT_WORKERS: usize = 4;
/// Timeout for each use of the database at shutdown, once nothing is in flight.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause before a worker that panicked is restarted.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Applies the groups and applications in `APPLICATIONS_FILE`.
async fn apply(path: &Path, state: &AppState) -> Result<(), ExitCode> {
    let applied = match ApplicationsFile::read(path) {
        Ok(file) => state.applications().apply(&file).await,
        Err(mistakes) => Err(mistakes.into()),
    };
    let applied = applied.map_err(|cause| match cause {
        Refused::Mistakes(mistakes) => {
            say(&format!("APPLICATIONS_FILE: {mistakes}"));
            ExitCode::from(2)
        }
        cause => fail(&cause.to_string()),
    })?;
    for Applied { application, .. } in applied.applications.iter().filter(|one| one.needs_secret) {
        let hint = "`latchkey apps secret add` creates one";
        tracing::warn!(application = %application.id, hint, "application without a secret");
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ExitCode> {
    TcpListener::bind(address).await.map_err(|cause| fail(&format!("cannot listen on {address}: {cause}")))
}

/// Serves these routes until a signal arrives, then finishes the requests in flight.
pub async fn run(config: &Config, files: SiteFiles, routes: fn(AppState) -> Router) -> ExitCode {
    if !config.rate_limits {
        tracing::warn!("rate limits are off");
    }
    let listener = match listen(config.listen_addr).await {
        Ok(listener) => listener,
        Err(code) => return code,
    };
    let meters = match config.metrics_addr {
        Some(address) => match listen(address).await {
            Ok(listener) => Some(listener),
            Err(code) => return code,
        },
        None => None,
    };
    let (stop, stopped) = watch::channel(false);
    let Ok(signals) = wait_for_signal(stop) else { return fail("cannot install signal handlers") };
    let mut ended_early = stopped.clone();
    let started = tokio::select! {
        started = bootstrap::start(config, files) => started,
        _ = ended_early.wait_for(|stop| *stop) => return ExitCode::SUCCESS,
    };
    let ServerParts { state, email_worker, logout_worker } = match started {
        Ok(started) => started,
        Err(cause) => return fail(&cause.to_string()),
    };
    if let Some(listener) = meters {
        match metrics::start() {
            Ok(handle) => {
                let kept = handle.clone();
                spawn_supervised("metrics", move || metrics::aggregate_periodically(kept.clone()));
                // Metrics need neither trusted proxies nor readiness.
                let router = metrics::router(state.clone(), handle);
                let server = ConnectionServer::new(router, TrustedProxies::default(), Arc::default());
                tokio::spawn(server.serve(listener, stopped.clone()));
            }
            Err(cause) => return fail(&format!("metrics cannot be recorded: {cause}")),
        }
    }
    if let Some(path) = &config.applications_file
        && let Err(code) = apply(path, &state).await
    {
        return code;
    }
    let core = Arc::clone(state.core());
    spawn_supervised("cleanup", move || cleanup::run(Arc::clone(&core)));
    // A node that cannot decrypt the keys of the other nodes must not serve beside them.
    if let Err(cause) = state.signing_keys().read().await {
        return fail(&cause.to_string());
    }
    let core = Arc::clone(state.core());
    let counting = Arc::clone(state.core());
    spawn_supervised("code_counts", move || code_counts::run(Arc::clone(&counting)));
    spawn_supervised("key_rotation", move || key_rotation::run(Arc::clone(&core)));
    let email_workers = email_workers(email_worker, &stopped);
    for _ in 0..LOGOUT_WORKERS {
        let (worker, ended) = (Arc::clone(&logout_worker), stopped.clone());
        spawn_supervised("logout_worker", move || {
            let (worker, ended) = (Arc::clone(&worker), ended.clone());
            async move { worker.work(ended).await }
        });
    }
    tracing::info!(address = %config.listen_addr, open = config.public_url.origin(), "listening");
    let core = Arc::clone(state.core());
    let (proxies, readiness) = (state.proxies.clone(), Arc::clone(&state.readiness));
    let server = ConnectionServer::new(routes(state), proxies, readiness);
    let finish = async {
        server.serve(listener, stopped.clone()).await;
        for email_worker in email_workers {
            let _ = email_worker.await;
        }
    };
    tokio::select! {
        () = finish => {}
        () = grace(stopped.clone()) => {
            tracing::warn!(grace = ?GRACE_PERIOD, "open requests dropped");
        }
    }
    signals.abort();
    if let Ok(Err(cause)) = tokio::time::timeout(CLOSE_TIMEOUT, code_counts::write(&core)).await {
        tracing::warn!(%cause, "code counts not written");
    }
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, core.close()).await;
    ExitCode::SUCCESS
}

/// Starts the workers that send emails, if there is a transport.
fn email_workers(email_worker: Option<Arc<EmailWorker>>, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let all =
        email_worker.into_iter().flat_map(|email_worker| (0..EMAIL_WORKERS).map(move |_| Arc::clone(&email_worker)));
    all.map(|email_worker| {
        let stopped = stopped.clone();
        spawn_supervised("email_worker", move || {
            let (email_worker, stopped) = (Arc::clone(&email_worker), stopped.clone());
            async move { email_worker.work(stopped).await }
        })
    })
    .collect()
}

/// Starts a worker. A panic is logged, and the worker is restarted after a pause, without limit.
fn spawn_supervised<Work>(name: &'static str, begin: impl Fn() -> Work + Send + 'static) -> JoinHandle<()>
where
    Work: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        while let Err(cause) = tokio::spawn(begin()).await {
            tracing::error!(worker = name, %cause, "worker panicked; restarting");
            tokio::time::sleep(RESTART_DELAY).await;
        }
    })
}

async fn grace(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
    tokio::time::sleep(GRACE_PERIOD).await;
}

fn wait_for_signal(stop: watch::Sender<bool>) -> std::io::Result<JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("shutting down; finishing open requests");
        let _ = stop.send(true);
        std::future::pending::<()>().await;
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_panicked_worker_is_restarted_until_it_finishes() {
        let begun = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&begun);
        let work = move || {
            let turn = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(turn >= 2, "an email that no worker survives") }
        };
        spawn_supervised("test", work).await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
