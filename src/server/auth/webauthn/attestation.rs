use super::authenticator_data::AuthenticatorData;
use super::cbor;
use super::json::Malformed;
use crate::server::model::CredentialId;
use serde::Deserialize;
use serde_cbor_2::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Deserialize)]
struct AttestationObject {
    fmt: String,
    #[serde(rename = "attStmt")]
    statement: BTreeMap<Value, Value>,
    #[serde(rename = "authData", with = "byte_string")]
    auth_data: Vec<u8>,
}

/// Unattested properties of a new passkey.
#[derive(Debug, PartialEq, Eq)]
pub struct NewPasskey {
    pub credential_id: CredentialId,
    pub aaguid: Uuid,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
}

/// Why an attestation object is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("malformed")]
    Malformed(#[from] Malformed),
    /// The reason, for the log.
    #[error("{0}")]
    NotAcceptable(&'static str),
}

/// Reads an attestation object (WebAuthn Level 3, section 6.5.4) and refuses what the library would accept: formats
/// that were not requested, statements that must be empty, mismatched ids, trailing bytes, and keys that could never
/// sign in.
pub fn examine(object: &[u8], raw_id: &[u8]) -> Result<NewPasskey, Refused> {
    let object = AttestationObject::read(object)?;
    let data = AuthenticatorData::parse(&object.auth_data)?;
    let attested = data.attested.as_ref().ok_or(Refused::NotAcceptable("no attested credential"))?;
    let credential_id = CredentialId::new(attested.credential_id.to_vec());
    let credential_id = credential_id.ok_or(Refused::NotAcceptable("credential id length"))?;
    for (is_acceptable, otherwise) in [
        (object.has_accepted_format(), "attestation format or statement"),
        (credential_id.as_bytes() == raw_id, "credential id mismatch"),
        (attested.has_usable_key(), "key type"),
        (data.has_consistent_backup_flags(), "backup flags"),
        (!data.has_trailing_bytes, "trailing bytes after the authenticator data"),
    ] {
        if !is_acceptable {
            return Err(Refused::NotAcceptable(otherwise));
        }
    }
    Ok(NewPasskey {
        credential_id,
        aaguid: attested.aaguid,
        backup_eligible: data.backup_eligible(),
        backed_up: data.backed_up(),
        sign_count: data.sign_count,
    })
}

impl AttestationObject {
    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (object, rest) = cbor::item(bytes)?;
        if rest.is_empty() { Ok(object) } else { Err(Malformed) }
    }

    /// `none` with an empty statement (section 8.7), or `packed` (section 8.2).
    fn has_accepted_format(&self) -> bool {
        match self.fmt.as_str() {
            "none" => self.statement.is_empty(),
            "packed" => !self.has_statement_about_certificates() || self.has_certificates(),
            _ => false,
        }
    }

    fn has_statement_about_certificates(&self) -> bool {
        self.statement.contains_key(&Value::Text("x5c".to_owned()))
    }

    /// Whether `x5c` is a chain of at least one certificate, each a byte string.
    fn has_certificates(&self) -> bool {
        let is_certificate = |item: &Value| matches!(item, Value::Bytes(_));
        match self.statement.get(&Value::Text("x5c".to_owned())) {
            Some(Value::Array(chain)) => !chain.is_empty() && chain.iter().all(is_certificate),
            _ => false,
        }
    }
}

/// Replaces an attestation by a certificate chain (WebAuthn Level 3, section 8.2) with `none`; returns `None` if there
/// is no chain. Some browsers send one that was not requested. It is not used, so it is not verified.
pub fn without_certificates(object: &[u8]) -> Option<Vec<u8>> {
    let object = AttestationObject::read(object).ok().filter(AttestationObject::has_certificates)?;
    let bare = BTreeMap::from([
        ("fmt", Value::Text("none".to_owned())),
        ("attStmt", Value::Map(BTreeMap::new())),
        ("authData", Value::Bytes(object.auth_data)),
    ]);
    serde_cbor_2::to_vec(&bare).ok()
}

/// Deserializes CBOR byte strings without another crate.
mod byte_string {
    use serde::{Deserialize, Deserializer};
    use serde_cbor_2::Value;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(serde::de::Error::custom("expected a byte string")),
        }
    }
}
