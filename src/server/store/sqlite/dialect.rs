//! The differences between the databases, for SQLite. `postgres/dialect.rs` has the same names.

use std::time::Duration;

pub type Database = sqlx::Sqlite;

/// Statements, and the database properties that they rely on.
pub struct Dialect;

impl Dialect {
    /// Counts the tables of applied migrations: 0 or 1.
    pub const COUNT_MIGRATION_TABLES: &'static str =
        "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'";

    /// A file has no clock.
    pub const CLOCK: Option<&'static str> = None;

    /// There is one pool for the writer, and one for readers.
    pub const HAS_ONE_POOL: bool = false;

    /// Takes the write lock at once: SQLite does not wait when a read transaction is upgraded to a write transaction.
    pub const BEGIN: &'static str = "begin immediate";

    /// Reads see the state at the start of the transaction.
    pub const BEGIN_SNAPSHOT: &'static str = "begin";

    /// Claims the email that has been due the longest.
    pub const CLAIM_EMAIL: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind in ('request', 'notification') \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1) \
         returning id, kind, subject_id, created_at, not_after, attempts";

    /// Claims a logout notice in the same way.
    pub const CLAIM_LOGOUT: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind = 'logout' \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1) \
         returning id, payload, created_at, not_after, attempts";

    /// Moves emails from the queue of the previous version (`letters`) to `outbox`.
    pub const ADOPT_EMAILS: &'static str = concat!(
        "begin immediate; insert into outbox (",
        outbox_columns!(""),
        ") select ",
        outbox_values_of_letters!(),
        " from letters where claimed_until is null or claimed_until <= $1; \
         delete from letters where claimed_until is null or claimed_until <= $1; commit"
    );

    /// Does nothing: the unit of work has already locked the whole database.
    pub const SHARE_APPLICATION: &'static str = "select $1";

    /// Reads an account; the unit of work has already locked the whole database.
    pub const LOCK_USER: &'static str = select_user!("u.id = $1");

    /// Reads the account with a verified address; the unit of work has already locked the whole database.
    pub const LOCK_USER_BY_ADDRESS: &'static str = select_user!("u.email_key = $1 and u.email_verified");

    /// Reads the owners. Units of work wait for each other anyway.
    pub const LOCK_OWNERS: &'static str = owners!("");

    /// Does nothing: units of work wait for each other anyway.
    pub const LOCK_NUMBER: &'static str = "select $1";

    pub const LOCK_NUMBER_WITHOUT_TIMEOUT: &'static str = Self::LOCK_NUMBER;
}

/// The counterpart of PostgreSQL's: connections to a file are not lost, so they need no ping.
#[derive(Clone, Debug, Default)]
pub struct ConnectionHealth;

impl ConnectionHealth {
    #[expect(clippy::unused_self, reason = "PostgreSQL needs this signature")]
    pub fn record_failure(&self, _cause: &sqlx::Error) {}

    #[expect(clippy::unused_self, reason = "PostgreSQL needs this signature")]
    pub fn can_skip_ping(&self, _idle: Duration) -> bool {
        true
    }
}

pub fn is_connection_lost(_cause: &sqlx::Error) -> bool {
    false
}
