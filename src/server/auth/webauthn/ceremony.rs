//! Stores the state of pending ceremonies on the server: bound to one browser, and usable once.

use super::relying_party::{CEREMONY_LIFETIME, RelyingParty};
use crate::server::Unavailable;
use crate::server::auth::Caller;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::ephemeral::{CEREMONY, Entry};
use crate::server::limiter::{LimitError, Subject};
use crate::server::model::limit;
use crate::server::secret::Token;
use crate::server::telemetry::meters::{self, Stage};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The purpose of a ceremony. A response for one purpose does not find the state of another.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    SignUp,
    SignIn,
    AddPasskey,
    Reauthenticate,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::SignIn => "sign-in",
            Self::AddPasskey => "add-passkey",
            Self::Reauthenticate => "reauthenticate",
        }
    }
}

/// The format version of [`Pending`] and of the states in it. Nodes of two versions may share a store during an
/// upgrade: state in another format counts as expired, and the user starts again.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Pending<T> {
    format: u32,
    expires_at: i64,
    /// Read as raw JSON, since another version may have written it.
    state: T,
}

/// A new ceremony: its challenge, and the state that is needed to finish it.
pub struct NewCeremony<T> {
    pub challenge: Vec<u8>,
    pub state: T,
}

/// Stores and verifies ceremonies.
#[derive(Clone, Copy)]
pub struct Ceremonies<'a> {
    pub(in crate::server) core: &'a Core,
    pub(in crate::server) relying_party: &'a RelyingParty,
}

impl Ceremonies<'_> {
    /// Stores the state so that only this browser, with this challenge and for this purpose, can find it. Fails if the
    /// client has begun too many ceremonies.
    pub async fn keep<T: Serialize>(
        &self,
        purpose: Purpose,
        caller: &Caller,
        begun: NewCeremony<T>,
    ) -> Result<(), LimitError> {
        let NewCeremony { challenge, state } = begun;
        let browser = caller.browser.as_ref().ok_or_else(|| Unavailable::new("ceremony", "no browser token"))?;
        let expires_at = self.core.now().plus(CEREMONY_LIFETIME).unix_millis();
        let value = serde_json::to_vec(&Pending { format: FORMAT, expires_at, state }).map_err(broken)?;
        let key = key(purpose, browser, &URL_SAFE_NO_PAD.encode(challenge));
        // Encrypted, because others may read the ephemeral store, and a sign-up contains personal data.
        let value = self.core.keys.seal(key.as_bytes(), &value, self.core.entropy())?;
        let entry = Entry { key: &key, value, ttl: CEREMONY_LIFETIME };
        self.core.limiter.draw_and_store(&limit::CEREMONIES, Subject::Client(caller.address), entry).await?;
        meters::ceremony(purpose.name(), Stage::Started);
        Ok(())
    }

    /// Takes the state out, so that the ceremony cannot be used again, whatever follows. `None` if it was already used,
    /// has expired, or was not begun in this browser.
    pub async fn take<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        caller: &Caller,
        challenge: &str,
    ) -> Result<Option<T>, Unavailable> {
        let Some(browser) = &caller.browser else { return Ok(None) };
        let key = key(purpose, browser, challenge);
        let taken = self.core.ephemeral.take(&key).await?;
        let opened = taken.map(|value| self.core.keys.open(key.as_bytes(), &value).unwrap_or_default());
        let state = opened.and_then(|value| parse_state(&value, self.core.now()));
        meters::ceremony(purpose.name(), if state.is_some() { Stage::Finished } else { Stage::Expired });
        Ok(state)
    }
}

/// Reads the state from a value, if it has not expired and its format is known.
fn parse_state<T: DeserializeOwned>(value: &[u8], now: Timestamp) -> Option<T> {
    let pending = serde_json::from_slice::<Pending<&RawValue>>(value).ok().filter(|pending| pending.format == FORMAT);
    let state = pending.and_then(|pending| Some((pending.expires_at, serde_json::from_str(pending.state.get()).ok()?)));
    if state.is_none() {
        tracing::warn!("ceremony state unreadable: written by another version or with another key");
    }
    state.filter(|(expires_at, _)| now < Timestamp::from_unix_millis(*expires_at)).map(|(_, state)| state)
}

/// Derives the key by hashing, so that neither a browser's token nor a challenge can be read from the backend.
fn key(purpose: Purpose, browser: &Token, challenge: &str) -> String {
    let hash = Sha256::new().chain_update(browser.hash().0).chain_update(challenge).finalize();
    format!("{CEREMONY}{}:{}", purpose.name(), URL_SAFE_NO_PAD.encode(hash))
}

fn broken(cause: serde_json::Error) -> Unavailable {
    Unavailable::new("ceremony state", cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn state_of_another_version_counts_as_expired() {
        let now = Timestamp::from_unix_millis(1_000);
        let value = |format, state: &str| format!(r#"{{"format":{format},"expires_at":2000,"state":{state}}}"#);
        assert_eq!(parse_state::<u8>(value(1, "7").as_bytes(), now), Some(7));
        for other in
            [value(2, "7"), value(1, "\"text\""), "{}".to_owned(), r#"{"expires_at":2000,"state":7}"#.to_owned()]
        {
            assert_eq!(parse_state::<u8>(other.as_bytes(), now), None, "{other}");
        }
        assert_eq!(parse_state::<u8>(value(1, "7").as_bytes(), now.plus(Duration::from_secs(1))), None, "too late");
    }
}
