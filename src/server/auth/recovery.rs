//! Codes on paper for the day when everything else is lost.

use super::authority::{Denied, OwnersUnit};
use super::session::{Credential, Entrance};
use super::{Arrival, Auth, CurrentUser, NewSession};
use crate::server::Unavailable;
use crate::server::limiter::{Subject, TooMany};
use crate::server::model::EventKind;
use crate::server::model::limit;
use crate::server::model::notification::Occasion;
use crate::server::model::recovery::{CODES, RecoveryCode};
use crate::server::telemetry::meters;
use crate::types::Identifier;

#[derive(Debug)]
pub enum RecoverError {
    /// No such account, or no such code of it: nobody learns which.
    CodeWrong,
    TooMany(TooMany),
    Unavailable(Unavailable),
}

impl RecoverError {
    /// Its name in metrics.
    fn outcome(&self) -> &'static str {
        match self {
            Self::CodeWrong => "code_wrong",
            Self::TooMany(_) => "too_many",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl From<Unavailable> for RecoverError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl Auth {
    /// Makes ten codes, each good for one sign-in, in the place of all earlier ones. Nobody can read them again.
    ///
    /// # Errors
    /// When the session may not, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn make_recovery_codes(&self, current_user: &CurrentUser) -> Result<Vec<RecoveryCode>, Denied> {
        let OwnersUnit { mut unit, user, .. } = self.begin_as_owner(current_user).await?;
        let codes: Vec<_> = (0..CODES).map(|_| RecoveryCode::random(&*self.entropy)).collect();
        let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
        let client = &current_user.session.client;
        self.record(unit.as_mut(), user.id, EventKind::RecoveryCodesMade, client, None).await?;
        self.tell_owner(unit.as_mut(), &user, Occasion::RecoveryCodesMade, client, None).await?;
        // Not before the letter: "that was not me" ends the codes that came with it or later.
        unit.replace_recovery_codes(user.id, &hashes, self.clock.now()).await?;
        self.bound_lockdown(unit.as_mut(), &user).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(codes)
    }

    /// Signs in with a recovery code, once; every browser is new to the account afterwards.
    ///
    /// # Errors
    /// When there is no such account or no such code, the client tries too many, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn recover(&self, identifier: &str, code: &str, arrival: Arrival) -> Result<NewSession, RecoverError> {
        let recovered = self.use_code(identifier, code, arrival).await;
        meters::sign_in("recovery", recovered.as_ref().err().map(RecoverError::outcome));
        recovered
    }

    async fn use_code(&self, identifier: &str, code: &str, arrival: Arrival) -> Result<NewSession, RecoverError> {
        self.limiter.draw(&limit::ANSWERS, Subject::Client(arrival.address)).await?;
        let identifier = Identifier::parse(identifier).map_err(|_| RecoverError::CodeWrong)?;
        let code = RecoveryCode::parse(code).ok_or(RecoverError::CodeWrong)?;
        let mut unit = self.store.begin().await?;
        let code = code.hash();
        let owner = unit.owner_of_recovery_code(&code, &identifier).await?.ok_or(RecoverError::CodeWrong)?;
        let user = unit.lock_user(owner).await?.filter(|user| user.disabled_at.is_none());
        let user = user.ok_or(RecoverError::CodeWrong)?;
        let made_at = unit.use_recovery_code(&code).await?.ok_or(RecoverError::CodeWrong)?;
        let (client, now) = (arrival.client.clone(), self.clock.now());
        self.end_lockdown(unit.as_mut(), &user, made_at).await?;
        unit.void_recognition(owner).await?;
        let entrance = Entrance { user, credential: Credential::RecoveryCode, is_new_account: false };
        let opened = self.open_session(unit.as_mut(), entrance, arrival, now).await?;
        self.record(unit.as_mut(), owner, EventKind::RecoveryCodeUsed, &client, None).await?;
        self.tell_owner(unit.as_mut(), &opened.user, Occasion::RecoveryCodeUsed, &client, None).await?;
        unit.commit().await?;
        self.bell.notify_one();
        tracing::info!(user = %owner.0, "signed in with a recovery code");
        Ok(opened)
    }
}
