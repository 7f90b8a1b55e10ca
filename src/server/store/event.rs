use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Event, EventId, UserId};
use async_trait::async_trait;

/// Reads of the activity, and what becomes of it with time.
#[async_trait]
pub trait EventReads: Send + Sync {
    /// At most `limit` events, newest first, those before a certain one if it is given; `None` when the account has no
    /// such event.
    async fn events(
        &self,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, Unavailable>;

    /// Removes events from before `oldest`, at most `limit`, and returns how many.
    async fn remove_old_events(&self, oldest: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of the activity.
#[async_trait]
pub trait EventWrites: Send {
    /// Writes a line of activity; one of the same id that exists already stays as it is, and nothing is written about an
    /// account that is gone.
    async fn record(&mut self, event: &Event) -> Result<(), Unavailable>;

    /// Removes the oldest events beyond those that an account keeps.
    async fn trim_events(&mut self, user: UserId) -> Result<(), Unavailable>;
}
