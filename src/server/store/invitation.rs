use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Invitation, InvitationId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Reads of invitations, and what becomes of them with time.
#[async_trait]
pub trait InvitationReads: Send + Sync {
    /// The invitation that has this link, open or not.
    async fn invitation(&self, link: &TokenHash) -> Result<Option<Invitation>, Unavailable>;

    /// At most `limit` invitations, the newest first, those that were made before a certain one if it is given.
    async fn invitations(&self, before: Option<&Invitation>, limit: u32) -> Result<Vec<Invitation>, Unavailable>;

    /// Removes invitations that expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_invitations(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of invitations.
#[async_trait]
pub trait InvitationWrites: Send {
    async fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), Unavailable>;

    /// Uses an invitation up, by one; of several that try at once, as many get `true` as it has uses left.
    async fn use_invitation(&mut self, link: &TokenHash, now: Timestamp) -> Result<bool, Unavailable>;

    /// `false` when there is no such invitation.
    async fn remove_invitation(&mut self, id: InvitationId) -> Result<bool, Unavailable>;
}
