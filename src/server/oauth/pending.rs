//! Authorization requests that wait for their user: kept on the server for ten minutes, under a name in the address.

use super::parameters::Parameters;
use super::request::LONGEST_REQUEST;
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::ephemeral::{CEREMONY, Kept};
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
    /// Its parameters, as a query.
    query: String,
    began_at: i64,
    /// Whether the user said which account is meant.
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

/// Authorization requests that wait.
pub struct PendingRequests<'a> {
    pub(in crate::server) core: &'a Core,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    Browser(&'a Token),
    /// The first browser that opens it: it came by a POST of another site, without cookies.
    First,
}

impl PendingRequests<'_> {
    /// Keeps a request; returns its name.
    ///
    /// # Errors
    /// When it is too large, the client keeps too many, or a backend is away.
    pub async fn keep(&self, pending: &Pending, holder: Holder<'_>, from: ClientAddress) -> Result<Token, Error> {
        if pending.query.len() > LONGEST_REQUEST {
            return Err(ApiError::TooLarge.into());
        }
        let id = self.core.token();
        let key = key(&id, holder);
        let kept = Kept { key: &key, value: self.sealed(&key, pending)?, ttl: PENDING_LIFE };
        self.core.limiter.draw_and_put(&limit::CEREMONIES, Subject::Client(from), kept).await?;
        Ok(id)
    }

    fn sealed(&self, key: &str, pending: &Pending) -> Result<Vec<u8>, Unavailable> {
        let value = serde_json::to_vec(pending).map_err(|cause| Unavailable::new("authorization request", cause))?;
        self.core.keys.seal(key.as_bytes(), &value, self.core.entropy())
    }

    /// Reads a request, which stays.
    pub async fn peek(&self, id: &Token, holder: Holder<'_>) -> Result<Option<Pending>, Unavailable> {
        let key = key(id, holder);
        Ok(self.opened(&key, self.core.ephemeral.get(&key).await?))
    }

    /// Reads a request and removes it; of several callers at once, one gets it.
    pub async fn take(&self, id: &Token, holder: Holder<'_>) -> Result<Option<Pending>, Unavailable> {
        let key = key(id, holder);
        Ok(self.opened(&key, self.core.ephemeral.take(&key).await?))
    }

    /// Reads a request of a browser. One that came without cookies becomes that of the first browser that asks.
    pub async fn claim(&self, id: &Token, browser: &Token) -> Result<Option<Pending>, Unavailable> {
        if let Some(pending) = self.peek(id, Holder::Browser(browser)).await? {
            return Ok(Some(pending));
        }
        let Some(pending) = self.take(id, Holder::First).await? else { return Ok(None) };
        self.put(id, browser, &pending).await?;
        Ok(Some(pending))
    }

    /// Writes a request of a browser again, after its user said something.
    pub async fn put(&self, id: &Token, browser: &Token, pending: &Pending) -> Result<(), Unavailable> {
        let key = key(id, Holder::Browser(browser));
        let left = pending.began_at().plus(PENDING_LIFE).since(self.core.now());
        let left = left.max(Duration::from_secs(1));
        self.core.ephemeral.put(&key, self.sealed(&key, pending)?, left).await
    }

    /// A value that cannot be read (another version, a removed key) counts as expired.
    fn opened(&self, key: &str, sealed: Option<Vec<u8>>) -> Option<Pending> {
        let value = self.core.keys.open(key.as_bytes(), &sealed?)?;
        let pending: Pending = serde_json::from_slice(&value).ok()?;
        Some(pending).filter(|pending| self.core.now().since(pending.began_at()) < PENDING_LIFE)
    }
}

/// A hash, so that the name cannot be read out of the backend.
fn key(id: &Token, holder: Holder<'_>) -> String {
    let hash = match holder {
        Holder::Browser(browser) => Sha256::new().chain_update(b"browser").chain_update(browser.hash().0),
        Holder::First => Sha256::new().chain_update(b"first"),
    };
    format!("{CEREMONY}authorize:{}", URL_SAFE_NO_PAD.encode(hash.chain_update(id.hash().0).finalize()))
}
