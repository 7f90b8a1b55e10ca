use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Levels, UserId};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::Notify;

/// Wakes the jobs of this process when a commit left something for them to do.
#[derive(Clone, Debug, Default)]
pub struct Wakes {
    /// An email was queued.
    pub email: Arc<Notify>,
    /// An application is to be told that a session ended.
    pub logout: Arc<Notify>,
    /// An account was deleted.
    pub cleanup: Arc<Notify>,
}

/// The database as a whole.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// The jobs that a commit wakes.
    fn wakes(&self) -> &Wakes;

    /// Whether the database was empty when it was opened here.
    fn is_new(&self) -> bool;

    /// Checks that the database answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// The newest change of the schema that the database has seen; `None` when it has seen none.
    async fn schema_version(&self) -> Result<Option<i64>, Unavailable>;

    /// Every change of the schema that the database has seen, the oldest first; none when it has seen none.
    async fn schema_versions(&self) -> Result<Vec<i64>, Unavailable>;

    /// The time of the database's clock; `None` where it has none but this machine's.
    async fn database_clock(&self) -> Result<Option<Timestamp>, Unavailable>;

    /// How busy the database is, and what waits in the mail queue.
    async fn levels(&self, now: Timestamp) -> Result<Levels, Unavailable>;

    /// After a backup was restored: ends all sessions and grants, voids what was requested by email and the undo links of
    /// changed addresses, and takes everything out of the mail queue. Returns how many sessions there were.
    async fn end_everything_open(&self, now: Timestamp) -> Result<u64, Unavailable>;

    /// After a backup was restored: removes all signing keys, one of which may have been revoked since.
    async fn remove_signing_keys(&self) -> Result<(), Unavailable>;

    /// Removes rows of a deleted account, at most `limit` of each table, and in the end the account itself; `false` when
    /// nothing is left of it.
    async fn remove_rows_of_deleted(&self, user: UserId, limit: u32) -> Result<bool, Unavailable>;

    /// Closes all connections once no unit of work is open, so that everything is in the database's own files.
    async fn close(&self);
}
