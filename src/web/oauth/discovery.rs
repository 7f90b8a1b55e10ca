//! The metadata of the provider, and its public keys.

use crate::server::http::AppState;
use crate::server::jose::PublicKey;
use crate::server::oauth::{Discovery, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

/// Applications may cache the documents for ten minutes; a new key is published long before it signs.
const TEN_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=600");

/// `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`.
pub async fn metadata(State(state): State<AppState>) -> Result<Response, Refusal> {
    // Without signing keys, no endpoint would work.
    state.signing_keys().current()?;
    Ok(published(&Discovery::new(state.public_url.origin())))
}

#[derive(Serialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// `GET /oauth/jwks`.
pub async fn jwks(State(state): State<AppState>) -> Result<Response, Refusal> {
    let (keys, now) = (state.signing_keys().current()?, state.core().now());
    let keys = keys.published(now).filter_map(|key| PublicKey::published(key).ok()).collect();
    Ok(published(&KeySet { keys }))
}

fn published(document: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, TEN_MINUTES)], Json(document)).into_response()
}
