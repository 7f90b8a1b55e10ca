//! The dependencies of every service, created once per process.

use crate::server::Unavailable;
use crate::server::clock::{Clock, Timestamp};
use crate::server::config::{EmailPolicy, SignUp};
use crate::server::ephemeral::Ephemeral;
use crate::server::keys::Keys;
use crate::server::limiter::Limiter;
use crate::server::model::ApplicationId;
use crate::server::model::oauth::code_count::CodeCount;
use crate::server::model::oauth::{Client, ClientSecret};
use crate::server::model::signing_key::KeySet;
use crate::server::model::{Issuer, SessionLifetimes};
use crate::server::secret::{Entropy, Token};
use crate::server::store::{MailboxEmail, Store};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Storage, time, randomness and keys. Tests pass their own.
pub struct Dependencies {
    pub store: Arc<dyn Store>,
    pub ephemeral: Arc<dyn Ephemeral>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub keys: Keys,
}

/// The signing keys that this node read last.
#[derive(Default)]
pub struct CachedKeySet(RwLock<Option<Arc<KeySet>>>);

impl CachedKeySet {
    #[must_use]
    pub fn get(&self) -> Option<Arc<KeySet>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, keys: KeySet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
    }
}

/// Counts of authorization codes that this process has not written yet: at most one entry per application.
#[derive(Debug, Default)]
pub struct CodeTally(Mutex<BTreeMap<ApplicationId, CodeCount>>);

impl CodeTally {
    /// Adds to an application's count.
    pub fn add(&self, application: &ApplicationId, count: CodeCount) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.entry(application.clone()).or_default();
        own.issued += count.issued;
        own.presented += count.presented;
    }

    /// Takes all counts.
    #[must_use]
    pub fn take(&self) -> BTreeMap<ApplicationId, CodeCount> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The settings that decide what services do.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The issuer of tokens: `PUBLIC_URL` without a trailing slash.
    pub issuer: String,
    /// The relying party ID: the host of `PUBLIC_URL`. Passkeys of another ID cannot sign in.
    pub rp_id: String,
    pub sessions: SessionLifetimes,
    pub email: EmailPolicy,
    pub sign_up: SignUp,
    /// Setting `RATE_LIMITS`.
    pub rate_limits: bool,
}

/// The backends, the rate limiter and the policy. Its fields are visible only in `server`.
pub struct Core {
    pub(in crate::server) store: Arc<dyn Store>,
    pub(in crate::server) ephemeral: Arc<dyn Ephemeral>,
    pub(in crate::server) clock: Arc<dyn Clock>,
    pub(in crate::server) entropy: Arc<dyn Entropy>,
    pub(in crate::server) keys: Keys,
    pub(in crate::server) limiter: Limiter,
    pub(in crate::server) policy: Policy,
    pub(in crate::server) key_set: CachedKeySet,
    pub(in crate::server) code_tally: CodeTally,
}

impl Core {
    #[must_use]
    pub fn new(backing: Dependencies, policy: Policy) -> Self {
        let Dependencies { store, ephemeral, clock, entropy, keys } = backing;
        let limiter = Limiter {
            ephemeral: Arc::clone(&ephemeral),
            clock: Arc::clone(&clock),
            keys: keys.clone(),
            is_on: policy.rate_limits,
        };
        let (key_set, code_tally) = (CachedKeySet::default(), CodeTally::default());
        Self { store, ephemeral, clock, entropy, keys, limiter, policy, key_set, code_tally }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    #[must_use]
    pub fn email(&self) -> EmailPolicy {
        self.policy.email
    }

    #[must_use]
    pub fn rp_id(&self) -> &str {
        &self.policy.rp_id
    }

    /// The name of the secret key that encrypts new values.
    #[must_use]
    pub fn key_name(&self) -> String {
        self.keys.name()
    }

    /// The secrets of an application.
    pub async fn secrets_of(&self, application: &ApplicationId) -> Result<Vec<ClientSecret>, Unavailable> {
        self.store.client_secrets(application).await
    }

    /// The client of an application.
    pub async fn client_of(&self, application: &ApplicationId) -> Result<Option<Client>, Unavailable> {
        self.store.client_of(application).await
    }

    /// The issuer of tokens.
    #[must_use]
    pub fn issuer_url(&self) -> &str {
        &self.policy.issuer
    }

    /// Closes all database connections.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// How many accounts cannot sign in under these settings, and how many passkeys belong to another relying party.
    pub async fn count_locked_out(&self) -> Result<(u64, u64), Unavailable> {
        let without_method = self.store.count_without_sign_in_method(self.rp_id(), self.email().signs_in()).await?;
        Ok((without_method, self.store.count_passkeys_of_other_rps(self.rp_id()).await?))
    }

    /// The source of the IDs and times of new rows.
    pub(in crate::server) fn issuer(&self) -> Issuer<'_> {
        Issuer { now: self.now(), entropy: self.entropy() }
    }

    /// The emails of the development mailbox, newest first.
    pub async fn mailbox(&self, limit: u32) -> Result<Vec<MailboxEmail>, Unavailable> {
        self.store.mailbox(limit).await
    }

    pub(in crate::server) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// A new random token.
    pub(in crate::server) fn token(&self) -> Token {
        Token::random(self.entropy())
    }
}
