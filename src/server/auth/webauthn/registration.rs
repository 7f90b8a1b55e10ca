//! Verifies registration responses (WebAuthn Level 3, section 7.1).

use super::attestation;
use super::ceremony::Ceremonies;
use super::client_data::ClientData;
use super::relying_party::{RECORD_VERSION, stored};
use super::response::RegistrationResponse;
use crate::server::Unavailable;
use crate::server::model::provider::default_name;
use crate::server::model::{AddedWith, Client, Passkey, UserId};
use crate::types::Language;
use webauthn_rs::prelude::PasskeyRegistration;

/// The pending registration that a response is verified against, and the account that the passkey is for.
#[derive(Clone, Copy)]
pub struct NewCredential<'a> {
    pub owner: UserId,
    pub added_with: AddedWith,
    pub registration: &'a PasskeyRegistration,
    /// The browser in which the passkey is created.
    pub client: &'a Client,
    /// The language of its default name.
    pub language: Language,
}

impl Ceremonies<'_> {
    /// Verifies a registration; `None` if it is invalid.
    ///
    /// # Errors
    /// When the passkey's record cannot be serialized.
    pub fn verify_registration(
        &self,
        answer: &RegistrationResponse,
        new: NewCredential<'_>,
    ) -> Result<Option<Passkey>, Unavailable> {
        let NewCredential { owner, added_with, registration, client, language } = new;
        let is_ours =
            answer.consistent && answer.client_data.was_made_for(ClientData::CREATE, self.relying_party.origin());
        let new = match answer.examine() {
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
            name: default_name(new.aaguid, client, language),
            record: stored(&record)?,
            record_version: RECORD_VERSION,
            aaguid: new.aaguid,
            transports: answer.transports.clone(),
            backup_eligible: new.backup_eligible,
            backed_up: new.backed_up,
            sign_count: new.sign_count,
            created_at: self.core.now(),
            last_used_at: None,
            last_used_on: Client::UNKNOWN,
            added_with,
            suspended_at: None,
        }))
    }
}
