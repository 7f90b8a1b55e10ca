//! ID tokens (OpenID Connect Core, section 2).

use super::claims::{Subject, id_token_claims, seconds};
use super::keys::sign_for;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::jose::Algorithm;
use crate::server::model::assurance::Assurance;
use crate::server::model::oauth::grant::TOKEN_LIFE;
use crate::server::model::oauth::{Client, Grant, RequestedClaims};
use crate::server::model::signing_key::KeySet;
use crate::server::model::{ApplicationId, SessionId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};

/// The content of an ID token.
pub struct IdTokenContent<'a> {
    pub issuer: &'a str,
    pub client: &'a Client,
    pub grant: &'a Grant,
    pub subject: Subject<'a>,
    pub assurance: Assurance,
    /// From the authorization request; absent on refresh.
    pub nonce: Option<&'a str>,
    /// The access token that is issued with it.
    pub access_token: &'a str,
    pub now: Timestamp,
}

impl IdTokenContent<'_> {
    /// Signs it with the application's algorithm.
    ///
    /// # Errors
    /// When the algorithm has no key, or the key cannot sign.
    pub fn sign(&self, keys: &KeySet) -> Result<String, Unavailable> {
        sign_for(self.client, (keys, self.now), "JWT", &self.claims())
    }

    fn claims(&self) -> Map<String, Value> {
        let Self { issuer, client, grant, assurance, now, .. } = self;
        let requested = grant.claims.as_deref().and_then(RequestedClaims::parse).unwrap_or_default();
        let mut claims = id_token_claims(self.subject, &grant.scopes, client, &requested);
        let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        put("iss", (*issuer).into());
        put("sub", grant.user_id.encode().into());
        put("aud", client.client_id.as_str().into());
        put("iat", seconds(*now).into());
        put("exp", seconds(now.plus(TOKEN_LIFE)).into());
        put("auth_time", seconds(assurance.authenticated_at).into());
        put("at_hash", at_hash(client.algorithm, self.access_token).into());
        put("sid", grant.sid.as_str().into());
        put("amr", assurance.amr().into());
        if let Some(acr) = assurance.acr() {
            put("acr", acr.into());
        }
        if let Some(nonce) = self.nonce {
            put("nonce", nonce.into());
        }
        claims
    }
}

/// The left half of the access token's hash, with the hash function of the signature (section 3.1.3.6); Ed25519 uses
/// SHA-512.
fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Es256 => URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16]),
        Algorithm::EdDsa => URL_SAFE_NO_PAD.encode(&Sha512::digest(access_token)[..32]),
    }
}

/// The session id for one application (`sid`): 128 bits that applications cannot correlate, and that stay the same when
/// the user authenticates again.
#[must_use]
pub fn sid(keys: &KeySet, session: SessionId, application: &ApplicationId) -> String {
    let hash = keys.permanent_key().hash(&[b"sid", session.0.as_bytes(), application.as_str().as_bytes()]);
    URL_SAFE_NO_PAD.encode(&hash[..16])
}
