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

    /// At most `limit` invitations, the newest first, those that were made before a certain one if it is given.
    async fn invitations(&self, before: Option<&Invitation>, limit: u32) -> Result<Vec<Invitation>, Unavailable>;

    /// At most `limit` owners of sessions in the order of their ids, those behind a certain id if it is given.
    async fn owners_of_sessions(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable>;

    /// After a backup was restored: ends all sessions, voids what was asked for by email and the undo links of changed
    /// addresses, and takes everything out of the mail queue. Gives how many sessions there were.
    async fn end_everything_open(&self, now: Timestamp) -> Result<u64, Unavailable>;
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
