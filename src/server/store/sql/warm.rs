//! Connections that go from one query to the next without passing through their pool.
//!
//! A pool asks each connection for a sign of life when it is given back, which costs as much as a query itself. What happens
//! all the time, such as looking up a session, keeps its connections here instead.

use super::super::dialect::{Database, Doubt, was_cut};
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

type Row = <Database as sqlx::Database>::Row;
type Arguments = <Database as sqlx::Database>::Arguments;

/// Up to a third of a pool's connections, given out in the order in which they are asked for.
pub struct Warm {
    pool: Pool<Database>,
    doubt: Doubt,
    turns: Semaphore,
    /// How many rest here at most; none where the pool is too small to spare any.
    most: usize,
    /// The one used last at the end.
    resting: Mutex<Vec<Resting>>,
}

struct Resting {
    connection: PoolConnection<Database>,
    /// When it left the pool, which looks at its age when it comes back.
    left_pool: Instant,
    since: Instant,
}

impl Warm {
    pub fn of(pool: &Pool<Database>, doubt: &Doubt) -> Self {
        let most = usize::try_from(pool.options().get_max_connections() / 3).unwrap_or_default();
        Self {
            pool: pool.clone(),
            doubt: doubt.clone(),
            turns: Semaphore::new(most.max(1)),
            most,
            resting: Mutex::default(),
        }
    }

    /// Runs a query. Where it fails or is given up, its connection goes back to the pool, which finds out what is wrong with
    /// it.
    ///
    /// # Errors
    /// As the query; when no connection is free for as long as the pool waits for one.
    pub async fn fetch_all(&self, query: Query<'_, Database, Arguments>) -> Result<Vec<Row>, sqlx::Error> {
        let patience = self.pool.options().get_acquire_timeout();
        let (_turn, mut connection, left_pool) =
            timeout(patience, self.acquire()).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let rows = query.fetch_all(&mut *connection).await?;
        self.put_back(connection, left_pool);
        Ok(rows)
    }

    /// As [`Warm::fetch_all`], for what only reads: where the connection had been cut, it is asked for once more.
    ///
    /// # Errors
    /// As [`Warm::fetch_all`].
    pub async fn look_up_all<'q>(
        &self,
        query: impl Fn() -> Query<'q, Database, Arguments>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        match self.fetch_all(query()).await {
            Err(cause) if was_cut(&cause) => {
                self.doubt.note(&cause);
                self.fetch_all(query()).await
            }
            answered => answered,
        }
    }

    /// As [`Warm::look_up_all`], for a query that gives a row at most.
    ///
    /// # Errors
    /// As [`Warm::fetch_all`].
    pub async fn look_up<'q>(
        &self,
        query: impl Fn() -> Query<'q, Database, Arguments>,
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.look_up_all(query).await?.pop())
    }

    /// How many are here and do nothing.
    pub fn resting(&self) -> usize {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns idle connections to their pool; once closed, none stays here.
    pub fn close(&self) {
        self.turns.close();
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn acquire(&self) -> Result<(SemaphorePermit<'_>, PoolConnection<Database>, Instant), sqlx::Error> {
        let turn = self.turns.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let (connection, left_pool) = match self.take() {
            Some(taken) => taken,
            None => (self.pool.acquire().await?, Instant::now()),
        };
        Ok((turn, connection, left_pool))
    }

    fn take(&self) -> Option<(PoolConnection<Database>, Instant)> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let last = resting.pop()?;
        if self.doubt.trusts(last.since.elapsed()) {
            return Some((last.connection, last.left_pool));
        }
        // If one connection is broken, the others may be, too: they have rested for longer, or all are in doubt.
        resting.clear();
        None
    }

    fn put_back(&self, connection: PoolConnection<Database>, left_pool: Instant) {
        let is_old = self.pool.options().get_max_lifetime().is_some_and(|most| left_pool.elapsed() > most);
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_old && !self.turns.is_closed() && resting.len() < self.most {
            resting.push(Resting { connection, left_pool, since: Instant::now() });
        }
    }
}
