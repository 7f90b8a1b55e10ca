use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Levels, UserId};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::Notify;

/// Wakes the jobs of this process after a commit that gives them work.
#[derive(Clone, Debug, Default)]
pub struct Wakes {
    /// An email was queued.
    pub email: Arc<Notify>,
    /// A logout notice was queued.
    pub logout: Arc<Notify>,
    /// An account was deleted.
    pub cleanup: Arc<Notify>,
}

/// The database as a whole.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// The jobs that a commit wakes.
    fn wakes(&self) -> &Wakes;

    /// Whether the database was empty when this process opened it.
    fn is_new(&self) -> bool;

    /// Checks that the database answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// The newest migration that was applied to the database; `None` when there is none.
    async fn schema_version(&self) -> Result<Option<i64>, Unavailable>;

    /// All migrations that were applied to the database, oldest first.
    async fn schema_versions(&self) -> Result<Vec<i64>, Unavailable>;

    /// The time of the database server's clock; `None` if the database uses the clock of this machine.
    async fn database_clock(&self) -> Result<Option<Timestamp>, Unavailable>;

    /// The usage of database connections, and the backlog of the mail queue.
    async fn levels(&self, now: Timestamp) -> Result<Levels, Unavailable>;

    /// Called after a backup was restored: ends all sessions and grants, voids email requests and the undo links of
    /// changed addresses, and empties the mail queue. Returns how many sessions there were.
    async fn revoke_all_access(&self, now: Timestamp) -> Result<u64, Unavailable>;

    /// Called after a backup was restored: removes all signing keys, since one may have been revoked after the backup.
    async fn remove_signing_keys(&self) -> Result<(), Unavailable>;

    /// Removes rows of a deleted account, at most `limit` from each table, and finally the account itself; `false` when
    /// nothing is left.
    async fn remove_rows_of_deleted(&self, user: UserId, limit: u32) -> Result<bool, Unavailable>;

    /// Closes all connections once no unit of work is open, so that the database's own files are complete.
    async fn close(&self);
}
