//! The state of a ceremony under way: kept on the server, belonging to one browser, given out once.

use super::Auth;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::ephemeral::Kept;
use crate::server::limiter::Limited;
use crate::server::model::ClientAddress;
use crate::server::model::limit;
use crate::server::secret::Token;
use crate::server::telemetry::meters::{self, Stage};
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

/// By whom a ceremony is begun.
#[derive(Clone, Copy, Debug)]
pub struct Begun<'a> {
    /// The token that names the browser.
    pub browser: &'a Token,
    pub from: ClientAddress,
}

#[derive(Serialize, Deserialize)]
struct Pending<T> {
    expires_at: i64,
    state: T,
}

impl Auth {
    /// Keeps the state where only this browser, with this challenge and for this purpose, finds it; unless its client has
    /// begun too many.
    pub(super) async fn keep_ceremony<T: Serialize>(
        &self,
        purpose: Purpose,
        begun: Begun<'_>,
        challenge: &[u8],
        state: T,
    ) -> Result<(), Limited> {
        let expires_at = self.clock.now().plus(CEREMONY_LIFE).unix_millis();
        let value = serde_json::to_vec(&Pending { expires_at, state }).map_err(broken)?;
        let key = key(purpose, begun.browser, &URL_SAFE_NO_PAD.encode(challenge));
        let kept = Kept { key: &key, value, ttl: CEREMONY_LIFE };
        self.limiter.draw_and_put(&limit::CEREMONIES, &[&begun.from.key()], kept).await?;
        meters::ceremony(purpose.name(), Stage::Started);
        Ok(())
    }

    /// Takes the state out: from now on this ceremony is spent, whatever follows.
    pub(super) async fn take_ceremony<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        browser: &Token,
        challenge: &str,
    ) -> Result<Option<T>, Unavailable> {
        let taken = self.ephemeral.take(&key(purpose, browser, challenge)).await?;
        let pending: Option<Pending<T>> =
            taken.map(|value| serde_json::from_slice(&value)).transpose().map_err(broken)?;
        let now = self.clock.now();
        let alive = pending.filter(|pending| now < Timestamp::from_unix_millis(pending.expires_at));
        meters::ceremony(purpose.name(), if alive.is_some() { Stage::Finished } else { Stage::Expired });
        Ok(alive.map(|pending| pending.state))
    }
}

/// A hash, so that neither a browser's token nor a challenge can be read out of the backend.
fn key(purpose: Purpose, browser: &Token, challenge: &str) -> String {
    let hash = Sha256::new().chain_update(browser.hash().0).chain_update(challenge).finalize();
    format!("ceremony:{}:{}", purpose.name(), URL_SAFE_NO_PAD.encode(hash))
}

fn broken(cause: serde_json::Error) -> Unavailable {
    Unavailable::new("ceremony state", cause)
}
