//! Stores what the user was doing until they have signed in or confirmed their identity. The URL carries only a token.

use super::error::Error;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::ephemeral::{CEREMONY, Entry};
use crate::server::limiter::Subject;
use crate::server::model::continuation::{CONTINUATION_LIFE, LONGEST_CONTINUATION};
use crate::server::model::{ClientAddress, Continuation, UserId, limit};
use crate::server::secret::Token;
use crate::types::ApiError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Stores and returns continuations.
pub struct Continuations<'a> {
    pub(in crate::server) core: &'a Core,
}

/// The user or the browser that a token is bound to.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A user who must confirm their identity, in the browser that sent the form.
    User { user: UserId, browser: &'a Token },
    /// A browser in which a user is signing in.
    Browser(&'a Token),
}

impl Continuations<'_> {
    /// Encrypts and stores the continuation for 15 minutes; returns its token.
    ///
    /// # Errors
    /// When it is too large, the client has stored too many, or a backend is unavailable.
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
        let entry = Entry { key: &key, value, ttl: CONTINUATION_LIFE };
        self.core.limiter.draw_and_store(&limit::CEREMONIES, Subject::Client(from), entry).await?;
        Ok(token)
    }

    /// Reads a continuation without consuming it.
    pub async fn peek(&self, token: &str, holder: Holder<'_>) -> Result<Option<Continuation>, Unavailable> {
        let Some(key) = Token::from_link(token).map(|token| key(&token, holder)) else { return Ok(None) };
        Ok(self.decrypt(&key, self.core.ephemeral.get(&key).await?))
    }

    /// Consumes a continuation; only one of several concurrent callers gets it.
    pub async fn take(&self, token: &str, holder: Holder<'_>) -> Result<Option<Continuation>, Unavailable> {
        let Some(key) = Token::from_link(token).map(|token| key(&token, holder)) else { return Ok(None) };
        Ok(self.decrypt(&key, self.core.ephemeral.take(&key).await?))
    }

    /// A value that cannot be read (another version, a removed key) counts as expired.
    fn decrypt(&self, key: &str, sealed: Option<Vec<u8>>) -> Option<Continuation> {
        let value = self.core.keys.open(key.as_bytes(), &sealed?)?;
        serde_json::from_slice(&value).ok()
    }
}

/// Derives the key by hashing, so that the token cannot be read from the backend.
fn key(token: &Token, holder: Holder<'_>) -> String {
    let hash = match holder {
        Holder::User { user, browser } => {
            Sha256::new().chain_update(b"user").chain_update(user.0.as_bytes()).chain_update(browser.hash().0)
        }
        Holder::Browser(browser) => Sha256::new().chain_update(b"browser").chain_update(browser.hash().0),
    };
    format!("{CEREMONY}continue:{}", URL_SAFE_NO_PAD.encode(hash.chain_update(token.hash().0).finalize()))
}
