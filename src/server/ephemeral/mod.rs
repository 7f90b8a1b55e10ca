//! Data that expires: open ceremonies and the state of rate limits, in this process or in Redis.

mod memory;
mod redis;

pub use memory::MemoryEphemeral;
pub use redis::{RedisEphemeral, RedisFacts};

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::limit::{Bucket, Exceeded};
use async_trait::async_trait;
use std::time::Duration;

/// Stores expiring values, each of which can be taken at most once, and the state of rate limits.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Checks that the backend answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Stores `value` under `key` for `ttl`, and replaces any previous value.
    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable>;

    /// Returns the value and removes it atomically: only one of several concurrent callers gets it.
    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// Returns the value without removing it.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// Draws from all of these buckets or, if one is empty, from none. The draw is atomic, so concurrent callers cannot
    /// exceed a limit. Stores the value if the draw is allowed.
    async fn draw(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
        entry: Option<Entry<'_>>,
    ) -> Result<Option<Exceeded>, Unavailable>;

    /// The result that [`Ephemeral::draw`] would have, without drawing.
    async fn peek(&self, buckets: &[Bucket], now: Timestamp) -> Result<Option<Exceeded>, Unavailable>;

    /// Removes all open ceremonies, for example after a restored backup; `false` if the backend cannot find them, in
    /// which case they expire.
    async fn forget_ceremonies(&self) -> Result<bool, Unavailable>;

    /// Adds one to a count and returns it. The window of a count begins with its first increment.
    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable>;

    /// The count of [`Ephemeral::count`] in the current window.
    async fn counted(&self, key: &str) -> Result<u64, Unavailable>;
}

/// The prefix of the keys of ceremonies.
pub const CEREMONY: &str = "ceremony:";

/// A value to store.
pub struct Entry<'a> {
    pub key: &'a str,
    pub value: Vec<u8>,
    pub ttl: Duration,
}
