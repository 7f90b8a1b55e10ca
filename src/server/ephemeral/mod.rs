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

/// Keeps values for a while and gives each of them out at most once; counts what is limited.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Asks the backend for a sign of life.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Keeps `value` under `key` for `ttl`, in place of what was there.
    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable>;

    /// Gives the value out and forgets it, in one step: of several takers at once, one gets it.
    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// The value, which stays.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// Draws from all of these buckets or, where one is empty, from none, in one step: of several at once, as many are
    /// allowed as the limits say. Where it is allowed, the value is kept.
    async fn draw(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
        kept: Option<Kept<'_>>,
    ) -> Result<Option<Exceeded>, Unavailable>;

    /// The result that [`Ephemeral::draw`] would have, without drawing.
    async fn look(&self, buckets: &[Bucket], now: Timestamp) -> Result<Option<Exceeded>, Unavailable>;

    /// Forgets the ceremonies under way, as after a restored backup; `false` where the backend cannot find them, and they
    /// end by themselves.
    async fn forget_ceremonies(&self) -> Result<bool, Unavailable>;

    /// Counts one more within a window that begins with the first; gives how many there are.
    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable>;

    /// How many [`Ephemeral::count`] has counted in the window that is open.
    async fn counted(&self, key: &str) -> Result<u64, Unavailable>;
}

/// With what the keys of ceremonies begin.
pub const CEREMONY: &str = "ceremony:";

/// A value to be kept.
pub struct Kept<'a> {
    pub key: &'a str,
    pub value: Vec<u8>,
    pub ttl: Duration,
}
