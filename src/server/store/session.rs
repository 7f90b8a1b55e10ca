use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{CredentialId, Session, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Reads of sessions, and writes that need no unit of work.
#[async_trait]
pub trait SessionReads: Send + Sync {
    /// A session, expired or not, with its user.
    async fn session(&self, token: &TokenHash) -> Result<Option<(Session, User)>, Unavailable>;

    /// The sessions of an account, expired or not, most recently seen first; at most
    /// [`MAX_SESSIONS`](crate::server::model::session::MAX_SESSIONS).
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Unavailable>;

    /// At most `limit` users with sessions, ordered by id, starting after `after` if it is given.
    async fn owners_of_sessions(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable>;

    /// Removes an expired session, so that it stays expired even if the clock is set back.
    async fn remove_expired_session(&self, id: SessionId) -> Result<(), Unavailable>;

    /// Records that a session was used, if it still exists.
    async fn mark_session_seen(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable>;

    /// Removes sessions that expired by `now`, at most `limit`, and returns how many.
    async fn remove_expired_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// The sessions of an account except one.
#[derive(Clone, Copy, Debug)]
pub struct OtherSessions<'a> {
    /// The session that is kept.
    pub except: SessionId,
    /// Limits the others to sessions that were opened with this passkey.
    pub opened_with: Option<&'a CredentialId>,
}

/// Writes of sessions.
#[async_trait]
pub trait SessionWrites: Send {
    async fn add_session(&mut self, session: &Session) -> Result<(), Unavailable>;

    /// Whether a session still exists with the same token.
    async fn has_session(&mut self, session: &Session) -> Result<bool, Unavailable>;

    /// Gives a session a new token and a new authentication; `false` when it has ended or its token has changed.
    async fn renew_session(&mut self, former: &TokenHash, renewed: &Session) -> Result<bool, Unavailable>;

    /// Stops offering a passkey in a session; `false` when it has ended or has already added one.
    async fn end_offer(&mut self, id: SessionId, added_passkey: bool) -> Result<bool, Unavailable>;

    /// Ends the session of a token; `false` when there is none. Like every write that ends a session early, it queues a
    /// logout notice for each application that the session signed in to.
    async fn end_session_by_token(&mut self, token: &TokenHash, now: Timestamp) -> Result<bool, Unavailable>;

    /// Ends a session of an account; `false` when it has no such session.
    async fn end_session(&mut self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Ends the other sessions of an account, all or those opened with a passkey, and returns how many.
    async fn end_other_sessions(
        &mut self,
        user: UserId,
        others: OtherSessions<'_>,
        now: Timestamp,
    ) -> Result<u64, Unavailable>;

    /// Ends all sessions of an account and returns how many.
    async fn end_all_sessions(&mut self, user: UserId, now: Timestamp) -> Result<u64, Unavailable>;

    /// Ends the least recently seen sessions of an account beyond the maximum.
    async fn trim_sessions(&mut self, user: UserId, now: Timestamp) -> Result<(), Unavailable>;
}
