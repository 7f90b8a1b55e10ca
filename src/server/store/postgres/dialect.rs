//! The differences between the databases, for PostgreSQL. `sqlite/dialect.rs` has the same names.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub type Database = sqlx::Postgres;

/// A connection that was idle for longer is pinged before use: the server may have restarted in the meantime.
const MAX_IDLE_WITHOUT_PING: Duration = Duration::from_secs(1);
/// For this long after a failure, every connection is pinged before use: the server may have closed all of them.
const PING_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// The error code of a statement that waited for a lock longer than `lock_timeout` (PostgreSQL 15, appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Statements, and the database properties that they rely on.
pub struct Dialect;

impl Dialect {
    /// Counts the tables of applied migrations: 0 or 1.
    pub const COUNT_MIGRATION_TABLES: &'static str =
        "select count(*) from pg_tables where schemaname = current_schema() and tablename = '_sqlx_migrations'";

    /// The server's clock, in milliseconds.
    pub const CLOCK: Option<&'static str> = Some("select (extract(epoch from clock_timestamp()) * 1000)::bigint");

    /// Reads and writes share their connections.
    pub const HAS_ONE_POOL: bool = true;

    /// Takes no lock until the first statement.
    pub const BEGIN: &'static str = "begin";

    /// Reads see the state at the start of the transaction (PostgreSQL 15 documentation, section 13.2.2).
    pub const BEGIN_SNAPSHOT: &'static str = "begin isolation level repeatable read, read only";

    /// Claims the email that has been due the longest, and skips those that another process is claiming.
    pub const CLAIM_EMAIL: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind in ('request', 'notification') \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1 for update skip locked) \
         returning id, kind, subject_id, created_at, not_after, attempts";

    /// Claims a logout notice in the same way.
    pub const CLAIM_LOGOUT: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind = 'logout' \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1 for update skip locked) \
         returning id, payload, created_at, not_after, attempts";

    /// Moves emails from the queue of the previous version (`letters`) to `outbox`.
    pub const ADOPT_EMAILS: &'static str = concat!(
        "with moved as (delete from letters where claimed_until is null or claimed_until <= $1 returning *) \
         insert into outbox (",
        outbox_columns!(""),
        ") select ",
        outbox_values_of_letters!(),
        " from moved"
    );

    /// Locks an application against changes. It is a separate statement, because a statement that waits for a row lock
    /// reads all other rows as they were before the wait.
    pub const SHARE_APPLICATION: &'static str = "select id from applications where id = $1 for share";

    /// Reads an account and locks its row.
    pub const LOCK_USER: &'static str = select_user!("u.id = $1 for update");

    /// Reads the account with a verified address and locks its row.
    pub const LOCK_USER_BY_ADDRESS: &'static str = select_user!("u.email_key = $1 and u.email_verified for update");

    /// Locks the roles of owners.
    pub const LOCK_OWNERS: &'static str = owners!(" for update of r");

    /// Makes units of work with the same number wait for each other.
    pub const LOCK_NUMBER: &'static str = "select pg_advisory_xact_lock($1)";

    /// Locks a number without a timeout for this lock and later ones, for work that may take long.
    pub const LOCK_NUMBER_WITHOUT_TIMEOUT: &'static str = "with unlimited as materialized (select set_config('lock_timeout', '0', true)) \
         select pg_advisory_xact_lock($1) from unlimited";
}

/// The time of the last failure that a broken connection may have caused. Shared by the pools of one database.
#[derive(Clone, Debug, Default)]
pub struct ConnectionHealth(Arc<Mutex<Option<Instant>>>);

impl ConnectionHealth {
    /// Records a failure. A lock timeout says nothing about the connection.
    pub fn record_failure(&self, cause: &sqlx::Error) {
        let may_be_broken = matches!(cause, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Database(_));
        if may_be_broken && code(cause).as_deref() != Some(LOCK_NOT_AVAILABLE) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether a connection that was idle for this long can be used without a ping.
    pub fn can_skip_ping(&self, idle: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle <= MAX_IDLE_WITHOUT_PING && last.is_none_or(|failure| failure.elapsed() >= PING_AFTER_FAILURE)
    }
}

/// Whether the connection failed: it was lost, or closed by the server (PostgreSQL 15, appendix A, class 57P).
pub fn is_connection_lost(cause: &sqlx::Error) -> bool {
    matches!(cause, sqlx::Error::Io(_)) || code(cause).is_some_and(|code| code.starts_with("57P"))
}

fn code(cause: &sqlx::Error) -> Option<Cow<'_, str>> {
    cause.as_database_error().and_then(sqlx::error::DatabaseError::code)
}
