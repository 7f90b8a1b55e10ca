use crate::server::Unavailable;
use crate::server::keys::KeyedHash;
use crate::server::model::oauth::{Grant, IssuedToken, RefreshToken};
use crate::server::model::{Application, GroupName, SessionId, User};
use async_trait::async_trait;

/// Everything that the redemption of an authorization code writes. User, application and group are as the policy saw them.
#[derive(Clone, Copy, Debug)]
pub struct RedemptionRecord<'a> {
    pub grant: &'a Grant,
    /// The session in which the user allowed it.
    pub session: SessionId,
    pub token: &'a IssuedToken,
    /// Stored as created with the grant, and unused.
    pub refresh_token: Option<&'a RefreshToken>,
    pub user: &'a User,
    pub application: &'a Application,
    /// The group by which the user has access, where the application is open to groups.
    pub member_of: Option<&'a GroupName>,
    /// Set if the application receives the username, which is then held for ever.
    pub username_hash: Option<KeyedHash>,
}

/// The redemption as one write, so that it takes one round trip.
#[async_trait]
pub trait RedemptionRecords {
    /// Adds the grant, its tokens and the visit, and holds the username, all or nothing. Returns `false`, with nothing written, where
    /// the code was used before, the session is gone, or the user, the policy or the membership changed since; then the caller
    /// records it in a unit of work.
    async fn record_redemption(&self, record: RedemptionRecord<'_>) -> Result<bool, Unavailable>;
}
