//! Files under `/.well-known/`.

use super::state::AppState;
use crate::types::{ApiError, Section, paths};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;

/// How long `security.txt` is valid; RFC 9116, section 2.5.5, recommends less than a year.
const CONTACT_LIFE: Duration = Duration::from_hours(180 * 24);

#[derive(Serialize)]
struct PasskeyEndpoints {
    enroll: String,
    manage: String,
}

/// Where users create and manage passkeys (W3C, "A Well-Known URL for Relying Party Passkey Endpoints").
#[expect(clippy::unused_async, reason = "a handler")]
pub async fn passkey_endpoints(State(state): State<AppState>) -> Response {
    let at = |path: &str| format!("{}{path}", state.public_url.origin());
    Json(PasskeyEndpoints { enroll: at(paths::ADD_PASSKEY), manage: at(Section::Passkeys.path()) }).into_response()
}

/// `security.txt` (RFC 9116), if a security contact is set.
#[expect(clippy::unused_async, reason = "a handler")]
pub async fn security_txt(State(state): State<AppState>) -> Response {
    let Some(contact) = state.security_contact.as_deref() else { return ApiError::NotFound.into_response() };
    let expires = state.core().now().plus(CONTACT_LIFE).to_rfc3339();
    let canonical = format!("{}{}", state.public_url.origin(), paths::SECURITY_TXT);
    let text = format!("Contact: {contact}\nExpires: {expires}\nCanonical: {canonical}\nPreferred-Languages: en\n");
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
