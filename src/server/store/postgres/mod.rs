//! Accounts in PostgreSQL.

#[path = "../relational/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text of queries and rows for both databases, compiled for each")]
mod relational;

use super::{Store, connect_patiently};
use crate::server::Unavailable;
use crate::server::secret::Secret;
use relational::{Pools, Relational, unavailable};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;

type Database = sqlx::Postgres;

/// A pool waits this long for a connection; within the two seconds in which an answer is owed.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection unused for longer is asked for a sign of life first: the server may have been restarted meanwhile.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

impl Pools {
    /// A transaction begins with the first thing it does.
    const BEGIN: &'static str = "begin";
}

/// Connects and brings the schema up to date; sqlx's advisory lock lets several processes start at once.
///
/// # Errors
/// When the server is still away after `patience`, or the schema is newer than this program.
pub async fn open(url: &Secret<String>, patience: Duration) -> Result<impl Store + use<>, Unavailable> {
    let options = PgConnectOptions::from_str(url.expose()).map_err(unavailable)?;
    let connections = u32::try_from(std::thread::available_parallelism().map_or(4, usize::from) * 4).unwrap_or(16);
    let pool = connect_patiently(patience, || connect(options.clone(), connections)).await?;
    sqlx::migrate!("migrations/postgres")
        .run(&pool)
        .await
        .map_err(|cause| Unavailable::new("database schema", cause))?;
    Ok(Relational::new(Pools { read: pool.clone(), write: pool }))
}

async fn connect(options: PgConnectOptions, connections: u32) -> Result<PgPool, Unavailable> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > TRUSTED_IDLE {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
        .map_err(unavailable)
}
