//! The statements and row mappings of both databases, compiled once for each; `super::dialect` has the differences.

mod application;
mod browser;
mod code_count;
mod consent;
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
mod outbox;
mod passkey;
mod provider;
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
pub mod warm;

use super::atomic_write::{AtomicWriter, Turn};
use super::dialect::{Database, Dialect, Doubt};
use crate::server::Unavailable;
use crate::server::store::{Store, Unit, Wakes, told};
use async_trait::async_trait;
use row::DatabaseRow;
use sqlx::Row as _;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Pool, query};
use transaction::Transaction;
use warm::Warm;

/// A statement with its values.
pub type Statement<'q> = Query<'q, Database, <Database as sqlx::Database>::Arguments>;

/// The pools for reads and for writes; the same pool if the database has many writers.
pub struct Pools {
    pub read: Pool<Database>,
    pub write: Pool<Database>,
    /// Connections of the read pool for frequent queries.
    pub warm: Warm,
    pub atomic: AtomicWriter,
    /// Decides whether a connection is pinged before it is used again.
    pub doubt: Doubt,
}

/// A connection for writes, exclusive if the database has one writer.
struct Writer {
    connection: PoolConnection<Database>,
    _turn: Turn,
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
    async fn writer(&self) -> Result<Writer, Unavailable> {
        let turn = self.pools.atomic.turn().await.map_err(|cause| self.failed(cause))?;
        let connection = self.pools.write.acquire().await.map_err(|cause| self.failed(cause))?;
        Ok(Writer { connection, _turn: turn })
    }

    /// Runs one write statement; returns how many rows it affected.
    async fn run(&self, statement: Statement<'_>) -> Result<u64, Unavailable> {
        let done = statement.execute(&mut *self.writer().await?.connection).await;
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
        self.pools.doubt.note(&cause);
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
        cause @ sqlx::Error::Database(_) => Unavailable::new("database", told(&cause)),
        cause => Unavailable::new("database", cause),
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self) -> Result<Box<dyn Unit>, Unavailable> {
        let turn = self.pools.atomic.turn().await.map_err(|cause| self.failed(cause))?;
        // In a separate task: a request that is dropped while the transaction begins must not leave it open on a
        // connection that others use. A transaction that no request waits for any longer is dropped, and so rolled
        // back.
        let pool = self.pools.write.clone();
        let beginning = tokio::spawn(async move { (pool.begin_with(Dialect::BEGIN).await, turn) });
        let (begun, turn) = beginning.await.map_err(|cause| Unavailable::new("database", cause))?;
        let begun = begun.map_err(|cause| self.failed(cause))?;
        Ok(Box::new(Transaction::new(begun, turn, self.pools.doubt.clone(), self.wakes.clone())))
    }
}
