//! What expires: ceremonies under way, in this process or in Redis.

mod memory;
mod redis;

pub use memory::MemoryEphemeral;
pub use redis::RedisEphemeral;

use crate::server::Unavailable;
use async_trait::async_trait;
use std::time::Duration;

/// Keeps values for a while and gives each of them out at most once.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Asks the backend for a sign of life.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Keeps `value` under `key` for `ttl`, in place of what was there.
    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable>;

    /// Gives the value out and forgets it, in one step: of several takers at once, one gets it.
    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;
}
