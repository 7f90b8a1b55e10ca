use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::jose::KeyId;
use crate::server::model::signing_key::{SealedKey, StoredKey};
use async_trait::async_trait;

/// Reads of the provider's signing keys.
#[async_trait]
pub trait SigningKeyReads: Send + Sync {
    /// All signing keys, the oldest first.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, Unavailable>;

    /// The lasting key of this name.
    async fn lasting_key(&self, name: &str) -> Result<Option<SealedKey>, Unavailable>;
}

/// Writes of the provider's signing keys.
#[async_trait]
pub trait SigningKeyWrites: Send {
    /// Makes other units that change signing keys wait until this one ends; returns all keys, the oldest first.
    async fn lock_signing_keys(&mut self) -> Result<Vec<StoredKey>, Unavailable>;

    async fn add_signing_key(&mut self, key: &StoredKey) -> Result<(), Unavailable>;

    /// Writes the private half of a key, encrypted anew, or removes it.
    async fn seal_signing_key(&mut self, id: &KeyId, private: Option<&SealedKey>) -> Result<(), Unavailable>;

    /// Has a key sign from this moment on.
    async fn start_signing_key(&mut self, id: &KeyId, from: Timestamp) -> Result<(), Unavailable>;

    /// Marks a key as invalid, and removes its private half.
    async fn revoke_signing_key(&mut self, id: &KeyId, at: Timestamp) -> Result<(), Unavailable>;

    async fn remove_signing_key(&mut self, id: &KeyId) -> Result<(), Unavailable>;

    /// The lasting key of this name, as this unit sees it.
    async fn lasting_key_within(&mut self, name: &str) -> Result<Option<SealedKey>, Unavailable>;

    /// Adds a lasting key, or replaces the existing one with its re-encrypted form.
    async fn put_lasting_key(&mut self, name: &str, key: &SealedKey, at: Timestamp) -> Result<(), Unavailable>;
}
