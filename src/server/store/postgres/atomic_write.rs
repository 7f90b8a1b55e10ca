//! Frequent writes as one statement each.

use super::dialect::{ConnectionHealth, Database};
use super::sql::connection_cache::ConnectionCache;
use sqlx::PgPool;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use std::future::{Ready, ready};

/// A write that is one statement.
#[derive(Debug)]
pub struct AtomicWrite {
    pub text: &'static str,
}

/// Runs atomic writes concurrently. It does not use the connections that look up sessions: a write may wait for
/// a row that another transaction has locked, and the lookups must not wait for the write.
pub struct AtomicWriter(ConnectionCache);

/// The counterpart of SQLite's writer lock: PostgreSQL needs none.
#[derive(Clone, Copy, Debug)]
pub struct WriterLock;

impl AtomicWriter {
    pub fn on(pool: &PgPool, health: &ConnectionHealth) -> Self {
        Self(ConnectionCache::of(pool, health))
    }

    #[expect(clippy::unused_self, reason = "SQLite needs this signature")]
    pub fn lock_writer(&self) -> Ready<Result<WriterLock, sqlx::Error>> {
        ready(Ok(WriterLock))
    }

    pub async fn run(
        &self,
        _write: &'static AtomicWrite,
        query: Query<'_, Database, PgArguments>,
    ) -> Result<Option<PgRow>, sqlx::Error> {
        Ok(self.0.fetch_all(query).await?.pop())
    }

    pub fn idle_connections(&self) -> usize {
        self.0.idle_connections()
    }

    pub fn close(&self) -> Ready<()> {
        self.0.close();
        ready(())
    }
}
