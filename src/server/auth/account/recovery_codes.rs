use super::current_user::CurrentUser;
use super::unit::OwnerUnit;
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::core::Core;
use crate::server::model::EventKind;
use crate::server::model::notification::Occasion;
use crate::server::model::recovery::{CODES, RecoveryCode};

/// The recovery codes of a signed-in user.
pub struct RecoveryCodes<'a> {
    pub(in crate::server) core: &'a Core,
}

impl RecoveryCodes<'_> {
    /// The number of unused codes.
    pub async fn count(&self, current: &CurrentUser) -> Result<u32, Unavailable> {
        self.core.store.count_recovery_codes(current.user.id).await
    }

    /// Creates ten codes, each valid for one sign-in, which replace all earlier ones. Only their hashes are stored.
    ///
    /// # Errors
    /// When the session may not create codes, or the database is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn replace(&self, current: &CurrentUser) -> Result<Vec<RecoveryCode>, Error> {
        let OwnerUnit { mut unit, .. } = OwnerUnit::begin_fresh(self.core, current).await?;
        let codes: Vec<_> = (0..CODES).map(|_| RecoveryCode::random(self.core.entropy())).collect();
        let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
        unit.record(EventKind::RecoveryCodesCreated, None).await?;
        unit.notify(Occasion::RecoveryCodesCreated, None).await?;
        // Written after the notification: "This wasn't me" voids the codes created with it or later.
        unit.replace_recovery_codes(current.user.id, &hashes, self.core.now()).await?;
        unit.set_lockdown_end().await?;
        unit.commit().await?;
        Ok(codes)
    }
}
