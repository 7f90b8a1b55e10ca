//! The differences between the databases, for PostgreSQL. `sqlite/dialect.rs` has the same names.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub type Database = sqlx::Postgres;

/// A connection that was idle for longer is pinged before use: the server may have restarted in the meantime.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// For this long after a failure, every connection is pinged before use: the server may have closed all of them.
const DOUBTED: Duration = Duration::from_secs(10);
/// The code of a statement that waited for a lock for longer than `lock_timeout` (PostgreSQL 15, appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Statements, and what they rely on.
pub struct Dialect;

impl Dialect {
    /// Whether there is a table of the changes made to the schema.
    pub const COUNT_LEDGERS: &'static str =
        "select count(*) from pg_tables where schemaname = current_schema() and tablename = '_sqlx_migrations'";

    /// The server's clock, in milliseconds.
    pub const CLOCK: Option<&'static str> = Some("select (extract(epoch from clock_timestamp()) * 1000)::bigint");

    /// Reads and writes share their connections.
    pub const HAS_ONE_POOL: bool = true;

    /// A transaction begins with the first thing it does.
    pub const BEGIN: &'static str = "begin";

    /// Reads see the state at the start of the transaction (PostgreSQL 15 documentation, section 13.2.2).
    pub const BEGIN_SNAPSHOT: &'static str = "begin isolation level repeatable read, read only";

    /// Claims the email that has been due longest, passing over those that another process is just claiming.
    pub const CLAIM_EMAIL: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind in ('request', 'notification') \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1 for update skip locked) \
         returning id, kind, subject_id, created_at, not_after, attempts";

    /// The same for notices to applications.
    pub const CLAIM_LOGOUT: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind = 'logout' \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1 for update skip locked) \
         returning id, payload, created_at, not_after, attempts";

    /// Moves emails from the queue of the previous version (`letters`) to the outbox.
    pub const ADOPT_EMAILS: &'static str = concat!(
        "with moved as (delete from letters where claimed_until is null or claimed_until <= $1 returning *) \
         insert into outbox (",
        outbox_columns!(""),
        ") select ",
        outbox_values_of_letters!(),
        " from moved"
    );

    /// Keeps an application from being changed. It is a separate statement, because a statement that waits for a row
    /// lock reads all other rows as they were before.
    pub const SHARE_APPLICATION: &'static str = "select id from applications where id = $1 for share";

    /// Reads an account and locks its row.
    pub const LOCK_USER: &'static str = select_user!("u.id = $1 for update");

    /// As `LOCK_USER`, by the address that the account has proven.
    pub const LOCK_OWNER: &'static str = select_user!("u.email_key = $1 and u.email_verified for update");

    /// Locks the roles of owners.
    pub const LOCK_OWNERS: &'static str = owners!(" for update of r");

    /// Makes units of work with the same number wait for each other.
    pub const LOCK_NUMBER: &'static str = "select pg_advisory_xact_lock($1)";

    /// As `LOCK_NUMBER`, without a limit for this lock and later ones: for work that may take long.
    pub const LOCK_NUMBER_FOR_LONG: &'static str = "with unlimited as materialized (select set_config('lock_timeout', '0', true)) \
         select pg_advisory_xact_lock($1) from unlimited";
}

/// The time of the last failure that a broken connection may have caused. Shared by the pools of one database.
#[derive(Clone, Debug, Default)]
pub struct Doubt(Arc<Mutex<Option<Instant>>>);

impl Doubt {
    /// Remembers a failure. A wait for a lock that took too long says nothing about the connection.
    pub fn note(&self, cause: &sqlx::Error) {
        let may_be_broken = matches!(cause, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Database(_));
        if may_be_broken && code(cause).as_deref() != Some(LOCK_NOT_AVAILABLE) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether a connection need not be asked before it is used again.
    pub fn trusts(&self, idle: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle <= TRUSTED_IDLE && last.is_none_or(|failure| failure.elapsed() >= DOUBTED)
    }
}

/// Whether a failure was the connection's: it was cut, or ended by the server (PostgreSQL 15, appendix A, class 57P).
pub fn was_cut(cause: &sqlx::Error) -> bool {
    matches!(cause, sqlx::Error::Io(_)) || code(cause).is_some_and(|code| code.starts_with("57P"))
}

fn code(cause: &sqlx::Error) -> Option<Cow<'_, str>> {
    cause.as_database_error().and_then(sqlx::error::DatabaseError::code)
}
