//! The store on PostgreSQL.

mod address;
mod atomic_write;
mod dialect;
mod probe;
mod redemption;
mod sign_in;
#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "both databases share this source, which is compiled for each")]
mod sql;

pub use self::address::is_valid_url;
use self::address::options;
use self::atomic_write::AtomicWriter;
use self::dialect::ConnectionHealth;
use self::probe::probe;
use self::sql::connection_cache::ConnectionCache;
use self::sql::{Pools, SqlStore, unavailable};
use super::schema::check_schema;
use super::{ConnectError, Maintenance, Store, connect_with_retry, schema};
use crate::server::Unavailable;
use crate::server::secret::Secret;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, raw_sql};
use std::time::Duration;

/// Maximum connections of one process: four processes fit into the 100 connections that a server allows by default.
const MAX_CONNECTIONS: u32 = 20;
/// How long a pool waits for a connection; below the request deadline of two seconds.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// All migrations, in order.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");
/// The settings of every connection, made by a statement because poolers reject start-up parameters. Statements rely on
/// this isolation level, which may not be the database's default, and a transaction that was left open must not block
/// others.
const SETTINGS: &str = "set session characteristics as transaction isolation level read committed; \
     set idle_in_transaction_session_timeout = '10s'";

/// How long a connection waits for a lock.
#[derive(Clone, Copy)]
enum LockTimeout {
    /// A write fails before its request reaches the deadline of 1.9 seconds: PostgreSQL does not stop a statement when
    /// its request is dropped.
    OfRequests,
    /// Commands and migrations have no deadline. Other processes may be starting, and tables may be in use.
    Unlimited,
}

impl LockTimeout {
    fn statement(self) -> &'static str {
        match self {
            Self::OfRequests => "set lock_timeout = '700ms'",
            Self::Unlimited => "set lock_timeout = 0",
        }
    }
}

/// The versions of the migrations that this program has.
#[must_use]
pub fn migration_versions() -> Vec<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).collect()
}

/// Connects and migrates the schema; sqlx's advisory lock lets several processes start at once.
///
/// # Errors
/// When the server is still unavailable after `max_wait`, or the schema is newer than this program.
pub async fn open(url: &Secret<String>, max_wait: Duration) -> Result<impl Store + use<>, Unavailable> {
    let options = options(url)?;
    let cores = std::thread::available_parallelism().map_or(4, usize::from);
    let connections = u32::try_from(cores * 6).unwrap_or(MAX_CONNECTIONS).min(MAX_CONNECTIONS);
    connect_with_retry(max_wait, || probe(&options)).await?;
    let health = ConnectionHealth::default();
    let pool = connect(options.clone(), connections, LockTimeout::OfRequests, &health).await?;
    let store = SqlStore::new(pools(pool, health.clone()));
    let is_new = store.schema_versions().await?.is_empty();
    let pool = connect(options, 1, LockTimeout::Unlimited, &health).await?;
    MIGRATIONS.run(&pool).await.map_err(schema)?;
    pool.close().await;
    Ok(store.opened(is_new))
}

/// Connects without changing the schema, which must be the one of this program.
///
/// # Errors
/// When the server is unavailable, or the schema is different.
pub async fn join(url: &Secret<String>) -> Result<impl Store + use<>, Unavailable> {
    let store = look(url).await?;
    check_schema(&store.schema_versions().await?, &MIGRATIONS)?;
    Ok(store)
}

/// Connects without changing anything.
pub async fn look(url: &Secret<String>) -> Result<impl Store + use<>, Unavailable> {
    let options = options(url)?;
    probe(&options).await.map_err(ConnectError::cause)?;
    let health = ConnectionHealth::default();
    let pool = connect(options, 1, LockTimeout::Unlimited, &health).await?;
    Ok(SqlStore::new(pools(pool, health)))
}

fn pools(pool: PgPool, health: ConnectionHealth) -> Pools {
    let (cache, atomic) = (ConnectionCache::of(&pool, &health), AtomicWriter::on(&pool, &health));
    Pools { cache, atomic, read: pool.clone(), write: pool, health }
}

async fn connect(
    options: PgConnectOptions,
    connections: u32,
    lock_timeout: LockTimeout,
    health: &ConnectionHealth,
) -> Result<PgPool, Unavailable> {
    let health = health.clone();
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(move |connection, state| {
            let can_skip_ping = health.can_skip_ping(state.idle_for);
            Box::pin(async move {
                // The pool discards a connection that does not answer, and takes the next one.
                Ok(can_skip_ping || sqlx::Connection::ping(connection).await.is_ok())
            })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                raw_sql(SETTINGS).execute(&mut *connection).await?;
                raw_sql(lock_timeout.statement()).execute(connection).await.map(drop)
            })
        })
        .connect_with(options)
        .await
        .map_err(unavailable)
}
