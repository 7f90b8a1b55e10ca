use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::Scopes;
use crate::server::model::{ApplicationId, UserId};
use async_trait::async_trait;

/// Writes of consents.
#[async_trait]
pub trait ConsentWrites: Send {
    /// The scopes that a user, whose row is locked, has granted to an application.
    async fn reread_consent(
        &mut self,
        user: UserId,
        application: &ApplicationId,
    ) -> Result<Option<Scopes>, Unavailable>;

    /// Stores the scopes that a user granted to an application.
    async fn put_consent(
        &mut self,
        user: UserId,
        application: &ApplicationId,
        given: (&Scopes, Timestamp),
    ) -> Result<(), Unavailable>;

    /// Removes a user's consent for an application; `false` when there is none.
    async fn withdraw_consent(&mut self, user: UserId, application: &ApplicationId) -> Result<bool, Unavailable>;
}
