use super::Insertion;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{CredentialId, Passkey, User, UserId};
use crate::types::DisplayName;
use async_trait::async_trait;

/// Reads of passkeys.
#[async_trait]
pub trait PasskeyReads: Send + Sync {
    /// A passkey with its owner.
    async fn passkey(&self, id: &CredentialId) -> Result<Option<(Passkey, User)>, Unavailable>;

    /// All passkeys of an account, oldest first.
    async fn passkeys(&self, user: UserId) -> Result<Vec<Passkey>, Unavailable>;

    /// Counts the passkeys of relying parties other than this one.
    async fn count_passkeys_of_other_rps(&self, rp_id: &str) -> Result<u64, Unavailable>;
}

/// Writes of passkeys.
#[async_trait]
pub trait PasskeyWrites: Send {
    /// All passkeys of an account, oldest first.
    async fn passkeys_of(&mut self, user: UserId) -> Result<Vec<Passkey>, Unavailable>;

    /// Conflicts when any account already has the credential id.
    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<Insertion, Unavailable>;

    /// Records a verified use of a passkey if it still belongs to the account, its counter may still follow the stored
    /// one, and its backup eligibility is not lost; `false` when another use or a removal came first.
    async fn record_passkey_use(&mut self, passkey: &Passkey, used: &PasskeyUse) -> Result<bool, Unavailable>;

    /// `false` when the account has no such passkey.
    async fn rename_passkey(
        &mut self,
        user: UserId,
        id: &CredentialId,
        name: &DisplayName,
    ) -> Result<bool, Unavailable>;

    /// `false` when the account has no such passkey.
    async fn remove_passkey(&mut self, user: UserId, id: &CredentialId) -> Result<bool, Unavailable>;

    /// Suspends the passkeys added at `since` or later, except the one added at sign-up; returns how many.
    async fn suspend_passkeys(&mut self, user: UserId, since: Timestamp, now: Timestamp) -> Result<u64, Unavailable>;
}
