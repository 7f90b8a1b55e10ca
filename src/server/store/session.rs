use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{CredentialId, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Reads of sessions, and what becomes of them with time.
#[async_trait]
pub trait SessionReads: Send + Sync {
    /// A session with its owner, alive or not.
    async fn session(&self, token: &TokenHash) -> Result<Option<(Session, User)>, Unavailable>;

    /// The sessions of an account, alive or not, the one that was seen last first; at most
    /// [`MOST_SESSIONS`](crate::server::model::session::MOST_SESSIONS).
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Unavailable>;

    /// At most `limit` users with sessions in the order of their ids, those behind a certain id if it is given.
    async fn owners_of_sessions(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable>;

    /// Removes a session that has expired, so that it stays so when the clock is set back.
    async fn remove_expired_session(&self, id: SessionId) -> Result<(), Unavailable>;

    /// Records that a session was used, unless it has ended meanwhile.
    async fn mark_session_seen(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable>;

    /// Removes sessions that ended before `now`, at most `limit`, and returns how many.
    async fn remove_ended_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// The sessions of an account but one.
#[derive(Clone, Copy, Debug)]
pub struct OtherSessions<'a> {
    /// The one that stays.
    pub than: SessionId,
    /// Only those that this passkey opened.
    pub opened_with: Option<&'a CredentialId>,
}

/// Writes of sessions.
#[async_trait]
pub trait SessionWrites: Send {
    async fn add_session(&mut self, session: &Session) -> Result<(), Unavailable>;

    /// Whether a session still exists, under the token that is known of it.
    async fn has_session(&mut self, session: &Session) -> Result<bool, Unavailable>;

    /// Gives a session a new token and a new authentication; `false` when it has ended or was given another meanwhile.
    async fn renew_session(&mut self, former: &TokenHash, renewed: &Session) -> Result<bool, Unavailable>;

    /// Stops offering a passkey in a session; `false` when it has ended or has added one already.
    async fn end_offer(&mut self, id: SessionId, added_passkey: bool) -> Result<bool, Unavailable>;

    /// Ends the session of a token; `false` when there is none. Like every write that ends a session early, it queues a
    /// logout notice for the applications that the session signed in to.
    async fn remove_session(&mut self, token: &TokenHash, now: Timestamp) -> Result<bool, Unavailable>;

    /// Ends a session of an account; `false` when it has none of that id.
    async fn end_session(&mut self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Ends the sessions of an account but one, all or those that a passkey opened, and returns how many.
    async fn end_other_sessions(
        &mut self,
        user: UserId,
        others: OtherSessions<'_>,
        now: Timestamp,
    ) -> Result<u64, Unavailable>;

    /// Ends all sessions of an account and returns how many.
    async fn end_all_sessions(&mut self, user: UserId, now: Timestamp) -> Result<u64, Unavailable>;

    /// Ends the sessions that are more than an account keeps, the oldest first.
    async fn trim_sessions(&mut self, user: UserId, now: Timestamp) -> Result<(), Unavailable>;
}
