//! Authorization codes (RFC 6749, section 4.1.2): 256 random bits and the masked session id, valid for a minute, used
//! once, bound to their client.

use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::ephemeral::CEREMONY;
use crate::server::model::oauth::code_count::CodeCount;
use crate::server::model::oauth::grant::CODE_LIFE;
use crate::server::model::{ApplicationId, SessionId};
use crate::server::secret::TokenHash;
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
    /// When the session's user last authenticated before the code was issued, in milliseconds since 1970. A session
    /// with an older authentication cannot redeem the code.
    pub authenticated_at: i64,
    /// In milliseconds since 1970.
    expires_at: i64,
}

impl Code {
    #[must_use]
    pub fn session(&self) -> SessionId {
        SessionId(self.session)
    }
}

/// The parts of a request that a code is bound to.
pub struct CodeBinding<'a> {
    pub request: &'a super::AuthorizationRequest,
    pub session: SessionId,
    pub authenticated_at: i64,
}

/// A code that an application sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentCode {
    pub hash: TokenHash,
    /// The unverified session id from the text: a hint for reading the session with the client. The stored [`Code`]
    /// decides.
    pub session: SessionId,
}

impl SentCode {
    /// Parses a code: 256 random bits, and the session id, masked with a hash of the bits that only this provider can
    /// compute.
    #[must_use]
    pub fn parse(core: &Core, text: &str) -> Option<Self> {
        let bytes: [u8; 48] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (random, session) = (&bytes[..32], Uuid::from_slice(&bytes[32..]).ok()?);
        Some(Self { hash: hash_of(&bytes), session: SessionId(masked(core, random, session)) })
    }
}

fn hash_of(code: &[u8; 48]) -> TokenHash {
    TokenHash(Sha256::digest(code).into())
}

/// Masks or unmasks a session id.
fn masked(core: &Core, random: &[u8], session: Uuid) -> Uuid {
    let mask = core.keys.hash(&[b"session of a code"], random);
    let mut bytes = session.into_bytes();
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    Uuid::from_bytes(bytes)
}

/// Stores a new code for an application; returns its text.
pub async fn issue(core: &Core, application: &ApplicationId, binding: CodeBinding<'_>) -> Result<String, Unavailable> {
    let CodeBinding { request, session, authenticated_at } = binding;
    let code = Code {
        redirect_uri: request.return_to.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        scopes: request.scopes.to_string(),
        claims: request.claims_text.clone(),
        session: session.0,
        authenticated_at,
        expires_at: core.now().plus(CODE_LIFE).unix_millis(),
    };
    let mut bytes = [0; 48];
    core.entropy().fill(&mut bytes[..32]);
    let masked = masked(core, &bytes[..32], session.0);
    bytes[32..].copy_from_slice(masked.as_bytes());
    let key = key(&hash_of(&bytes), application);
    put(core, &key, &code).await?;
    core.code_tally.add(application, CodeCount { issued: 1, presented: 0 });
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Stores a code for the rest of its lifetime.
async fn put(core: &Core, key: &str, code: &Code) -> Result<(), Unavailable> {
    let left = Timestamp::from_unix_millis(code.expires_at).since(core.now());
    if left.is_zero() {
        return Ok(());
    }
    let value = serde_json::to_vec(code).map_err(|cause| Unavailable::new("authorization code", cause))?;
    let value = core.keys.seal(key.as_bytes(), &value, core.entropy())?;
    core.ephemeral.put(key, value, left.min(CODE_LIFE)).await
}

/// Puts a taken code back if the database was unavailable, so that the application can try again.
pub async fn put_back(
    core: &Core,
    application: &ApplicationId,
    (code, hash): (&Code, &TokenHash),
) -> Result<(), Unavailable> {
    put(core, &key(hash, application), code).await
}

/// Takes a code of an application; of several concurrent callers, one gets it. A code of another application is left
/// in place.
pub async fn take(core: &Core, application: &ApplicationId, code: &TokenHash) -> Result<Option<Code>, Unavailable> {
    let key = key(code, application);
    let Some(sealed) = core.ephemeral.take(&key).await? else { return Ok(None) };
    core.code_tally.add(application, CodeCount { issued: 0, presented: 1 });
    // A value that cannot be read (another version, a removed key) counts as expired.
    Ok(core.keys.open(key.as_bytes(), &sealed).and_then(|value| serde_json::from_slice(&value).ok()))
}

/// The storage key: a hash, so that the code cannot be read from the backend.
fn key(code: &TokenHash, application: &ApplicationId) -> String {
    let hash = Sha256::new().chain_update(code.0).chain_update(application.as_str()).finalize();
    format!("{CEREMONY}code:{}", URL_SAFE_NO_PAD.encode(hash))
}
