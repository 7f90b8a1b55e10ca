use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::recovery::RecoveryCodeHash;
use crate::types::Identifier;
use async_trait::async_trait;

/// Reads of recovery codes.
#[async_trait]
pub trait RecoveryReads: Send + Sync {
    /// Counts the recovery codes that an account has left.
    async fn count_recovery_codes(&self, user: UserId) -> Result<u32, Unavailable>;
}

/// Writes of recovery codes.
#[async_trait]
pub trait RecoveryWrites: Send {
    /// Counts the recovery codes of an account that were created before `before`.
    async fn count_recovery_codes_before(&mut self, user: UserId, before: Timestamp) -> Result<u32, Unavailable>;

    /// Replaces all recovery codes of an account.
    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[RecoveryCodeHash],
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// Uses up a code and returns when it was created; of several concurrent calls, one succeeds.
    async fn use_recovery_code(&mut self, code: &RecoveryCodeHash) -> Result<Option<Timestamp>, Unavailable>;

    /// Removes the recovery codes of an account that were created at `since` or later, and returns how many.
    async fn remove_recovery_codes(&mut self, user: UserId, since: Timestamp) -> Result<u64, Unavailable>;

    /// The account that the identifier names, if it has this code. The query is the same whether or not the account
    /// exists.
    async fn owner_of_recovery_code(
        &mut self,
        code: &RecoveryCodeHash,
        identifier: &Identifier,
    ) -> Result<Option<UserId>, Unavailable>;
}
