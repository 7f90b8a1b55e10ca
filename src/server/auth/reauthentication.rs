//! Confirming the identity of a signed-in user; the session continues with a new token.

use super::account::{AccountUnit, CurrentUser, OwnerUnit};
use super::caller::Caller;
use super::email_request::EmailRequests;
use super::error::{Error, code_wrong};
use super::sign_in::Attempt;
use super::webauthn::{AuthenticationResponse, Ceremonies, NewCeremony, Purpose};
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::limiter::{CodeTarget, Side, Subject};
use crate::server::model::email_queue::OutgoingEmail;
use crate::server::model::email_request::{self, EmailRequest, LINK_LIFE, OpenRequest, PurposeKind, RequestedBy};
use crate::server::model::session::Method;
use crate::server::model::{ClientAddress, EventKind, Session, UserId, limit};
use crate::server::secret::Token;
use crate::types::{ApiError, EmailAddress, Next, views};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use webauthn_rs::prelude::DiscoverableAuthentication;

/// A session after reauthentication. Its new token is only for the cookie.
#[derive(Debug)]
pub struct RenewedSession {
    pub session: Session,
    pub token: Token,
}

/// The state of a reauthentication by passkey.
#[derive(Serialize, Deserialize)]
struct Pending {
    user_id: UserId,
    state: DiscoverableAuthentication,
}

/// Reauthentication: by passkey, or by email for accounts without one.
pub struct Reauthentication<'a> {
    pub(in crate::server) core: &'a Core,
    pub(in crate::server) ceremonies: Ceremonies<'a>,
}

impl Reauthentication<'_> {
    /// Begins a reauthentication with one of the account's own passkeys.
    ///
    /// # Errors
    /// When the client begins too many ceremonies, or a backend is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn begin(&self, current: &CurrentUser, caller: &Caller) -> Result<views::Options, Error> {
        let passkeys = self.core.store.passkeys(current.user.id).await?;
        let usable: Vec<_> = passkeys.iter().filter(|passkey| passkey.is_usable(self.core.rp_id())).collect();
        let (options, challenge, state) = self.ceremonies.relying_party.begin_authentication(&usable)?;
        let state = Pending { user_id: current.user.id, state };
        self.ceremonies.keep(Purpose::Reauthenticate, caller, NewCeremony { challenge, state }).await?;
        Ok(options)
    }

    /// Finishes the reauthentication: the session continues with a new token, and the time and passkey of this
    /// authentication.
    ///
    /// # Errors
    /// When the ceremony was already used or is another user's, the passkey does not belong to the user, the response
    /// does not verify, or the session ended meanwhile.
    #[tracing::instrument(skip_all)]
    pub async fn finish(
        &self,
        current: Option<&CurrentUser>,
        answer: &AuthenticationResponse,
        caller: &Caller,
    ) -> Result<RenewedSession, Error> {
        let data = answer.authenticator_data()?;
        let begun: Option<Pending> =
            self.ceremonies.take(Purpose::Reauthenticate, caller, &answer.client_data.challenge).await?;
        let current = current.ok_or(ApiError::SignedOut)?;
        let begun = begun.filter(|begun| begun.user_id == current.user.id).ok_or(ApiError::CeremonyExpired)?;
        let (passkey, user) = self.ceremonies.find_passkey(answer, &data, Some(current.user.id)).await?;
        let assertion = self.ceremonies.verify_assertion(answer, begun.state, &passkey)?;
        let attempt = Attempt { core: self.core, passkey: &passkey, user: &user, client: &caller.client };
        let used = attempt.record_outcome(assertion).await?;
        let unit = AccountUnit::lock(self.core, user.id, current.session.client.clone()).await?;
        let mut unit = unit.ok_or(ApiError::SignedOut)?;
        if !unit.record_passkey_use(&passkey, &used).await? {
            drop(unit);
            return Err(attempt.refused(&used).await);
        }
        unit.end_lockdown(passkey.created_at).await?;
        let renewed = self.renew(unit, current, Method::Passkey(passkey.credential_id)).await?;
        Ok(renewed.ok_or(ApiError::SignedOut)?)
    }

    /// The address to which a reauthentication email would be sent, for accounts without a passkey.
    ///
    /// # Errors
    /// `email_off`; `passkey_required` if the account has a passkey or no confirmed address; or when the database is
    /// unavailable.
    pub async fn address<'b>(&self, current: &'b CurrentUser) -> Result<&'b EmailAddress, Error> {
        let policy = self.core.email();
        if !policy.reauthenticates() {
            return Err(ApiError::EmailOff.into());
        }
        let passkeys = self.core.store.passkeys(current.user.id).await?;
        let has_passkey = passkeys.iter().any(|passkey| passkey.is_usable(self.core.rp_id()));
        let address = current.user.confirmed_address().filter(|_| !has_passkey && policy.can_send());
        Ok(address.ok_or(ApiError::PasskeyRequired)?)
    }

    /// Requests a reauthentication email, for accounts without a passkey.
    ///
    /// # Errors
    /// The same as for [`Self::address`]; or when too many emails were requested.
    #[tracing::instrument(skip_all)]
    pub async fn request_email(&self, current: &CurrentUser, caller: &Caller, next: Next) -> Result<Duration, Error> {
        let address = self.address(current).await?.clone();
        let (user, session) = (current.user.id, current.session.id);
        let own = [b"own".as_slice(), user.0.as_bytes()];
        self.core.limiter.draw(&limit::EMAILS_TO_ONE, Subject::Named(&own)).await?;
        let purpose = email_request::Purpose::Reauthenticate { user, session, address };
        let browser = current.session.token_hash;
        let by = RequestedBy { browser, client: caller.client.clone(), language: caller.language };
        let request = EmailRequest::new(purpose, by, next, self.core.issuer());
        let mut unit = OwnerUnit::begin(self.core, current).await?.unit;
        unit.void_requests(user, PurposeKind::Reauthenticate).await?;
        unit.add_request_with_email(&request, &OutgoingEmail::for_request(&request, self.core.entropy())).await?;
        unit.commit().await?;
        Ok(LINK_LIFE)
    }

    /// The email that this session requested, while its link and code are valid.
    pub async fn open(&self, current: &CurrentUser) -> Result<Option<OpenRequest>, Unavailable> {
        let newest = self.core.store.newest_request(current.user.id, PurposeKind::Reauthenticate).await?;
        let open = EmailRequests { core: self.core }.still_open(newest).await?;
        Ok(open.filter(|open| address_of(open, current).is_some()))
    }

    /// The request with this link, without redeeming it.
    ///
    /// # Errors
    /// When the link is used, expired, invalid or another session's.
    pub async fn peek_link(&self, current: &CurrentUser, token: &str) -> Result<OpenRequest, Error> {
        EmailRequests { core: self.core }.check_enabled()?;
        let open = self.open_by_link(token).await?.ok_or(ApiError::LinkExpired)?;
        match &open.request.purpose {
            email_request::Purpose::Reauthenticate { user, .. } if *user != current.user.id => {
                Err(ApiError::OtherAccount.into())
            }
            email_request::Purpose::Reauthenticate { .. } => {
                address_of(&open, current).ok_or(ApiError::OtherBrowser)?;
                Ok(open)
            }
            _ => Err(ApiError::LinkExpired.into()),
        }
    }

    /// Whether the link can still be redeemed in the session that requested it.
    pub async fn is_open(&self, token: &str) -> Result<bool, Unavailable> {
        let open = self.open_by_link(token).await?;
        Ok(open.is_some_and(|open| matches!(open.request.purpose, email_request::Purpose::Reauthenticate { .. })))
    }

    async fn open_by_link(&self, token: &str) -> Result<Option<OpenRequest>, Unavailable> {
        let Some(token) = Token::from_link(token) else { return Ok(None) };
        let found = self.core.store.request_by_link(&token.hash()).await?;
        EmailRequests { core: self.core }.still_open(found).await
    }

    /// Redeems a link in the session that requested it.
    ///
    /// # Errors
    /// When the link is used, expired, invalid or another session's, or the session ended meanwhile.
    #[tracing::instrument(skip_all)]
    pub async fn redeem_link(
        &self,
        current: &CurrentUser,
        token: &str,
        from: ClientAddress,
    ) -> Result<(RenewedSession, Next), Error> {
        self.core.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let open = self.peek_link(current, token).await?;
        self.by_email(self.lock(current).await?, current, &open).await
    }

    /// Redeems a code in the session that requested it.
    ///
    /// # Errors
    /// The same as for [`Self::redeem_link`]; the error for a wrong code says how many tries are left.
    #[tracing::instrument(skip_all)]
    pub async fn redeem_code(
        &self,
        current: &CurrentUser,
        code: &str,
        from: ClientAddress,
    ) -> Result<(RenewedSession, Next), Error> {
        EmailRequests { core: self.core }.check_enabled()?;
        self.core.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let open = self.open(current).await?.ok_or(ApiError::LinkExpired)?;
        let mut unit = self.lock(current).await?;
        let tries_left = unit.use_attempt(open.request.id).await?.ok_or(ApiError::LinkExpired)?;
        if !open.has_code(code, &self.core.keys) {
            unit.commit().await?;
            self.core.limiter.count_failure(CodeTarget::Account(current.user.id, Side::Known)).await?;
            return Err(code_wrong(tries_left).into());
        }
        self.by_email(unit, current, &open).await
    }

    async fn lock(&self, current: &CurrentUser) -> Result<AccountUnit<'_>, Error> {
        Ok(OwnerUnit::begin(self.core, current).await?.unit)
    }

    async fn by_email(
        &self,
        mut unit: AccountUnit<'_>,
        current: &CurrentUser,
        open: &OpenRequest,
    ) -> Result<(RenewedSession, Next), Error> {
        let address = address_of(open, current).ok_or(ApiError::LinkExpired)?;
        if !unit.take_request(open.request.id).await? {
            return Err(ApiError::LinkExpired.into());
        }
        // A passkey that was added meanwhile, or a changed address, invalidates the email.
        let passkeys = unit.passkeys_of(current.user.id).await?;
        let has_passkey = passkeys.iter().any(|passkey| passkey.is_usable(self.core.rp_id()));
        if has_passkey || unit.user.confirmed_address() != Some(&address) {
            return Err(ApiError::LinkExpired.into());
        }
        let renewed = self.renew(unit, current, Method::Email).await?.ok_or(ApiError::LinkExpired)?;
        Ok((renewed, open.request.next.clone()))
    }

    /// Gives the session a new token and a new authentication time; `None` if it ended meanwhile.
    async fn renew(
        &self,
        mut unit: AccountUnit<'_>,
        current: &CurrentUser,
        method: Method,
    ) -> Result<Option<RenewedSession>, Unavailable> {
        let (now, token, former) = (self.core.now(), self.core.token(), &current.session);
        let words = method.words().to_owned();
        let by_passkey = matches!(method, Method::Passkey(_));
        // Proof by email lasts no longer than a session that an email started.
        let (idle, max) = if by_passkey { (former.idle, Duration::MAX) } else { self.core.policy.sessions.by_email() };
        let session = Session {
            token_hash: token.hash(),
            user_verified: by_passkey,
            idle: idle.min(former.idle),
            ends_at: now.plus(max).min(former.ends_at),
            kept: by_passkey && former.kept,
            offers_passkey: !by_passkey && former.offers_passkey,
            added_passkey: !by_passkey && former.added_passkey,
            method,
            authenticated_at: now,
            last_seen_at: now,
            ..former.clone()
        };
        if !unit.renew_session(&former.token_hash, &session).await? {
            return Ok(None);
        }
        unit.record(EventKind::Reauthenticated, Some(words)).await?;
        unit.commit().await?;
        tracing::info!(user = %session.user_id.0, "reauthenticated");
        Ok(Some(RenewedSession { session, token }))
    }
}

/// The address of an email that this session requested.
fn address_of(open: &OpenRequest, current: &CurrentUser) -> Option<EmailAddress> {
    match &open.request.purpose {
        email_request::Purpose::Reauthenticate { session, address, .. } if *session == current.session.id => {
            Some(address.clone())
        }
        _ => None,
    }
}
