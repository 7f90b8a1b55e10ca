//! Connections for what happens all the time.
//!
//! A pool asks each connection for a sign of life when it is given back, which costs as much as the query itself. One that
//! has just answered is kept here instead, for the next query.

use super::super::{Database, is_trusted};
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::time::timeout;

type Row = <Database as sqlx::Database>::Row;
type Arguments = <Database as sqlx::Database>::Arguments;

/// Connections of a pool that are between two queries, the one used last at the end.
pub struct Kept {
    pool: Pool<Database>,
    /// First come, first served. Half of the pool's connections never get here, so that whoever waits at the pool is
    /// served, too.
    turns: Semaphore,
    most: usize,
    idle: Mutex<Vec<(Instant, PoolConnection<Database>)>>,
}

impl Kept {
    pub fn of(pool: &Pool<Database>) -> Self {
        let most = usize::try_from(pool.options().get_max_connections() / 2).unwrap_or_default();
        Self { pool: pool.clone(), turns: Semaphore::new(most.max(1)), most, idle: Mutex::default() }
    }

    /// Runs a query that gives a row at most. Where it fails or is given up, its connection goes back to the pool, which
    /// finds out what is wrong with it.
    ///
    /// # Errors
    /// As the query; when no connection is free for as long as the pool waits for one.
    pub async fn fetch_optional(&self, query: Query<'_, Database, Arguments>) -> Result<Option<Row>, sqlx::Error> {
        let turn = timeout(self.pool.options().get_acquire_timeout(), self.turns.acquire());
        let _turn = turn.await.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let mut connection = match self.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        let row = query.fetch_optional(&mut *connection).await?;
        self.keep(connection);
        Ok(row)
    }

    fn take(&self) -> Option<PoolConnection<Database>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, connection) = idle.pop()?;
        if is_trusted(since.elapsed()) {
            return Some(connection);
        }
        // The others have been idle for longer.
        idle.clear();
        None
    }

    fn keep(&self, connection: PoolConnection<Database>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most {
            idle.push((Instant::now(), connection));
        }
    }
}
