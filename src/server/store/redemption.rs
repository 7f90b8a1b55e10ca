use crate::server::Unavailable;
use crate::server::keys::KeyedHash;
use crate::server::model::oauth::{Grant, IssuedToken, RefreshToken};
use crate::server::model::{Application, GroupName, SessionId, User};
use async_trait::async_trait;

/// Everything that redeeming an authorization code writes. User, application and group are as the policy check saw
/// them.
#[derive(Clone, Copy, Debug)]
pub struct RedemptionRecord<'a> {
    pub grant: &'a Grant,
    /// The session in which the user authorized the application.
    pub session: SessionId,
    pub token: &'a IssuedToken,
    /// Stored as unused, with the creation time of the grant.
    pub refresh_token: Option<&'a RefreshToken>,
    pub user: &'a User,
    pub application: &'a Application,
    /// The group that gives the user access, if the application's policy names groups.
    pub member_of: Option<&'a GroupName>,
    /// Set if the application receives the username, which is then held forever.
    pub username_hash: Option<KeyedHash>,
}

/// Redemption as a single write, which takes one round trip.
#[async_trait]
pub trait RedemptionRecords {
    /// Adds the grant, its tokens and the visit, and holds the username, all or nothing. Returns `false` and writes
    /// nothing if the code was already used, the session no longer exists, or the user, the policy or the membership
    /// has changed; then the caller records the redemption in a unit of work.
    async fn record_redemption(&self, record: RedemptionRecord<'_>) -> Result<bool, Unavailable>;
}
