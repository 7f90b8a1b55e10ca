//! Accounts in PostgreSQL.

mod address;
mod admission;
mod probe;
#[path = "../relational/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text of queries and rows for both databases, compiled for each")]
mod relational;

pub use self::address::is_address;
use self::address::options;
use self::admission::{Admitter, Turn};
use self::probe::probe;
use super::schema::check_schema;
use super::{Refused, Store, connect_patiently, schema};
use crate::server::Unavailable;
use crate::server::secret::Secret;
use relational::warm::Warm;
use relational::{Pools, Relational, unavailable};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, raw_sql};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

type Database = sqlx::Postgres;

/// Connections of one process at most: four processes fit into the hundred that a server allows by default.
const MOST_CONNECTIONS: u32 = 20;
/// A pool waits this long for a connection; within the two seconds in which an answer is owed.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection unused for longer is asked for a sign of life first: the server may have been restarted meanwhile.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// After a failure every connection is asked for this long, since the server may have cut them all.
const DOUBT: Duration = Duration::from_secs(10);
/// All changes of the schema, in their order.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");
/// What every connection is set to before it is used. By a statement: poolers refuse start-up parameters. Our statements
/// are written for this isolation, which the database may have changed, and a transaction that was left open must not
/// hold others up.
const SETTINGS: &str = "set session characteristics as transaction isolation level read committed; \
     set idle_in_transaction_session_timeout = '10s'";
/// When a statement failed last, in this process.
static LAST_FAILURE: Mutex<Option<Instant>> = Mutex::new(None);

/// Remembers a failure that may have been the connection's.
fn doubt(cause: &sqlx::Error) {
    if matches!(cause, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Database(_)) {
        *LAST_FAILURE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Whether a failure was the connection's: it was cut, or ended by the server (PostgreSQL 15, appendix A, class 57P).
fn was_cut(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(cause, sqlx::Error::Io(_)) || code.is_some_and(|code| code.starts_with("57P"))
}

fn is_doubtful() -> bool {
    let last = *LAST_FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    last.is_some_and(|failure| failure.elapsed() < DOUBT)
}

/// Whether a connection need not be asked before it is used again.
fn is_trusted(idle: Duration) -> bool {
    idle <= TRUSTED_IDLE && !is_doubtful()
}

/// The changes of the schema that this program knows.
#[must_use]
pub fn known_schemas() -> Vec<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).collect()
}

impl Pools {
    /// Whether there is a table of the changes made to the schema.
    const COUNT_LEDGERS: &'static str =
        "select count(*) from pg_tables where schemaname = current_schema() and tablename = '_sqlx_migrations'";

    /// The server's clock, in milliseconds.
    const CLOCK: Option<&'static str> = Some("select (extract(epoch from clock_timestamp()) * 1000)::bigint");

    /// Reads and writes share their connections.
    const ARE_ONE: bool = true;

    /// A transaction begins with the first thing it does.
    const BEGIN: &'static str = "begin";

    /// What is read in it is as it was when the reading began (documentation of PostgreSQL 15, section 13.2.2).
    const BEGIN_SNAPSHOT: &'static str = "begin isolation level repeatable read, read only";

    /// Takes the letter that has been due longest, passing over those that another process is just taking.
    const CLAIM_LETTER: &'static str = "update letters set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from letters where handed_over_at is null and due_at <= $1 \
                     and (claimed_until is null or claimed_until <= $1) order by due_at limit 1 for update skip locked) \
         returning id, request_id, security_letter_id, created_at, not_after, attempts";

    /// Reads an account and locks its row.
    const LOCK_USER: &'static str = select_user!("u.id = $1 for update");

    /// As `LOCK_USER`, by the address that the account has proven.
    const LOCK_OWNER: &'static str = select_user!("u.email_key = $1 and u.email_verified for update");

    /// Makes units of work about the same browser wait for each other.
    const LOCK_BROWSER: &'static str = "select pg_advisory_xact_lock($1)";
}

/// Connects and brings the schema up to date; sqlx's advisory lock lets several processes start at once.
///
/// # Errors
/// When the server is still away after `patience`, or the schema is newer than this program.
pub async fn open(url: &Secret<String>, patience: Duration) -> Result<impl Store + use<>, Unavailable> {
    let options = options(url)?;
    let cores = std::thread::available_parallelism().map_or(4, usize::from);
    let connections = u32::try_from(cores * 6).unwrap_or(MOST_CONNECTIONS).min(MOST_CONNECTIONS);
    connect_patiently(patience, || probe(&options)).await?;
    let pool = connect(options, connections).await?;
    let store = Relational::new(pools(pool.clone()));
    let is_new = store.schema_versions().await?.is_empty();
    MIGRATIONS.run(&pool).await.map_err(schema)?;
    Ok(store.opened(is_new))
}

/// Connects beside whoever else uses the database. Its schema stays as it is, and has to be the one of this program.
///
/// # Errors
/// When the server is away, or the schema is another.
pub async fn join(url: &Secret<String>) -> Result<impl Store + use<>, Unavailable> {
    let store = look(url).await?;
    check_schema(&store.schema_versions().await?, &MIGRATIONS)?;
    Ok(store)
}

/// Connects without changing anything.
///
/// # Errors
/// When the server is away.
pub async fn look(url: &Secret<String>) -> Result<impl Store + use<>, Unavailable> {
    let options = options(url)?;
    probe(&options).await.map_err(Refused::cause)?;
    let pool = connect(options, 1).await?;
    Ok(Relational::new(pools(pool)))
}

fn pools(pool: PgPool) -> Pools {
    Pools { warm: Warm::of(&pool), admitter: Admitter::on(&pool), read: pool.clone(), write: pool }
}

async fn connect(options: PgConnectOptions, connections: u32) -> Result<PgPool, Unavailable> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                // One that does not answer is thrown away, and the next one taken.
                Ok(is_trusted(state.idle_for) || sqlx::Connection::ping(connection).await.is_ok())
            })
        })
        .after_connect(|connection, _| Box::pin(async move { raw_sql(SETTINGS).execute(connection).await.map(drop) }))
        .connect_with(options)
        .await
        .map_err(unavailable)
}
