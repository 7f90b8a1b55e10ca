//! The provider's signing keys: stored keys, and the set that signs and verifies. No I/O.

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::jose::{Algorithm, KeyId, PublicKey, SigningKey, VerifyingKey};
use crate::server::keys::Keys;
use crate::server::model::PermanentKey;
use crate::server::model::limit::SKEW;
use crate::server::secret::Entropy;
use std::time::Duration;

/// How long a key signs (docs/APPLICATIONS.md).
pub const SIGNING_PERIOD: Duration = Duration::from_hours(30 * 24);
/// How long a key is published before it signs, so that applications know it by then.
pub const PUBLISHED_AHEAD: Duration = Duration::from_hours(24);
/// How long a retired key stays published, including the interval in which nodes learn of its successor.
const PUBLISHED_AFTER: Duration = Duration::from_hours(24).saturating_add(KEY_READ_INTERVAL);
/// How long a retired key verifies ID tokens that applications send back as hints.
const HINT_VERIFICATION_PERIOD: Duration = Duration::from_hours(400 * 24);
/// How often a node rereads the keys.
pub const KEY_READ_INTERVAL: Duration = Duration::from_mins(1);

/// A private key, encrypted under the secret key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    pub bytes: Vec<u8>,
    /// The name of the secret key that encrypted it ([`Keys::name`]).
    pub by: String,
}

/// A stored signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    pub id: KeyId,
    pub public: PublicKey,
    /// `None` once it no longer signs.
    pub private: Option<SealedKey>,
    pub created_at: Timestamp,
    /// When it starts to sign; it stops when the next key of its algorithm starts.
    pub signs_from: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// The timestamps of a new key.
#[derive(Clone, Copy, Debug)]
pub struct KeyTimes {
    pub created_at: Timestamp,
    pub signs_from: Timestamp,
}

/// The error for a key that cannot be decrypted or parsed.
fn unreadable(id: &str) -> Unavailable {
    Unavailable::new("signing keys", format!("SECRET_KEY cannot decrypt key {id}; set the one that encrypted it"))
}

impl StoredKey {
    /// Encrypts a private key for storage.
    pub fn new(pkcs8: &[u8], algorithm: Algorithm, times: KeyTimes, sealer: Sealer<'_>) -> Result<Self, Unavailable> {
        let key = SigningKey::from_pkcs8(algorithm, pkcs8).map_err(|cause| Unavailable::new("signing keys", cause))?;
        let (public, id) = (key.public().clone(), key.public().id());
        let private = Some(sealer.seal(id.as_str(), pkcs8)?);
        let KeyTimes { created_at, signs_from } = times;
        Ok(Self { id, public, private, created_at, signs_from, revoked_at: None })
    }

    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// Decrypts the private key; `None` if it no longer signs.
    ///
    /// # Errors
    /// When the secret key is not the one that encrypted it.
    pub fn open(&self, keys: &Keys) -> Result<Option<SigningKey>, Unavailable> {
        let Some(sealed) = &self.private else { return Ok(None) };
        let id = self.id.as_str();
        let pkcs8 = open(keys, id, sealed)?;
        SigningKey::from_pkcs8(self.algorithm(), &pkcs8).map(Some).map_err(|_| unreadable(id))
    }

    /// The private key, re-encrypted under the current secret key; `None` if it already is.
    ///
    /// # Errors
    /// When the secret key is not the one that encrypted it.
    pub fn resealed(&self, sealer: Sealer<'_>) -> Result<Option<SealedKey>, Unavailable> {
        self.private.as_ref().map_or(Ok(None), |sealed| sealer.reseal(self.id.as_str(), sealed))
    }
}

/// Encrypts keys under the secret key.
#[derive(Clone, Copy)]
pub struct Sealer<'a> {
    pub keys: &'a Keys,
    pub entropy: &'a dyn Entropy,
}

impl Sealer<'_> {
    /// Encrypts a key; it can be decrypted only under the same name.
    pub fn seal(self, name: &str, key: &[u8]) -> Result<SealedKey, Unavailable> {
        let bytes = self.keys.seal(&context(name), key, self.entropy)?;
        Ok(SealedKey { bytes, by: self.keys.name() })
    }

    /// Re-encrypts a key under the current secret key; `None` if it already is.
    ///
    /// # Errors
    /// When the secret key is not the one that encrypted it.
    pub fn reseal(self, name: &str, sealed: &SealedKey) -> Result<Option<SealedKey>, Unavailable> {
        if sealed.by == self.keys.name() {
            return Ok(None);
        }
        self.seal(name, &open(self.keys, name, sealed)?).map(Some)
    }
}

/// Decrypts a key that [`Sealer::seal`] encrypted.
///
/// # Errors
/// When the secret key is not the one that encrypted it.
pub fn open(keys: &Keys, name: &str, sealed: &SealedKey) -> Result<Vec<u8>, Unavailable> {
    keys.open(&context(name), &sealed.bytes).ok_or_else(|| unreadable(name))
}

fn context(name: &str) -> Vec<u8> {
    [b"signing key ", name.as_bytes()].concat()
}

/// A key of the set.
struct Member {
    id: KeyId,
    public: PublicKey,
    /// `None` once it no longer signs.
    private: Option<SigningKey>,
    signs_from: Timestamp,
    /// When its successor starts to sign.
    retires_at: Option<Timestamp>,
}

/// The keys that sign and verify, and the permanent key.
pub struct KeySet {
    members: Vec<Member>,
    permanent: PermanentKey,
}

impl KeySet {
    /// Decrypts the stored keys.
    ///
    /// # Errors
    /// When the secret key is not the one that encrypted them.
    pub fn open(stored: &[StoredKey], permanent: PermanentKey, keys: &Keys) -> Result<Self, Unavailable> {
        let valid = || stored.iter().filter(|key| key.revoked_at.is_none());
        let member = |key: &StoredKey| {
            let later = valid().filter(|other| other.algorithm() == key.algorithm() && is_after(other, key));
            Ok(Member {
                id: key.id.clone(),
                public: key.public.clone(),
                private: key.open(keys)?,
                signs_from: key.signs_from,
                retires_at: later.map(|other| other.signs_from).min(),
            })
        };
        Ok(Self { members: valid().map(member).collect::<Result<_, Unavailable>>()?, permanent })
    }

    #[must_use]
    pub fn permanent_key(&self) -> &PermanentKey {
        &self.permanent
    }

    /// Whether each algorithm has a key that signs.
    #[must_use]
    pub fn is_complete(&self, now: Timestamp) -> bool {
        Algorithm::ALL.into_iter().all(|algorithm| self.signer(algorithm, now).is_some())
    }

    /// The current signing key of an algorithm.
    #[must_use]
    pub fn signer(&self, algorithm: Algorithm, now: Timestamp) -> Option<&SigningKey> {
        let signs = |key: &&Member| {
            key.public.algorithm() == algorithm
                && key.signs_from <= now
                && key.retires_at.is_none_or(|retires_at| now < retires_at)
        };
        self.members.iter().find(signs)?.private.as_ref()
    }

    /// The public keys of the published key set: next, current and previous ones.
    pub fn published(&self, now: Timestamp) -> impl Iterator<Item = &PublicKey> {
        let is_published =
            move |key: &&Member| key.retires_at.is_none_or(|retires_at| now < retires_at.plus(PUBLISHED_AFTER));
        self.members.iter().filter(is_published).map(|key| &key.public)
    }

    /// The keys that verify our own ID tokens when applications send them back as hints.
    #[must_use]
    pub fn hint_keys(&self, now: Timestamp) -> Vec<VerifyingKey<'_>> {
        let verifies =
            |key: &&Member| key.retires_at.is_none_or(|retires_at| now < retires_at.plus(HINT_VERIFICATION_PERIOD));
        self.members.iter().filter(verifies).map(|key| VerifyingKey { id: &key.id, key: &key.public }).collect()
    }
}

/// Whether `key` signs after `other`. Keys that start at the same time are ordered by id.
fn is_after(key: &StoredKey, other: &StoredKey) -> bool {
    (key.signs_from, &key.id) > (other.signs_from, &other.id)
}

/// The phase of a key, for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Next,
    Current,
    Previous,
    /// No longer published; only verifies hints.
    Retired,
    Revoked,
}

impl Phase {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Previous => "previous",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }
}

/// The phase of a key among all stored keys.
#[must_use]
pub fn phase(key: &StoredKey, all: &[StoredKey], now: Timestamp) -> Phase {
    if key.revoked_at.is_some() {
        return Phase::Revoked;
    }
    match retires_at(key, all) {
        _ if key.signs_from > now => Phase::Next,
        Some(at) if now >= at.plus(PUBLISHED_AFTER) => Phase::Retired,
        Some(at) if now >= at => Phase::Previous,
        _ => Phase::Current,
    }
}

fn retires_at(key: &StoredKey, all: &[StoredKey]) -> Option<Timestamp> {
    let later = all
        .iter()
        .filter(|other| other.revoked_at.is_none() && other.algorithm() == key.algorithm() && is_after(other, key));
    later.map(|other| other.signs_from).min()
}

/// When a key that has to be created now starts to sign; `None` if no key is needed.
#[must_use]
pub fn due_key_start(algorithm: Algorithm, all: &[StoredKey], now: Timestamp) -> Option<Timestamp> {
    let of_phase =
        |wanted: Phase| all.iter().find(|key| key.algorithm() == algorithm && phase(key, all, now) == wanted);
    match (of_phase(Phase::Current), of_phase(Phase::Next)) {
        // Another node, whose clock is slightly ahead, has just created it.
        (None, Some(next)) if next.signs_from <= now.plus(SKEW) => None,
        (None, _) => Some(now),
        (Some(_), Some(_)) => None,
        (Some(current), None) => {
            let ends = current.signs_from.plus(SIGNING_PERIOD);
            (now >= ends.minus(PUBLISHED_AHEAD)).then(|| ends.max(now.plus(PUBLISHED_AHEAD)))
        }
    }
}

/// Whether a key's private half is no longer needed because the key has retired or was revoked.
#[must_use]
pub fn has_obsolete_private_key(key: &StoredKey, all: &[StoredKey], now: Timestamp) -> bool {
    key.private.is_some() && matches!(phase(key, all, now), Phase::Retired | Phase::Revoked)
}

/// Whether a key can be removed because it no longer verifies anything.
#[must_use]
pub fn is_removable(key: &StoredKey, all: &[StoredKey], now: Timestamp) -> bool {
    let ended = key.revoked_at.or_else(|| retires_at(key, all));
    ended.is_some_and(|ended| now >= ended.plus(HINT_VERIFICATION_PERIOD))
}

#[cfg(test)]
mod tests;
