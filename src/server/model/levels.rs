use std::time::Duration;

/// The current load of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    pub connections_idle: u32,
    pub connections_used: u32,
    /// Number of emails waiting to be sent.
    pub queued_emails: u64,
    /// How long the oldest of them is overdue.
    pub oldest_overdue: Duration,
}
