//! Verifies authentication responses (WebAuthn Level 3, section 7.2).

use super::authenticator_data::AuthenticatorData;
use super::ceremony::Ceremonies;
use super::client_data::ClientData;
use super::relying_party::{record, stored};
use super::response::AuthenticationResponse;
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{Client, CredentialId, Passkey, User, UserId};
use crate::types::ApiError;
use webauthn_rs::prelude::{DiscoverableAuthentication, WebauthnError};

/// The outcome of verifying a signature.
pub enum Assertion {
    Verified(PasskeyUse),
    /// The signature counter went back: there may be a copy of the passkey.
    MaybeCopied,
    NotVerified,
}

impl Ceremonies<'_> {
    /// Finds the passkey of a response, if it belongs to the user that the response names (section 7.2, step 6). In a
    /// reauthentication it must belong to the `expected` user, and the response need not name a user.
    pub async fn find_passkey(
        &self,
        answer: &AuthenticationResponse,
        data: &AuthenticatorData<'_>,
        expected: Option<UserId>,
    ) -> Result<(Passkey, User), Error> {
        let acceptable = answer.consistent
            && answer.client_data.was_made_for(ClientData::GET, self.relying_party.origin())
            && data.attested.is_none()
            && data.has_consistent_backup_flags()
            && !data.has_trailing_bytes;
        if !acceptable {
            return Err(ApiError::NOT_VERIFIED.into());
        }
        let id = CredentialId::new(answer.credential.raw_id.clone()).ok_or(ApiError::NOT_VERIFIED)?;
        let handle = answer.credential.get_user_unique_id();
        let Some((passkey, user)) = self.core.store.passkey(&id).await? else {
            return Err(ApiError::UnknownPasskey { forget: self.is_user_handle_known(handle).await? }.into());
        };
        let names_owner = match handle {
            Some(handle) => handle == user.id.0.as_bytes().as_slice(),
            None => expected.is_some(),
        };
        let is_expected_user = expected.is_none_or(|expected| expected == user.id);
        let is_ours = passkey.rp_id == self.relying_party.id();
        if names_owner && is_expected_user && is_ours {
            Ok((passkey, user))
        } else {
            Err(ApiError::NOT_VERIFIED.into())
        }
    }

    /// Whether a user handle belongs to an account. If not, the passkey may have been created for a different database,
    /// so the device must keep it.
    async fn is_user_handle_known(&self, handle: Option<&[u8]>) -> Result<bool, Unavailable> {
        match handle.and_then(|handle| uuid::Uuid::from_slice(handle).ok()) {
            Some(id) => Ok(self.core.store.user(UserId(id)).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Verifies the signature of a passkey. The caller adds the client that it was used on.
    ///
    /// # Errors
    /// When the stored record of the passkey cannot be read or written.
    pub fn verify_assertion(
        &self,
        answer: &AuthenticationResponse,
        state: DiscoverableAuthentication,
        passkey: &Passkey,
    ) -> Result<Assertion, Unavailable> {
        let Ok(data) = answer.authenticator_data() else { return Ok(Assertion::NotVerified) };
        let mut record = record(passkey, data.backup_eligible())?;
        let verified = match self.relying_party.finish_authentication(&answer.credential, state, &record) {
            Ok(verified) => verified,
            Err(WebauthnError::CredentialPossibleCompromise) => return Ok(Assertion::MaybeCopied),
            Err(cause) => {
                tracing::info!(%cause, "assertion not verified");
                return Ok(Assertion::NotVerified);
            }
        };
        if record.update_credential(&verified).is_none() {
            return Ok(Assertion::NotVerified);
        }
        Ok(Assertion::Verified(PasskeyUse {
            record: stored(&record)?,
            backup_eligible: verified.backup_eligible(),
            backed_up: verified.backup_state(),
            sign_count: verified.counter(),
            at: self.core.now(),
            on: Client::UNKNOWN,
        }))
    }
}
