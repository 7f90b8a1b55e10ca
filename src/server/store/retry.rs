use crate::server::Unavailable;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(250);

/// Tries to connect until it works or `patience` is over; then gives the last cause.
///
/// # Errors
/// [`Unavailable`] with the cause of the last attempt.
pub async fn connect_patiently<T, F>(patience: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Unavailable>
where
    F: Future<Output = Result<T, Unavailable>>,
{
    let deadline = Instant::now() + patience;
    let mut told = false;
    loop {
        match attempt().await {
            Ok(connected) => return Ok(connected),
            Err(cause) if Instant::now() + PAUSE >= deadline => return Err(cause),
            Err(cause) => {
                if !told {
                    tracing::warn!(%cause, "waiting for the database, at most {} s", patience.as_secs());
                    told = true;
                }
                sleep(PAUSE).await;
            }
        }
    }
}
