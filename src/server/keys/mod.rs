//! The secret key, which hashes short values and encrypts others.

pub mod file;

use crate::server::Unavailable;
use crate::server::secret::{Entropy, Secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

/// Settings `SECRET_KEY` and `SECRET_KEY_PREVIOUS`: new hashes use the first, existing ones are checked with either.
#[derive(Clone, Debug)]
pub struct Keys {
    current: Secret<Vec<u8>>,
    previous: Vec<Secret<Vec<u8>>>,
}

/// HMAC-SHA-256 (RFC 2104) of a value that could be guessed from a plain hash.
pub type KeyedHash = [u8; 32];

impl Keys {
    #[must_use]
    pub fn new<'a>(current: &Secret<String>, previous: impl IntoIterator<Item = &'a Secret<String>>) -> Self {
        let bytes = |key: &Secret<String>| Secret::new(key.expose().as_bytes().to_vec());
        Self { current: bytes(current), previous: previous.into_iter().map(bytes).collect() }
    }

    /// The current key, then those that are still accepted.
    fn all(&self) -> impl Iterator<Item = &Secret<Vec<u8>>> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// The name of the key that new values are hashed and encrypted with. It reveals nothing about the key.
    #[must_use]
    pub fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.hash(&[b"name"], b"")[..9])
    }

    /// Hashes `value`; `context` names its purpose and its owner, so that the hash matches nothing else.
    #[must_use]
    pub fn hash(&self, context: &[&[u8]], value: &[u8]) -> KeyedHash {
        mac(&self.current, context, value).finalize().into_bytes().into()
    }

    /// Hashes `value` with each key that is still accepted.
    #[must_use]
    pub fn hashes(&self, context: &[&[u8]], value: &[u8]) -> Vec<KeyedHash> {
        self.all().map(|key| mac(key, context, value).finalize().into_bytes().into()).collect()
    }

    /// Encrypts `value` so that reading or changing it needs the key: AES-256-GCM with a random nonce (NIST SP 800-38D)
    /// and a key derived from the secret. Decryption needs the same `context`.
    ///
    /// # Errors
    /// When `value` is too long, which takes gigabytes.
    pub fn seal(&self, context: &[u8], value: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, Unavailable> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = value.to_vec();
        sealing_key(&self.current)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .map_err(|_| Unavailable::new("secret key", "the value is too long to encrypt"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts the output of [`Keys::seal`]; `None` for anything else.
    #[must_use]
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        self.all().find_map(|key| {
            let mut buffer = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = sealing_key(key).open_in_place(nonce, Aad::from(context), &mut buffer).ok()?.len();
            buffer.truncate(opened);
            Some(buffer)
        })
    }

    /// Whether `hash` is a hash of this value; compares in constant time.
    #[must_use]
    pub fn matches(&self, hash: &KeyedHash, context: &[&[u8]], value: &[u8]) -> bool {
        self.all().any(|key| mac(key, context, value).verify_slice(hash).is_ok())
    }
}

/// A separate key, so that no hash reveals anything about it (HKDF's "extract", RFC 5869, section 2.2, gives as many
/// bits).
fn sealing_key(key: &Secret<Vec<u8>>) -> LessSafeKey {
    let derived = mac(key, &[b"seal"], b"").finalize().into_bytes();
    #[expect(clippy::expect_used, reason = "HMAC-SHA-256 gives the 32 bytes that AES-256 takes")]
    let derived = UnboundKey::new(&AES_256_GCM, &derived).expect("32 bytes");
    LessSafeKey::new(derived)
}

/// Each part is preceded by its length, so that two contexts never give the same bytes.
fn mac(key: &Secret<Vec<u8>>, context: &[&[u8]], value: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 2)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("a key of any length");
    for part in context.iter().copied().chain([value]) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    fn key(character: &str) -> Secret<String> {
        Secret::new(character.repeat(32))
    }

    #[test]
    fn a_hash_matches_only_its_value_context_and_key() {
        let keys = Keys::new(&key("a"), None);
        let hash = keys.hash(&[b"code", b"1"], b"123456");
        assert!(keys.matches(&hash, &[b"code", b"1"], b"123456"));
        assert!(!keys.matches(&hash, &[b"code", b"1"], b"123457"));
        assert!(!keys.matches(&hash, &[b"code", b"2"], b"123456"));
        assert!(!keys.matches(&hash, &[b"code1", b""], b"123456"));
        assert!(!Keys::new(&key("b"), None).matches(&hash, &[b"code", b"1"], b"123456"));
    }

    #[test]
    fn the_previous_key_is_still_accepted_and_no_longer_used() {
        let old = Keys::new(&key("a"), None).hash(&[], b"x");
        let keys = Keys::new(&key("b"), Some(&key("a")));
        assert!(keys.matches(&old, &[], b"x"));
        assert_ne!(keys.hash(&[], b"x"), old);
    }

    #[test]
    fn a_sealed_value_opens_only_with_its_context_and_an_accepted_key() {
        let sealed = Keys::new(&key("a"), None).seal(b"one", b"a name and an address", &SystemEntropy).unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"name"));
        for (current, previous) in [("a", None), ("b", Some("a"))] {
            let keys = Keys::new(&key(current), previous.map(key).as_ref());
            assert_eq!(keys.open(b"one", &sealed).unwrap(), b"a name and an address");
            assert_eq!(keys.open(b"other", &sealed), None);
        }
        assert_eq!(Keys::new(&key("b"), None).open(b"one", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(Keys::new(&key("a"), None).open(b"one", &changed), None, "{at}");
            assert_eq!(Keys::new(&key("a"), None).open(b"one", &sealed[..at]), None, "{at}");
        }
    }
}
