use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::recovery::RecoveryCodeHash;
use crate::types::Identifier;
use async_trait::async_trait;

/// Reads of recovery codes.
#[async_trait]
pub trait RecoveryReads: Send + Sync {
    /// How many recovery codes are left.
    async fn count_recovery_codes(&self, user: UserId) -> Result<u32, Unavailable>;
}

/// Writes of recovery codes.
#[async_trait]
pub trait RecoveryWrites: Send {
    /// Recovery codes of an account that were made before.
    async fn count_recovery_codes_before(&mut self, user: UserId, before: Timestamp) -> Result<u32, Unavailable>;

    /// Puts these recovery codes in the place of all others of an account.
    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[RecoveryCodeHash],
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// Uses up a code and returns when it was made; of several that try at once, one gets it.
    async fn use_recovery_code(&mut self, code: &RecoveryCodeHash) -> Result<Option<Timestamp>, Unavailable>;

    /// Removes the recovery codes of an account that were made since.
    async fn remove_recovery_codes(&mut self, user: UserId, since: Timestamp) -> Result<u64, Unavailable>;

    /// The account that is meant, if the code is one of its own. The look-up is the same whether there is such an account
    /// or not.
    async fn owner_of_recovery_code(
        &mut self,
        code: &RecoveryCodeHash,
        identifier: &Identifier,
    ) -> Result<Option<UserId>, Unavailable>;
}
