use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Event, EventId, UserId};
use async_trait::async_trait;

/// Reads of account activity, and removal of old events.
#[async_trait]
pub trait EventReads: Send + Sync {
    /// At most `limit` events, newest first, starting after `before` if it is given; `None` when the account has no
    /// such event.
    async fn events(
        &self,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, Unavailable>;

    /// Removes events older than `oldest`, at most `limit`, and returns how many.
    async fn remove_old_events(&self, oldest: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of account activity.
#[async_trait]
pub trait EventWrites: Send {
    /// Records an event; does nothing if an event with its id exists or the account was deleted.
    async fn record(&mut self, event: &Event) -> Result<(), Unavailable>;

    /// Removes the oldest events of an account beyond the maximum.
    async fn trim_events(&mut self, user: UserId) -> Result<(), Unavailable>;
}
