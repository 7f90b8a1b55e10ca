//! The server's program; the browser's build has none.

#[cfg(feature = "ssr")]
mod program {
    use clap::{Parser, Subcommand};
    use latchkey::bootstrap::{self, Started};
    use latchkey::doctor::{self, Finding, Grade};
    use latchkey::router::router;
    use latchkey::server::Unavailable;
    use latchkey::server::auth::Auth;
    use latchkey::server::config::{Config, Source};
    use latchkey::server::http::metrics;
    use latchkey::server::http::serve::serve;
    use latchkey::server::mail::Postman;
    use latchkey::server::model::event;
    use latchkey::server::telemetry;
    use std::net::SocketAddr;
    use std::path::PathBuf;
    use std::process::ExitCode;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tokio::signal::unix::{SignalKind, signal};
    use tokio::sync::watch;
    use tokio::task::JoinHandle;

    /// How long requests in flight are waited for after a signal.
    const GRACE: Duration = Duration::from_secs(10);
    /// How many letters are on their way at once.
    const POSTMEN: usize = 8;
    /// How often, and how many at a time, sessions and letters that ended are removed.
    const SWEEP_EVERY: Duration = Duration::from_mins(10);
    const SWEEP_BATCH: u32 = 100;
    /// Between batches others come first: SQLite has one writer.
    const SWEEP_PAUSE: Duration = Duration::from_millis(50);

    /// Self-hosted, passwordless sign-in.
    ///
    /// Settings come from the environment and from Leptos.toml; README.md lists them.
    #[derive(Parser)]
    #[command(version)]
    struct Arguments {
        /// Settings file, in place of ./Leptos.toml
        #[arg(long, global = true, value_name = "PATH")]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: Option<Command>,
    }

    #[derive(Clone, Copy, Subcommand)]
    enum Command {
        /// Serves the site; the same as without a command
        Serve,
        /// Looks at everything that signing in depends on, and says what to do; ends with 1 when people are kept out
        Doctor,
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
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(cause) => return fail(&format!("the runtime did not start: {cause}")),
        };
        match arguments.command.unwrap_or(Command::Serve) {
            Command::Doctor => examine(&runtime.block_on(doctor::examine(&config))),
            Command::Serve => {
                let telemetry = telemetry::start(config.log_format);
                let code = runtime.block_on(run(&config));
                telemetry.stop();
                code
            }
        }
    }

    fn fail(sentence: &str) -> ExitCode {
        eprintln!("latchkey: {sentence}");
        ExitCode::from(1)
    }

    fn examine(findings: &[Finding]) -> ExitCode {
        for finding in findings {
            println!("{finding}");
        }
        let is_well = findings.iter().all(|finding| finding.grade != Grade::Fault);
        if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }

    async fn listen(address: SocketAddr) -> Result<TcpListener, ExitCode> {
        TcpListener::bind(address).await.map_err(|cause| fail(&format!("cannot listen on {address}: {cause}")))
    }

    async fn run(config: &Config) -> ExitCode {
        if !config.rate_limits {
            tracing::warn!("RATE_LIMITS=off: nothing is limited");
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
        if let Some(listener) = meters {
            match metrics::start() {
                Ok(handle) => {
                    tokio::spawn(metrics::keep_small(handle.clone()));
                    tokio::spawn(serve(listener, metrics::router(state.clone(), handle), stopped.clone()));
                }
                Err(cause) => return fail(&format!("nothing can be measured: {cause}")),
            }
        }
        tokio::spawn(sweep(Arc::clone(&state.auth)));
        let postmen = postmen(postman, &stopped);
        tracing::info!("listening on {}, open {}", config.listen_addr, config.public_url.origin());
        let finish = async {
            serve(listener, router(state), stopped.clone()).await;
            for postman in postmen {
                let _ = postman.await;
            }
        };
        tokio::select! {
            () = finish => {}
            () = grace(stopped.clone()) => {
                tracing::warn!("{} s are over; what is still in flight is dropped", GRACE.as_secs());
            }
        }
        signals.abort();
        ExitCode::SUCCESS
    }

    /// Sets the workers going that send letters, where there is a way for them to go.
    fn postmen(postman: Option<Arc<Postman>>, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let all = postman.into_iter().flat_map(|postman| (0..POSTMEN).map(move |_| Arc::clone(&postman)));
        all.map(|postman| {
            let stopped = stopped.clone();
            tokio::spawn(async move { postman.work(stopped).await })
        })
        .collect()
    }

    async fn grace(mut stopped: watch::Receiver<bool>) {
        let _ = stopped.wait_for(|stop| *stop).await;
        tokio::time::sleep(GRACE).await;
    }

    fn wait_for_signal(stop: watch::Sender<bool>) -> std::io::Result<JoinHandle<()>> {
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
                    tokio::time::sleep(SWEEP_PAUSE).await;
                }
                while auth.store.remove_expired_letters(now, SWEEP_BATCH).await? == u64::from(SWEEP_BATCH) {
                    tokio::time::sleep(SWEEP_PAUSE).await;
                }
                let oldest = now.minus(event::KEPT);
                while auth.store.remove_old_activity(oldest, now, SWEEP_BATCH).await? == u64::from(SWEEP_BATCH) {
                    tokio::time::sleep(SWEEP_PAUSE).await;
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
