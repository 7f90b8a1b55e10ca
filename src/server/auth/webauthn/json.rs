//! JSON and base64url as browsers send them, parsed strictly.

use crate::server::auth::Error;
use crate::types::ApiError;
use serde::Deserialize;

/// The response does not parse: it is not JSON, or a member is missing, has the wrong type, or is not base64url.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct Malformed;

impl From<Malformed> for Error {
    fn from(Malformed: Malformed) -> Self {
        Self::Refused(ApiError::BadRequest)
    }
}

/// Parses a JSON object; serde alone would also accept an array for a struct.
pub fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Malformed> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(Malformed);
    }
    serde_json::from_str(json).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::client_data::ClientData;
    use super::*;

    #[test]
    fn an_array_is_not_an_object() {
        assert!(object::<ClientData>(r#"["webauthn.get","x","y"]"#).is_err());
        assert!(object::<ClientData>(r#" {"type":"webauthn.get","challenge":"x","origin":"y"}"#).is_ok());
    }
}
