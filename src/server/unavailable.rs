use std::error::Error;

/// A dependency is unavailable or failed. The cause is for the log, never for the response.
#[derive(Debug, thiserror::Error)]
#[error("{what} unavailable: {source}")]
pub struct Unavailable {
    what: &'static str,
    source: Box<dyn Error + Send + Sync>,
    is_expected: bool,
}

impl Unavailable {
    /// Names what failed (`"database"`) and keeps the cause.
    pub fn new(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what, source: source.into(), is_expected: false }
    }

    /// A temporary failure that needs no action, such as before the first signing keys exist.
    pub fn expected(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { is_expected: true, ..Self::new(what, source) }
    }

    /// Logs the cause of a request's failure.
    pub fn log(&self) {
        if self.is_expected {
            tracing::info!(cause = %self, "not available yet");
        } else {
            tracing::error!(cause = %self, "dependency unavailable");
        }
    }
}
