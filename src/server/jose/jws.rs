//! JWS in compact form (RFC 7515, section 7.1).

use super::{KeyError, KeyId, Members, PublicKey, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// Maximum length of a token, in bytes.
const LONGEST: usize = 16 * 1024;

/// The header of every token that we sign.
#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'a str,
    kid: &'a str,
}

/// Signs claims as a token of a type, such as `JWT` or `logout+jwt`.
///
/// # Errors
/// When the claims cannot be written as JSON, or the key cannot sign.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, KeyError> {
    let id = key.public().id();
    let header = Header { alg: key.public().algorithm().name(), typ, kid: id.as_str() };
    let (header, claims) = (encoded(&header)?, encoded(claims)?);
    let message = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())?);
    Ok(format!("{message}.{signature}"))
}

fn encoded(part: &impl Serialize) -> Result<String, KeyError> {
    let json = serde_json::to_vec(part).map_err(|_| KeyError::NOT_JSON)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// A key that verifies tokens, and the ID by which tokens name it.
#[derive(Clone, Copy, Debug)]
pub struct VerifyingKey<'a> {
    pub id: &'a KeyId,
    pub key: &'a PublicKey,
}

/// Why a token is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("malformed")]
    Malformed,
    /// It has a member that would change how the token is read, or it contains a key.
    #[error("unsupported header")]
    UnsupportedHeader,
    #[error("wrong type")]
    WrongType,
    #[error("unknown key")]
    UnknownKey,
    /// The algorithm is not that of the key.
    #[error("wrong algorithm")]
    WrongAlgorithm,
    #[error("bad signature")]
    BadSignature,
}

/// Members of a header that are refused: critical extensions, other payload formats, and keys that the token chooses
/// (RFC 7515, section 4.1; RFC 8725, sections 3.1 and 3.10).
const REFUSED: [&str; 8] = ["crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"];

/// Verifies a token and returns its claims. The key decides the algorithm; `typ` must be one of `types`, in any case
/// and with or without the prefix `application/` (RFC 7515, section 4.1.9).
///
/// # Errors
/// Why the token is invalid. The caller must check times, issuer and audience.
pub fn verify(token: &str, types: &[&str], keys: &[VerifyingKey<'_>]) -> Result<Members, Invalid> {
    if token.len() > LONGEST {
        return Err(Invalid::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Invalid::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(Invalid::Malformed)?;
    if claims.contains('.') {
        return Err(Invalid::Malformed);
    }
    let header = object(header)?;
    if REFUSED.iter().any(|member| header.get(member).is_some()) {
        return Err(Invalid::UnsupportedHeader);
    }
    let typ = header.text("typ").ok_or(Invalid::WrongType)?.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    if !types.iter().any(|expected| expected.eq_ignore_ascii_case(typ)) {
        return Err(Invalid::WrongType);
    }
    let named = header.text("kid").ok_or(Invalid::UnknownKey)?;
    let known = keys.iter().find(|known| known.id.as_str() == named).ok_or(Invalid::UnknownKey)?;
    if header.text("alg") != Some(known.key.algorithm().name()) {
        return Err(Invalid::WrongAlgorithm);
    }
    if !known.key.verifies(message.as_bytes(), &bytes(signature)?) {
        return Err(Invalid::BadSignature);
    }
    object(claims)
}

fn object(part: &str) -> Result<Members, Invalid> {
    Members::parse(&bytes(part)?).map_err(|_| Invalid::Malformed)
}

/// The decoder refuses padding, other alphabets and stray trailing bits, so that a token has only one encoding.
fn bytes(part: &str) -> Result<Vec<u8>, Invalid> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Invalid::Malformed)
}
