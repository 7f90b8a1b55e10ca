//! What expires: ceremonies under way and the state of limits, in this process or in Redis.

mod memory;
mod redis;

pub use memory::MemoryEphemeral;
pub use redis::{RedisEphemeral, RedisFacts};

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::limit::{Limit, Verdict};
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

    /// Draws from the bucket `key` in one step: of several at once, as many are allowed as the limit says.
    async fn draw(&self, key: &str, limit: &Limit, now: Timestamp) -> Result<Verdict, Unavailable>;

    /// What [`Ephemeral::draw`] would say, without drawing.
    async fn look(&self, key: &str, limit: &Limit, now: Timestamp) -> Result<Verdict, Unavailable>;

    /// Draws, and keeps the value if that is allowed; one round trip where the backend can.
    async fn draw_and_put(
        &self,
        bucket: &str,
        limit: &Limit,
        now: Timestamp,
        kept: Kept<'_>,
    ) -> Result<Verdict, Unavailable> {
        draw_then_put(self, bucket, limit, now, kept).await
    }

    /// Counts one more within a window that begins with the first; gives how many there are.
    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable>;

    /// How many [`Ephemeral::count`] has counted in the window that is open.
    async fn counted(&self, key: &str) -> Result<u64, Unavailable>;
}

/// The same in two steps, for backends that have no single one.
async fn draw_then_put(
    store: &(impl Ephemeral + ?Sized),
    bucket: &str,
    limit: &Limit,
    now: Timestamp,
    kept: Kept<'_>,
) -> Result<Verdict, Unavailable> {
    let verdict = store.draw(bucket, limit, now).await?;
    if verdict == Verdict::Within {
        store.put(kept.key, kept.value, kept.ttl).await?;
    }
    Ok(verdict)
}

/// A value to be kept.
pub struct Kept<'a> {
    pub key: &'a str,
    pub value: Vec<u8>,
    pub ttl: Duration,
}
