use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Reads of known browsers, and what becomes of them with time.
#[async_trait]
pub trait BrowserReads: Send + Sync {
    /// A browser that a user signed in with, and that user.
    async fn known_browser(&self, token: &TokenHash) -> Result<Option<(KnownBrowser, User)>, Unavailable>;

    /// The browsers that remember an account; at most [`MOST_BROWSERS`](crate::server::model::browser::MOST_BROWSERS).
    async fn known_browsers(&self, user: UserId) -> Result<Vec<KnownBrowser>, Unavailable>;

    /// Removes browsers that are forgotten at `now`, at most `limit`, and returns how many.
    async fn remove_expired_browsers(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of known browsers.
#[async_trait]
pub trait BrowserWrites: Send {
    /// Keeps a browser that has just been given its token.
    async fn remember_browser(&mut self, browser: &KnownBrowser) -> Result<(), Unavailable>;

    /// Keeps a browser as known for longer, under a new token; `None` when it is not known as this user's, else whether a
    /// sign-in there was nothing new to the account.
    async fn renew_browser(&mut self, former: &TokenHash, browser: &KnownBrowser) -> Result<Option<bool>, Unavailable>;

    /// Forgets who signed in with a browser.
    async fn forget_browser(&mut self, token: &TokenHash) -> Result<(), Unavailable>;

    /// Records "Not now" to a passkey for this browser, if it is known as this user's.
    async fn decline_offer(&mut self, token: &TokenHash, user: UserId, until: Timestamp) -> Result<(), Unavailable>;

    /// From now on a sign-in in any browser is new to the account.
    async fn void_recognition(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Forgets the browsers that are more than an account keeps, the oldest first.
    async fn trim_browsers(&mut self, user: UserId) -> Result<(), Unavailable>;
}
