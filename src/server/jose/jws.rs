//! JWS in compact form (RFC 7515, section 7.1).

use super::{KeyFailure, KeyId, Members, PublicKey, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// The longest token that is looked at, in bytes.
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
/// When the claims are no JSON, or the key cannot sign.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, KeyFailure> {
    let id = key.public().id();
    let header = Header { alg: key.public().algorithm().name(), typ, kid: id.as_str() };
    let (header, claims) = (encoded(&header)?, encoded(claims)?);
    let message = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())?);
    Ok(format!("{message}.{signature}"))
}

fn encoded(part: &impl Serialize) -> Result<String, KeyFailure> {
    let json = serde_json::to_vec(part).map_err(|_| KeyFailure::NOT_JSON)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// A key that tokens may be verified with, under the name by which tokens call it.
#[derive(Clone, Copy, Debug)]
pub struct VerifyingKey<'a> {
    pub id: &'a KeyId,
    pub key: &'a PublicKey,
}

/// Why a token does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("malformed")]
    Malformed,
    /// It has a member that would change how it is to be read, or brings a key along.
    #[error("unsupported header")]
    UnsupportedHeader,
    #[error("wrong type")]
    OtherType,
    #[error("unknown key")]
    UnknownKey,
    /// Not that of its key.
    #[error("wrong algorithm")]
    OtherAlgorithm,
    #[error("bad signature")]
    BadSignature,
}

/// Members of a header that are refused: extensions that must be understood, other payloads, and keys that the token chooses
/// (RFC 7515, section 4.1; RFC 8725, sections 3.1 and 3.10).
const REFUSED: [&str; 8] = ["crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"];

/// Verifies a token and returns its claims. The key decides the algorithm; `typ` is one of those that the caller expects, in
/// any case and with or without `application/` before it (RFC 7515, section 4.1.9).
///
/// # Errors
/// Why it does not hold. Times, issuer and audience are for the caller to check.
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
    let typ = header.text("typ").ok_or(Invalid::OtherType)?.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    if !types.iter().any(|expected| expected.eq_ignore_ascii_case(typ)) {
        return Err(Invalid::OtherType);
    }
    let named = header.text("kid").ok_or(Invalid::UnknownKey)?;
    let known = keys.iter().find(|known| known.id.as_str() == named).ok_or(Invalid::UnknownKey)?;
    if header.text("alg") != Some(known.key.algorithm().name()) {
        return Err(Invalid::OtherAlgorithm);
    }
    if !known.key.verifies(message.as_bytes(), &bytes(signature)?) {
        return Err(Invalid::BadSignature);
    }
    object(claims)
}

fn object(part: &str) -> Result<Members, Invalid> {
    Members::parse(&bytes(part)?).map_err(|_| Invalid::Malformed)
}

/// The decoder refuses padding, other alphabets and stray bits at the end, so that a token has one spelling.
fn bytes(part: &str) -> Result<Vec<u8>, Invalid> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Invalid::Malformed)
}
