use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Invitation, InvitationId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Reads of invitations, and removal of expired ones.
#[async_trait]
pub trait InvitationReads: Send + Sync {
    /// The invitation with this link, whether or not it can still be used.
    async fn invitation(&self, link: &TokenHash) -> Result<Option<Invitation>, Unavailable>;

    /// At most `limit` invitations, newest first, starting after `before` if it is given.
    async fn invitations(&self, before: Option<&Invitation>, limit: u32) -> Result<Vec<Invitation>, Unavailable>;

    /// Removes invitations that expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_invitations(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of invitations.
#[async_trait]
pub trait InvitationWrites: Send {
    async fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), Unavailable>;

    /// Consumes one use of an invitation; of several concurrent calls, as many return `true` as it has uses left.
    async fn use_invitation(&mut self, link: &TokenHash, now: Timestamp) -> Result<bool, Unavailable>;

    /// `false` when there is no such invitation.
    async fn remove_invitation(&mut self, id: InvitationId) -> Result<bool, Unavailable>;
}
