//! Authorization codes (RFC 6749, section 4.1.2): 256 bits, valid for a minute, taken once, bound to their client.

use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::ephemeral::CEREMONY;
use crate::server::model::oauth::grant::CODE_LIFE;
use crate::server::model::{ApplicationId, SessionId};
use crate::server::secret::{Token, TokenHash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The request and the session that a code was issued for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub nonce: Option<String>,
    pub scopes: String,
    pub claims: Option<String>,
    session: Uuid,
    /// When the session's user had authenticated, in milliseconds since 1970. They may authenticate anew before the code is used; an older
    /// authentication is another session's.
    pub authenticated_at: i64,
}

impl Code {
    #[must_use]
    pub fn session(&self) -> SessionId {
        SessionId(self.session)
    }
}

/// The parts of a request that a code is bound to.
pub struct Bound<'a> {
    pub request: &'a super::AuthorizationRequest,
    pub session: SessionId,
    pub authenticated_at: i64,
}

/// Keeps a new code for an application.
pub async fn issue(core: &Core, application: &ApplicationId, bound: Bound<'_>) -> Result<Token, Unavailable> {
    let Bound { request, session, authenticated_at } = bound;
    let code = Code {
        redirect_uri: request.return_to.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        scopes: request.scopes.to_string(),
        claims: request.claims_text.clone(),
        session: session.0,
        authenticated_at,
    };
    let token = core.token();
    let key = key(&token.hash(), application);
    let value = serde_json::to_vec(&code).map_err(|cause| Unavailable::new("authorization code", cause))?;
    let value = core.keys.seal(key.as_bytes(), &value, core.entropy())?;
    core.ephemeral.put(&key, value, CODE_LIFE).await?;
    Ok(token)
}

/// Takes a code of an application; of several callers at once, one gets it. One of another application is not touched.
pub async fn take(core: &Core, application: &ApplicationId, code: &TokenHash) -> Result<Option<Code>, Unavailable> {
    let key = key(code, application);
    let Some(sealed) = core.ephemeral.take(&key).await? else { return Ok(None) };
    // A value that cannot be read (another version, a removed key) counts as expired.
    Ok(core.keys.open(key.as_bytes(), &sealed).and_then(|value| serde_json::from_slice(&value).ok()))
}

/// A hash, so that the code cannot be read out of the backend.
fn key(code: &TokenHash, application: &ApplicationId) -> String {
    let hash = Sha256::new().chain_update(code.0).chain_update(application.as_str()).finalize();
    format!("{CEREMONY}code:{}", URL_SAFE_NO_PAD.encode(hash))
}
