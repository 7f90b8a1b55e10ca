use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::logout::{ClaimedLogout, LogoutResult};
use crate::server::model::outbox::Claim;
use crate::server::model::{ApplicationId, UserId};
use async_trait::async_trait;
use std::time::Duration;
use uuid::Uuid;

/// Notices to applications that a session ended. They are queued by whatever ends the session.
#[async_trait]
pub trait LogoutReads: Send + Sync {
    /// Claims a notice that is due and that no worker holds; others may claim it again after `lease`.
    async fn claim_logout(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedLogout>, Unavailable>;

    /// Puts a notice back, to be tried again at `due_at`.
    async fn release_logout(&self, id: Uuid, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable>;

    /// Takes a notice out of the queue.
    async fn finish_logout(&self, id: Uuid, claim: Claim) -> Result<(), Unavailable>;

    /// Keeps a result, while its user and application exist.
    async fn record_logout_result(&self, id: Uuid, result: &LogoutResult) -> Result<(), Unavailable>;

    /// The newest results of a user, or of an application.
    async fn logout_results_of(&self, user: UserId) -> Result<Vec<LogoutResult>, Unavailable>;

    async fn logout_results_at(&self, application: &ApplicationId) -> Result<Vec<LogoutResult>, Unavailable>;

    /// Removes results from before a moment, at most `limit`, and returns how many.
    async fn remove_old_logout_results(&self, before: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}
