use super::Ephemeral;
use crate::server::Unavailable;
use crate::server::secret::Secret;
use async_trait::async_trait;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, RedisError};
use std::time::Duration;

/// Redis 6.2 or newer (for `GETDEL`), shared by all nodes.
pub struct RedisEphemeral {
    connection: ConnectionManager,
}

/// Longest wait for a connection or an answer; together within the two seconds in which an answer is owed.
const TIMEOUT: Duration = Duration::from_millis(800);
/// Everything of ours begins with this, so that the server can be shared.
const NAMESPACE: &str = "latchkey:";

impl RedisEphemeral {
    /// Whether the text is the address of a Redis server.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        Client::open(text).is_ok()
    }

    /// Prepares the connection; it is made at the first use and again whenever it was lost.
    ///
    /// # Errors
    /// When the address is not one of a Redis server.
    pub fn open(url: &Secret<String>) -> Result<Self, Unavailable> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let client = Client::open(url.expose().as_str()).map_err(unavailable)?;
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(unavailable)?;
        Ok(Self { connection })
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unavailable> {
        command.query_async(&mut self.connection.clone()).await.map_err(unavailable)
    }
}

fn unavailable(cause: RedisError) -> Unavailable {
    Unavailable::new("redis", cause)
}

#[async_trait]
impl Ephemeral for RedisEphemeral {
    async fn ping(&self) -> Result<(), Unavailable> {
        // A write, since a server that only reads serves nobody.
        self.ask(redis::cmd("SET").arg(format!("{NAMESPACE}ping")).arg(1).arg("PX").arg(1_000)).await
    }

    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable> {
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let key = format!("{NAMESPACE}{key}");
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value).arg("PX").arg(millis);
        match command.query_async::<()>(&mut self.connection.clone()).await {
            // The connection had been cut; writing the same again does no harm.
            Err(cause) if cause.is_connection_dropped() => self.ask(&command).await,
            written => written.map_err(unavailable),
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.ask(redis::cmd("GETDEL").arg(format!("{NAMESPACE}{key}"))).await
    }
}
