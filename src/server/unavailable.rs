use std::error::Error;

/// Something that the answer depends on is away or failed; carries the cause for the log, never for the wire.
#[derive(Debug, thiserror::Error)]
#[error("{what} unavailable: {source}")]
pub struct Unavailable {
    what: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl Unavailable {
    /// Names what failed (`"database"`) and keeps the cause.
    pub fn new(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what, source: source.into() }
    }
}
