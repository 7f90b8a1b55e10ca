//! Responses at the end of a ceremony: the JSON forms of WebAuthn Level 3, section 5.1, parsed strictly.

use super::attestation::{self, NewPasskey, Refused};
use super::authenticator_data::AuthenticatorData;
use super::client_data::ClientData;
use super::json::{Malformed, object};
use crate::server::model::passkey::current_transport_name;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use webauthn_rs_proto::{
    AuthenticationExtensionsClientOutputs, AuthenticatorAssertionResponseRaw, AuthenticatorAttestationResponseRaw,
    PublicKeyCredential, RegisterPublicKeyCredential, RegistrationExtensionsClientOutputs,
};

/// Bytes written as base64url without padding.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Bytes,
    #[serde(rename = "rawId")]
    raw_id: Bytes,
    r#type: String,
    #[serde(default, rename = "authenticatorAttachment")]
    attachment: Option<String>,
    #[serde(borrow)]
    response: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attestation {
    #[serde(rename = "clientDataJSON")]
    client_data_json: Bytes,
    attestation_object: Bytes,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    #[serde(rename = "clientDataJSON")]
    client_data_json: Bytes,
    authenticator_data: Bytes,
    signature: Bytes,
    user_handle: Option<Bytes>,
}

/// The response to a request to create a passkey.
#[derive(Debug)]
pub struct RegistrationResponse {
    pub(in crate::server::auth) client_data: ClientData,
    /// As the browser reports them; unknown values are kept, since new ones appear (section 5.8.4).
    pub(super) transports: String,
    /// Whether `id` and `rawId` match and the type is `public-key`.
    pub(super) consistent: bool,
    pub(super) credential: RegisterPublicKeyCredential,
}

impl RegistrationResponse {
    /// Parses a `RegistrationResponseJSON`.
    ///
    /// # Errors
    /// [`Malformed`], before anything is looked up or used up.
    pub fn parse(json: &RawValue) -> Result<Self, Malformed> {
        let envelope: Envelope = object(json.get())?;
        let response: Attestation = object(envelope.response.get())?;
        Ok(Self {
            client_data: ClientData::parse(&response.client_data_json.0)?,
            transports: join_transports(&response.transports),
            consistent: envelope.is_consistent(),
            credential: RegisterPublicKeyCredential {
                id: URL_SAFE_NO_PAD.encode(&envelope.raw_id.0),
                raw_id: envelope.raw_id.0,
                response: AuthenticatorAttestationResponseRaw {
                    attestation_object: response.attestation_object.0,
                    client_data_json: response.client_data_json.0,
                    transports: None,
                },
                type_: envelope.r#type,
                extensions: RegistrationExtensionsClientOutputs::default(),
            },
        })
    }
}

impl RegistrationResponse {
    /// The properties of the new passkey, if they are acceptable.
    ///
    /// # Errors
    /// When the attestation object does not parse, or is not acceptable.
    pub fn examine(&self) -> Result<NewPasskey, Refused> {
        attestation::examine(&self.credential.response.attestation_object, &self.credential.raw_id)
    }
}

/// The response to a request to sign in.
#[derive(Debug)]
pub struct AuthenticationResponse {
    pub(in crate::server::auth) client_data: ClientData,
    pub(super) consistent: bool,
    /// Whether the browser reports that the authenticator is not part of this device (section 5.4.5).
    pub(in crate::server::auth) is_cross_platform: bool,
    pub(super) credential: PublicKeyCredential,
}

impl AuthenticationResponse {
    /// Parses an `AuthenticationResponseJSON`.
    ///
    /// # Errors
    /// [`Malformed`], before anything is looked up or used up.
    pub fn parse(json: &RawValue) -> Result<Self, Malformed> {
        let envelope: Envelope = object(json.get())?;
        let response: Assertion = object(envelope.response.get())?;
        Ok(Self {
            client_data: ClientData::parse(&response.client_data_json.0)?,
            consistent: envelope.is_consistent(),
            is_cross_platform: envelope.attachment.as_deref() == Some("cross-platform"),
            credential: PublicKeyCredential {
                id: URL_SAFE_NO_PAD.encode(&envelope.raw_id.0),
                raw_id: envelope.raw_id.0,
                response: AuthenticatorAssertionResponseRaw {
                    authenticator_data: response.authenticator_data.0,
                    client_data_json: response.client_data_json.0,
                    signature: response.signature.0,
                    // Some password managers send an empty user handle instead of none (w3c/webauthn, issue 1722).
                    user_handle: response.user_handle.map(|handle| handle.0).filter(|handle| !handle.is_empty()),
                },
                extensions: AuthenticationExtensionsClientOutputs::default(),
                type_: envelope.r#type,
            },
        })
    }
}

impl AuthenticationResponse {
    /// The authenticator data (WebAuthn Level 3, section 6.1).
    ///
    /// # Errors
    /// When it does not parse.
    pub fn authenticator_data(&self) -> Result<AuthenticatorData<'_>, Malformed> {
        AuthenticatorData::parse(&self.credential.response.authenticator_data)
    }
}

impl Envelope<'_> {
    fn is_consistent(&self) -> bool {
        self.id.0 == self.raw_id.0 && self.r#type == "public-key"
    }
}

/// Joins at most eight different short words of letters and hyphens with commas; anything else is not a transport.
/// `cable` is the old name of `hybrid`, and browsers no longer know it.
fn join_transports(transports: &[String]) -> String {
    let is_word =
        |word: &&str| (1..=32).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let mut words = Vec::new();
    for word in transports.iter().map(String::as_str).filter(is_word).map(current_transport_name) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.truncate(8);
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_are_kept_as_transports() {
        let words = ["internal", "hybrid", "<b>", "", "smart-card"].map(str::to_owned);
        assert_eq!(join_transports(&words), "internal,hybrid,smart-card");
        assert_eq!(
            join_transports(&["cable", "internal", "hybrid", "new-kind"].map(str::to_owned)),
            "hybrid,internal,new-kind"
        );
    }
}
