//! Requests for sign-in and sign-up emails, and the lookup of open requests.

use super::browser::Browsers;
use super::caller::Caller;
use super::error::Error;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::limiter::{LimitError, Subject};
use crate::server::model::email_queue::OutgoingEmail;
use crate::server::model::email_request::{EmailRequest, LINK_LIFE, OpenRequest, Purpose, RequestedBy};
use crate::server::model::user::{email_key, identifier_key};
use crate::server::model::{ClientAddress, User, limit};
use crate::server::secret::Token;
use crate::types::{ApiError, Identifier, Next};
use std::time::Duration;

/// A requested email.
#[derive(Debug)]
pub struct Requested {
    /// How long its link and code are valid.
    pub life: Duration,
    /// For the cookie of the browser that requested it: the link and the code work only there.
    pub email: Token,
}

/// Requests for sign-in and sign-up emails.
pub struct EmailRequests<'a> {
    pub(in crate::server) core: &'a Core,
}

impl EmailRequests<'_> {
    /// Requests a sign-in email. Every identifier is treated the same: the mail worker looks the account up later.
    ///
    /// # Errors
    /// When email sign-in is off, the text is neither a username nor an address, too many emails were requested, or a
    /// backend is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn request(&self, caller: &Caller, identifier: &str, next: Next) -> Result<Requested, Error> {
        self.check_enabled()?;
        let identifier = Identifier::parse(identifier).ok().filter(is_deliverable);
        let identifier = identifier.ok_or(ApiError::InvalidIdentifier)?;
        let known = Browsers { core: self.core }.recognised(caller.known.as_ref()).await?;
        self.count(caller, &identifier, known.as_ref()).await?;
        let purpose = Purpose::SignIn { identifier, known: known.map(|user| user.id) };
        Ok(self.queue(caller, purpose, next).await?)
    }

    /// Checks that sign-in by email is on.
    pub(super) fn check_enabled(&self) -> Result<(), ApiError> {
        if self.core.email().signs_in() { Ok(()) } else { Err(ApiError::EmailOff) }
    }

    /// Counts an email. A browser that the account recognises has a quota of its own, so that strangers cannot use it
    /// up; other requests are counted under the entered identifier.
    async fn count(&self, caller: &Caller, typed: &Identifier, known: Option<&User>) -> Result<(), LimitError> {
        if let (Some(user), Some(browser)) = (known.filter(|user| identifies(typed, user)), &caller.known) {
            let own = [b"own".as_slice(), user.id.0.as_bytes(), &browser.hash().0];
            return self.core.limiter.draw(&limit::EMAILS_TO_ONE, Subject::Named(&own)).await;
        }
        self.count_for_stranger(caller.address, typed).await
    }

    /// Counts an email under the client address and under the entered identifier.
    pub(super) async fn count_for_stranger(&self, from: ClientAddress, typed: &Identifier) -> Result<(), LimitError> {
        let typed = identifier_key(typed);
        let typed = [b"typed".as_slice(), typed.as_bytes()];
        let both = [(&limit::EMAILS_OF_CLIENT, Subject::Client(from)), (&limit::EMAILS_TO_ONE, Subject::Named(&typed))];
        self.core.limiter.draw_all(&both).await
    }

    /// Stores the request and queues its email, in place of the browser's previous request. Each request has its own
    /// token, so that a token that others have seen opens no later request.
    pub(super) async fn queue(&self, caller: &Caller, purpose: Purpose, next: Next) -> Result<Requested, Unavailable> {
        let email = self.core.token();
        let by = RequestedBy { browser: email.hash(), client: caller.client.clone(), language: caller.language };
        let request = EmailRequest::new(purpose, by, next, self.core.issuer());
        let mut unit = self.core.store.begin().await?;
        if let Some(former) = &caller.email {
            unit.void_requests_of_browser(&former.hash()).await?;
        }
        unit.add_request_with_email(&request, &OutgoingEmail::for_request(&request, self.core.entropy())).await?;
        unit.commit().await?;
        Ok(Requested { life: LINK_LIFE, email })
    }

    /// The request of this cookie, while it is valid.
    pub async fn open(&self, email: Option<&Token>) -> Result<Option<OpenRequest>, Unavailable> {
        let Some(email) = email else { return Ok(None) };
        self.still_open(self.core.store.request_of_browser(&email.hash()).await?).await
    }

    /// A request that is still valid. An expired one is removed, so that it stays expired when the clock is set back.
    pub(super) async fn still_open(&self, found: Option<OpenRequest>) -> Result<Option<OpenRequest>, Unavailable> {
        let now = self.core.now();
        match found {
            Some(expired) if now >= expired.request.expires_at => {
                let mut unit = self.core.store.begin().await?;
                unit.take_request(expired.request.id).await?;
                unit.commit().await?;
                Ok(None)
            }
            found => Ok(found.filter(|open| open.is_open(now))),
        }
    }

    /// The age of a request, and its remaining lifetime.
    #[must_use]
    pub fn age_and_remaining(&self, open: &OpenRequest) -> (Duration, Duration) {
        let now = self.core.now();
        (now.since(open.request.created_at), open.request.expires_at.since(now))
    }

    /// Voids the email request of this cookie, if there is one.
    pub async fn void(&self, email: Option<&Token>) -> Result<(), Unavailable> {
        let Some(email) = email else { return Ok(()) };
        if self.core.store.request_of_browser(&email.hash()).await?.is_none() {
            return Ok(());
        }
        let mut unit = self.core.store.begin().await?;
        unit.void_requests_of_browser(&email.hash()).await?;
        unit.commit().await
    }
}

/// Whether an identifier is the username or the confirmed address of an account.
fn identifies(typed: &Identifier, user: &User) -> bool {
    match typed {
        Identifier::Username(name) => name.key() == user.username.key(),
        Identifier::Address(address) => user.has_confirmed(address),
    }
}

/// Whether an identifier can belong to an account: an address that no email can reach cannot.
fn is_deliverable(identifier: &Identifier) -> bool {
    match identifier {
        Identifier::Username(_) => true,
        Identifier::Address(address) => email_key(address).is_some(),
    }
}
