use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Reads of known browsers, and removal of expired ones.
#[async_trait]
pub trait BrowserReads: Send + Sync {
    /// A browser that a user signed in with, and that user.
    async fn known_browser(&self, token: &TokenHash) -> Result<Option<(KnownBrowser, User)>, Unavailable>;

    /// The browsers that remember an account; at most [`MAX_BROWSERS`](crate::server::model::browser::MAX_BROWSERS).
    async fn known_browsers(&self, user: UserId) -> Result<Vec<KnownBrowser>, Unavailable>;

    /// Removes browsers that expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_browsers(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of known browsers.
#[async_trait]
pub trait BrowserWrites: Send {
    /// Adds a known browser under its new token.
    async fn remember_browser(&mut self, browser: &KnownBrowser) -> Result<(), Unavailable>;

    /// Extends a known browser under a new token, and returns whether the account already recognised it; `None` when it
    /// is not known for this user.
    async fn renew_browser(&mut self, former: &TokenHash, browser: &KnownBrowser) -> Result<Option<bool>, Unavailable>;

    /// Removes a known browser.
    async fn forget_browser(&mut self, token: &TokenHash) -> Result<(), Unavailable>;

    /// Records the answer "Not now" to a passkey offer in this browser, if it is known for this user.
    async fn decline_offer(&mut self, token: &TokenHash, user: UserId, until: Timestamp) -> Result<(), Unavailable>;

    /// Makes the account treat the next sign-in from any browser as new.
    async fn void_recognition(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Removes the least recently used known browsers of an account beyond the maximum.
    async fn trim_browsers(&mut self, user: UserId) -> Result<(), Unavailable>;
}
