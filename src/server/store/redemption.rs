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
    /// It is as old as the grant.
    pub refresh_token: Option<&'a RefreshToken>,
    pub user: &'a User,
    pub application: &'a Application,
    /// The group by which the user has access, where the application is open to groups.
    pub member_of: Option<&'a GroupName>,
    /// The name that is held for ever from now on, where the application learns it.
    pub name: Option<KeyedHash>,
}

/// A frequent act as one step, so that it takes one round trip where there are any.
#[async_trait]
pub trait RedemptionRecords {
    /// Adds the grant, its tokens and the visit, all or nothing. Returns `false`, with nothing written, where the code was used
    /// before, the session is gone, or the user, the policy or the membership changed since: then it has to go step by step.
    async fn record_redemption(&self, record: RedemptionRecord<'_>) -> Result<bool, Unavailable>;
}
