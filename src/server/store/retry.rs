use crate::server::Unavailable;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(250);

/// Why a connection to a database failed.
pub enum Refused {
    /// A later attempt may succeed.
    Away(Unavailable),
    /// An administrator must change something first.
    Lasting(Unavailable),
}

impl Refused {
    pub fn cause(self) -> Unavailable {
        match self {
            Self::Away(cause) | Self::Lasting(cause) => cause,
        }
    }
}

/// Tries to connect until an attempt succeeds, waiting cannot help, or `patience` has elapsed.
///
/// # Errors
/// [`Unavailable`] with the cause of the last attempt.
pub async fn connect_with_retry<T, F>(patience: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Unavailable>
where
    F: Future<Output = Result<T, Refused>>,
{
    let deadline = Instant::now() + patience;
    let mut told = false;
    loop {
        match attempt().await {
            Ok(connected) => return Ok(connected),
            Err(Refused::Lasting(cause)) => return Err(cause),
            Err(Refused::Away(cause)) if Instant::now() + PAUSE >= deadline => return Err(cause),
            Err(Refused::Away(cause)) => {
                if !told {
                    tracing::warn!(%cause, at_most_s = patience.as_secs(), "waiting for the database");
                    told = true;
                }
                sleep(PAUSE).await;
            }
        }
    }
}
