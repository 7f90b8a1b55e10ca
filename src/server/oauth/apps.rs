//! The applications of a user: those that the user may use, and the access that the user gave them.

use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::auth::account::{CurrentUser, OwnerUnit};
use crate::server::core::Core;
use crate::server::model::{ApplicationId, EventKind, SessionId};
use crate::server::store::UserApplication;
use crate::types::ApiError;

/// Number of applications per page.
pub const PAGE: u32 = 50;

/// The applications of the signed-in user.
pub struct UserApplications<'a> {
    pub(in crate::server) core: &'a Core,
}

impl UserApplications<'_> {
    /// A page of the applications that the user may use, ordered by id, starting after `after`.
    pub async fn page(
        &self,
        current: &CurrentUser,
        after: Option<&ApplicationId>,
    ) -> Result<Vec<UserApplication>, Unavailable> {
        self.core.store.applications_of(current.user.id, after, PAGE).await
    }

    /// The names of the applications that each session of the user signed in to.
    pub async fn visits(&self, current: &CurrentUser) -> Result<Vec<(SessionId, String)>, Unavailable> {
        self.core.store.visits_of(current.user.id).await
    }

    /// Signs the user out of an application in all sessions: ends its tokens and notifies it.
    ///
    /// # Errors
    /// When the session expired or was revoked, there is nothing to end, or the database is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn sign_out(&self, current: &CurrentUser, id: &ApplicationId) -> Result<(), Error> {
        self.end(current, id, EventKind::ApplicationSignedOut).await
    }

    /// Signs the user out of an application and withdraws consent, so that the application has to ask again.
    ///
    /// # Errors
    /// The same as [`UserApplications::sign_out`].
    #[tracing::instrument(skip_all)]
    pub async fn withdraw(&self, current: &CurrentUser, id: &ApplicationId) -> Result<(), Error> {
        self.end(current, id, EventKind::ConsentWithdrawn).await
    }

    async fn end(&self, current: &CurrentUser, id: &ApplicationId, kind: EventKind) -> Result<(), Error> {
        let user = current.user.id;
        let application = self.core.store.application(id).await?.ok_or(ApiError::NotFound)?;
        let OwnerUnit { mut unit, .. } = OwnerUnit::begin(self.core, current).await?;
        let visits = unit.end_visits(user, Some(id), self.core.now()).await?;
        let grants = unit.end_grants(user, Some(id)).await?;
        let was_allowed = kind == EventKind::ConsentWithdrawn && unit.withdraw_consent(user, id).await?;
        if visits == 0 && grants == 0 && !was_allowed {
            return Err(ApiError::NotFound.into());
        }
        unit.record(kind, Some(application.name.to_string())).await?;
        Ok(unit.commit().await?)
    }
}
