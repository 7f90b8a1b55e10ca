//! Generates, publishes, rotates and revokes the signing keys. All nodes share one set.

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::jose::{Algorithm, KeyId, SigningKey, sign};
use crate::server::model::PermanentKey;
use crate::server::model::oauth::Client;
use crate::server::model::signing_key::{
    self, KeySet, KeyTimes, PUBLISHED_AHEAD, Phase, SealedKey, Sealer, StoredKey, due_key_start, open, phase,
};
use crate::server::secret::Secret;
use crate::server::store::Unit;
use crate::server::telemetry::AUDIT;
use serde::Serialize;
use std::sync::Arc;

/// The name of the permanent key.
const PERMANENT_KEY: &str = "lasting";

/// The provider's signing keys.
pub struct SigningKeys<'a> {
    pub(in crate::server) core: &'a Core,
}

impl SigningKeys<'_> {
    /// The keys that this node read last.
    ///
    /// # Errors
    /// While the first keys are being generated.
    pub fn current(&self) -> Result<Arc<KeySet>, Unavailable> {
        let set = self.core.key_set.get().filter(|set| set.is_complete(self.core.now()));
        set.ok_or_else(|| Unavailable::expected("signing keys", "the first keys are being generated"))
    }

    /// Reads the keys that this node signs with.
    ///
    /// # Errors
    /// When the database is unavailable, or the secret key does not decrypt the keys.
    pub async fn read(&self) -> Result<(), Unavailable> {
        let stored = self.core.store.signing_keys().await?;
        let Some(permanent) = self.core.store.permanent_key(PERMANENT_KEY).await? else { return Ok(()) };
        let set = KeySet::open(&stored, self.open_permanent_key(&permanent)?, &self.core.keys)?;
        self.core.key_set.set(set);
        Ok(())
    }

    fn open_permanent_key(&self, sealed: &SealedKey) -> Result<PermanentKey, Unavailable> {
        let bytes = open(&self.core.keys, PERMANENT_KEY, sealed)?;
        let bytes = bytes.try_into().map_err(|_| Unavailable::new("signing keys", "the permanent key is truncated"))?;
        Ok(PermanentKey(Secret::new(bytes)))
    }

    /// Generates keys that are due, re-encrypts keys under the current secret key, removes obsolete ones, and rereads
    /// all.
    ///
    /// # Errors
    /// The same as [`SigningKeys::read`].
    pub async fn maintain(&self) -> Result<(), Unavailable> {
        self.maintain_permanent_key().await?;
        let (stored, now) = (self.core.store.signing_keys().await?, self.core.now());
        for algorithm in Algorithm::ALL {
            if due_key_start(algorithm, &stored, now).is_some() {
                let key = generate(algorithm).await?;
                self.add(&key, algorithm, |stored, now| due_key_start(algorithm, stored, now)).await?;
            }
        }
        self.tidy().await?;
        self.read().await
    }

    /// Adds a key if `signs_from` still requires it: another node may have added one in the meantime.
    async fn add(
        &self,
        pkcs8: &[u8],
        algorithm: Algorithm,
        signs_from: impl Fn(&[StoredKey], Timestamp) -> Option<Timestamp>,
    ) -> Result<Option<KeyId>, Unavailable> {
        let mut unit = self.core.store.begin().await?;
        let stored = unit.lock_signing_keys().await?;
        let now = self.core.now();
        let Some(signs_from) = signs_from(&stored, now) else { return Ok(None) };
        self.check_secret_key(unit.as_mut()).await?;
        let times = KeyTimes { created_at: now, signs_from };
        let key = StoredKey::new(pkcs8, algorithm, times, self.sealer())?;
        unit.add_signing_key(&key).await?;
        unit.commit().await?;
        let (kid, algorithm) = (&key.id, algorithm.name());
        tracing::info!(target: AUDIT, %kid, algorithm, event = "signing_key_added", "signing_key_added");
        Ok(Some(key.id))
    }

    /// Refuses a secret key that does not decrypt this set: no other node could decrypt a key encrypted under it.
    async fn check_secret_key(&self, unit: &mut dyn Unit) -> Result<(), Unavailable> {
        let sealed = unit.permanent_key_within(PERMANENT_KEY).await?;
        sealed.map_or(Ok(()), |sealed| self.open_permanent_key(&sealed).map(drop))
    }

    fn sealer(&self) -> Sealer<'_> {
        Sealer { keys: &self.core.keys, entropy: self.core.entropy() }
    }

    fn new_permanent_key(&self) -> Result<SealedKey, Unavailable> {
        let mut bytes = [0; 32];
        self.core.entropy().fill(&mut bytes);
        self.sealer().seal(PERMANENT_KEY, &bytes)
    }

    /// Creates the permanent key, or re-encrypts it under the current secret key.
    async fn maintain_permanent_key(&self) -> Result<(), Unavailable> {
        let sealed = if let Some(sealed) = self.core.store.permanent_key(PERMANENT_KEY).await? {
            self.sealer().reseal(PERMANENT_KEY, &sealed)?
        } else {
            Some(self.new_permanent_key()?)
        };
        let Some(sealed) = sealed else { return Ok(()) };
        let mut unit = self.core.store.begin().await?;
        unit.lock_signing_keys().await?;
        // Another node may have created the key while we waited; this one would be a different key.
        let known = unit.permanent_key_within(PERMANENT_KEY).await?;
        if known.as_ref().is_some_and(|known| known.by == sealed.by) {
            return Ok(());
        }
        let sealed = match known {
            Some(known) => self.sealer().reseal(PERMANENT_KEY, &known)?.unwrap_or(known),
            None => sealed,
        };
        unit.put_permanent_key(PERMANENT_KEY, &sealed, self.core.now()).await?;
        unit.commit().await
    }

    /// Re-encrypts keys under the current secret key, and removes obsolete private halves and expired keys.
    async fn tidy(&self) -> Result<(), Unavailable> {
        let (now, name) = (self.core.now(), self.core.keys.name());
        let is_due = |key: &StoredKey, all: &[StoredKey]| {
            signing_key::has_obsolete_private_key(key, all, now)
                || signing_key::is_removable(key, all, now)
                || key.private.as_ref().is_some_and(|private| private.by != name)
        };
        let stored = self.core.store.signing_keys().await?;
        if !stored.iter().any(|key| is_due(key, &stored)) {
            return Ok(());
        }
        let mut unit = self.core.store.begin().await?;
        let stored = unit.lock_signing_keys().await?;
        for key in stored.iter().filter(|key| is_due(key, &stored)) {
            if signing_key::is_removable(key, &stored, now) {
                unit.remove_signing_key(&key.id).await?;
            } else if signing_key::has_obsolete_private_key(key, &stored, now) {
                unit.seal_signing_key(&key.id, None).await?;
            } else if let Some(sealed) = key.resealed(self.sealer())? {
                unit.seal_signing_key(&key.id, Some(&sealed)).await?;
            }
        }
        unit.commit().await
    }

    /// All stored keys, oldest first.
    pub async fn stored(&self) -> Result<Vec<StoredKey>, Unavailable> {
        self.core.store.signing_keys().await
    }

    /// All keys with their phases, oldest first.
    pub async fn list(&self) -> Result<Vec<(StoredKey, Phase)>, Unavailable> {
        let (stored, now) = (self.core.store.signing_keys().await?, self.core.now());
        Ok(stored.iter().map(|key| (key.clone(), phase(key, &stored, now))).collect())
    }

    /// Adds a key for each algorithm without a next key; it starts to sign in 24 hours, when applications have read it.
    pub async fn rotate(&self) -> Result<Vec<KeyId>, Unavailable> {
        self.maintain_permanent_key().await?;
        let mut added = Vec::new();
        for algorithm in Algorithm::ALL {
            let key = generate(algorithm).await?;
            let from = |stored: &[StoredKey], now: Timestamp| {
                let is_next = |key: &StoredKey| key.algorithm() == algorithm && phase(key, stored, now) == Phase::Next;
                (!stored.iter().any(is_next)).then(|| now.plus(PUBLISHED_AHEAD))
            };
            added.extend(self.add(&key, algorithm, from).await?);
        }
        Ok(added)
    }

    /// Revokes all keys and generates new ones that sign at once: for a set whose secret key is lost. The permanent key
    /// is replaced too.
    pub async fn replace(&self) -> Result<Vec<KeyId>, Unavailable> {
        let (mut keys, now) = (Vec::new(), self.core.now());
        for algorithm in Algorithm::ALL {
            keys.push((algorithm, generate(algorithm).await?));
        }
        let mut unit = self.core.store.begin().await?;
        for key in unit.lock_signing_keys().await? {
            unit.revoke_signing_key(&key.id, now).await?;
        }
        let mut added = Vec::new();
        for (algorithm, pkcs8) in keys {
            let times = KeyTimes { created_at: now, signs_from: now };
            let key = StoredKey::new(&pkcs8, algorithm, times, self.sealer())?;
            unit.add_signing_key(&key).await?;
            added.push(key.id);
        }
        unit.put_permanent_key(PERMANENT_KEY, &self.new_permanent_key()?, now).await?;
        unit.commit().await?;
        tracing::warn!(target: AUDIT, event = "signing_keys_replaced", "signing_keys_replaced");
        Ok(added)
    }

    /// Revokes a key: it no longer signs or verifies. If it was the current key, the next key or a new one signs at
    /// once. `false` if there is no such key.
    pub async fn revoke(&self, id: &KeyId) -> Result<bool, Unavailable> {
        let now = self.core.now();
        let known = self.core.store.signing_keys().await?;
        let Some(key) = known.iter().find(|key| key.id == *id) else { return Ok(false) };
        let (algorithm, spare) = (key.algorithm(), generate(key.algorithm()).await?);
        let mut unit = self.core.store.begin().await?;
        let stored = unit.lock_signing_keys().await?;
        unit.revoke_signing_key(id, now).await?;
        if stored.iter().any(|key| key.id == *id && phase(key, &stored, now) == Phase::Current) {
            self.succeed(unit.as_mut(), algorithm, &spare).await?;
        }
        unit.commit().await?;
        tracing::warn!(target: AUDIT, kid = %id, event = "signing_key_revoked", "signing_key_revoked");
        Ok(true)
    }

    /// Lets the next key of an algorithm sign now, or a new one if there is none.
    async fn succeed(&self, unit: &mut dyn Unit, algorithm: Algorithm, spare: &[u8]) -> Result<(), Unavailable> {
        let (now, stored) = (self.core.now(), unit.lock_signing_keys().await?);
        let next = stored.iter().find(|key| key.algorithm() == algorithm && phase(key, &stored, now) == Phase::Next);
        if let Some(next) = next {
            return unit.start_signing_key(&next.id, now).await;
        }
        self.check_secret_key(unit).await?;
        let times = KeyTimes { created_at: now, signs_from: now };
        unit.add_signing_key(&StoredKey::new(spare, algorithm, times, self.sealer())?).await
    }
}

/// Signs claims with the current key of the application's algorithm. `typ` is the kind of token (RFC 8725, section
/// 3.11).
pub(super) fn sign_for(
    client: &Client,
    (keys, now): (&KeySet, Timestamp),
    typ: &'static str,
    claims: &impl Serialize,
) -> Result<String, Unavailable> {
    let failed = |cause: String| Unavailable::new("signing keys", cause);
    let key = keys.signer(client.algorithm, now).ok_or_else(|| failed("the algorithm has no key".to_owned()))?;
    sign(key, typ, claims).map_err(|cause| failed(cause.to_string()))
}

/// Generates a key on a blocking thread: an RSA key takes a second.
async fn generate(algorithm: Algorithm) -> Result<Vec<u8>, Unavailable> {
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await;
    let made = made.map_err(|cause| Unavailable::new("signing keys", cause))?;
    made.map_err(|cause| Unavailable::new("signing keys", cause))
}
