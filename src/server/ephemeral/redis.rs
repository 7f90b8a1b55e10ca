use super::{CEREMONY, Entry, Ephemeral};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::limit::{Bucket, Exceeded, SKEW};
use crate::server::secret::Secret;
use async_trait::async_trait;
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, FromRedisValue, RedisError, Script, ScriptInvocation};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use url::Url;

/// Redis 6.2 or newer (for `GETDEL`), shared by all nodes; one server or a cluster.
pub struct RedisEphemeral {
    line: RedisConnection,
}

/// The connection to a server or a cluster, opened at the first use and again whenever it was lost.
enum RedisConnection {
    Single(Box<ConnectionManager>),
    Cluster { client: Box<ClusterClient>, connection: OnceCell<ClusterConnection> },
}

/// Timeout for a connection and for an answer; the two together stay below the request deadline of two seconds.
const TIMEOUT: Duration = Duration::from_millis(800);
/// Timeout for all attempts in a cluster together.
const CLUSTER_TIMEOUT: Duration = Duration::from_millis(1_700);
/// The prefix of all keys, so that the server can be shared.
const NAMESPACE: &str = "latchkey:";

static DRAW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("draw.lua")));
static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("count.lua")));

/// Facts about the server for `latchkey doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisFacts {
    pub version: String,
    /// Its `maxmemory-policy`; `None` if it is not known.
    pub eviction: Option<String>,
    /// The time on the server.
    pub now: Timestamp,
}

impl RedisEphemeral {
    /// Whether the text is the URL of a Redis server.
    #[must_use]
    pub fn is_valid_url(text: &str) -> bool {
        parse_url(text).is_some_and(|(address, _)| Client::open(address).is_ok())
    }

    /// Prepares the connection. With `?cluster=true`, the URL is that of one node of a cluster, which reports the
    /// others.
    ///
    /// # Errors
    /// When the URL is not that of a Redis server.
    pub fn open(url: &Secret<String>) -> Result<Self, Unavailable> {
        let (address, is_cluster) =
            parse_url(url.expose()).ok_or_else(|| Unavailable::new("redis", "REDIS_URL is not the URL of a server"))?;
        if is_cluster {
            let client = ClusterClient::builder([address])
                .connection_timeout(TIMEOUT)
                .response_timeout(TIMEOUT)
                .retries(2)
                .min_retry_wait(50)
                .max_retry_wait(200)
                .build()
                .map_err(unavailable)?;
            return Ok(Self {
                line: RedisConnection::Cluster { client: Box::new(client), connection: OnceCell::new() },
            });
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let client = Client::open(address).map_err(unavailable)?;
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(unavailable)?;
        Ok(Self { line: RedisConnection::Single(Box::new(connection)) })
    }

    /// Asks a server for its facts; in a cluster, the node that the URL names.
    ///
    /// # Errors
    /// When it is unavailable.
    pub async fn facts(url: &Secret<String>) -> Result<RedisFacts, Unavailable> {
        let (address, _) = parse_url(url.expose()).ok_or_else(|| Unavailable::new("redis", "invalid URL"))?;
        answer_within(async {
            let mut server = Client::open(address)?.get_multiplexed_async_connection().await?;
            let info: String = redis::cmd("INFO").arg("server").query_async(&mut server).await?;
            let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown");
            // Hosted servers often forbid `CONFIG`.
            let policy = redis::cmd("CONFIG").arg("GET").arg("maxmemory-policy").query_async(&mut server).await;
            let eviction = policy.ok().and_then(|answer: Vec<String>| answer.into_iter().nth(1));
            let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut server).await?;
            let now = Timestamp::from_unix_millis(seconds * 1_000 + micros / 1_000);
            Ok(RedisFacts { version: version.trim().to_owned(), eviction, now })
        })
        .await
    }

    /// Runs a command, and retries it once if the connection was lost. Running it twice is harmless: a value is written
    /// again, a value that was taken is not found, or there is one draw or count too many.
    async fn ask<T: FromRedisValue>(&self, request: Request<'_>) -> Result<T, Unavailable> {
        match &self.line {
            RedisConnection::Single(connection) => request.of(&mut (**connection).clone()).await.map_err(unavailable),
            RedisConnection::Cluster { client, connection } => {
                answer_within(async { request.of(&mut cluster(client, connection).await?).await }).await
            }
        }
    }

    /// A cluster may store each key on a different node, so a script cannot use several keys.
    fn is_cluster(&self) -> bool {
        matches!(self.line, RedisConnection::Cluster { .. })
    }

    async fn run_draw(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
        drawing: Drawing<'_>,
    ) -> Result<Option<Exceeded>, Unavailable> {
        let (draws, entry) = match drawing {
            Drawing::Look => (false, None),
            Drawing::Draw => (true, None),
            Drawing::DrawAndPut(entry) => (true, Some(entry)),
        };
        let mut script = DRAW.prepare_invoke();
        script.arg(now.unix_millis()).arg(millis(SKEW)).arg(u8::from(draws)).arg(u8::from(entry.is_some()));
        for Bucket { key, limit } in buckets {
            script.key(with_namespace(key)).arg(millis(limit.every)).arg(millis(limit.span()));
        }
        if let Some(Entry { key, value, ttl }) = entry {
            script.key(with_namespace(key)).arg(value).arg(millis(ttl));
        }
        let (index, wait): (usize, u64) = self.ask(Request::Script(&script)).await?;
        Ok(index.checked_sub(1).map(|index| Exceeded { index, wait: Duration::from_millis(wait) }))
    }
}

/// An operation on buckets.
enum Drawing<'a> {
    /// Nothing is counted.
    Look,
    Draw,
    /// Stores the value if all buckets allow the draw.
    DrawAndPut(Entry<'a>),
}

/// A command or script for the server.
#[derive(Clone, Copy)]
enum Request<'a> {
    Command(&'a Cmd),
    Script(&'a ScriptInvocation<'a>),
}

impl Request<'_> {
    async fn of<T: FromRedisValue>(self, connection: &mut impl ConnectionLike) -> Result<T, RedisError> {
        match self.once_of(connection).await {
            Err(cause) if cause.is_connection_dropped() => self.once_of(connection).await,
            answered => answered,
        }
    }

    async fn once_of<T: FromRedisValue>(self, connection: &mut impl ConnectionLike) -> Result<T, RedisError> {
        match self {
            Self::Command(command) => command.query_async(connection).await,
            Self::Script(script) => script.invoke_async(connection).await,
        }
    }
}

/// The connection to a cluster, opened at its first use.
async fn cluster(
    client: &ClusterClient,
    connection: &OnceCell<ClusterConnection>,
) -> Result<ClusterConnection, RedisError> {
    connection.get_or_try_init(|| client.get_async_connection()).await.cloned()
}

async fn answer_within<T>(request: impl Future<Output = Result<T, RedisError>>) -> Result<T, Unavailable> {
    timeout(CLUSTER_TIMEOUT, request).await.map_err(|elapsed| Unavailable::new("redis", elapsed))?.map_err(unavailable)
}

/// The URL without our parameter `cluster`, and whether it is that of a cluster.
fn parse_url(text: &str) -> Option<(String, bool)> {
    let mut url = Url::parse(text).ok()?;
    let is_cluster = url.query_pairs().any(|(name, value)| name == "cluster" && value == "true");
    let others: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| name != "cluster")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    url.set_query(Some(others.join("&").as_str()).filter(|query| !query.is_empty()));
    Some((url.into(), is_cluster))
}

fn unavailable(cause: RedisError) -> Unavailable {
    Unavailable::new("redis", cause)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn with_namespace(key: &str) -> String {
    format!("{NAMESPACE}{key}")
}

#[async_trait]
impl Ephemeral for RedisEphemeral {
    async fn ping(&self) -> Result<(), Unavailable> {
        // A write, because a read-only server is of no use.
        self.ask(Request::Command(redis::cmd("SET").arg(with_namespace("ping")).arg(1).arg("PX").arg(1_000))).await
    }

    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable> {
        let mut command = redis::cmd("SET");
        command.arg(with_namespace(key)).arg(value).arg("PX").arg(millis(ttl));
        self.ask(Request::Command(&command)).await
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.ask(Request::Command(redis::cmd("GETDEL").arg(with_namespace(key)))).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.ask(Request::Command(redis::cmd("GET").arg(with_namespace(key)))).await
    }

    async fn draw(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
        entry: Option<Entry<'_>>,
    ) -> Result<Option<Exceeded>, Unavailable> {
        if !self.is_cluster() {
            return self.run_draw(buckets, now, entry.map_or(Drawing::Draw, Drawing::DrawAndPut)).await;
        }
        if let Some(exceeded) = self.peek(buckets, now).await? {
            return Ok(Some(exceeded));
        }
        for (index, bucket) in buckets.iter().enumerate() {
            let drawn = self.run_draw(std::slice::from_ref(bucket), now, Drawing::Draw).await?;
            if let Some(exceeded) = drawn {
                return Ok(Some(Exceeded { index, ..exceeded }));
            }
        }
        if let Some(Entry { key, value, ttl }) = entry {
            self.put(key, value, ttl).await?;
        }
        Ok(None)
    }

    async fn peek(&self, buckets: &[Bucket], now: Timestamp) -> Result<Option<Exceeded>, Unavailable> {
        if !self.is_cluster() {
            return self.run_draw(buckets, now, Drawing::Look).await;
        }
        for (index, bucket) in buckets.iter().enumerate() {
            if let Some(exceeded) = self.run_draw(std::slice::from_ref(bucket), now, Drawing::Look).await? {
                return Ok(Some(Exceeded { index, ..exceeded }));
            }
        }
        Ok(None)
    }

    async fn forget_ceremonies(&self) -> Result<bool, Unavailable> {
        if self.is_cluster() {
            return Ok(false);
        }
        let pattern = with_namespace(&format!("{CEREMONY}*"));
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1_000);
            let (next, keys): (u64, Vec<String>) = self.ask(Request::Command(&scan)).await?;
            if !keys.is_empty() {
                self.ask::<u64>(Request::Command(redis::cmd("UNLINK").arg(keys))).await?;
            }
            if next == 0 {
                return Ok(true);
            }
            cursor = next;
        }
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable> {
        self.ask(Request::Script(COUNT.key(with_namespace(key)).arg(millis(window)))).await
    }

    async fn counted(&self, key: &str) -> Result<u64, Unavailable> {
        let counted: Option<u64> = self.ask(Request::Command(redis::cmd("GET").arg(with_namespace(key)))).await?;
        Ok(counted.unwrap_or_default())
    }
}
