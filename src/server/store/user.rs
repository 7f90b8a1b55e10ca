use super::Insertion;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Lockdown, User, UserId};
use crate::types::{EmailAddress, Identifier, Language, Username};
use async_trait::async_trait;

/// An account as administrators see it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    pub user: User,
    pub passkeys: u32,
    /// Including expired ones.
    pub sessions: u32,
    pub last_seen_at: Option<Timestamp>,
}

/// Reads of accounts. Deleted ones are not found.
#[async_trait]
pub trait UserReads: Send + Sync {
    async fn user(&self, id: UserId) -> Result<Option<User>, Unavailable>;

    /// The account that an identifier names, if its address is verified.
    async fn user_with_verified_address(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable>;

    /// Whether an account has this username, ignoring case.
    async fn username_is_taken(&self, username: &Username) -> Result<bool, Unavailable>;

    /// At most `limit` accounts, ordered by username, starting after `after` if it is given.
    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<AccountSummary>, Unavailable>;

    /// The summary of one account; `None` when there is no such account.
    async fn account(&self, id: UserId) -> Result<Option<AccountSummary>, Unavailable>;

    /// The account with this username or verified address.
    async fn account_by_identifier(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable>;

    /// Counts the accounts that have no passkey of the relying party and, if `email_signs_in`, no verified address.
    async fn count_without_sign_in_method(&self, rp_id: &str, email_signs_in: bool) -> Result<u64, Unavailable>;

    /// At most `limit` deleted accounts that still have rows.
    async fn deleted_accounts(&self, limit: u32) -> Result<Vec<UserId>, Unavailable>;
}

/// Writes of accounts.
#[async_trait]
pub trait UserWrites: Send {
    /// Conflicts when the name is taken.
    async fn add_user(&mut self, user: &User) -> Result<Insertion, Unavailable>;

    /// Reads an account and locks it until the unit of work ends.
    async fn lock_user(&mut self, id: UserId) -> Result<Option<User>, Unavailable>;

    /// Reads the account with this verified address and locks it until the unit of work ends.
    async fn lock_user_by_address(&mut self, address: &EmailAddress) -> Result<Option<User>, Unavailable>;

    /// Sets the verified address of an account; `false` when another account has already verified it, and then the unit
    /// of work must be dropped.
    async fn set_verified_address(&mut self, user: UserId, address: &EmailAddress) -> Result<bool, Unavailable>;

    /// Updates an account's names and the time when its username changed; conflicts when the username is taken.
    async fn rename_user(&mut self, user: &User) -> Result<Insertion, Unavailable>;

    /// Begins or ends the lockdown of an account.
    async fn set_lockdown(&mut self, user: UserId, lockdown: Option<Lockdown>) -> Result<(), Unavailable>;

    /// Disables an account, or enables it again.
    async fn set_disabled(&mut self, user: UserId, since: Option<Timestamp>) -> Result<(), Unavailable>;

    /// Sets the language of emails to an account.
    async fn set_language(&mut self, user: UserId, language: Language) -> Result<(), Unavailable>;

    /// Records that an undo link sent to this address reverted a change, and when that change was made.
    async fn record_restored_address(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        changed_at: Timestamp,
    ) -> Result<(), Unavailable>;

    /// The time of the change that an undo link sent to this address reverted, if the last undo restored this address.
    async fn restored(&mut self, user: UserId, address: &EmailAddress) -> Result<Option<Timestamp>, Unavailable>;

    /// Marks an account as deleted and frees its name and address; [`super::Maintenance::remove_rows_of_deleted`]
    /// removes the rest. `false` when the account no longer exists.
    async fn delete_user(&mut self, user: UserId, now: Timestamp) -> Result<bool, Unavailable>;
}
