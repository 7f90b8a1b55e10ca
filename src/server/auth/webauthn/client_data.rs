use super::json::{Malformed, object};
use serde::Deserialize;

/// The members of the client data that we check (WebAuthn Level 3, section 5.8.1).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientData {
    pub r#type: String,
    pub challenge: String,
    pub origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<String>,
}

impl ClientData {
    pub const CREATE: &'static str = "webauthn.create";
    pub const GET: &'static str = "webauthn.get";

    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
        object(text)
    }

    /// Whether it was created for this purpose, on exactly this origin, and not in a cross-origin frame. The library
    /// compares the origin as a URL, so that other spellings pass, and does not check for frames at all.
    #[must_use]
    pub fn was_made_for(&self, purpose: &str, origin: &str) -> bool {
        self.r#type == purpose && self.origin == origin && self.cross_origin != Some(true) && self.top_origin.is_none()
    }
}
