use std::time::Duration;

/// How long a passkey that was added by email alone cannot change security settings, and how long "This wasn't me" can
/// suspend it (docs/RULES.md, 8 and 10).
pub const PROBATION: Duration = Duration::from_hours(72);
