//! What a user goes on with after signing in or confirming their identity. It is kept on the server: an address carries a
//! token and nothing of what was typed.

use super::error::Error;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::ephemeral::{CEREMONY, Kept};
use crate::server::limiter::Subject;
use crate::server::model::continuation::{CONTINUATION_LIFE, LONGEST_CONTINUATION};
use crate::server::model::{ClientAddress, Continuation, UserId, limit};
use crate::server::secret::Token;
use crate::types::ApiError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Continuations.
pub struct Continuations<'a> {
    pub(super) core: &'a Core,
}

/// Who goes on: with the same token, nobody else finds anything.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A user who is to confirm their identity.
    User(UserId),
    /// Whoever signs in with this browser.
    Browser(&'a Token),
}

impl Continuations<'_> {
    /// Keeps it under a new token, sealed, for a quarter of an hour.
    ///
    /// # Errors
    /// When it is too large, the client keeps too many, or a backend is away.
    pub async fn keep(
        &self,
        continuation: &Continuation,
        holder: Holder<'_>,
        from: ClientAddress,
    ) -> Result<Token, Error> {
        let value = serde_json::to_vec(continuation).map_err(|cause| Unavailable::new("continuation", cause))?;
        if value.len() > LONGEST_CONTINUATION {
            return Err(ApiError::TooLarge.into());
        }
        let token = self.core.token();
        let key = key(&token, holder);
        let value = self.core.keys.seal(key.as_bytes(), &value, self.core.entropy())?;
        let kept = Kept { key: &key, value, ttl: CONTINUATION_LIFE };
        self.core.limiter.draw_and_put(&limit::CEREMONIES, Subject::Client(from), kept).await?;
        Ok(token)
    }

    /// What is kept under this token, which stays.
    pub async fn look_at(&self, token: &str, holder: Holder<'_>) -> Result<Option<Continuation>, Unavailable> {
        let Some(key) = Token::from_link(token).map(|token| key(&token, holder)) else { return Ok(None) };
        Ok(self.opened(&key, self.core.ephemeral.get(&key).await?))
    }

    /// Takes it: of several at once, one gets it.
    pub async fn take(&self, token: &str, holder: Holder<'_>) -> Result<Option<Continuation>, Unavailable> {
        let Some(key) = Token::from_link(token).map(|token| key(&token, holder)) else { return Ok(None) };
        Ok(self.opened(&key, self.core.ephemeral.take(&key).await?))
    }

    /// What another version wrote, or a key sealed that is gone, counts as expired.
    fn opened(&self, key: &str, sealed: Option<Vec<u8>>) -> Option<Continuation> {
        let value = self.core.keys.open(key.as_bytes(), &sealed?)?;
        serde_json::from_slice(&value).ok()
    }
}

/// A hash, so that the token cannot be read out of the backend.
fn key(token: &Token, holder: Holder<'_>) -> String {
    let hash = match holder {
        Holder::User(user) => Sha256::new().chain_update(b"user").chain_update(user.0.as_bytes()),
        Holder::Browser(browser) => Sha256::new().chain_update(b"browser").chain_update(browser.hash().0),
    };
    format!("{CEREMONY}continue:{}", URL_SAFE_NO_PAD.encode(hash.chain_update(token.hash().0).finalize()))
}
