use std::time::Duration;

/// The load of a store at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    pub connections_idle: u32,
    pub connections_used: u32,
    /// Emails that wait to be sent.
    pub outbox: u64,
    /// How long the oldest of them has waited beyond its time.
    pub outbox_oldest: Duration,
}
