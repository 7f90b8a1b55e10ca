use crate::server::Unavailable;
use crate::server::core::Core;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A backend that takes longer to answer counts as unavailable.
pub const TIMEOUT: Duration = Duration::from_millis(1_200);

/// Whether `/readyz` reports this process as ready, and how often it is polled.
#[derive(Debug, Default)]
pub struct Readiness {
    is_stopping: AtomicBool,
    polling: Mutex<Option<Polling>>,
}

/// When `/readyz` was last polled, and the longest recent interval: several proxies may poll in quick succession.
#[derive(Clone, Copy, Debug)]
struct Polling {
    at: Instant,
    longest: Option<(Duration, Instant)>,
}

/// After this long without a request to `/readyz`, no proxy is assumed to poll it.
const WATCHING: Duration = Duration::from_secs(30);
/// How long a polling proxy has to notice the shutdown: twice its interval, within these bounds.
const NOTICE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How much later than usual a proxy on a busy machine may poll.
const LATE: Duration = Duration::from_secs(2);

impl Readiness {
    /// Makes `/readyz` answer 503 from now on.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// How long to accept connections after the stop; `None` if no proxy polls `/readyz`.
    #[must_use]
    pub fn drain_time(&self) -> Option<Duration> {
        let polling = *self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        let Polling { at, longest } = polling.filter(|polling| polling.at.elapsed() < WATCHING)?;
        let (interval, _) = longest.filter(|(interval, _)| at.elapsed() < *interval * 3 + LATE)?;
        Some((interval * 2).clamp(NOTICE.0, NOTICE.1))
    }

    fn record_poll(&self) {
        let mut polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        let interval = polling.map(|before| at - before.at).filter(|interval| *interval < WATCHING);
        let lately = polling.and_then(|before| before.longest).filter(|(_, seen)| seen.elapsed() < WATCHING);
        let longest = match (interval, lately) {
            (Some(interval), Some((longest, _))) if interval < longest => lately,
            (Some(interval), _) => Some((interval, at)),
            (None, lately) => lately,
        };
        *polling = Some(Polling { at, longest });
    }
}

#[derive(Serialize)]
struct Answer {
    database: &'static str,
    ephemeral: &'static str,
}

/// 200 while the process runs.
#[expect(clippy::unused_async, reason = "a handler")]
pub async fn healthz() -> &'static str {
    "ok"
}

/// The answer of a backend; `None` when it is unavailable or too slow, which is logged.
pub async fn answer_within<T>(
    backend: &'static str,
    max_wait: Duration,
    operation: impl Future<Output = Result<T, Unavailable>>,
) -> Option<T> {
    match timeout(max_wait, operation).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(cause)) => {
            tracing::warn!(backend, %cause, "backend unavailable");
            None
        }
        Err(_) => {
            let millis = u64::try_from(max_wait.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(backend, millis, "backend timed out");
            None
        }
    }
}

/// 200 while both backends answer, otherwise and during shutdown 503. The body tells which backend is unavailable.
pub async fn readyz(State(core): State<Arc<Core>>, State(readiness): State<Arc<Readiness>>) -> Response {
    readiness.record_poll();
    let (database, ephemeral) = tokio::join!(
        answer_within("database", TIMEOUT, core.store.ping()),
        answer_within("ephemeral", TIMEOUT, core.ephemeral.ping()),
    );
    let (database, ephemeral) = (database.is_some(), ephemeral.is_some());
    let is_ready = database && ephemeral && !readiness.is_stopping();
    let word = |is_ok| if is_ok { "ok" } else { "away" };
    let answer = Answer { database: word(database), ephemeral: word(ephemeral) };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(answer)).into_response()
}
