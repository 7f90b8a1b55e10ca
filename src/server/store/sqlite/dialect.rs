//! The differences between the databases, for SQLite. `postgres/dialect.rs` has the same names.

use std::time::Duration;

pub type Database = sqlx::Sqlite;

/// Statements, and what they rely on.
pub struct Dialect;

impl Dialect {
    /// Whether there is a table of the changes made to the schema.
    pub const COUNT_LEDGERS: &'static str =
        "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'";

    /// A file has no clock.
    pub const CLOCK: Option<&'static str> = None;

    /// There is one writer, and readers beside it.
    pub const HAS_ONE_POOL: bool = false;

    /// Takes the write lock at once: SQLite does not wait when a read transaction is upgraded to a write transaction.
    pub const BEGIN: &'static str = "begin immediate";

    /// Reads see the state at the start of the transaction.
    pub const BEGIN_SNAPSHOT: &'static str = "begin";

    /// Claims the email that has been due longest.
    pub const CLAIM_EMAIL: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind in ('request', 'notification') \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1) \
         returning id, kind, subject_id, created_at, not_after, attempts";

    /// The same for notices to applications.
    pub const CLAIM_LOGOUT: &'static str = "update outbox set claim = $2, claimed_until = $3, attempts = attempts + 1 \
         where id = (select id from outbox where kind = 'logout' \
                     and handed_over_at is null and due_at <= $1 and (claimed_until is null or claimed_until <= $1) order by due_at limit 1) \
         returning id, payload, created_at, not_after, attempts";

    /// Moves emails from the queue of the previous version (`letters`) to the outbox.
    pub const ADOPT_EMAILS: &'static str = concat!(
        "begin immediate; insert into outbox (",
        outbox_columns!(""),
        ") select ",
        outbox_values_of_letters!(),
        " from letters where claimed_until is null or claimed_until <= $1; \
         delete from letters where claimed_until is null or claimed_until <= $1; commit"
    );

    /// The unit of work has locked the whole database already.
    pub const SHARE_APPLICATION: &'static str = "select $1";

    /// Reads an account; the unit of work has locked the whole database already.
    pub const LOCK_USER: &'static str = select_user!("u.id = $1");

    /// As `LOCK_USER`, by the address that the account has proven.
    pub const LOCK_OWNER: &'static str = select_user!("u.email_key = $1 and u.email_verified");

    /// The owners. Units of work wait for each other anyway.
    pub const LOCK_OWNERS: &'static str = owners!("");

    /// Units of work wait for each other anyway.
    pub const LOCK_NUMBER: &'static str = "select $1";

    /// The same.
    pub const LOCK_NUMBER_FOR_LONG: &'static str = Self::LOCK_NUMBER;
}

/// Whether connections have to be asked before they are used again: a file does not cut them.
#[derive(Clone, Debug, Default)]
pub struct Doubt;

impl Doubt {
    #[expect(clippy::unused_self, reason = "the signature is that of the other database")]
    pub fn note(&self, _cause: &sqlx::Error) {}

    #[expect(clippy::unused_self, reason = "the signature is that of the other database")]
    pub fn trusts(&self, _idle: Duration) -> bool {
        true
    }
}

pub fn was_cut(_cause: &sqlx::Error) -> bool {
    false
}
