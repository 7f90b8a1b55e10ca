//! What lasts: accounts, passkeys and sessions, behind a trait with one implementation per database.

/// The columns of an account that every query about one gives, with `users` as `u`.
macro_rules! user_columns {
    () => {
        "u.username, u.display_name, u.email, u.email_verified, u.created_at as user_created_at, \
         u.username_changed_at, u.guarded_since, u.lockdown_ends_at, u.disabled_at, u.language"
    };
}

/// Reads accounts for which a condition holds. Deleted ones are none.
macro_rules! select_user {
    ($condition:literal) => {
        concat!(
            "select u.id as user_id, ",
            user_columns!(),
            " from users u where u.deleted_at is null and ",
            $condition
        )
    };
}

/// Whether a passkey may be used with this counter and this eligibility for backup: it is not suspended, its counter grows
/// or stays at zero (WebAuthn Level 3, section 7.2, step 22), and eligibility does not turn off.
macro_rules! may_be_used {
    ($count:literal, $eligible:literal) => {
        concat!(
            "suspended_at is null and (sign_count < ",
            $count,
            " or (sign_count = 0 and ",
            $count,
            " = 0)) \
             and (",
            $eligible,
            " or not backup_eligible)"
        )
    };
}

mod accounts;
mod admission;
mod letters;
mod operation;
pub mod postgres;
mod retry;
mod schema;
pub mod sqlite;
mod told;
mod transfer;

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{CredentialId, Levels, Passkey, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use crate::types::{DisplayName, Identifier, Username, views};
use async_trait::async_trait;

pub use accounts::{AccountWrites, Accounts, MOST_LISTED, NotificationCounts};
pub use admission::{Admission, Admissions, Admitted};
pub use letters::{EmailSecrets, LetterWrites, Letters, MailboxEmail};
pub use operation::{AccountSummary, Operation, OperationWrites};
pub use retry::{Refused, connect_patiently};
use schema::schema;
use told::told;
pub use transfer::{Column, Kind, Line, TABLES, Table, Transfer, Value};

/// Reads, and the way into a [`Unit`] of work. An error is an outage; what is merely absent is `None`.
#[async_trait]
pub trait Store: Accounts + Admissions + Letters + Operation + Transfer + Send + Sync {
    /// Whether the database was empty when it was opened here.
    fn is_new(&self) -> bool;

    /// Asks the database for a sign of life.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Whether somebody bears the name, whatever its case.
    async fn username_is_taken(&self, username: &Username) -> Result<bool, Unavailable>;

    /// Whether one of these names is held for a former owner.
    async fn username_is_held(&self, names: &[KeyedHash], now: Timestamp) -> Result<bool, Unavailable>;

    /// A passkey with its owner.
    async fn passkey(&self, id: &CredentialId) -> Result<Option<(Passkey, User)>, Unavailable>;

    /// A session with its owner, alive or not.
    async fn session(&self, token: &TokenHash) -> Result<Option<(Session, User)>, Unavailable>;

    /// The sessions of an account, alive or not, the one that was seen last first; at most
    /// [`MOST_SESSIONS`](crate::server::model::session::MOST_SESSIONS).
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Unavailable>;

    /// Removes a session that has expired, so that it stays so when the clock is set back.
    async fn remove_expired_session(&self, id: SessionId) -> Result<(), Unavailable>;

    /// Records that a session was used, unless it has ended meanwhile.
    async fn mark_session_seen(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable>;

    async fn user(&self, id: UserId) -> Result<Option<User>, Unavailable>;

    /// The account that is meant, if it has a proven address.
    async fn user_with_proven_address(&self, identifier: &Identifier) -> Result<Option<User>, Unavailable>;

    /// All passkeys of an account, the oldest first.
    async fn passkeys(&self, user: UserId) -> Result<Vec<Passkey>, Unavailable>;

    /// How many accounts have neither a passkey of the relying party nor, where `letters` are a way in, a proven address.
    async fn count_without_way_in(&self, rp_id: &str, letters: bool) -> Result<u64, Unavailable>;

    /// Removes sessions that ended before `now`, at most `limit`, and tells how many.
    async fn remove_ended_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;

    /// The newest change of the schema that the database has seen; `None` when it has seen none.
    async fn schema_version(&self) -> Result<Option<i64>, Unavailable>;

    /// Every change of the schema that the database has seen, the oldest first; none when it has seen none.
    async fn schema_versions(&self) -> Result<Vec<i64>, Unavailable>;

    /// What the database's clock shows; `None` where it has none but this machine's.
    async fn database_clock(&self) -> Result<Option<Timestamp>, Unavailable>;

    /// How busy the database is, and what waits in the outbox.
    async fn levels(&self, now: Timestamp) -> Result<Levels, Unavailable>;

    /// Gives all connections back once nobody is at work, so that everything stands in the database's own files.
    async fn close(&self);

    /// Begins one command's unit of work; dropped without a commit it leaves nothing behind.
    async fn begin(&self) -> Result<Box<dyn Unit>, Unavailable>;
}

/// What became of writing something that must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Insertion {
    Done,
    /// It is there already; the unit of work can only be dropped.
    Conflict,
}

/// The writes of one command: all of them happen, or none.
#[async_trait]
pub trait Unit: AccountWrites + LetterWrites + OperationWrites + Send {
    /// Conflicts when the name is taken.
    async fn add_user(&mut self, user: &User) -> Result<Insertion, Unavailable>;

    /// Conflicts when the credential id is known already, whoever owns it.
    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<Insertion, Unavailable>;

    /// Records a verified use of a passkey if it still exists, is still theirs and its counter may still follow the
    /// stored one, and eligibility for backup does not turn off; `false` when another use or a removal came first.
    async fn record_passkey_use(&mut self, passkey: &Passkey, used: &PasskeyUse) -> Result<bool, Unavailable>;

    async fn add_session(&mut self, session: &Session) -> Result<(), Unavailable>;

    /// Stops offering a passkey in a session; `false` when it has ended or has made one already.
    async fn end_offer(&mut self, id: SessionId, added_passkey: bool) -> Result<bool, Unavailable>;

    /// Ends a session; gives whose it was, and where.
    async fn remove_session(&mut self, token: &TokenHash) -> Result<Option<(UserId, views::Client)>, Unavailable>;

    /// Ends a session of an account; `false` when it has none of that name.
    async fn end_session(&mut self, user: UserId, id: SessionId) -> Result<bool, Unavailable>;

    /// Ends the sessions of an account but one, all or those that a passkey opened, and tells how many.
    async fn end_other_sessions(
        &mut self,
        user: UserId,
        kept: SessionId,
        opened_with: Option<&CredentialId>,
    ) -> Result<u64, Unavailable>;

    /// Gives a passkey of an account another name; `false` when it has none of that id.
    async fn rename_passkey(
        &mut self,
        user: UserId,
        id: &CredentialId,
        name: &DisplayName,
    ) -> Result<bool, Unavailable>;

    /// Makes it last.
    async fn commit(self: Box<Self>) -> Result<(), Unavailable>;
}
