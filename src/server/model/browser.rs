use super::UserId;
use crate::server::clock::Timestamp;
use crate::server::secret::TokenHash;
use std::time::Duration;

/// How long a browser remembers the last user who signed in.
pub const KNOWN_BROWSER_LIFE: Duration = Duration::from_hours(30 * 24);
/// Maximum number of known browsers per account; the least recently used one is forgotten first (docs/RULES.md, 8).
pub const MAX_BROWSERS: u32 = 50;
/// How long "Not now" to a passkey for this device is respected.
pub const DECLINE_PERIOD: Duration = Duration::from_hours(30 * 24);

/// A browser in which a user has signed in, known by a random token in its cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBrowser {
    pub token_hash: TokenHash,
    pub user_id: UserId,
    pub expires_at: Timestamp,
    pub declined_until: Option<Timestamp>,
    /// Whether the account recognises this browser; a security event clears this.
    pub recognised: bool,
}

impl KnownBrowser {
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether the user recently declined to create a passkey here.
    #[must_use]
    pub fn has_declined(&self, now: Timestamp) -> bool {
        self.declined_until.is_some_and(|until| now < until)
    }
}
