//! The data that browsers may see. Times are RFC 3339 in UTC, byte strings are base64url without padding.

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

/// The browser and operating system according to `User-Agent`. Helps users recognise their devices, but proves nothing.
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

/// The signed-in user and their session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    pub user: User,
    pub session: Session,
}

/// A successful sign-up or sign-in. The browser only follows `next`, so it keeps the other members as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedIn {
    /// A [`User`].
    pub user: Box<RawValue>,
    /// A [`Session`].
    pub session: Box<RawValue>,
    /// The next page: a path on this site.
    pub next: String,
}

/// The options that start a ceremony.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    #[serde(rename = "publicKey")]
    pub public_key: WebAuthnJson,
}

/// An email was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailSent {
    /// How long its link and code are valid, in seconds.
    pub expires_in: u64,
}

/// The current state of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUser {
    pub user: User,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, independent of the others")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// The credential id.
    pub id: String,
    pub name: String,
    /// The provider that the authenticator claims.
    pub provider: Option<String>,
    pub created_at: String,
    pub last_used_at: Option<String>,
    /// Whether it is synced to other devices.
    pub synced: bool,
    pub backup_eligible: bool,
    pub transports: Vec<String>,
    /// The browser and system that it was last used on.
    pub last_used_on: Option<Client>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Until then it cannot change security settings: it was added by email alone, and there is an older passkey.
    pub held_until: Option<String>,
    /// Whether it was created for another address of this site, and works only there.
    pub elsewhere: bool,
    /// Whether this session signed in with it.
    pub current: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyList {
    pub passkeys: Vec<Passkey>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OnePasskey {
    /// A [`Passkey`]; text in the browser, as with [`SignedIn`].
    pub passkey: Box<RawValue>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    pub sessions: Vec<Session>,
}

/// How many sessions were revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    pub revoked: u64,
}

/// One line of the account's activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub at: String,
    pub client: Client,
    pub detail: Option<String>,
}

/// A page of the activity, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventList {
    pub events: Vec<Event>,
}

/// The current state of the session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OneSession {
    /// A [`Session`]; text in the browser, as with [`SignedIn`].
    pub session: Box<RawValue>,
}

/// Recovery codes, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    pub codes: Vec<String>,
}

/// The empty object of an action that returns no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}
