use crate::server::Unavailable;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Why a connection to a database failed.
pub enum ConnectError {
    /// A later attempt may succeed.
    Temporary(Unavailable),
    /// An administrator must change something first.
    Permanent(Unavailable),
}

impl ConnectError {
    pub fn cause(self) -> Unavailable {
        match self {
            Self::Temporary(cause) | Self::Permanent(cause) => cause,
        }
    }
}

/// Tries to connect until an attempt succeeds, waiting cannot help, or `max_wait` has elapsed.
///
/// # Errors
/// [`Unavailable`] with the cause of the last attempt.
pub async fn connect_with_retry<T, F>(max_wait: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Unavailable>
where
    F: Future<Output = Result<T, ConnectError>>,
{
    let deadline = Instant::now() + max_wait;
    let mut has_logged = false;
    loop {
        match attempt().await {
            Ok(connected) => return Ok(connected),
            Err(ConnectError::Permanent(cause)) => return Err(cause),
            Err(ConnectError::Temporary(cause)) if Instant::now() + RETRY_INTERVAL >= deadline => return Err(cause),
            Err(ConnectError::Temporary(cause)) => {
                if !has_logged {
                    tracing::warn!(%cause, at_most_s = max_wait.as_secs(), "waiting for the database");
                    has_logged = true;
                }
                sleep(RETRY_INTERVAL).await;
            }
        }
    }
}
