use std::error::Error;
use std::fmt;

/// Something that the answer depends on is away or failed; carries the cause for the log, never for the wire.
#[derive(Debug)]
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

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unavailable: {}", self.what, self.source)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
