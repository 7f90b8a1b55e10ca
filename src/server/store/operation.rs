use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Invitation, InvitationId, User, UserId};
use crate::server::secret::TokenHash;
use crate::types::{Identifier, Language};
use async_trait::async_trait;

/// An account as those who run the site see it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    pub user: User,
    pub passkeys: u32,
    /// Alive or not.
    pub sessions: u32,
    pub last_seen_at: Option<Timestamp>,
}

/// What those who run the site read.
#[async_trait]
pub trait Operation: Send + Sync {
    /// At most `limit` accounts in the order of their names, those behind a certain name if it is given.
    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<AccountSummary>, Unavailable>;

    /// One of them; `None` when there is no such account.
    async fn account(&self, id: UserId) -> Result<Option<AccountSummary>, Unavailable>;

    /// The account of that name, or of that proven address.
    async fn account_named(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable>;

    /// The invitation that has this link, open or not.
    async fn invitation(&self, link: &TokenHash) -> Result<Option<Invitation>, Unavailable>;

    /// All invitations, the newest first.
    async fn invitations(&self) -> Result<Vec<Invitation>, Unavailable>;
}

/// What those who run the site write, within a unit of work.
#[async_trait]
pub trait OperationWrites: Send {
    /// Turns an account off, or on again.
    async fn set_disabled(&mut self, user: UserId, since: Option<Timestamp>) -> Result<(), Unavailable>;

    /// In which language letters to an account are written from now on.
    async fn set_language(&mut self, user: UserId, language: Language) -> Result<(), Unavailable>;

    async fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), Unavailable>;

    /// Uses an invitation up, by one; of several that try at once, as many get `true` as it has uses left.
    async fn use_invitation(&mut self, link: &TokenHash, now: Timestamp) -> Result<bool, Unavailable>;

    /// `false` when there is no such invitation.
    async fn remove_invitation(&mut self, id: InvitationId) -> Result<bool, Unavailable>;
}
