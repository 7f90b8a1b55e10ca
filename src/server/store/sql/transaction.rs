use super::super::atomic_write::WriterLock;
use super::super::dialect::{ConnectionHealth, Database};
use super::row::DatabaseRow;
use super::{Statement, number, unavailable};
use crate::server::Unavailable;
use crate::server::model::Event;
use crate::server::store::{Insertion, Unit, Wakes};
use crate::server::telemetry::AUDIT;
use async_trait::async_trait;

/// One unit of work as one transaction; rolled back when dropped.
pub struct Transaction {
    inner: sqlx::Transaction<'static, Database>,
    /// Events that are logged after the commit.
    pub(super) recorded: Vec<Event>,
    /// Whether an email was queued.
    pub(super) has_queued: bool,
    /// Whether a logout notice was queued.
    pub(super) has_logouts: bool,
    /// Whether an account was deleted.
    pub(super) has_deleted: bool,
    wakes: Wakes,
    health: ConnectionHealth,
    /// Declared last, so that it is dropped last: after a commit, the next unit finds the file unlocked. A rollback
    /// runs in the background, so the next unit may still have to wait for the file.
    _lock: WriterLock,
}

impl Transaction {
    pub fn new(
        inner: sqlx::Transaction<'static, Database>,
        lock: WriterLock,
        health: ConnectionHealth,
        wakes: Wakes,
    ) -> Self {
        Self {
            inner,
            recorded: Vec::new(),
            has_queued: false,
            has_logouts: false,
            has_deleted: false,
            wakes,
            health,
            _lock: lock,
        }
    }

    /// Runs a statement; returns how many rows it affected.
    pub(super) async fn run(&mut self, statement: Statement<'_>) -> Result<u64, Unavailable> {
        let done = statement.execute(&mut *self.inner).await;
        Ok(done.map_err(|cause| self.failed(cause))?.rows_affected())
    }

    /// Runs a statement that writes a unique value. The unique index detects a conflict with a concurrent unit of work.
    pub(super) async fn run_unique(&mut self, statement: Statement<'_>) -> Result<Insertion, Unavailable> {
        match statement.execute(&mut *self.inner).await {
            Ok(done) if done.rows_affected() == 0 => Ok(Insertion::Conflict),
            Ok(_) => Ok(Insertion::Done),
            Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Ok(Insertion::Conflict),
            Err(cause) => Err(self.failed(cause)),
        }
    }

    pub(super) async fn one(&mut self, statement: Statement<'_>) -> Result<Option<DatabaseRow>, Unavailable> {
        let row = statement.fetch_optional(&mut *self.inner).await;
        row.map_err(|cause| self.failed(cause))
    }

    pub(super) async fn all(&mut self, statement: Statement<'_>) -> Result<Vec<DatabaseRow>, Unavailable> {
        let rows = statement.fetch_all(&mut *self.inner).await;
        rows.map_err(|cause| self.failed(cause))
    }

    pub(super) async fn count(&mut self, statement: Statement<'_>) -> Result<u32, Unavailable> {
        let row = statement.fetch_one(&mut *self.inner).await;
        let count = number(&row.map_err(|cause| self.failed(cause))?)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn failed(&self, cause: sqlx::Error) -> Unavailable {
        self.health.record_failure(&cause);
        unavailable(cause)
    }
}

/// Logs an event that has been committed.
pub fn audit(event: &Event) {
    let name = event.kind.name();
    tracing::info!(target: AUDIT, user = %event.user_id.0, event = name, "{name}");
}

#[async_trait]
impl Unit for Transaction {
    async fn commit(self: Box<Self>) -> Result<(), Unavailable> {
        let Self { inner, recorded, has_queued, has_logouts, has_deleted, wakes, health, _lock } = *self;
        inner.commit().await.map_err(|cause| {
            health.record_failure(&cause);
            unavailable(cause)
        })?;
        recorded.iter().for_each(audit);
        if has_queued {
            wakes.email.notify_one();
        }
        if has_logouts {
            wakes.logout.notify_one();
        }
        if has_deleted {
            wakes.cleanup.notify_one();
        }
        Ok(())
    }
}
