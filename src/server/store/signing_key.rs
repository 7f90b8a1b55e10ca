use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::jose::KeyId;
use crate::server::model::signing_key::{SealedKey, StoredKey};
use async_trait::async_trait;

/// Reads of the provider's signing keys.
#[async_trait]
pub trait SigningKeyReads: Send + Sync {
    /// All signing keys, oldest first.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, Unavailable>;

    /// The permanent key with this name.
    async fn permanent_key(&self, name: &str) -> Result<Option<SealedKey>, Unavailable>;
}

/// Writes of the provider's signing keys.
#[async_trait]
pub trait SigningKeyWrites: Send {
    /// Locks the signing keys until the unit of work ends, and returns them, oldest first.
    async fn lock_signing_keys(&mut self) -> Result<Vec<StoredKey>, Unavailable>;

    async fn add_signing_key(&mut self, key: &StoredKey) -> Result<(), Unavailable>;

    /// Writes the re-encrypted private half of a key, or removes it.
    async fn seal_signing_key(&mut self, id: &KeyId, private: Option<&SealedKey>) -> Result<(), Unavailable>;

    /// Sets the time when a key starts to sign.
    async fn start_signing_key(&mut self, id: &KeyId, from: Timestamp) -> Result<(), Unavailable>;

    /// Marks a key as revoked, and removes its private half.
    async fn revoke_signing_key(&mut self, id: &KeyId, at: Timestamp) -> Result<(), Unavailable>;

    async fn remove_signing_key(&mut self, id: &KeyId) -> Result<(), Unavailable>;

    /// The permanent key with this name, as this unit of work sees it.
    async fn permanent_key_within(&mut self, name: &str) -> Result<Option<SealedKey>, Unavailable>;

    /// Adds a permanent key, or replaces the existing one with its re-encrypted form.
    async fn put_permanent_key(&mut self, name: &str, key: &SealedKey, at: Timestamp) -> Result<(), Unavailable>;
}
