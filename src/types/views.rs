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

/// A sign-up or sign-in that succeeded. The browser only follows `next`, so the rest stays text there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedIn {
    /// A [`User`].
    pub user: Box<RawValue>,
    /// A [`Session`].
    pub session: Box<RawValue>,
    /// Where to go now: a path on this site.
    pub next: String,
}

/// The options that open a ceremony.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    #[serde(rename = "publicKey")]
    pub public_key: WebAuthnJson,
}

/// An email was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailSent {
    /// How long it may be answered, in seconds.
    pub expires_in: u64,
}

/// The account as it is now.
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
    /// Who made the authenticator, as far as it says.
    pub provider: Option<String>,
    pub created_at: String,
    pub last_used_at: Option<String>,
    /// Whether copies of it live on other devices.
    pub synced: bool,
    pub backup_eligible: bool,
    pub transports: Vec<String>,
    /// On what it was used last.
    pub last_used_on: Option<Client>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Until then it can do nothing that matters: an email alone had added it, and there is an older one.
    pub held_until: Option<String>,
    /// Whether it was made for another address of this site, where alone it works.
    pub elsewhere: bool,
    /// Whether this session was opened with it.
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

/// How many sessions were ended.
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

/// The session as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OneSession {
    /// A [`Session`]; text in the browser, as with [`SignedIn`].
    pub session: Box<RawValue>,
}

/// Recovery codes, shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    pub codes: Vec<String>,
}

/// `{}`: done, and nothing to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}
