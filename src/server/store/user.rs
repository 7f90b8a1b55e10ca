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
    /// Alive or not.
    pub sessions: u32,
    pub last_seen_at: Option<Timestamp>,
}

/// Reads of accounts. Deleted ones are not found.
#[async_trait]
pub trait UserReads: Send + Sync {
    async fn user(&self, id: UserId) -> Result<Option<User>, Unavailable>;

    /// The account that is meant, if it has a proven address.
    async fn user_with_proven_address(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable>;

    /// Whether an account has the name, in any case.
    async fn username_is_taken(&self, username: &Username) -> Result<bool, Unavailable>;

    /// At most `limit` accounts in the order of their names, those behind a certain name if it is given.
    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<AccountSummary>, Unavailable>;

    /// One of them; `None` when there is no such account.
    async fn account(&self, id: UserId) -> Result<Option<AccountSummary>, Unavailable>;

    /// The account of that name, or of that proven address.
    async fn account_named(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable>;

    /// How many accounts have neither a passkey of the relying party nor, where `email_signs_in`, a proven address.
    async fn count_without_sign_in_method(&self, rp_id: &str, email_signs_in: bool) -> Result<u64, Unavailable>;

    /// Accounts that were deleted and still have rows, at most `limit`.
    async fn deleted_accounts(&self, limit: u32) -> Result<Vec<UserId>, Unavailable>;
}

/// Writes of accounts.
#[async_trait]
pub trait UserWrites: Send {
    /// Conflicts when the name is taken.
    async fn add_user(&mut self, user: &User) -> Result<Insertion, Unavailable>;

    /// Reads an account and holds other units off it until this one ends.
    async fn lock_user(&mut self, id: UserId) -> Result<Option<User>, Unavailable>;

    /// As [`UserWrites::lock_user`], by the address that the account has proven.
    async fn lock_owner(&mut self, address: &EmailAddress) -> Result<Option<User>, Unavailable>;

    /// Makes an address an account's proven one; `false` when another account has proven it already, and then the unit
    /// can only be dropped.
    async fn prove_address(&mut self, user: UserId, address: &EmailAddress) -> Result<bool, Unavailable>;

    /// Keeps the names of an account and when its username changed; conflicts when the username is taken.
    async fn rename_user(&mut self, user: &User) -> Result<Insertion, Unavailable>;

    /// Begins or ends the lockdown of an account.
    async fn set_lockdown(&mut self, user: UserId, lockdown: Option<Lockdown>) -> Result<(), Unavailable>;

    /// Disables an account, or enables it again.
    async fn set_disabled(&mut self, user: UserId, since: Option<Timestamp>) -> Result<(), Unavailable>;

    /// Chooses the language of emails to an account.
    async fn set_language(&mut self, user: UserId, language: Language) -> Result<(), Unavailable>;

    /// Records that an undo link sent to this address reverted a change, and when that change was made.
    async fn remember_restored(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        changed_at: Timestamp,
    ) -> Result<(), Unavailable>;

    /// When the change was made that an undo link sent to this address reverted, if the last undo restored this
    /// address.
    async fn restored(&mut self, user: UserId, address: &EmailAddress) -> Result<Option<Timestamp>, Unavailable>;

    /// Makes an account unusable and frees its name and address; [`super::Maintenance::remove_rows_of_deleted`] does the rest.
    /// `false` when it is gone.
    async fn delete_user(&mut self, user: UserId, now: Timestamp) -> Result<bool, Unavailable>;
}
