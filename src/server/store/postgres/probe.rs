//! Checks a database before it is used.

use super::ACQUIRE_TIMEOUT;
use crate::server::Unavailable;
use crate::server::store::{ConnectError, error_message};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row, raw_sql};
use tokio::time::timeout;

/// Error codes that persist until an administrator changes something: authentication failed, the database does not
/// exist, no permission to connect (documentation of PostgreSQL 15, appendix A).
const PERMANENT_ERRORS: [&str; 4] = ["28000", "28P01", "3D000", "42501"];
/// Error codes that point to a pooler in transaction mode: an unknown start-up parameter, a prepared statement that
/// does not exist, or one that exists already.
const POOLER_ERRORS: [&str; 3] = ["08P01", "26000", "42P05"];
const POOLER: &str = "a connection pooler in transaction mode is not supported: set it to session mode (PgBouncer: \
     pool_mode = session), or connect to PostgreSQL directly";

/// Connects without a pool to find the cause of a failure: a pool would only report a timeout.
///
/// # Errors
/// [`ConnectError::Temporary`] if waiting may help.
pub async fn probe(options: &PgConnectOptions) -> Result<(), ConnectError> {
    let mut first = connect(options).await?;
    let encoding = ask(options, &mut first, "show server_encoding").await?;
    if encoding != "UTF8" {
        let sentence = format!(
            "its encoding is {encoding}, which cannot store every name; recreate it with createdb --template=template0 \
             --encoding=UTF8"
        );
        return Err(ConnectError::Permanent(with_address(options, &sentence)));
    }
    let mut second = connect(options).await?;
    // PostgreSQL runs one process per session. A pooler in transaction mode serves both sessions with the same process.
    let process = "select pg_backend_pid()::text";
    if ask(options, &mut first, process).await? == ask(options, &mut second, process).await? {
        return Err(ConnectError::Permanent(with_address(options, POOLER)));
    }
    for connection in [first, second] {
        connection.close().await.map_err(|cause| refusal(options, &cause))?;
    }
    Ok(())
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, ConnectError> {
    match timeout(ACQUIRE_TIMEOUT, PgConnection::connect_with(options)).await {
        Ok(connected) => connected.map_err(|cause| refusal(options, &cause)),
        Err(_) => Err(ConnectError::Temporary(with_address(options, "no answer"))),
    }
}

/// Reads one text value with the simple protocol, which works with every pooler.
async fn ask(
    options: &PgConnectOptions,
    connection: &mut PgConnection,
    statement: &'static str,
) -> Result<String, ConnectError> {
    let answer = timeout(ACQUIRE_TIMEOUT, raw_sql(statement).fetch_one(connection)).await;
    let row = answer.map_err(|_| ConnectError::Temporary(with_address(options, "no answer")))?;
    row.and_then(|row| row.try_get(0)).map_err(|cause| refusal(options, &cause))
}

fn refusal(options: &PgConnectOptions, cause: &sqlx::Error) -> ConnectError {
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    if POOLER_ERRORS.contains(&code.as_str()) {
        return ConnectError::Permanent(with_address(options, &format!("{}; {POOLER}", error_message(cause))));
    }
    let sentence = with_address(options, &error_message(cause));
    if PERMANENT_ERRORS.contains(&code.as_str()) {
        ConnectError::Permanent(sentence)
    } else {
        ConnectError::Temporary(sentence)
    }
}

/// Adds the host and port of the database to a message.
fn with_address(options: &PgConnectOptions, sentence: &str) -> Unavailable {
    let place = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => options.get_host().to_owned(),
    };
    Unavailable::new("database", format!("{place}:{}: {sentence}", options.get_port()))
}
