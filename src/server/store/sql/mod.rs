//! The statements and row mappings of both databases, compiled once for each; `super::dialect` has the differences.

mod application;
mod browser;
mod code_count;
pub mod connection_cache;
mod consent;
mod email_queue;
mod email_request;
mod event;
mod grant;
mod group;
mod held_username;
mod invitation;
mod logout;
mod maintenance;
mod notification;
mod oauth_client;
mod passkey;
mod provider;
mod queue;
mod recovery;
mod redemption;
mod role;
mod row;
mod session;
mod sign_in;
mod signing_key;
mod transaction;
mod transfer;
mod user;
mod visit;

use super::atomic_write::{AtomicWriter, WriterLock};
use super::dialect::{ConnectionHealth, Database, Dialect};
use crate::server::Unavailable;
use crate::server::store::{Store, Unit, Wakes, error_message};
use async_trait::async_trait;
use connection_cache::ConnectionCache;
use row::DatabaseRow;
use sqlx::Row as _;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Pool, query};
use transaction::Transaction;

/// A statement with its values.
pub type Statement<'q> = Query<'q, Database, <Database as sqlx::Database>::Arguments>;

/// The pools for reads and for writes; the same pool if the database has many writers.
pub struct Pools {
    pub read: Pool<Database>,
    pub write: Pool<Database>,
    /// Connections of the read pool for frequent queries.
    pub cache: ConnectionCache,
    pub atomic: AtomicWriter,
    /// Decides whether a connection is pinged before it is used again.
    pub health: ConnectionHealth,
}

/// A connection for writes, exclusive if the database has one writer.
struct WriteConnection {
    connection: PoolConnection<Database>,
    _lock: WriterLock,
}

/// The store on one database.
pub struct SqlStore {
    pools: Pools,
    wakes: Wakes,
    /// Whether the database was empty when this process opened it.
    is_new: bool,
}

impl SqlStore {
    pub fn new(pools: Pools) -> Self {
        Self { pools, wakes: Wakes::default(), is_new: false }
    }

    /// Sets whether the database was empty.
    pub fn opened(self, is_new: bool) -> Self {
        Self { is_new, ..self }
    }

    /// A connection for one write statement; several statements are a unit of work ([`Store::begin`]).
    async fn write_connection(&self) -> Result<WriteConnection, Unavailable> {
        let lock = self.pools.atomic.lock_writer().await.map_err(|cause| self.failed(cause))?;
        let connection = self.pools.write.acquire().await.map_err(|cause| self.failed(cause))?;
        Ok(WriteConnection { connection, _lock: lock })
    }

    /// Runs one write statement; returns how many rows it affected.
    async fn run(&self, statement: Statement<'_>) -> Result<u64, Unavailable> {
        let done = statement.execute(&mut *self.write_connection().await?.connection).await;
        Ok(done.map_err(|cause| self.failed(cause))?.rows_affected())
    }

    /// Runs a statement that removes rows older than `before`, at most `limit`; returns how many.
    async fn remove(&self, text: &'static str, before: i64, limit: u32) -> Result<u64, Unavailable> {
        self.run(query(text).bind(before).bind(i64::from(limit))).await
    }

    /// Reads one row.
    async fn one(&self, statement: Statement<'_>) -> Result<Option<DatabaseRow>, Unavailable> {
        statement.fetch_optional(&self.pools.read).await.map_err(|cause| self.failed(cause))
    }

    /// Reads all rows.
    async fn all(&self, statement: Statement<'_>) -> Result<Vec<DatabaseRow>, Unavailable> {
        statement.fetch_all(&self.pools.read).await.map_err(|cause| self.failed(cause))
    }

    /// Reads one number: the first column of the one row.
    async fn count(&self, statement: Statement<'_>) -> Result<u64, Unavailable> {
        let row = statement.fetch_one(&self.pools.read).await.map_err(|cause| self.failed(cause))?;
        number(&row)
    }

    /// Converts a driver error, and records that the connection may be broken.
    fn failed(&self, cause: sqlx::Error) -> Unavailable {
        self.pools.health.record_failure(&cause);
        unavailable(cause)
    }
}

/// The first column of a row, as a count.
fn number(row: &DatabaseRow) -> Result<u64, Unavailable> {
    let count: i64 = row.try_get(0).map_err(unavailable)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Converts a driver error to an outage; conflicts cause no errors, since statements use `on conflict`.
pub fn unavailable(cause: sqlx::Error) -> Unavailable {
    match cause {
        cause @ sqlx::Error::Database(_) => Unavailable::new("database", error_message(&cause)),
        cause => Unavailable::new("database", cause),
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self) -> Result<Box<dyn Unit>, Unavailable> {
        let lock = self.pools.atomic.lock_writer().await.map_err(|cause| self.failed(cause))?;
        // In a separate task: a request that is dropped while the transaction begins must not leave it open on a
        // connection that others use. A transaction that no request waits for any longer is dropped, and so rolled
        // back.
        let pool = self.pools.write.clone();
        let beginning = tokio::spawn(async move { (pool.begin_with(Dialect::BEGIN).await, lock) });
        let (begun, lock) = beginning.await.map_err(|cause| Unavailable::new("database", cause))?;
        let begun = begun.map_err(|cause| self.failed(cause))?;
        Ok(Box::new(Transaction::new(begun, lock, self.pools.health.clone(), self.wakes.clone())))
    }
}
