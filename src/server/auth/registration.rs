use super::Auth;
use super::answer::RegistrationAnswer;
use super::attestation::{self, NewPasskey, Refused};
use super::client_data::ClientData;
use super::relying_party::{RECORD_VERSION, stored};
use crate::server::Unavailable;
use crate::server::model::provider::default_name;
use crate::server::model::{AddedWith, Passkey, UserId};
use crate::types::views;
use webauthn_rs::prelude::PasskeyRegistration;

/// A new passkey that is still to be believed.
pub(super) struct Registered<'a> {
    pub new: Result<NewPasskey, Refused>,
    pub answer: &'a RegistrationAnswer,
    pub registration: &'a PasskeyRegistration,
}

impl Auth {
    /// Verifies a registration (WebAuthn Level 3, section 7.1); `None` when it does not hold.
    pub(super) fn registered(
        &self,
        given: Registered<'_>,
        owner: UserId,
        added_with: AddedWith,
    ) -> Result<Option<Passkey>, Unavailable> {
        let Registered { new, answer, registration } = given;
        let is_ours =
            answer.consistent && answer.client_data.was_made_for(ClientData::CREATE, self.relying_party.origin());
        let new = match new {
            Ok(new) if is_ours => new,
            Ok(_) => {
                tracing::info!(reason = "client data", "registration not verified");
                return Ok(None);
            }
            Err(cause) => {
                tracing::info!(reason = ?cause, "registration not verified");
                return Ok(None);
            }
        };
        let mut credential = answer.credential.clone();
        if let Some(bare) = attestation::without_certificates(&credential.response.attestation_object) {
            tracing::info!("attestation with certificates ignored");
            credential.response.attestation_object = bare;
        }
        let record = match self.relying_party.finish_registration(&credential, registration) {
            Ok(record) => record,
            Err(cause) => {
                tracing::info!(%cause, "registration not verified");
                return Ok(None);
            }
        };
        Ok(Some(Passkey {
            credential_id: new.credential_id,
            user_id: owner,
            rp_id: self.relying_party.id().to_owned(),
            name: default_name(new.aaguid).to_owned(),
            record: stored(&record)?,
            record_version: RECORD_VERSION,
            aaguid: new.aaguid,
            transports: answer.transports.clone(),
            backup_eligible: new.backup_eligible,
            backed_up: new.backed_up,
            sign_count: new.sign_count,
            created_at: self.clock.now(),
            last_used_at: None,
            last_used_on: views::Client { browser: None, system: None },
            added_with,
            suspended_at: None,
        }))
    }
}
