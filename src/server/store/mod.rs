//! What lasts: accounts, passkeys and sessions, behind a trait with one implementation per database.

pub mod postgres;
mod retry;
pub mod sqlite;

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{CredentialId, Passkey, Session, SessionId, User};
use crate::server::secret::TokenHash;
use crate::types::Username;
use async_trait::async_trait;

pub use retry::connect_patiently;

/// Reads, and the way into a [`Unit`] of work. An error is an outage; what is merely absent is `None`.
#[async_trait]
pub trait Store: Send + Sync {
    /// Asks the database for a sign of life.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Whether somebody bears the name, whatever its case.
    async fn username_is_taken(&self, username: &Username) -> Result<bool, Unavailable>;

    /// A passkey with its owner.
    async fn passkey(&self, id: &CredentialId) -> Result<Option<(Passkey, User)>, Unavailable>;

    /// A session with its owner, alive or not.
    async fn session(&self, token: &TokenHash) -> Result<Option<(Session, User)>, Unavailable>;

    /// Records that a session was used, unless it has ended meanwhile.
    async fn mark_session_seen(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable>;

    /// How many passkeys of the account belong to the relying party.
    async fn count_passkeys(&self, user: &User, rp_id: &str) -> Result<u32, Unavailable>;

    /// Removes sessions that ended before `now`, at most `limit`, and tells how many.
    async fn remove_ended_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;

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
pub trait Unit: Send {
    /// Conflicts when the name is taken.
    async fn add_user(&mut self, user: &User) -> Result<Insertion, Unavailable>;

    /// Conflicts when the credential id is known already, whoever owns it.
    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<Insertion, Unavailable>;

    /// Records a verified use of a passkey if it still exists, is still theirs and its counter may still follow the
    /// stored one; `false` when another use or a removal came first.
    async fn record_passkey_use(&mut self, passkey: &Passkey, used: &PasskeyUse) -> Result<bool, Unavailable>;

    async fn add_session(&mut self, session: &Session) -> Result<(), Unavailable>;

    /// Ends a session; nothing happens when there is none.
    async fn remove_session(&mut self, token: &TokenHash) -> Result<(), Unavailable>;

    /// Makes it last.
    async fn commit(self: Box<Self>) -> Result<(), Unavailable>;
}
