use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::UserId;
use async_trait::async_trait;

/// Reads of usernames that are held for their former owners.
#[async_trait]
pub trait HeldUsernameReads: Send + Sync {
    /// Whether one of these names is held for a former owner.
    async fn username_is_held(&self, names: &[KeyedHash], now: Timestamp) -> Result<bool, Unavailable>;

    /// Removes names that are no longer held at `now`, at most `limit`, and returns how many.
    async fn remove_expired_names(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of held usernames. A deleted account leaves only the hashes of usernames that are held forever
/// ([`super::UserWrites::delete_user`]).
#[async_trait]
pub trait HeldUsernameWrites: Send {
    /// Holds a name for its former owner.
    async fn hold_username(&mut self, name: &KeyedHash, user: UserId, until: Timestamp) -> Result<(), Unavailable>;

    /// Holds a name forever, unless it is already held.
    async fn hold_username_forever(&mut self, name: &KeyedHash, user: UserId) -> Result<(), Unavailable>;

    /// Whether one of these names is held for another user.
    async fn is_username_held(
        &mut self,
        names: &[KeyedHash],
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;

    /// Whether one of these names is held for this user.
    async fn is_username_held_for(
        &mut self,
        names: &[KeyedHash],
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;
}
