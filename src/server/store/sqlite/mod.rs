//! The store in one SQLite file, the embedded default.

mod atomic_write;
mod checkpoint;
mod dialect;
mod redemption;
mod sign_in;
#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "both databases share this source, which is compiled for each")]
mod sql;

use self::atomic_write::AtomicWriter;
use self::dialect::{ConnectionHealth, Dialect};
use self::sql::connection_cache::ConnectionCache;
use self::sql::{Pools, SqlStore};
use super::schema::check_schema;
use super::{Maintenance, Store, error_message, schema};
use crate::server::Unavailable;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool, query, query_scalar};
use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long to wait while another process holds the write lock; below the request deadline of two seconds.
const BUSY_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Maximum number of attempts to open a pool, for slow disks.
const OPENING_ATTEMPTS: u32 = 4;
const READERS: u32 = 6;
/// Pages (64 MB) after which a commit runs a checkpoint. This is rare, since checkpoints run in the background
/// (`checkpoint.rs`), but a long read blocks those.
const AUTOCHECKPOINT_PAGES: &str = "16000";
/// SQLite reads a file only at the first query, and only then reports that it is not a database.
const COUNT_TABLES: &str = "select count(*) from sqlite_master";
/// How long the connections of this process may take to close.
const MERGE_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval at which a starting process that waits for another one tries again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);
/// All migrations, in order.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// The versions of the migrations that this program has.
#[must_use]
pub fn migration_versions() -> Vec<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).collect()
}

/// Opens the file, or creates it, migrates the schema, and runs checkpoints in the background.
///
/// # Errors
/// When the file cannot be opened, its schema is newer than this program, or it must be migrated while another process
/// writes for longer than `max_wait`.
pub async fn open(file: &Path, max_wait: Duration) -> Result<impl Store + use<>, Unavailable> {
    let options = options(file).create_if_missing(true);
    let _lock = acquire_lock_file(file).await?;
    make_private(file)?;
    // Migrations run first, on a separate connection.
    let migrating = open_pool(1, &options.clone().busy_timeout(max_wait)).await.map_err(|cause| of(file, &cause))?;
    let is_new = is_empty(&migrating, file).await?;
    MIGRATIONS.run(&migrating).await.map_err(|cause| migration_error(cause, file, max_wait))?;
    migrating.close().await;
    let atomic_writer = atomic_writer(options.clone());
    tokio::spawn(checkpoint::run_checkpoints(options.clone(), atomic_writer.clone()));
    Ok(connect(options, atomic_writer).await?.opened(is_new))
}

/// Whether there are no tables yet.
///
/// # Errors
/// When the file has tables, and none of them belong to Latchkey.
async fn is_empty(pool: &SqlitePool, file: &Path) -> Result<bool, Unavailable> {
    let failed = |cause: sqlx::Error| of(file, &cause);
    if query_scalar::<_, i64>(Dialect::COUNT_MIGRATION_TABLES).fetch_one(pool).await.map_err(failed)? > 0 {
        return Ok(false);
    }
    if query_scalar::<_, i64>(COUNT_TABLES).fetch_one(pool).await.map_err(failed)? > 0 {
        return Err(Unavailable::new("database", format!("{} contains the tables of another program", file.display())));
    }
    Ok(true)
}

/// Adds the path of the file to a failure.
fn of(file: &Path, cause: &sqlx::Error) -> Unavailable {
    Unavailable::new("database", format!("{}: {}", file.display(), error_message(cause)))
}

fn migration_error(cause: MigrateError, file: &Path, max_wait: Duration) -> Unavailable {
    match cause {
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) if is_locked(&cause) => {
            let (file, seconds) = (file.display(), max_wait.as_secs());
            Unavailable::new(
                "database",
                format!(
                    "its schema must be migrated, and another process has been writing to {file} for {seconds} \
                     s; try again when it has finished"
                ),
            )
        }
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => of(file, &cause),
        cause => schema(cause),
    }
}

/// Whether another process held the file's lock for too long (SQLite, "Result and Error Codes": 5 in the lowest byte).
fn is_locked(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// Opens a file without changing its schema, which must be the one of this program.
///
/// # Errors
/// When the file does not exist, or its schema is different.
pub async fn join(file: &Path) -> Result<impl Store + use<>, Unavailable> {
    if !file.exists() {
        return Err(Unavailable::new("database", format!("{} does not exist yet", file.display())));
    }
    let store = connect(options(file), atomic_writer(options(file))).await?;
    check_schema(&store.schema_versions().await?, &MIGRATIONS)?;
    Ok(store)
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", AUTOCHECKPOINT_PAGES)
        // Deleted content is overwritten, so that it cannot be recovered from the file.
        .pragma("secure_delete", "on")
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                // A dropped transaction is rolled back in the background. If the rollback failed, such as on a full
                // disk, the connection is unusable.
                if connection.is_in_transaction() {
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
}

/// Opens a pool. On a slow or busy disk, the first connection may take longer than a request may wait.
async fn open_pool(connections: u32, options: &SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    for _ in 1..OPENING_ATTEMPTS {
        match pool(connections).connect_with(options.clone()).await {
            Err(sqlx::Error::PoolTimedOut) => {}
            opened => return opened,
        }
    }
    pool(connections).connect_with(options.clone()).await
}

/// Writes go through one connection, since SQLite has one writer; reads run concurrently (write-ahead log).
async fn connect(options: SqliteConnectOptions, atomic: AtomicWriter) -> Result<SqlStore, Unavailable> {
    let failed = |cause: sqlx::Error| of(options.get_filename(), &cause);
    let write = open_pool(1, &options).await.map_err(failed)?;
    let read = open_pool(READERS, &options).await.map_err(failed)?;
    query(COUNT_TABLES).execute(&read).await.map_err(failed)?;
    let cache = ConnectionCache::of(&read, &ConnectionHealth);
    Ok(SqlStore::new(Pools { cache, read, write, atomic, health: ConnectionHealth }))
}

/// Copies a consistent snapshot of the file into an existing, empty one (SQLite, "VACUUM INTO"). Other processes can
/// use the file meanwhile.
///
/// # Errors
/// When the file does not exist, or the copy is not empty or cannot be written.
pub async fn back_up(file: &Path, copy: &Path) -> Result<(), Unavailable> {
    let source = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY_TIMEOUT);
    let failed = |cause: sqlx::Error| of(file, &cause);
    let mut source = SqliteConnection::connect_with(&source).await.map_err(failed)?;
    let copied = query("vacuum into $1").bind(copy.to_string_lossy()).execute(&mut source).await;
    let about = |cause| {
        Unavailable::new("database", format!("{} to {}: {}", file.display(), copy.display(), error_message(&cause)))
    };
    copied.map_err(about)?;
    source.close().await.map_err(failed)
}

/// Whether another process has the file open. If none has, writes the log into the file. A file that cannot be read
/// is not in use.
pub async fn is_in_use(file: &Path) -> bool {
    try_merge_log(file).await.is_err_and(|cause: sqlx::Error| is_locked(&cause))
}

/// Writes the log into the file and removes the log, so that the database is a single file.
///
/// # Errors
/// When another connection has the file open for longer than `MERGE_TIMEOUT`.
pub async fn merge_log(file: &Path) -> Result<(), Unavailable> {
    let began = Instant::now();
    loop {
        match try_merge_log(file).await {
            // Connections of this process may still be closing.
            Err(cause) if is_locked(&cause) && began.elapsed() < MERGE_TIMEOUT => {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            merged => return merged.map_err(|cause| of(file, &cause)),
        }
    }
}

async fn try_merge_log(file: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(BUSY_TIMEOUT);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    query("pragma journal_mode = delete").execute(&mut connection).await?;
    connection.close().await
}

/// Opens an existing file read-only.
///
/// # Errors
/// When the file does not exist, or is not a database.
pub async fn look(file: &Path) -> Result<impl Store + use<>, Unavailable> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await;
    let pool = pool.map_err(|cause| of(file, &cause))?;
    query(COUNT_TABLES).execute(&pool).await.map_err(|cause| of(file, &cause))?;
    let (cache, atomic) = (ConnectionCache::of(&pool, &ConnectionHealth), atomic_writer(options));
    Ok(SqlStore::new(Pools { cache, read: pool.clone(), write: pool, atomic, health: ConnectionHealth }))
}

fn atomic_writer(options: SqliteConnectOptions) -> AtomicWriter {
    // Temporary views and triggers need no file.
    AtomicWriter::on(options.pragma("temp_store", "memory"))
}

/// Creates a missing file that only its owner can access; SQLite gives its other files the same permissions.
///
/// # Errors
/// When the directory does not exist or is not writable.
pub fn make_private(file: &Path) -> Result<(), Unavailable> {
    let made = File::options().create(true).append(true).mode(0o600).open(file);
    made.map(drop).map_err(|cause| Unavailable::new("database", format!("{}: {cause}", file.display())))
}

/// The path of a file that SQLite or Latchkey keeps next to the database: its name with a suffix.
#[must_use]
pub fn sibling_path(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Waits for the lock on `<file>.lock`, so that only one of several starting processes migrates at a time (sqlx's own
/// lock does nothing on SQLite). It is released when the file is closed.
///
/// # Errors
/// When the lock file cannot be created, with its path.
pub async fn acquire_lock_file(file: &Path) -> Result<File, Unavailable> {
    let path = sibling_path(file, ".lock");
    let failed = |cause: std::io::Error| Unavailable::new("database", format!("{}: {cause}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    // Polls: a thread that blocks on the lock could not be stopped by a signal.
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(RETRY_INTERVAL).await,
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
    }
}
