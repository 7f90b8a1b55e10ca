use super::Algorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The ID of a key: its thumbprint (RFC 7638), so that the same key has the same ID everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The ID that a token or a command names; there may be no such key.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key: the members of its JWK, base64url without padding (RFC 7518, section 6; RFC 8037, section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicKey {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    P256 { crv: P256, x: String, y: String },
    #[serde(rename = "OKP")]
    Ed25519 { crv: Ed25519, x: String },
}

/// The only supported curve of key type `EC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum P256 {
    #[serde(rename = "P-256")]
    P256,
}

/// The only supported curve of key type `OKP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ed25519 {
    Ed25519,
}

/// A key as the key set publishes it (RFC 7517, section 4).
#[derive(Serialize)]
struct Published<'a> {
    #[serde(flatten)]
    key: &'a PublicKey,
    kid: &'a str,
    alg: &'static str,
    r#use: &'static str,
}

impl PublicKey {
    /// The only algorithm that this key verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    /// The SHA-256 thumbprint over the required members in the order of their names (RFC 7638, section 3).
    #[must_use]
    pub fn id(&self) -> KeyId {
        let members = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::P256 { x, y, .. } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Ed25519 { x, .. } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        KeyId(URL_SAFE_NO_PAD.encode(Sha256::digest(members)))
    }

    /// The JSON of the key for a key set: public members, `kid`, `alg` and `use`.
    ///
    /// # Errors
    /// Never in practice: all members are strings.
    pub fn published(&self) -> Result<serde_json::Value, serde_json::Error> {
        let (id, alg) = (self.id(), self.algorithm().name());
        serde_json::to_value(Published { key: self, kid: id.as_str(), alg, r#use: "sig" })
    }

    /// Whether `signature` is a signature of `message` by this key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let verified = match self {
            Self::Rsa { n, e } => bytes(n).zip(bytes(e)).map(|(n, e)| {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
            }),
            // Coordinates of another length would be another encoding of the same key (RFC 7518, section 6.2.1.2).
            Self::P256 { x, y, .. } => {
                bytes(x).zip(bytes(y)).filter(|(x, y)| x.len() == 32 && y.len() == 32).map(|(x, y)| {
                    // An uncompressed point (SEC 1, section 2.3.3).
                    let point = [&[4], x.as_slice(), y.as_slice()].concat();
                    UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
                })
            }
            Self::Ed25519 { x, .. } => {
                bytes(x).map(|x| UnparsedPublicKey::new(&signature::ED25519, x).verify(message, signature))
            }
        };
        verified.is_some_and(|verified| verified.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7638, section 3.1.
    #[test]
    fn a_thumbprint_matches_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                 tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI\
                 SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = PublicKey::Rsa { n: n.to_owned(), e: "AQAB".to_owned() };
        assert_eq!(key.id().as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// The example of RFC 8037, appendix A.3.
    #[test]
    fn an_ed25519_thumbprint_matches_rfc_8037() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned();
        let key = PublicKey::Ed25519 { crv: Ed25519::Ed25519, x };
        assert_eq!(key.id().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
