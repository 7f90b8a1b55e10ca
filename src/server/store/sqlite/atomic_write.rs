//! Frequent writes as one insert into a view, whose trigger does the rest. That takes one round trip to the SQLite
//! thread instead of one per statement, and concurrent writes share a commit.

use super::BUSY_TIMEOUT;
use super::dialect::Database;
use sqlx::error::ErrorKind;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{Connection, Execute, SqliteConnection, query, query_with, raw_sql};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedMutexGuard, Semaphore, oneshot};
use tokio::time::timeout;

/// The SQL of an atomic write.
#[derive(Debug)]
pub struct AtomicWrite {
    /// Alone, or within a group.
    pub text: &'static str,
    /// Preceded by the `begin` of a group.
    pub first: &'static str,
    /// Followed by the `commit` of a group.
    pub last: &'static str,
}

/// Builds an [`AtomicWrite`] from a macro that expands to its SQL.
macro_rules! atomic_write {
    ($text:ident) => {
        AtomicWrite {
            text: $text!(),
            first: concat!("begin immediate; ", $text!()),
            last: concat!($text!(), "; commit"),
        }
    };
}
pub(super) use atomic_write;

/// The connection for atomic writes. SQLite has one writer, so other writers of this process take this lock too:
/// SQLite's own lock is polled and not fair.
///
/// Group commit: writes that arrive during another write are committed together, in one transaction with one sync to
/// disk.
#[derive(Clone)]
pub struct AtomicWriter {
    options: SqliteConnectOptions,
    /// `None` before the first write and after a failed one; the next write reconnects.
    connection: Arc<tokio::sync::Mutex<Option<SqliteConnection>>>,
    waiting: Arc<Mutex<Vec<Waiting>>>,
    /// One at a time; closed with the store.
    checkpoints: Arc<Semaphore>,
}

/// The writer's lock: no atomic write runs while it is held.
pub type WriterLock = OwnedMutexGuard<Option<SqliteConnection>>;

type Answer = Result<Option<SqliteRow>, sqlx::Error>;

struct Waiting {
    write: &'static AtomicWrite,
    values: SqliteArguments,
    answer: oneshot::Sender<Answer>,
    since: Instant,
}

/// How long a write waits for a file that another process has locked, in milliseconds. Together with [`MAX_LOCK_WAIT`], this is
/// less than the timeout of the caller. A write that waited longer than [`MAX_LOCK_WAIT`] for its lock does not wait for the
/// file: it could be committed after its caller has timed out.
const WAIT: &str = "pragma busy_timeout = 900";
const DO_NOT_WAIT: &str = "pragma busy_timeout = 0";
const MAX_LOCK_WAIT: Duration = Duration::from_millis(500);

impl AtomicWriter {
    pub fn on(options: SqliteConnectOptions) -> Self {
        Self { options, connection: Arc::default(), waiting: Arc::default(), checkpoints: Arc::new(Semaphore::new(1)) }
    }

    /// Takes the writer's lock, first come, first served.
    ///
    /// # Errors
    /// When the lock is not free within `BUSY_TIMEOUT`.
    pub async fn lock_writer(&self) -> Result<WriterLock, sqlx::Error> {
        let lock = Arc::clone(&self.connection).lock_owned();
        timeout(BUSY_TIMEOUT, lock).await.map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// Runs a write with the values of the query, and returns when its group is committed. A write that is dropped
    /// before its group starts has no effect.
    ///
    /// # Errors
    /// When the query fails, the transaction of its group fails, or there is no answer within `BUSY_TIMEOUT`.
    pub async fn run(&self, write: &'static AtomicWrite, mut query: Query<'_, Database, SqliteArguments>) -> Answer {
        let values = query.take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default();
        let (answer, answered) = oneshot::channel();
        if self.enqueue(Waiting { write, values, answer, since: Instant::now() }) == 1 {
            // In a separate task: the first caller may be dropped, and the other writes must still run.
            let writer = self.clone();
            tokio::spawn(async move { writer.write_waiting().await });
        }
        let answered = timeout(BUSY_TIMEOUT, answered).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        answered.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// The number of idle connections borrowed from a pool: none, since the writer's connection is not from a pool.
    #[expect(clippy::unused_self, reason = "PostgreSQL needs this signature")]
    pub fn idle_connections(&self) -> usize {
        0
    }

    /// Held while a checkpoint runs; closed with the store.
    pub fn checkpoints(&self) -> &Semaphore {
        &self.checkpoints
    }

    /// Waits for running writes and checkpoints, and prevents new ones.
    pub async fn close(&self) {
        let checkpoint = self.checkpoints.acquire().await;
        self.checkpoints.close();
        drop(checkpoint);
        let Ok(mut lock) = self.lock_writer().await else { return };
        if let Some(connection) = lock.take()
            && let Err(cause) = connection.close().await
        {
            tracing::warn!(%cause, "closing the database failed");
        }
    }

    /// Whether this is the last handle to the connection.
    pub fn is_last(&self) -> bool {
        Arc::strong_count(&self.connection) == 1
    }

    /// Adds a write to the queue, and returns how many are waiting.
    fn enqueue(&self, newcomer: Waiting) -> usize {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(newcomer);
        waiting.len()
    }

    /// Takes the lock and writes the group that is waiting by then. No timeout is needed, since each caller has its
    /// own.
    async fn write_waiting(&self) {
        let mut lock = Arc::clone(&self.connection).lock_owned().await;
        let mut group = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        group.retain(|one| !one.answer.is_closed());
        let may_wait = group.iter().all(|one| one.since.elapsed() < MAX_LOCK_WAIT);
        let (group, senders): (Vec<_>, Vec<_>) =
            group.into_iter().map(|one| ((one.write, one.values), one.answer)).unzip();
        let answers = self.write(&mut lock, group, may_wait).await.unwrap_or_else(|cause| {
            // All writes of the group share the cause; its kind makes no difference here.
            let cause = Arc::new(cause);
            senders.iter().map(|_| Err(sqlx::Error::Io(std::io::Error::other(Arc::clone(&cause))))).collect()
        });
        drop(lock);
        for (one, answer) in senders.into_iter().zip(answers) {
            drop(one.send(answer));
        }
    }

    /// Writes a group in one transaction, whose `begin` and `commit` are sent with its first and its last statement.
    async fn write(
        &self,
        lock: &mut WriterLock,
        group: Vec<(&AtomicWrite, SqliteArguments)>,
        may_wait: bool,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        // A connection that fails is not put back: dropping it rolls back its transaction.
        let mut connection = match lock.take() {
            Some(connection) => connection,
            None if self.checkpoints.is_closed() => return Err(sqlx::Error::PoolClosed),
            None => self.connect().await?,
        };
        if !may_wait {
            query(DO_NOT_WAIT).execute(&mut connection).await?;
        }
        let (mut answers, last) = (Vec::with_capacity(group.len()), group.len() - 1);
        for (place, (write, values)) in group.into_iter().enumerate() {
            let text = match (place == 0, place == last) {
                (true, true) | (false, false) => write.text,
                (true, false) => write.first,
                (false, true) => write.last,
            };
            match query_with(text, values).fetch_all(&mut connection).await {
                Err(cause) if !is_statement_error(&cause) => return Err(cause),
                rows => answers.push(rows.map(|rows| rows.into_iter().next())),
            }
        }
        if last > 0 && matches!(answers.last(), Some(Err(_))) {
            query("commit").execute(&mut connection).await?;
        }
        if !may_wait {
            query(WAIT).execute(&mut connection).await?;
        }
        **lock = Some(connection);
        Ok(answers)
    }

    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        for prepare in [WAIT, super::sign_in::PREPARE, super::redemption::PREPARE] {
            raw_sql(prepare).execute(&mut connection).await?;
        }
        Ok(connection)
    }
}

/// Whether a statement failed because of its own values. Then it has no effect, and its transaction continues (SQLite,
/// "Response To Errors Within A Transaction").
fn is_statement_error(cause: &sqlx::Error) -> bool {
    cause.as_database_error().is_some_and(|cause| !matches!(cause.kind(), ErrorKind::Other))
}
