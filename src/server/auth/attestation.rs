use super::Malformed;
use super::authenticator_data::AuthenticatorData;
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

/// What a new passkey says of itself, none of it attested.
#[derive(Debug, PartialEq, Eq)]
pub struct NewPasskey {
    pub credential_id: CredentialId,
    pub aaguid: Uuid,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
}

/// Why an object is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    Malformed,
    NotAcceptable,
}

impl From<Malformed> for Refused {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Reads an attestation object (WebAuthn Level 3, section 6.5.4) and refuses what the library would let pass: formats
/// that nobody asked for, statements where there must be none, other bytes than announced, keys that could never sign in.
pub fn examine(object: &[u8], raw_id: &[u8]) -> Result<NewPasskey, Refused> {
    let object: AttestationObject = serde_cbor_2::from_slice(object).map_err(|_| Refused::Malformed)?;
    let data = AuthenticatorData::parse(&object.auth_data)?;
    let attested = data.attested.as_ref().ok_or(Refused::NotAcceptable)?;
    let credential_id = CredentialId::new(attested.credential_id.to_vec()).ok_or(Refused::NotAcceptable)?;
    let acceptable = has_accepted_format(&object)
        && credential_id.as_bytes() == raw_id
        && attested.has_usable_key()
        && data.has_sound_backup_flags()
        && !data.has_trailing_bytes;
    if !acceptable {
        return Err(Refused::NotAcceptable);
    }
    Ok(NewPasskey {
        credential_id,
        aaguid: attested.aaguid,
        backup_eligible: data.backup_eligible(),
        backed_up: data.backed_up(),
        sign_count: data.sign_count,
    })
}

/// `none` with an empty statement (section 8.7), or `packed` signed by the passkey itself (section 8.2).
fn has_accepted_format(object: &AttestationObject) -> bool {
    match object.fmt.as_str() {
        "none" => object.statement.is_empty(),
        "packed" => !object.statement.contains_key(&Value::Text("x5c".to_owned())),
        _ => false,
    }
}

/// Byte strings for serde without another crate.
mod byte_string {
    use serde::{Deserialize, Deserializer};
    use serde_cbor_2::Value;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(serde::de::Error::custom("not a byte string")),
        }
    }
}
