use super::jwk::{Ed25519, P256};
use super::{Algorithm, PublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rsa::pkcs8::EncodePrivateKey;
use std::fmt;

/// Bits of a new RSA key (NIST SP 800-57, part 1: 112 bits of security, until 2030).
const RSA_BITS: usize = 2048;

/// A private key and its public key.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key could not be generated, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(&'static str);

impl KeyError {
    pub(super) const NOT_JSON: Self = Self("the claims are not JSON");
}

impl SigningKey {
    /// Generates a private key, as PKCS #8 (RFC 5958). For RSA this takes a second or more; do not call it while
    /// handling a request.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate(algorithm: Algorithm) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let failed = |_| KeyError("the key could not be generated");
        match algorithm {
            Algorithm::Rs256 => generate_rsa(),
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map(|key| key.as_ref().to_vec())
                .map_err(failed),
            Algorithm::EdDsa => {
                Ed25519KeyPair::generate_pkcs8(&random).map(|key| key.as_ref().to_vec()).map_err(failed)
            }
        }
    }

    /// Reads a private key from [`SigningKey::generate`].
    ///
    /// # Errors
    /// When it is not a private key of this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let rejected = |_| KeyError("the private key cannot be read");
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
                let parts = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                let public = PublicKey::Rsa { n: text(&parts.n), e: text(&parts.e) };
                Self { pair: Pair::Rsa(Box::new(pair)), public }
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new());
                let pair = pair.map_err(rejected)?;
                // An uncompressed point (SEC 1, section 2.3.3).
                let (_, point) = pair.public_key().as_ref().split_at(1);
                let (x, y) = point.split_at(point.len() / 2);
                let public = PublicKey::P256 { crv: P256::P256, x: text(x), y: text(y) };
                Self { pair: Pair::P256(pair), public }
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
                let public = PublicKey::Ed25519 { crv: Ed25519::Ed25519, x: text(pair.public_key().as_ref()) };
                Self { pair: Pair::Ed25519(pair), public }
            }
        })
    }

    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message with the key's own algorithm.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let failed = |_| KeyError("the message could not be signed");
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::P256(pair) => pair.sign(&random, message).map(|signed| signed.as_ref().to_vec()).map_err(failed),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn generate_rsa() -> Result<Vec<u8>, KeyError> {
    let failed = KeyError("the RSA key could not be generated");
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let key = rsa::RsaPrivateKey::new(&mut random, RSA_BITS).map_err(|_| failed)?;
    key.to_pkcs8_der().map(|pkcs8| pkcs8.as_bytes().to_vec()).map_err(|_| failed)
}

/// Shows only the public key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}
