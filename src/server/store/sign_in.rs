use crate::server::Unavailable;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{Event, KnownBrowser, Passkey, Session, User};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Everything that a sign-in with a passkey writes if no notification is needed. The session and the event use the time
/// and client of `used`.
#[derive(Debug)]
pub struct SignInRecord<'a> {
    pub passkey: &'a Passkey,
    pub used: &'a PasskeyUse,
    pub session: &'a Session,
    pub event: &'a Event,
    /// The token that the browser is known by.
    pub known: Option<TokenHash>,
    /// The browser under its new token.
    pub browser: &'a KnownBrowser,
    /// Whether a sign-in in a browser that the account does not recognise needs a unit of work, to notify the user.
    pub requires_recognised_browser: bool,
    /// The browser's previous session, which ends.
    pub previous: Option<TokenHash>,
}

/// The outcome of recording a sign-in.
#[derive(Debug)]
pub enum SignInOutcome {
    /// The sign-in was recorded; the current account.
    Recorded(User),
    /// Nothing was written, because the passkey was used again, removed or suspended first.
    Refused(User),
    /// Nothing was written, because the account is now locked down or disabled, or the user must be notified: the
    /// sign-in needs a unit of work.
    NeedsUnitOfWork,
    /// The account was deleted.
    AccountDeleted,
}

/// The most frequent operation as a single write, which takes one round trip.
#[async_trait]
pub trait SignInRecords {
    /// Records the use of a passkey and begins the session, all or nothing, under the same conditions as
    /// [`super::PasskeyWrites::record_passkey_use`].
    async fn record_sign_in(&self, record: SignInRecord<'_>) -> Result<SignInOutcome, Unavailable>;
}
