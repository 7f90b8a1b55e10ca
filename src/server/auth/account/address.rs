//! Confirms email addresses, only for the signed-in account that requested it.

use super::current_user::CurrentUser;
use super::sessions::Sessions;
use super::unit::{AccountUnit, OwnerUnit};
use crate::server::Unavailable;
use crate::server::auth::email_request::EmailRequests;
use crate::server::auth::error::code_wrong;
use crate::server::auth::{Caller, Error};
use crate::server::core::Core;
use crate::server::limiter::{CodeTarget, Side, Subject};
use crate::server::model::email_queue::OutgoingEmail;
use crate::server::model::email_request::{
    CONFIRMATION_LIFE, EmailRequest, OpenRequest, Purpose, PurposeKind, RequestId, RequestedBy,
};
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::user::email_key;
use crate::server::model::{ClientAddress, EventKind, Session, User, limit};
use crate::server::secret::Token;
use crate::server::store::OtherSessions;
use crate::types::{ApiError, EmailAddress, Identifier, Language, Next};
use std::time::Duration;

/// The minimum time between two emails that confirm the same address.
const RESEND_INTERVAL: Duration = Duration::from_mins(1);

/// The outcome of requesting another confirmation email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResendOutcome {
    Sent,
    /// The last one is less than a minute old.
    TooSoon,
    /// The address is confirmed, or there is none, or email cannot be sent.
    NothingToConfirm,
}

/// An address that a session claims for its account.
pub struct Claim<'a> {
    pub session: &'a Session,
    pub address: EmailAddress,
    /// The language of the confirmation email.
    pub language: Language,
}

/// A confirmation whose link or code is being used.
struct Confirmation {
    request: RequestId,
    address: EmailAddress,
}

/// Changing and confirming the address of an account.
pub struct Address<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Address<'_> {
    /// Queues a confirmation email to an address that the user claims, in place of earlier ones.
    pub(in crate::server::auth) async fn queue_confirmation(
        &self,
        unit: &mut AccountUnit<'_>,
        claim: Claim<'_>,
    ) -> Result<(), Unavailable> {
        if !self.core.email().can_send() {
            return Ok(());
        }
        let Claim { session, address, language } = claim;
        let user = unit.user.id;
        let purpose = Purpose::Confirm { user, session: session.id, address };
        // The request belongs to the session, and the cookie of an email request does not open it.
        let by = RequestedBy { browser: session.token_hash, client: session.client.clone(), language };
        let request = EmailRequest::new(purpose, by, Next::or_account(None), self.core.issuer());
        unit.void_requests(user, PurposeKind::Confirm).await?;
        unit.add_request_with_email(&request, &OutgoingEmail::for_request(&request, self.core.entropy())).await
    }

    /// Requests a change of address, which takes effect when the same user confirms the new address.
    ///
    /// # Errors
    /// When the address is invalid, email cannot be sent, the session may not change the address, too many emails were
    /// requested, or a backend is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn change(&self, current: &CurrentUser, caller: &Caller, address: &str) -> Result<Duration, Error> {
        let address = EmailAddress::parse(address).ok().filter(|address| email_key(address).is_some());
        let address = address.ok_or(ApiError::InvalidEmail)?;
        // Checked first, so that a request that would be refused is not counted; and again once the account is locked.
        drop(OwnerUnit::begin_fresh(self.core, current).await?);
        if !self.core.email().can_send() {
            return Err(ApiError::EmailOff.into());
        }
        self.count_email(caller, &address).await?;
        let OwnerUnit { mut unit, .. } = OwnerUnit::begin_fresh(self.core, current).await?;
        let claim = Claim { session: &current.session, address, language: caller.language };
        self.queue_confirmation(&mut unit, claim).await?;
        unit.record(EventKind::AddressRequested, None).await?;
        unit.commit().await?;
        Ok(CONFIRMATION_LIFE)
    }

    async fn count_email(&self, caller: &Caller, address: &EmailAddress) -> Result<(), Error> {
        let requests = EmailRequests { core: self.core };
        Ok(requests.count_for_stranger(caller.address, &Identifier::Address(address.clone())).await?)
    }

    /// Sends the confirmation email again, at most once a minute: to the address that was requested last, or else to
    /// the unconfirmed address of the account.
    ///
    /// # Errors
    /// When too many emails were requested, or a backend is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn resend_confirmation(&self, current: &CurrentUser, caller: &Caller) -> Result<ResendOutcome, Error> {
        let last = self.newest(current).await?;
        let is_young =
            last.as_ref().is_some_and(|last| self.core.now().since(last.request.created_at) < RESEND_INTERVAL);
        let claimed = match last.map(|last| last.request.purpose) {
            Some(Purpose::Confirm { address, .. }) => Some(address),
            _ => current.user.email.clone().filter(|_| !current.user.email_verified),
        };
        let Some(address) = claimed.filter(|_| self.core.email().can_send()) else {
            return Ok(ResendOutcome::NothingToConfirm);
        };
        if is_young {
            return Ok(ResendOutcome::TooSoon);
        }
        self.count_email(caller, &address).await?;
        let mut unit = match OwnerUnit::begin(self.core, current).await {
            Ok(owner_unit) => owner_unit.unit,
            Err(Error::Refused(_)) => return Ok(ResendOutcome::NothingToConfirm),
            Err(outage @ Error::Unavailable(_)) => return Err(outage),
        };
        let claim = Claim { session: &current.session, address, language: caller.language };
        self.queue_confirmation(&mut unit, claim).await?;
        unit.commit().await?;
        Ok(ResendOutcome::Sent)
    }

    /// The address that this session may confirm with a code.
    pub async fn open_confirmation(&self, current: &CurrentUser) -> Result<Option<EmailAddress>, Unavailable> {
        let open = self.newest(current).await?;
        Ok(open.filter(|open| is_of_session(open, current)).and_then(|open| open.request.purpose.confirmed_address()))
    }

    /// The address that a link would confirm, without confirming it.
    ///
    /// # Errors
    /// The same as for [`Self::confirm_by_link`].
    pub async fn peek_link(&self, current: &CurrentUser, token: &str) -> Result<EmailAddress, Error> {
        Ok(self.find_by_link(current, token).await?.address)
    }

    /// Confirms an address with the link in its email.
    ///
    /// # Errors
    /// When the link is used, expired or invalid, another account requested it (then it stays valid), or another
    /// account has confirmed the address.
    #[tracing::instrument(skip_all)]
    pub async fn confirm_by_link(
        &self,
        current: &CurrentUser,
        token: &str,
        from: ClientAddress,
    ) -> Result<User, Error> {
        self.core.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let confirmation = self.find_by_link(current, token).await?;
        let unit = OwnerUnit::begin(self.core, current).await?.unit;
        self.confirm(unit, current, confirmation).await
    }

    /// Confirms an address with the code from its email, in the session that requested it.
    ///
    /// # Errors
    /// The same as for [`Self::confirm_by_link`]; the error for a wrong code says how many tries are left.
    #[tracing::instrument(skip_all)]
    pub async fn confirm_by_code(&self, current: &CurrentUser, code: &str, from: ClientAddress) -> Result<User, Error> {
        self.check_confined(current)?;
        self.core.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let open = self.newest(current).await?.filter(|open| is_of_session(open, current));
        let open = open.ok_or(ApiError::LinkExpired)?;
        let is_right = open.has_code(code, &self.core.keys);
        let address = open.request.purpose.clone().confirmed_address().ok_or(ApiError::LinkExpired)?;
        let mut unit = OwnerUnit::begin(self.core, current).await?.unit;
        let tries_left = unit.use_attempt(open.request.id).await?.ok_or(ApiError::LinkExpired)?;
        if !is_right {
            unit.commit().await?;
            self.core.limiter.count_failure(CodeTarget::Account(current.user.id, Side::Known)).await?;
            return Err(code_wrong(tries_left).into());
        }
        self.confirm(unit, current, Confirmation { request: open.request.id, address }).await
    }

    fn check_confined(&self, current: &CurrentUser) -> Result<(), ApiError> {
        let is_confined = Sessions { core: self.core }.is_confined(current);
        if is_confined { Err(ApiError::ReauthenticationRequired) } else { Ok(()) }
    }

    async fn newest(&self, current: &CurrentUser) -> Result<Option<OpenRequest>, Unavailable> {
        let newest = self.core.store.newest_request(current.user.id, PurposeKind::Confirm).await?;
        EmailRequests { core: self.core }.still_open(newest).await
    }

    async fn find_by_link(&self, current: &CurrentUser, token: &str) -> Result<Confirmation, Error> {
        self.check_confined(current)?;
        let token = Token::from_link(token).ok_or(ApiError::LinkExpired)?;
        let found = self.core.store.request_by_link(&token.hash()).await?;
        let open = EmailRequests { core: self.core }.still_open(found).await?.ok_or(ApiError::LinkExpired)?;
        match open.request.purpose {
            Purpose::Confirm { user, .. } if user != current.user.id => Err(ApiError::OtherAccount.into()),
            Purpose::Confirm { address, .. } => Ok(Confirmation { request: open.request.id, address }),
            _ => Err(ApiError::LinkExpired.into()),
        }
    }

    async fn confirm(
        &self,
        mut unit: AccountUnit<'_>,
        current: &CurrentUser,
        confirmation: Confirmation,
    ) -> Result<User, Error> {
        let Confirmation { request, address } = confirmation;
        if !unit.take_request(request).await? {
            return Err(ApiError::LinkExpired.into());
        }
        if !unit.set_verified_address(current.user.id, &address).await? {
            return Err(ApiError::AddressTaken.into());
        }
        let former = unit.user.clone();
        let is_change = former.email.as_ref().and_then(email_key) != email_key(&address);
        unit.user = User { email: Some(address), email_verified: true, ..former.clone() };
        if is_change {
            self.finish_change(&mut unit, current, &former).await?;
        } else {
            unit.record(EventKind::AddressConfirmed, None).await?;
        }
        let user = unit.user.clone();
        unit.commit().await?;
        tracing::info!(user = %user.id.0, "email address confirmed");
        Ok(user)
    }

    /// Ends other sessions and open emails after a change of address, and notifies both addresses.
    async fn finish_change(
        &self,
        unit: &mut AccountUnit<'_>,
        current: &CurrentUser,
        former: &User,
    ) -> Result<(), Unavailable> {
        let others = OtherSessions { except: current.session.id, opened_with: None };
        unit.end_other_sessions(former.id, others, self.core.now()).await?;
        unit.void_requests_of_user(former.id).await?;
        unit.record(EventKind::AddressChanged, None).await?;
        if let Some(address) = former.confirmed_address() {
            let detail = unit.user.email.as_ref().map(ToString::to_string);
            let can_undo = can_be_undone(unit, current, address).await?;
            let occasion = if can_undo { Occasion::AddressChanged } else { Occasion::AddressLeft };
            unit.notify_at(address, occasion, detail).await?;
        }
        unit.notify(Occasion::AddressChanged, former.email.as_ref().map(ToString::to_string)).await
    }
}

/// Whether the email to this former address may undo the change. It may not if it undid one before and the change is
/// now repeated with a passkey older than the first change: then the owner is leaving a mailbox that others read
/// (docs/RULES.md, 10).
async fn can_be_undone(
    unit: &mut AccountUnit<'_>,
    current: &CurrentUser,
    address: &EmailAddress,
) -> Result<bool, Unavailable> {
    let Some(first_change) = unit.restored(current.user.id, address).await? else { return Ok(true) };
    let Method::Passkey(id) = &current.session.method else { return Ok(true) };
    let passkeys = unit.passkeys_of(current.user.id).await?;
    let own = passkeys.iter().find(|passkey| passkey.credential_id == *id);
    Ok(own.is_none_or(|own| own.created_at >= first_change))
}

fn is_of_session(open: &OpenRequest, current: &CurrentUser) -> bool {
    matches!(&open.request.purpose, Purpose::Confirm { session, .. } if *session == current.session.id)
}
