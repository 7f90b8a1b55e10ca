//! The write-ahead log, and its way into the file: beside the writers, not in the middle of somebody's sign-in.
//!
//! Left alone, SQLite copies the log within the commit that made it long enough: one person waits for thousands of pages and
//! for the disk, twice. How often it is done so is a measurement (`docs/BENCHMARKS.md`, "Growth").

use super::admission::Admitter;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection, query};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Many sign-ins change the same pages, which are then copied once.
const EVERY: Duration = Duration::from_secs(1);

/// Copies what was written, again and again, for as long as somebody else has the admitter.
pub async fn copy_beside(options: SqliteConnectOptions, admitter: Admitter) {
    let log = log_of(options.get_filename());
    let mut copied_at = None;
    loop {
        tokio::time::sleep(EVERY).await;
        if admitter.is_left() {
            return;
        }
        let written_at = std::fs::metadata(&log).and_then(|log| log.modified()).ok();
        if written_at != copied_at {
            copied_at = written_at;
            if let Err(cause) = copy(&options, &admitter).await {
                tracing::warn!(%cause, "the log of the database was not copied into its file");
            }
        }
    }
}

fn log_of(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// First while others write, then the rest while they wait: whoever writes next finds all of it copied and begins the log anew
/// (SQLite, "Write-Ahead Logging", section 2.3).
async fn copy(options: &SqliteConnectOptions, admitter: &Admitter) -> Result<(), sqlx::Error> {
    const COPY: &str = "pragma wal_checkpoint(passive)";
    let mut connection = SqliteConnection::connect_with(options).await?;
    query(COPY).execute(&mut connection).await?;
    let turn = admitter.turn().await?;
    query(COPY).execute(&mut connection).await?;
    drop(turn);
    connection.close().await
}
