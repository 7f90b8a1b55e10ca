//! Runs checkpoints of the write-ahead log in the background, instead of within a sign-in.
//!
//! By default SQLite runs a checkpoint within the commit that makes the log long enough: that one request waits for
//! thousands of pages and for two syncs to disk.

use super::atomic_write::AtomicWriter;
use super::sibling_path;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Row, SqliteConnection, query};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Interval between checkpoints. Many writes change the same pages, which are then copied once.
const EVERY: Duration = Duration::from_secs(1);

/// Runs checkpoints periodically until nothing else holds the writer.
pub async fn run_checkpoints(options: SqliteConnectOptions, atomic_writer: AtomicWriter) {
    // The file may have been removed.
    let options = options.create_if_missing(false);
    let log = sibling_path(options.get_filename(), "-wal");
    let (mut seen, mut is_due) = (None, false);
    loop {
        tokio::time::sleep(EVERY).await;
        if atomic_writer.is_last() {
            return;
        }
        let written = match written_at(&log) {
            Ok(written) => written,
            Err(cause) => {
                tracing::warn!(%cause, "reading the write-ahead log failed");
                continue;
            }
        };
        let is_new = written.is_some() && written != seen;
        if is_new || is_due {
            let is_complete = checkpoint(&options, &atomic_writer).await;
            // Runs once more after a change: the latest writes of another process may not be committed yet.
            is_due = is_new || !is_complete;
        }
        seen = written;
    }
}

/// When the log was last written; `None` if there is no log.
fn written_at(log: &Path) -> std::io::Result<Option<SystemTime>> {
    match std::fs::metadata(log).and_then(|log| log.modified()) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        written => written.map(Some),
    }
}

/// Returns whether the whole log has been copied to the file.
async fn checkpoint(options: &SqliteConnectOptions, atomic_writer: &AtomicWriter) -> bool {
    copy(options, atomic_writer).await.unwrap_or_else(|cause| {
        tracing::warn!(%cause, "checkpoint failed");
        false
    })
}

/// Copies most of the log while others write, then the rest while writers wait. The next writer then restarts the log
/// from its beginning, unless a reader still uses it (SQLite, "Write-Ahead Logging", section 2.3).
async fn copy(options: &SqliteConnectOptions, atomic_writer: &AtomicWriter) -> Result<bool, sqlx::Error> {
    const COPY: &str = "pragma wal_checkpoint(passive)";
    // Closing the store waits for this permit, so that the store's own connection is the last one.
    let Ok(_checkpoint) = atomic_writer.checkpoints().acquire().await else { return Ok(true) };
    let mut connection = SqliteConnection::connect_with(options).await?;
    query(COPY).fetch_one(&mut connection).await?;
    let lock = atomic_writer.lock_writer().await?;
    let row = query(COPY).fetch_one(&mut connection).await?;
    drop(lock);
    connection.close().await?;
    let (is_busy, pages, copied): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(is_busy == 0 && copied == pages)
}
