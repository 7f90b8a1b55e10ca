use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::{Grant, GrantId, IssuedToken, RefreshToken};
use crate::server::model::{ApplicationId, SessionId, User, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// An active grant with its user: neither the grant nor the session that it depends on has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveGrant {
    pub grant: Grant,
    pub user: User,
}

/// Reads of refresh tokens, and removal of ended grants and expired tokens. [`super::ProviderReads`] reads access
/// tokens.
#[async_trait]
pub trait GrantReads: Send + Sync {
    /// A refresh token with its grant, if the grant is active at `now`.
    async fn refresh_token(
        &self,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(ActiveGrant, RefreshToken)>, Unavailable>;

    /// Removes grants that ended before `now`, at most `limit`, and returns how many.
    async fn remove_ended_grants(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;

    /// Removes access tokens that expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_access_tokens(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of grants, tokens and visits.
#[async_trait]
pub trait GrantWrites: Send {
    /// Adds a grant and records that the session signed in to the application; `false` when the session expired or was
    /// revoked, or the code was already used.
    async fn add_grant(&mut self, grant: &Grant, session: SessionId) -> Result<bool, Unavailable>;

    /// Locks a grant until the unit of work ends; `false` if it no longer exists.
    async fn lock_grant(&mut self, id: GrantId) -> Result<bool, Unavailable>;

    async fn add_access_token(&mut self, grant: GrantId, token: &IssuedToken) -> Result<(), Unavailable>;

    /// Adds a refresh token; does nothing if it already exists.
    async fn add_refresh_token(&mut self, grant: GrantId, token: &RefreshToken) -> Result<(), Unavailable>;

    /// Reads the current state of a refresh token whose grant is locked.
    async fn reread_refresh_token(&mut self, token: &TokenHash) -> Result<Option<RefreshToken>, Unavailable>;

    /// Marks a refresh token as used.
    async fn use_refresh_token(&mut self, token: &TokenHash, at: Timestamp) -> Result<(), Unavailable>;

    /// Sets the end time of a grant.
    async fn extend_grant(&mut self, id: GrantId, ends_at: Timestamp) -> Result<(), Unavailable>;

    /// Ends a grant, and its tokens with it; `false` when there is none.
    async fn end_grant(&mut self, id: GrantId) -> Result<bool, Unavailable>;

    /// Ends the grant of an authorization code, if it was given to this application.
    async fn end_grant_of_code(&mut self, code: &TokenHash, application: &ApplicationId) -> Result<bool, Unavailable>;

    /// Ends all grants of a user, or only those for one application; returns how many.
    async fn end_grants(&mut self, user: UserId, application: Option<&ApplicationId>) -> Result<u64, Unavailable>;

    /// Ends an access token; `false` when there is none.
    async fn end_access_token(&mut self, token: &TokenHash) -> Result<bool, Unavailable>;

    /// Ends the oldest grants of a user at an application beyond the maximum.
    async fn trim_grants(&mut self, user: UserId, application: &ApplicationId) -> Result<(), Unavailable>;
}
