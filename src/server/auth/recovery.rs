//! Signing in with a recovery code.

use super::account::AccountUnit;
use super::caller::Caller;
use super::error::Error;
use super::new_session::{Credential, NewSession, record_sign_in};
use crate::server::core::Core;
use crate::server::limiter::Subject;
use crate::server::model::notification::Occasion;
use crate::server::model::recovery::RecoveryCode;
use crate::server::model::{EventKind, limit};
use crate::server::telemetry::meters;
use crate::types::{ApiError, Identifier};

/// The error for a refused code. It does not reveal whether the account exists.
const WRONG: ApiError = ApiError::CodeWrong { tries_left: None };

/// Signing in with a recovery code.
pub struct Recovery<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Recovery<'_> {
    /// Signs in with a recovery code, which works once. Afterwards, every browser is new to the account.
    ///
    /// # Errors
    /// When there is no such account or code, the client tries too many, or a backend is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn sign_in(&self, identifier: &str, code: &str, caller: &Caller) -> Result<NewSession, Error> {
        let recovered = self.use_code(identifier, code, caller).await;
        meters::sign_in("recovery", recovered.as_ref().err().map(Error::outcome));
        recovered
    }

    async fn use_code(&self, identifier: &str, code: &str, caller: &Caller) -> Result<NewSession, Error> {
        self.core.limiter.draw(&limit::ANSWERS, Subject::Client(caller.address)).await?;
        let identifier = Identifier::parse(identifier).map_err(|_| WRONG)?;
        let code = RecoveryCode::parse(code).ok_or(WRONG)?.hash();
        let mut unit = self.core.store.begin().await?;
        let owner = unit.owner_of_recovery_code(&code, &identifier).await?.ok_or(WRONG)?;
        let unit = AccountUnit::lock_within(self.core, unit, owner, caller.client.clone()).await?;
        let mut unit = unit.filter(|unit| unit.user.disabled_at.is_none()).ok_or(WRONG)?;
        let made_at = unit.use_recovery_code(&code).await?.ok_or(WRONG)?;
        unit.end_lockdown(made_at).await?;
        unit.void_recognition(owner).await?;
        unit.end_visits(owner, None, self.core.now()).await?;
        unit.end_grants(owner, None).await?;
        let new = record_sign_in(&mut unit, Credential::RecoveryCode, caller, EventKind::SignedIn).await?;
        unit.record(EventKind::RecoveryCodeUsed, None).await?;
        unit.notify(Occasion::RecoveryCodeUsed, None).await?;
        unit.commit().await?;
        tracing::info!(user = %owner.0, "signed in with a recovery code");
        Ok(new)
    }
}
