use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::logout::{ClaimedLogout, LogoutResult};
use crate::server::model::queue::Claim;
use crate::server::model::{ApplicationId, UserId};
use async_trait::async_trait;
use std::time::Duration;
use uuid::Uuid;

/// Notices to applications that a session ended. Each write that ends a session queues them.
#[async_trait]
pub trait LogoutReads: Send + Sync {
    /// Claims a due notice that no worker holds; other workers may claim it after `lease`.
    async fn claim_logout(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedLogout>, Unavailable>;

    /// Returns a notice to the queue for another attempt at `due_at`.
    async fn release_logout(&self, id: Uuid, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable>;

    /// Removes a notice from the queue.
    async fn finish_logout(&self, id: Uuid, claim: Claim) -> Result<(), Unavailable>;

    /// Records a delivery result, if its user and application exist.
    async fn record_logout_result(&self, id: Uuid, result: &LogoutResult) -> Result<(), Unavailable>;

    /// The newest delivery results for a user.
    async fn logout_results_of(&self, user: UserId) -> Result<Vec<LogoutResult>, Unavailable>;

    /// The newest delivery results for an application.
    async fn logout_results_at(&self, application: &ApplicationId) -> Result<Vec<LogoutResult>, Unavailable>;

    /// Removes results older than `before`, at most `limit`, and returns how many.
    async fn remove_old_logout_results(&self, before: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}
