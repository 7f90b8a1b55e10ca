use crate::server::Unavailable;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{Event, KnownBrowser, Passkey, Session, User};
use crate::server::secret::TokenHash;
use async_trait::async_trait;

/// Everything that a sign-in with a passkey writes, where no one has to be notified. Time and client are those of `used`,
/// also for the session and the event.
#[derive(Debug)]
pub struct SignInRecord<'a> {
    pub passkey: &'a Passkey,
    pub used: &'a PasskeyUse,
    pub session: &'a Session,
    pub event: &'a Event,
    /// The token under which the browser is known.
    pub known: Option<TokenHash>,
    /// The browser under its new token.
    pub browser: &'a KnownBrowser,
    /// Whether a browser that the account does not know has to go step by step, since its owner is notified.
    pub only_recognised: bool,
    /// The session that the browser had; it ends.
    pub previous: Option<TokenHash>,
}

/// The outcome of recording a sign-in.
#[derive(Debug)]
pub enum SignInOutcome {
    /// The account as it is now.
    Recorded(User),
    /// Nothing was written, since another use of the passkey, its removal or its suspension came first.
    Refused(User),
    /// Nothing was written, since the account is locked down or disabled by now, or its owner is to be notified: it has to
    /// go step by step.
    NotPlain,
    /// The account is gone.
    Gone,
}

/// The most frequent act as one step, so that it takes one round trip where there are any.
#[async_trait]
pub trait SignInRecords {
    /// Records the use of a passkey and begins the session, all or nothing, under the same conditions as
    /// [`super::PasskeyWrites::record_passkey_use`].
    async fn record_sign_in(&self, record: SignInRecord<'_>) -> Result<SignInOutcome, Unavailable>;
}
