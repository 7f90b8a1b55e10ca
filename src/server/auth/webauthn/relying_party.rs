use crate::server::Unavailable;
use crate::server::config::PublicUrl;
use crate::server::model::{Passkey, User};
use crate::types::views;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;
use webauthn_rs::prelude::{
    AuthenticationResult, Credential, DiscoverableAuthentication, Passkey as Record, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};
use webauthn_rs_proto::ResidentKeyRequirement;

/// How long a user has to complete a ceremony (docs/RULES.md, 1).
pub const CEREMONY_LIFETIME: Duration = Duration::from_mins(5);

/// The WebAuthn relying party: the library, configured for the public origin.
pub struct RelyingParty {
    webauthn: Webauthn,
    origin: String,
    id: String,
}

/// The format version of `Passkey::record`: the JSON of webauthn-rs 0.6.
pub const RECORD_VERSION: i64 = 1;

impl RelyingParty {
    /// `name`: shown in the browser's passkey dialog.
    ///
    /// # Errors
    /// When the library does not accept the host of the origin as a relying party id.
    pub fn new(public_url: &PublicUrl, name: &str) -> Result<Self, Unavailable> {
        let webauthn = WebauthnBuilder::new(public_url.host(), public_url.url())
            .and_then(|builder| builder.rp_name(name).timeout(CEREMONY_LIFETIME).build())
            .map_err(library)?;
        Ok(Self { webauthn, origin: public_url.origin().to_owned(), id: public_url.host().to_owned() })
    }

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Creates the options for a new passkey: user-verified and discoverable (the library does not request the latter),
    /// and not on an authenticator that already has one of `known`.
    pub fn begin_registration(
        &self,
        user: &User,
        known: &[&Passkey],
    ) -> Result<(views::Options, Vec<u8>, PasskeyRegistration), Unavailable> {
        // The library gets no exclude list: with one, it would report a known passkey as unverified. The store detects
        // duplicates.
        let (mut response, state) = self
            .webauthn
            .start_passkey_registration(user.id.0, user.username.as_str(), user.display_name.as_str(), Some(Vec::new()))
            .map_err(library)?;
        if let Some(selection) = response.public_key.authenticator_selection.as_mut() {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        let challenge = response.public_key.challenge.clone();
        Ok((options(&response.public_key, "excludeCredentials", known)?, challenge, state))
    }

    pub(super) fn finish_registration(
        &self,
        answer: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> Result<Record, WebauthnError> {
        self.webauthn.finish_passkey_registration(answer, state)
    }

    /// Creates the options for an authentication with these passkeys. If there are none, the passkey of the response
    /// decides who signs in.
    pub fn begin_authentication(
        &self,
        known: &[&Passkey],
    ) -> Result<(views::Options, Vec<u8>, DiscoverableAuthentication), Unavailable> {
        let (response, state) = self.webauthn.start_discoverable_authentication().map_err(library)?;
        let challenge = response.public_key.challenge.clone();
        Ok((options(&response.public_key, "allowCredentials", known)?, challenge, state))
    }

    pub(super) fn finish_authentication(
        &self,
        answer: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        record: &Record,
    ) -> Result<AuthenticationResult, WebauthnError> {
        self.webauthn.finish_discoverable_authentication_v2(answer, state, record)
    }
}

/// A passkey in an allow list or exclude list (WebAuthn Level 3, section 5.8.3). Used instead of the library's type,
/// which knows fewer transports than browsers do.
#[derive(Serialize)]
struct Descriptor<'a> {
    r#type: &'static str,
    id: String,
    transports: Vec<&'a str>,
}

impl<'a> Descriptor<'a> {
    fn of(passkey: &'a Passkey) -> Self {
        Self { r#type: "public-key", id: passkey.credential_id.encode(), transports: passkey.transports().collect() }
    }
}

/// Reads the library's record of a passkey. If the passkey has since become eligible for backup, this copy is marked as
/// such, because the library refuses the change in this flow. The copy is stored only after the signature is verified.
pub fn record(passkey: &Passkey, now_eligible: bool) -> Result<Record, Unavailable> {
    if passkey.record_version != RECORD_VERSION {
        return Err(Unavailable::new("passkey record", format!("version {}", passkey.record_version)));
    }
    let record: Record =
        serde_json::from_str(&passkey.record).map_err(|cause| Unavailable::new("passkey record", cause))?;
    if !now_eligible || passkey.backup_eligible {
        return Ok(record);
    }
    let mut credential = Credential::from(record);
    credential.backup_eligible = true;
    Ok(Record::from(credential))
}

/// Serializes a record for storage.
pub fn stored(record: &Record) -> Result<String, Unavailable> {
    serde_json::to_string(record).map_err(|cause| Unavailable::new("passkey record", cause))
}

/// Serializes the options as JSON, with these passkeys in the member `list`.
fn options(public_key: &impl Serialize, list: &str, known: &[&Passkey]) -> Result<views::Options, Unavailable> {
    let json = || {
        if known.is_empty() {
            return serde_json::to_string(public_key);
        }
        let mut json = serde_json::to_value(public_key)?;
        json[list] = serde_json::to_value(known.iter().map(|passkey| Descriptor::of(passkey)).collect::<Vec<_>>())?;
        serde_json::to_string(&json)
    };
    let json = json().and_then(RawValue::from_string);
    Ok(views::Options { public_key: json.map_err(|cause| Unavailable::new("ceremony options", cause))? })
}

fn library(cause: WebauthnError) -> Unavailable {
    Unavailable::new("webauthn", cause)
}
