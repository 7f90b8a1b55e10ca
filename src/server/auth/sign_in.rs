use super::answer::AuthenticationAnswer;
use super::authenticator_data::AuthenticatorData;
use super::ceremony::Purpose;
use super::client_data::ClientData;
use super::relying_party::{record, stored};
use super::session::Credential;
use super::{Arrival, Auth, Opened};
use crate::server::Unavailable;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{CredentialId, Passkey, User};
use crate::server::secret::Token;
use crate::types::views;
use webauthn_rs::prelude::{DiscoverableAuthentication, WebauthnError};

#[derive(Debug)]
pub enum FinishSignInError {
    Malformed,
    Expired,
    NotVerified,
    UnknownPasskey,
    Unavailable(Unavailable),
}

impl From<Unavailable> for FinishSignInError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl Auth {
    /// Begins a sign-in, the same for everybody: the passkey decides who it is.
    ///
    /// # Errors
    /// When the ephemeral store is away.
    #[tracing::instrument(skip_all)]
    pub async fn begin_sign_in(&self, browser: &Token) -> Result<views::Options, Unavailable> {
        let (options, challenge, state) = self.relying_party.begin_authentication()?;
        self.keep_ceremony(Purpose::SignIn, browser, &challenge, state).await?;
        Ok(options)
    }

    /// Finishes a sign-in with a new session; the one that the browser had ends.
    ///
    /// # Errors
    /// When the ceremony is spent or not this browser's, the passkey is not known, or the answer does not verify.
    #[tracing::instrument(skip_all)]
    pub async fn finish_sign_in(
        &self,
        answer: &AuthenticationAnswer,
        arrival: Arrival,
    ) -> Result<Opened, FinishSignInError> {
        let data = AuthenticatorData::parse(&answer.credential.response.authenticator_data)
            .map_err(|_| FinishSignInError::Malformed)?;
        let browser = arrival.browser.as_ref().ok_or(FinishSignInError::Expired)?;
        let state: DiscoverableAuthentication = self
            .take_ceremony(Purpose::SignIn, browser, &answer.client_data.challenge)
            .await?
            .ok_or(FinishSignInError::Expired)?;
        let acceptable = answer.consistent
            && answer.client_data.was_made_for(ClientData::GET, self.relying_party.origin())
            && data.attested.is_none()
            && data.has_sound_backup_flags()
            && !data.has_trailing_bytes;
        if !acceptable {
            return Err(FinishSignInError::NotVerified);
        }
        let (passkey, user) = self.passkey_of(answer).await?;
        let used = self.verify(answer, &data, state, &passkey)?;
        self.admit(passkey, user, &used, answer.is_cross_platform, arrival).await
    }

    /// The passkey that answers, if it belongs to the person whom it names (WebAuthn Level 3, section 7.2, step 6).
    async fn passkey_of(&self, answer: &AuthenticationAnswer) -> Result<(Passkey, User), FinishSignInError> {
        let id = CredentialId::new(answer.credential.raw_id.clone()).ok_or(FinishSignInError::NotVerified)?;
        let (passkey, user) = self.store.passkey(&id).await?.ok_or(FinishSignInError::UnknownPasskey)?;
        let names_owner = answer.credential.get_user_unique_id() == Some(user.id.0.as_bytes().as_slice());
        let is_ours = passkey.rp_id == self.relying_party.id();
        if names_owner && is_ours { Ok((passkey, user)) } else { Err(FinishSignInError::NotVerified) }
    }

    fn verify(
        &self,
        answer: &AuthenticationAnswer,
        data: &AuthenticatorData<'_>,
        state: DiscoverableAuthentication,
        passkey: &Passkey,
    ) -> Result<PasskeyUse, FinishSignInError> {
        let mut record = record(passkey, data.backup_eligible())?;
        let verified = self.relying_party.finish_authentication(&answer.credential, state, &record).map_err(|cause| {
            if matches!(cause, WebauthnError::CredentialPossibleCompromise) {
                tracing::warn!(user = %passkey.user_id.0, "a passkey's counter did not grow: it may have been copied");
            } else {
                tracing::info!(%cause, "an assertion was not verified");
            }
            FinishSignInError::NotVerified
        })?;
        record.update_credential(&verified).ok_or(FinishSignInError::NotVerified)?;
        Ok(PasskeyUse {
            record: stored(&record)?,
            backup_eligible: verified.backup_eligible(),
            backed_up: verified.backup_state(),
            sign_count: verified.counter(),
            at: self.clock.now(),
        })
    }

    async fn admit(
        &self,
        passkey: Passkey,
        user: User,
        used: &PasskeyUse,
        is_cross_platform: bool,
        arrival: Arrival,
    ) -> Result<Opened, FinishSignInError> {
        let mut unit = self.store.begin().await?;
        if !unit.record_passkey_use(&passkey, used).await? {
            tracing::warn!(user = %user.id.0, "a passkey was removed, or its counter overtaken, while it was used");
            return Err(FinishSignInError::NotVerified);
        }
        let from_elsewhere = is_cross_platform && passkey.lives_in_a_device();
        let credential = Credential::Passkey { id: passkey.credential_id, from_elsewhere };
        let opened = self.open_session(unit.as_mut(), user, credential, arrival, used.at).await?;
        unit.commit().await?;
        tracing::info!(user = %opened.user.id.0, "signed in");
        Ok(opened)
    }
}
