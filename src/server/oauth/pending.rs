//! Authorization requests that wait for their user: stored on the server for ten minutes, under an id in the URL.

use super::parameters::Parameters;
use super::request::LONGEST_REQUEST;
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::ephemeral::{CEREMONY, Entry};
use crate::server::limiter::Subject;
use crate::server::model::{ClientAddress, limit};
use crate::server::secret::Token;
use crate::types::ApiError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long a request is kept (docs/API.md).
pub const PENDING_LIFE: Duration = Duration::from_mins(10);

/// A request that waits for its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its parameters, as a query string.
    query: String,
    began_at: i64,
    /// Whether the user has chosen an account.
    pub has_chosen: bool,
}

impl Pending {
    #[must_use]
    pub fn new(parameters: &Parameters, began_at: Timestamp) -> Self {
        Self { query: parameters.write(), began_at: began_at.unix_millis(), has_chosen: false }
    }

    #[must_use]
    pub fn parameters(&self) -> Parameters {
        Parameters::parse(self.query.as_bytes())
    }

    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.began_at)
    }
}

/// The pending authorization requests.
pub struct PendingRequests<'a> {
    pub(in crate::server) core: &'a Core,
}

/// The browser that a pending request belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    Browser(&'a Token),
    /// The first browser that opens it: the request came as a cross-site POST, without cookies.
    First,
}

impl PendingRequests<'_> {
    /// Stores a request; returns its id.
    ///
    /// # Errors
    /// When the request is too large, the client stores too many, or a backend is unavailable.
    pub async fn keep(&self, pending: &Pending, holder: Holder<'_>, from: ClientAddress) -> Result<Token, Error> {
        if pending.query.len() > LONGEST_REQUEST {
            return Err(ApiError::TooLarge.into());
        }
        let id = self.core.token();
        let key = key(&id, holder);
        let kept = Entry { key: &key, value: self.sealed(&key, pending)?, ttl: PENDING_LIFE };
        self.core.limiter.draw_and_store(&limit::CEREMONIES, Subject::Client(from), kept).await?;
        Ok(id)
    }

    fn sealed(&self, key: &str, pending: &Pending) -> Result<Vec<u8>, Unavailable> {
        let value = serde_json::to_vec(pending).map_err(|cause| Unavailable::new("authorization request", cause))?;
        self.core.keys.seal(key.as_bytes(), &value, self.core.entropy())
    }

    /// Reads a request without removing it.
    pub async fn peek(&self, id: &Token, holder: Holder<'_>) -> Result<Option<Pending>, Unavailable> {
        let key = key(id, holder);
        Ok(self.decrypt(&key, self.core.ephemeral.get(&key).await?))
    }

    /// Reads and removes a request; of several concurrent callers, one gets it.
    pub async fn take(&self, id: &Token, holder: Holder<'_>) -> Result<Option<Pending>, Unavailable> {
        let key = key(id, holder);
        Ok(self.decrypt(&key, self.core.ephemeral.take(&key).await?))
    }

    /// Reads a request of a browser. A request that came without cookies is bound to the first browser that asks for
    /// it.
    pub async fn claim(&self, id: &Token, browser: &Token) -> Result<Option<Pending>, Unavailable> {
        if let Some(pending) = self.peek(id, Holder::Browser(browser)).await? {
            return Ok(Some(pending));
        }
        let Some(pending) = self.take(id, Holder::First).await? else { return Ok(None) };
        self.put(id, browser, &pending).await?;
        Ok(Some(pending))
    }

    /// Updates a request of a browser after its user made a choice.
    pub async fn put(&self, id: &Token, browser: &Token, pending: &Pending) -> Result<(), Unavailable> {
        let key = key(id, Holder::Browser(browser));
        let left = pending.began_at().plus(PENDING_LIFE).since(self.core.now());
        let left = left.max(Duration::from_secs(1));
        self.core.ephemeral.put(&key, self.sealed(&key, pending)?, left).await
    }

    /// Decrypts a request. A value that cannot be read (another version, a removed key) counts as expired.
    fn decrypt(&self, key: &str, sealed: Option<Vec<u8>>) -> Option<Pending> {
        let value = self.core.keys.open(key.as_bytes(), &sealed?)?;
        let pending: Pending = serde_json::from_slice(&value).ok()?;
        Some(pending).filter(|pending| self.core.now().since(pending.began_at()) < PENDING_LIFE)
    }
}

/// The storage key: a hash, so that the id cannot be read from the backend.
fn key(id: &Token, holder: Holder<'_>) -> String {
    let hash = match holder {
        Holder::Browser(browser) => Sha256::new().chain_update(b"browser").chain_update(browser.hash().0),
        Holder::First => Sha256::new().chain_update(b"first"),
    };
    format!("{CEREMONY}authorize:{}", URL_SAFE_NO_PAD.encode(hash.chain_update(id.hash().0).finalize()))
}
