//! The state of a ceremony under way: kept on the server, belonging to one browser, given out once.

use super::Auth;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::secret::Token;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long a person has to answer (contract, rule 1).
pub const CEREMONY_LIFE: Duration = Duration::from_mins(5);

/// What a ceremony is for; an answer to one finds nothing under another.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    SignUp,
    SignIn,
    AddPasskey,
    Reauthenticate,
}

#[derive(Serialize, Deserialize)]
struct Pending<T> {
    expires_at: i64,
    state: T,
}

impl Auth {
    /// Keeps the state where only this browser, with this challenge and for this purpose, finds it.
    pub(super) async fn keep_ceremony<T: Serialize>(
        &self,
        purpose: Purpose,
        browser: &Token,
        challenge: &[u8],
        state: T,
    ) -> Result<(), Unavailable> {
        let expires_at = self.clock.now().plus(CEREMONY_LIFE).unix_millis();
        let value = serde_json::to_vec(&Pending { expires_at, state }).map_err(broken)?;
        let key = key(purpose, browser, &URL_SAFE_NO_PAD.encode(challenge));
        self.ephemeral.put(&key, value, CEREMONY_LIFE).await
    }

    /// Takes the state out: from now on this ceremony is spent, whatever follows.
    pub(super) async fn take_ceremony<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        browser: &Token,
        challenge: &str,
    ) -> Result<Option<T>, Unavailable> {
        let Some(value) = self.ephemeral.take(&key(purpose, browser, challenge)).await? else { return Ok(None) };
        let pending: Pending<T> = serde_json::from_slice(&value).map_err(broken)?;
        let alive = self.clock.now() < Timestamp::from_unix_millis(pending.expires_at);
        Ok(alive.then_some(pending.state))
    }
}

/// A hash, so that neither a browser's token nor a challenge can be read out of the backend.
fn key(purpose: Purpose, browser: &Token, challenge: &str) -> String {
    let name = match purpose {
        Purpose::SignUp => "sign-up",
        Purpose::SignIn => "sign-in",
        Purpose::AddPasskey => "add-passkey",
        Purpose::Reauthenticate => "reauthenticate",
    };
    let hash = Sha256::new().chain_update(browser.hash().0).chain_update(challenge).finalize();
    format!("ceremony:{name}:{}", URL_SAFE_NO_PAD.encode(hash))
}

fn broken(cause: serde_json::Error) -> Unavailable {
    Unavailable::new("ceremony state", cause)
}
