//! The server's program; the browser's build has none.

#[cfg(feature = "ssr")]
mod program {
    use clap::Parser;
    use latchkey::bootstrap::{self, Started};
    use latchkey::router::router;
    use latchkey::server::Unavailable;
    use latchkey::server::auth::Auth;
    use latchkey::server::config::{Config, Source};
    use latchkey::server::model::event;
    use latchkey::server::telemetry;
    use std::path::PathBuf;
    use std::process::ExitCode;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tokio::signal::unix::{SignalKind, signal};
    use tokio::sync::watch;

    /// How long requests in flight are waited for after a signal.
    const GRACE: Duration = Duration::from_secs(10);
    /// How many letters are on their way at once.
    const POSTMEN: usize = 8;
    /// How often, and how many at a time, sessions and letters that ended are removed.
    const SWEEP_EVERY: Duration = Duration::from_mins(10);
    const SWEEP_BATCH: u32 = 500;

    /// Self-hosted, passwordless sign-in.
    ///
    /// Settings come from the environment and from Leptos.toml; README.md lists them.
    #[derive(Parser)]
    #[command(version)]
    struct Arguments {
        /// Settings file, in place of ./Leptos.toml
        #[arg(long, value_name = "PATH")]
        config: Option<PathBuf>,
    }

    pub fn main() -> ExitCode {
        let arguments = Arguments::parse();
        let config = match Config::load(&Source::from_process(arguments.config.as_deref())) {
            Ok(config) => config,
            Err(problems) => {
                eprint!("{problems}");
                return ExitCode::from(2);
            }
        };
        telemetry::start(config.log_format);
        match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime.block_on(serve(&config)),
            Err(cause) => fail(&format!("the runtime did not start: {cause}")),
        }
    }

    fn fail(sentence: &str) -> ExitCode {
        eprintln!("latchkey: {sentence}");
        ExitCode::from(1)
    }

    async fn serve(config: &Config) -> ExitCode {
        for name in config.without_effect() {
            tracing::warn!("{name} is set, but has no effect in this version");
        }
        if !config.rate_limits {
            tracing::warn!("RATE_LIMITS=off: nothing is limited");
        }
        let listener = match TcpListener::bind(config.listen_addr).await {
            Ok(listener) => listener,
            Err(cause) => return fail(&format!("cannot listen on {}: {cause}", config.listen_addr)),
        };
        let (stop, stopped) = watch::channel(false);
        let Ok(signals) = wait_for_signal(stop) else { return fail("signals cannot be received") };
        let mut ended_early = stopped.clone();
        let started = tokio::select! {
            started = bootstrap::start(config) => started,
            _ = ended_early.wait_for(|stop| *stop) => return ExitCode::SUCCESS,
        };
        let Started { state, postman } = match started {
            Ok(started) => started,
            Err(cause) => return fail(&cause.to_string()),
        };
        tokio::spawn(sweep(Arc::clone(&state.auth)));
        let postmen: Vec<_> = postman
            .into_iter()
            .flat_map(|postman| (0..POSTMEN).map(move |_| Arc::clone(&postman)))
            .map(|postman| {
                tokio::spawn({
                    let stopped = stopped.clone();
                    async move { postman.work(stopped).await }
                })
            })
            .collect();
        tracing::info!("listening on {}, open {}", config.listen_addr, config.public_url.origin());
        let mut graceful = stopped.clone();
        let server = axum::serve(listener, router(state)).with_graceful_shutdown(async move {
            let _ = graceful.wait_for(|stop| *stop).await;
        });
        let finish = async {
            let ended = server.await;
            for postman in postmen {
                let _ = postman.await;
            }
            ended
        };
        let code = tokio::select! {
            ended = finish => match ended {
                Ok(()) => ExitCode::SUCCESS,
                Err(cause) => fail(&format!("the server ended: {cause}")),
            },
            () = grace(stopped) => {
                tracing::warn!("{} s are over; what is still in flight is dropped", GRACE.as_secs());
                ExitCode::SUCCESS
            }
        };
        signals.abort();
        code
    }

    async fn grace(mut stopped: watch::Receiver<bool>) {
        let _ = stopped.wait_for(|stop| *stop).await;
        tokio::time::sleep(GRACE).await;
    }

    fn wait_for_signal(stop: watch::Sender<bool>) -> std::io::Result<tokio::task::JoinHandle<()>> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping; what is in flight is finished first");
            let _ = stop.send(true);
            std::future::pending::<()>().await;
        }))
    }

    /// Removes what ended, in small batches.
    async fn sweep(auth: Arc<Auth>) {
        let mut ticks = tokio::time::interval(SWEEP_EVERY);
        loop {
            ticks.tick().await;
            let now = auth.clock.now();
            let swept = async {
                while auth.store.remove_ended_sessions(now, SWEEP_BATCH).await? == u64::from(SWEEP_BATCH) {
                    tokio::task::yield_now().await;
                }
                while auth.store.remove_expired_letters(now, SWEEP_BATCH).await? == u64::from(SWEEP_BATCH) {
                    tokio::task::yield_now().await;
                }
                let oldest = now.minus(event::KEPT);
                while auth.store.remove_old_activity(oldest, now, SWEEP_BATCH).await? == u64::from(SWEEP_BATCH) {
                    tokio::task::yield_now().await;
                }
                Ok::<_, Unavailable>(())
            };
            if let Err(cause) = swept.await {
                tracing::warn!(%cause, "what has ended was not removed");
            }
        }
    }
}

#[cfg(feature = "ssr")]
fn main() -> std::process::ExitCode {
    program::main()
}

#[cfg(not(feature = "ssr"))]
fn main() {}
