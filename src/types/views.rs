//! Exactly what a browser may see. Times are RFC 3339 in UTC, byte strings are base64url without padding.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A WebAuthn Level 3 JSON form, passed on as text: the browser reads and writes these forms itself, so that no tree of
/// JSON values is ever built in WebAssembly.
pub type WebAuthnJson = Box<RawValue>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user handle of their passkeys.
    pub id: String,
    pub username: String,
    pub display_name: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub created_at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    Passkey,
    Email,
    Recovery,
}

/// The browser and operating system as their `User-Agent` tells: a help to recognise one's own devices, no proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    pub browser: Option<String>,
    pub system: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    pub method: Method,
    pub user_verified: bool,
    pub authenticated_at: String,
    pub created_at: String,
    pub last_seen_at: String,
    pub expires_at: String,
    pub client: Client,
    pub current: bool,
}

/// Who is signed in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    pub user: User,
    pub session: Session,
}

/// A sign-up or sign-in that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    pub user: User,
    pub session: Session,
    /// Where to go now: a path on this site.
    pub next: String,
}

/// The options that open a ceremony.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    #[serde(rename = "publicKey")]
    pub public_key: WebAuthnJson,
}

/// `{}`: done, and nothing to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}
