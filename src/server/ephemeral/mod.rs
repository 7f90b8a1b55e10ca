//! Data that expires: open ceremonies and the state of limits, in this process or in Redis.

mod memory;
mod redis;

pub use memory::MemoryEphemeral;
pub use redis::{RedisEphemeral, RedisFacts};

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::limit::{Bucket, Exceeded};
use async_trait::async_trait;
use std::time::Duration;

/// Stores values until they expire, each of which can be taken at most once, and the counts of rate limits.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Checks that the backend answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Keeps `value` under `key` for `ttl`, in place of what was there.
    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable>;

    /// Returns the value and removes it atomically: only one of several concurrent callers gets it.
    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// The value, which stays.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// Draws from all of these buckets or, if one is empty, from none. The draw is atomic, so concurrent callers cannot
    /// exceed a limit. Stores the value if the draw is allowed.
    async fn draw(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
        kept: Option<Kept<'_>>,
    ) -> Result<Option<Exceeded>, Unavailable>;

    /// The result that [`Ephemeral::draw`] would have, without drawing.
    async fn look(&self, buckets: &[Bucket], now: Timestamp) -> Result<Option<Exceeded>, Unavailable>;

    /// Removes all open ceremonies, for example after a restored backup; `false` if the backend cannot find them, in
    /// which case they expire.
    async fn forget_ceremonies(&self) -> Result<bool, Unavailable>;

    /// Adds one to the count of a window that begins with its first count, and returns the count.
    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable>;

    /// How many [`Ephemeral::count`] has counted in the window that is open.
    async fn counted(&self, key: &str) -> Result<u64, Unavailable>;
}

/// The prefix of the keys of ceremonies.
pub const CEREMONY: &str = "ceremony:";

/// A value to be kept.
pub struct Kept<'a> {
    pub key: &'a str,
    pub value: Vec<u8>,
    pub ttl: Duration,
}
