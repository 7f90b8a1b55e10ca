//! Connections that go from one query to the next without returning to their pool.
//!
//! A pool pings each connection that is returned, which costs as much as a query itself. Frequent queries, such as
//! session lookups, keep their connections here instead.

use super::super::dialect::{ConnectionHealth, Database, is_connection_lost};
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

type Row = <Database as sqlx::Database>::Row;
type Arguments = <Database as sqlx::Database>::Arguments;

/// Up to a third of a pool's connections, handed out in the order of requests.
pub struct ConnectionCache {
    pool: Pool<Database>,
    health: ConnectionHealth,
    permits: Semaphore,
    /// Maximum number of idle connections; zero if the pool is too small to spare any.
    most: usize,
    /// The most recently used one is last.
    idle_connections: Mutex<Vec<IdleConnection>>,
}

struct IdleConnection {
    connection: PoolConnection<Database>,
    /// When it left the pool, which checks its age when it returns.
    left_pool: Instant,
    since: Instant,
}

impl ConnectionCache {
    pub fn of(pool: &Pool<Database>, health: &ConnectionHealth) -> Self {
        let most = usize::try_from(pool.options().get_max_connections() / 3).unwrap_or_default();
        Self {
            pool: pool.clone(),
            health: health.clone(),
            permits: Semaphore::new(most.max(1)),
            most,
            idle_connections: Mutex::default(),
        }
    }

    /// Runs a query. If it fails or is dropped, its connection returns to the pool, which checks it.
    ///
    /// # Errors
    /// When the query fails, or no connection is free within the timeout of the pool.
    pub async fn fetch_all(&self, query: Query<'_, Database, Arguments>) -> Result<Vec<Row>, sqlx::Error> {
        let max_wait = self.pool.options().get_acquire_timeout();
        let (_permit, mut connection, left_pool) =
            timeout(max_wait, self.acquire()).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let rows = query.fetch_all(&mut *connection).await?;
        self.put_back(connection, left_pool);
        Ok(rows)
    }

    /// Runs a read-only query, and repeats it once if the connection was lost.
    pub async fn look_up_all<'q>(
        &self,
        query: impl Fn() -> Query<'q, Database, Arguments>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        match self.fetch_all(query()).await {
            Err(cause) if is_connection_lost(&cause) => {
                self.health.record_failure(&cause);
                self.fetch_all(query()).await
            }
            answered => answered,
        }
    }

    /// Runs a read-only query that returns at most one row, and repeats it once if the connection was lost.
    pub async fn look_up<'q>(
        &self,
        query: impl Fn() -> Query<'q, Database, Arguments>,
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.look_up_all(query).await?.pop())
    }

    /// The number of idle connections.
    pub fn idle_connections(&self) -> usize {
        self.idle_connections.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns idle connections to their pool, and keeps no more of them.
    pub fn close(&self) {
        self.permits.close();
        self.idle_connections.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn acquire(&self) -> Result<(SemaphorePermit<'_>, PoolConnection<Database>, Instant), sqlx::Error> {
        let permit = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let (connection, left_pool) = match self.take() {
            Some(taken) => taken,
            None => (self.pool.acquire().await?, Instant::now()),
        };
        Ok((permit, connection, left_pool))
    }

    fn take(&self) -> Option<(PoolConnection<Database>, Instant)> {
        let mut idle_connections = self.idle_connections.lock().unwrap_or_else(PoisonError::into_inner);
        let last = idle_connections.pop()?;
        if self.health.can_skip_ping(last.since.elapsed()) {
            return Some((last.connection, last.left_pool));
        }
        // If one connection may be broken, so may the others: they have been idle for longer, or a failure was recent.
        idle_connections.clear();
        None
    }

    fn put_back(&self, connection: PoolConnection<Database>, left_pool: Instant) {
        let is_old = self.pool.options().get_max_lifetime().is_some_and(|most| left_pool.elapsed() > most);
        let mut idle_connections = self.idle_connections.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_old && !self.permits.is_closed() && idle_connections.len() < self.most {
            idle_connections.push(IdleConnection { connection, left_pool, since: Instant::now() });
        }
    }
}
