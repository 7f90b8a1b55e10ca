//! Decides who receives a requested email. The mail worker calls this before it sends one.

use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::limiter::{CodeTarget, LimitError, Side, Subject};
use crate::server::model::email_queue::EmailId;
use crate::server::model::email_request::{EmailRequest, MAX_OPEN, Purpose};
use crate::server::model::limit::EMAILS_TO_ONE;
use crate::server::model::user::email_key;
use crate::server::model::{Event, EventKind, User};
use crate::types::{DisplayName, EmailAddress, Identifier, Language};

/// The recipient of an email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub address: EmailAddress,
    pub name: Option<DisplayName>,
    /// The language of the account, if there is one.
    pub language: Language,
    /// Whether the email contains a code; it always contains the link.
    pub has_code: bool,
}

/// Decides who gets an email.
pub struct EmailDelivery<'a> {
    pub(in crate::server) core: &'a Core,
}

impl EmailDelivery<'_> {
    /// Looks up the account, and decides whether it gets this email. The result is never revealed to strangers. Retries
    /// of the same email are counted once.
    pub async fn recipient(&self, email: EmailId, request: &EmailRequest) -> Result<Option<Recipient>, Unavailable> {
        let store = &self.core.store;
        match &request.purpose {
            Purpose::SignIn { identifier, .. } => {
                let Some(user) = store.user_with_verified_address(identifier).await? else { return Ok(None) };
                self.assign(email, request, user).await
            }
            Purpose::SignUp { address, .. } => {
                let owner = store.user_with_verified_address(&Identifier::Address(address.clone())).await?;
                if let Some(owner) = owner {
                    return self.assign(email, request, owner).await;
                }
                let key = email_key(address).unwrap_or_default();
                let has_code = self.sends_codes(CodeTarget::Typed(&key)).await?;
                let (address, language) = (address.clone(), request.language);
                Ok(Some(Recipient { address, name: None, language, has_code }))
            }
            Purpose::Reauthenticate { user, address, .. } => {
                let has_code = self.sends_codes(CodeTarget::Account(*user, Side::Known)).await?;
                let user = store.user(*user).await?.filter(|user| user.confirmed_address() == Some(address));
                let recipient = |user: User| Recipient {
                    address: address.clone(),
                    name: Some(user.display_name),
                    language: user.language,
                    has_code,
                };
                Ok(user.map(recipient))
            }
            Purpose::Confirm { user, address, .. } => {
                // Anyone can claim an address and cause emails to it, but must not flood it.
                let key = email_key(address).unwrap_or_default();
                let is_within_limit = self.count_within_limit(email, &[b"claimed", key.as_bytes()]).await?;
                let has_code = self.sends_codes(CodeTarget::Account(*user, Side::Known)).await?;
                let language = request.language;
                Ok(is_within_limit.then(|| Recipient { address: address.clone(), name: None, language, has_code }))
            }
            // The administrator who created the link hands it over.
            Purpose::BreakGlass { .. } => Ok(None),
        }
    }

    /// Counts an email to one account or address; returns whether it is within the limit.
    async fn count_within_limit(&self, email: EmailId, subject: &[&[u8]]) -> Result<bool, Unavailable> {
        let subject = Subject::Named(subject);
        match self.core.limiter.draw_once(&EMAILS_TO_ONE, subject, email.0.as_bytes()).await {
            Ok(()) => Ok(true),
            Err(LimitError::TooMany(_)) => Ok(false),
            Err(LimitError::Unavailable(cause)) => Err(cause),
        }
    }

    /// Whether emails contain codes: not after too many wrong ones. Links are still sent, since they cannot be guessed.
    async fn sends_codes(&self, guessed: CodeTarget<'_>) -> Result<bool, Unavailable> {
        Ok(!self.core.limiter.pauses_codes(guessed).await?)
    }

    /// Assigns the request to the account, unless too many emails were sent to it, or too many requests from strangers
    /// are open.
    async fn assign(
        &self,
        email: EmailId,
        request: &EmailRequest,
        user: User,
    ) -> Result<Option<Recipient>, Unavailable> {
        let known = match request.purpose {
            Purpose::SignIn { known, .. } => known,
            _ => None,
        };
        let side = Side::of(known == Some(user.id));
        if !self.count_within_limit(email, &[b"account", user.id.0.as_bytes(), side.key()]).await? {
            return Ok(None);
        }
        let has_code = self.sends_codes(CodeTarget::Account(user.id, side)).await?;
        if !has_code {
            tracing::info!(user = %user.id.0, "sign-in codes paused after wrong codes");
        }
        let is_known = side == Side::Known;
        let mut unit = self.core.store.begin().await?;
        let may_get_it = |user: &User| user.email_verified && user.disabled_at.is_none();
        let Some(user) = unit.lock_user(user.id).await?.filter(may_get_it) else { return Ok(None) };
        let Some(address) = user.email else { return Ok(None) };
        let now = self.core.now();
        if !is_known && unit.count_open_requests(user.id, request.id, now).await? >= MAX_OPEN {
            tracing::info!(user = %user.id.0, "too many open sign-in emails");
            return Ok(None);
        }
        unit.assign_request(request.id, user.id, &address).await?;
        // However many emails strangers request, at most one event an hour is recorded.
        let event = if is_known {
            Event::new(user.id, EventKind::EmailSent, &request.client, self.core.issuer())
        } else {
            Event::once_an_hour(user.id, EventKind::EmailSent, now)
        };
        unit.record(&event).await?;
        unit.commit().await?;
        Ok(Some(Recipient { address, name: Some(user.display_name), language: user.language, has_code }))
    }
}
