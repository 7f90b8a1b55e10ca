use super::{Ephemeral, Kept, draw_then_put};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::limit::{Limit, SKEW, Verdict};
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
    line: Line,
}

/// The way to the server or servers. Connections are made at the first use and again whenever they were lost.
enum Line {
    Single(Box<ConnectionManager>),
    Cluster { client: Box<ClusterClient>, connection: OnceCell<ClusterConnection> },
}

/// Longest wait for a connection or an answer; together within the two seconds in which an answer is owed.
const TIMEOUT: Duration = Duration::from_millis(800);
/// Longest wait for everything that a cluster may try.
const CLUSTER_TIMEOUT: Duration = Duration::from_millis(1_700);
/// Everything of ours begins with this, so that the server can be shared.
const NAMESPACE: &str = "latchkey:";

/// Draws from the bucket `KEYS[1]` as [`Limit::draw`] does; gives the milliseconds to wait, 0 when it is allowed. Where
/// there is a `KEYS[2]`, that is kept then, too.
static DRAW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now, every, span, skew = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5]) \
         local full = tonumber(redis.call('GET', KEYS[1]) or now) \
         if full > now + span + skew then full = now end \
         full = math.min(math.max(full, now), now + span) \
         local drawn = full + every \
         if drawn > now + span then return drawn - now - span end \
         if ARGV[4] == '1' then \
           redis.call('SET', KEYS[1], string.format('%d', drawn), 'PX', string.format('%d', math.max(drawn - now, 1))) \
         end \
         if KEYS[2] then redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[7]) end \
         return 0",
    )
});

/// Counts one more under `KEYS[1]` for as long as the window that the first one opened.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local count = redis.call('INCR', KEYS[1]) \
         if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end \
         return count",
    )
});

/// What an operator may want to know of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisFacts {
    pub version: String,
    /// What it does when its memory is full; `None` where it does not say.
    pub eviction: Option<String>,
    /// Its clock.
    pub now: Timestamp,
}

impl RedisEphemeral {
    /// Whether the text is the address of a Redis server.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        parsed(text).is_some_and(|(address, _)| Client::open(address).is_ok())
    }

    /// Prepares the connection. With `?cluster=true` the address is that of one node of a cluster, which names the others.
    ///
    /// # Errors
    /// When the address is not one of a Redis server.
    pub fn open(url: &Secret<String>) -> Result<Self, Unavailable> {
        let (address, is_cluster) =
            parsed(url.expose()).ok_or_else(|| Unavailable::new("redis", "REDIS_URL is no address of a server"))?;
        if is_cluster {
            let client = ClusterClient::builder([address])
                .connection_timeout(TIMEOUT)
                .response_timeout(TIMEOUT)
                .retries(2)
                .min_retry_wait(50)
                .max_retry_wait(200)
                .build()
                .map_err(unavailable)?;
            return Ok(Self { line: Line::Cluster { client: Box::new(client), connection: OnceCell::new() } });
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let client = Client::open(address).map_err(unavailable)?;
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(unavailable)?;
        Ok(Self { line: Line::Single(Box::new(connection)) })
    }

    /// Asks a server about itself; of a cluster, the node that the address names.
    ///
    /// # Errors
    /// When it is away.
    pub async fn facts(url: &Secret<String>) -> Result<RedisFacts, Unavailable> {
        let (address, _) = parsed(url.expose()).ok_or_else(|| Unavailable::new("redis", "no address of a server"))?;
        in_time(async {
            let mut server = Client::open(address)?.get_multiplexed_async_connection().await?;
            let info: String = redis::cmd("INFO").arg("server").query_async(&mut server).await?;
            let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown");
            // Hosted servers often forbid it.
            let asked = redis::cmd("CONFIG").arg("GET").arg("maxmemory-policy").query_async(&mut server).await;
            let eviction = asked.ok().and_then(|answer: Vec<String>| answer.into_iter().nth(1));
            let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut server).await?;
            let now = Timestamp::from_unix_millis(seconds * 1_000 + micros / 1_000);
            Ok(RedisFacts { version: version.trim().to_owned(), eviction, now })
        })
        .await
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unavailable> {
        match &self.line {
            Line::Single(connection) => command.query_async(&mut (**connection).clone()).await.map_err(unavailable),
            Line::Cluster { client, connection } => {
                in_time(async { command.query_async(&mut cluster(client, connection).await?).await }).await
            }
        }
    }

    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Unavailable> {
        async fn once<T: FromRedisValue>(
            script: &ScriptInvocation<'_>,
            connection: &mut impl ConnectionLike,
        ) -> Result<T, RedisError> {
            match script.invoke_async(connection).await {
                // It had been cut; nothing was drawn, or one more is drawn than was allowed.
                Err(cause) if cause.is_connection_dropped() => script.invoke_async(connection).await,
                answered => answered,
            }
        }
        match &self.line {
            Line::Single(connection) => once(script, &mut (**connection).clone()).await.map_err(unavailable),
            Line::Cluster { client, connection } => {
                in_time(async { once(script, &mut cluster(client, connection).await?).await }).await
            }
        }
    }
}

/// The connection to a cluster, made at its first use.
async fn cluster(
    client: &ClusterClient,
    connection: &OnceCell<ClusterConnection>,
) -> Result<ClusterConnection, RedisError> {
    connection.get_or_try_init(|| client.get_async_connection()).await.cloned()
}

async fn in_time<T>(asked: impl Future<Output = Result<T, RedisError>>) -> Result<T, Unavailable> {
    timeout(CLUSTER_TIMEOUT, asked).await.map_err(|elapsed| Unavailable::new("redis", elapsed))?.map_err(unavailable)
}

/// The address as the driver knows it, and whether it is that of a cluster.
fn parsed(text: &str) -> Option<(String, bool)> {
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

fn named(key: &str) -> String {
    format!("{NAMESPACE}{key}")
}

/// The beginning of every drawing.
fn drawing<'a>(bucket: &str, limit: &Limit, now: Timestamp, draws: bool) -> ScriptInvocation<'a> {
    let mut script = DRAW.key(named(bucket));
    script.arg(now.unix_millis()).arg(millis(limit.every)).arg(millis(limit.span())).arg(u8::from(draws));
    script.arg(millis(SKEW));
    script
}

fn verdict(wait: u64) -> Verdict {
    if wait == 0 { Verdict::Within } else { Verdict::Beyond(Duration::from_millis(wait)) }
}

#[async_trait]
impl Ephemeral for RedisEphemeral {
    async fn ping(&self) -> Result<(), Unavailable> {
        // A write, since a server that only reads serves nobody.
        self.ask(redis::cmd("SET").arg(named("ping")).arg(1).arg("PX").arg(1_000)).await
    }

    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable> {
        let mut command = redis::cmd("SET");
        command.arg(named(key)).arg(value).arg("PX").arg(millis(ttl));
        match self.ask(&command).await {
            // The connection had been cut; writing the same again does no harm.
            Err(cause) if was_cut(&cause) => self.ask(&command).await,
            written => written,
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.ask(redis::cmd("GETDEL").arg(named(key))).await
    }

    async fn draw(&self, key: &str, limit: &Limit, now: Timestamp) -> Result<Verdict, Unavailable> {
        self.run(&drawing(key, limit, now, true)).await.map(verdict)
    }

    async fn look(&self, key: &str, limit: &Limit, now: Timestamp) -> Result<Verdict, Unavailable> {
        self.run(&drawing(key, limit, now, false)).await.map(verdict)
    }

    async fn draw_and_put(
        &self,
        bucket: &str,
        limit: &Limit,
        now: Timestamp,
        kept: Kept<'_>,
    ) -> Result<Verdict, Unavailable> {
        if let Line::Cluster { .. } = self.line {
            // The two keys live on different nodes.
            return draw_then_put(self, bucket, limit, now, kept).await;
        }
        let mut script = drawing(bucket, limit, now, true);
        script.key(named(kept.key)).arg(kept.value).arg(millis(kept.ttl));
        self.run(&script).await.map(verdict)
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable> {
        self.run(COUNT.key(named(key)).arg(millis(window))).await
    }

    async fn counted(&self, key: &str) -> Result<u64, Unavailable> {
        Ok(self.ask::<Option<u64>>(redis::cmd("GET").arg(named(key))).await?.unwrap_or_default())
    }
}

fn was_cut(cause: &Unavailable) -> bool {
    let source = std::error::Error::source(cause);
    source.and_then(|source| source.downcast_ref::<RedisError>()).is_some_and(RedisError::is_connection_dropped)
}
