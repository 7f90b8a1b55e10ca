//! Proving an e-mail address: only for the signed-in account that asked.

use super::authority::OwnersUnit;
use super::{Asker, Auth, CurrentUser, ManageError};
use crate::server::Unavailable;
use crate::server::limiter::{Guessed, Limited, Side, Subject, TooMany};
use crate::server::model::email_request::{CONFIRMATION_LIFE, EmailRequest, OpenRequest, Purpose, RequestId};
use crate::server::model::notification::Occasion;
use crate::server::model::outbox::OutgoingEmail;
use crate::server::model::session::Method;
use crate::server::model::user::email_key;
use crate::server::model::{ClientAddress, EventKind, Session, User, UserId, limit};
use crate::server::secret::Token;
use crate::server::store::Unit;
use crate::types::{EmailAddress, Identifier, Language, Next};
use std::time::Duration;

/// The shortest time between two letters to confirm the same address.
const AGAIN_AFTER: Duration = Duration::from_mins(1);
/// The purpose of letters that prove an address.
const CONFIRM: &str = "confirm";

/// What became of the wish for another letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentAgain {
    Sent,
    /// The last one is less than a minute old.
    TooSoon,
    /// The address is confirmed, or there is none, or letters cannot be sent.
    NothingToConfirm,
}

#[derive(Debug)]
pub enum ConfirmError {
    Expired,
    CodeWrong {
        tries_left: u32,
    },
    EmailOff,
    OtherAccount,
    /// Another session asked.
    OtherBrowser,
    AddressTaken,
    /// A session that may only add a passkey.
    Confined,
    /// The session ended meanwhile.
    SignedOut,
    TooMany(TooMany),
    Unavailable(Unavailable),
}

impl From<Unavailable> for ConfirmError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl Auth {
    /// Writes a letter to an address that the person claims, in place of earlier ones, where letters can be sent.
    pub(super) async fn post_confirmation(
        &self,
        unit: &mut dyn Unit,
        user: UserId,
        session: &Session,
        address: EmailAddress,
        language: Language,
    ) -> Result<(), Unavailable> {
        if !self.sends_email {
            return Ok(());
        }
        let purpose = Purpose::Confirm { user, session: session.id, address };
        let (client, now) = ((session.client.clone(), language), self.clock.now());
        // It belongs to the session that asked, and no cookie of an email request opens it.
        let browser = session.token_hash;
        let request = EmailRequest::new(purpose, browser, Next::or_account(None), client, now, &*self.entropy);
        unit.void_requests(user, request.purpose.name()).await?;
        unit.add_email(&request, &OutgoingEmail::for_request(&request, &*self.entropy)).await
    }

    /// Asks for another address: a letter goes there, and it counts once the letter is answered by the same person.
    ///
    /// # Errors
    /// When the address does not fit, letters cannot be sent, the session may not, too many were asked for, or a backend is
    /// away.
    #[tracing::instrument(skip_all)]
    pub async fn change_address(
        &self,
        current_user: &CurrentUser,
        asker: &Asker<'_>,
        address: &str,
    ) -> Result<Duration, ManageError> {
        let address = EmailAddress::parse(address).ok().filter(|address| email_key(address).is_some());
        let address = address.ok_or(ManageError::InvalidEmail)?;
        // Asked first, so that nothing is counted that would be refused anyway; and again where the account is locked.
        drop(self.begin_as_owner(current_user).await?);
        if !self.sends_email {
            return Err(ManageError::EmailOff);
        }
        self.draw_strangers_letter(asker.from, &Identifier::Address(address.clone())).await?;
        let OwnersUnit { mut unit, user, .. } = self.begin_as_owner(current_user).await?;
        let client = &current_user.session.client;
        self.post_confirmation(unit.as_mut(), user.id, &current_user.session, address, asker.language).await?;
        self.record(unit.as_mut(), user.id, EventKind::AddressRequested, client, None).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(CONFIRMATION_LIFE)
    }

    /// Sends the letter about the address that is to be confirmed once more, at most every minute: the one that was asked
    /// for last, else the one that the account claims.
    ///
    /// # Errors
    /// When too many were asked for, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn confirm_again(&self, current_user: &CurrentUser, asker: &Asker<'_>) -> Result<SentAgain, Limited> {
        let now = self.clock.now();
        let last = self.open_now(self.store.newest_request(current_user.user.id, CONFIRM).await?).await?;
        let is_young = last.as_ref().is_some_and(|last| now.since(last.request.created_at) < AGAIN_AFTER);
        let claimed = match last.map(|last| last.request.purpose) {
            Some(Purpose::Confirm { address, .. }) => Some(address),
            _ => current_user.user.email.clone().filter(|_| !current_user.user.email_verified),
        };
        let Some(address) = claimed.filter(|_| self.sends_email) else { return Ok(SentAgain::NothingToConfirm) };
        if is_young {
            return Ok(SentAgain::TooSoon);
        }
        self.draw_strangers_letter(asker.from, &Identifier::Address(address.clone())).await?;
        let mut unit = self.store.begin().await?;
        if unit.lock_user(current_user.user.id).await?.is_none() || !unit.has_session(&current_user.session).await? {
            return Ok(SentAgain::NothingToConfirm);
        }
        self.post_confirmation(unit.as_mut(), current_user.user.id, &current_user.session, address, asker.language)
            .await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(SentAgain::Sent)
    }

    /// The address whose letter this session may answer by a code.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn open_confirmation(&self, current_user: &CurrentUser) -> Result<Option<EmailAddress>, Unavailable> {
        let open = self.open_now(self.store.newest_request(current_user.user.id, CONFIRM).await?).await?;
        Ok(open.filter(|open| is_of_session(open, current_user)).and_then(|open| match open.request.purpose {
            Purpose::Confirm { address, .. } => Some(address),
            Purpose::SignIn { .. }
            | Purpose::SignUp { .. }
            | Purpose::Reauthenticate { .. }
            | Purpose::BreakGlass { .. } => None,
        }))
    }

    /// The address that a link would prove, without proving it.
    ///
    /// # Errors
    /// As [`Auth::confirm_by_link`].
    pub async fn look_at_confirmation(
        &self,
        current_user: &CurrentUser,
        token: &str,
    ) -> Result<EmailAddress, ConfirmError> {
        Ok(self.confirmation(current_user, token).await?.1)
    }

    /// Proves an address by the link of its letter.
    ///
    /// # Errors
    /// When the link is used, old or wrong, another account asked (then it stays valid), or has proven the address.
    #[tracing::instrument(skip_all)]
    pub async fn confirm_by_link(
        &self,
        current_user: &CurrentUser,
        token: &str,
        from: ClientAddress,
    ) -> Result<User, ConfirmError> {
        self.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let (id, address) = self.confirmation(current_user, token).await?;
        let unit = self.store.begin().await?;
        self.prove(unit, current_user, id, address).await
    }

    /// Proves an address by the code of its letter, in the session that asked for it.
    ///
    /// # Errors
    /// As [`Auth::confirm_by_link`]; a wrong code tells how many tries are left.
    #[tracing::instrument(skip_all)]
    pub async fn confirm_by_code(
        &self,
        current_user: &CurrentUser,
        code: &str,
        from: ClientAddress,
    ) -> Result<User, ConfirmError> {
        if self.is_confined(current_user) {
            return Err(ConfirmError::Confined);
        }
        self.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let open = self.open_now(self.store.newest_request(current_user.user.id, CONFIRM).await?).await?;
        let open = open.filter(|open| is_of_session(open, current_user)).ok_or(ConfirmError::Expired)?;
        let is_right = self.is_code(code, &open);
        let Purpose::Confirm { address, .. } = open.request.purpose else { return Err(ConfirmError::Expired) };
        let mut unit = self.store.begin().await?;
        unit.lock_user(current_user.user.id).await?;
        let tries_left = unit.use_try(open.request.id).await?.ok_or(ConfirmError::Expired)?;
        if !is_right {
            unit.commit().await?;
            self.limiter.count_failure(Guessed::Account(current_user.user.id, Side::Known)).await?;
            return Err(ConfirmError::CodeWrong { tries_left });
        }
        self.prove(unit, current_user, open.request.id, address).await
    }

    async fn confirmation(
        &self,
        current_user: &CurrentUser,
        token: &str,
    ) -> Result<(RequestId, EmailAddress), ConfirmError> {
        if self.is_confined(current_user) {
            return Err(ConfirmError::Confined);
        }
        let token = Token::from_link(token).ok_or(ConfirmError::Expired)?;
        let found = self.store.request_by_link(&token.hash()).await?;
        let open = self.open_now(found).await?.ok_or(ConfirmError::Expired)?;
        match open.request.purpose {
            Purpose::Confirm { user, .. } if user != current_user.user.id => Err(ConfirmError::OtherAccount),
            Purpose::Confirm { address, .. } => Ok((open.request.id, address)),
            Purpose::SignIn { .. }
            | Purpose::SignUp { .. }
            | Purpose::Reauthenticate { .. }
            | Purpose::BreakGlass { .. } => Err(ConfirmError::Expired),
        }
    }

    async fn prove(
        &self,
        mut unit: Box<dyn Unit>,
        current_user: &CurrentUser,
        request: RequestId,
        address: EmailAddress,
    ) -> Result<User, ConfirmError> {
        let former = unit.lock_user(current_user.user.id).await?.ok_or(ConfirmError::SignedOut)?;
        // The session may have been revoked while we waited for the lock.
        if !unit.has_session(&current_user.session).await? {
            return Err(ConfirmError::SignedOut);
        }
        if !unit.take_request(request).await? {
            return Err(ConfirmError::Expired);
        }
        if !unit.prove_address(former.id, &address).await? {
            return Err(ConfirmError::AddressTaken);
        }
        let is_change = former.email.as_ref().and_then(email_key) != email_key(&address);
        let user = User { email: Some(address), email_verified: true, ..former.clone() };
        if is_change {
            self.follow_address(unit.as_mut(), current_user, &former, &user).await?;
        } else {
            let client = &current_user.session.client;
            self.record(unit.as_mut(), user.id, EventKind::AddressConfirmed, client, None).await?;
        }
        unit.commit().await?;
        self.bell.notify_one();
        tracing::info!(user = %user.id.0, "an address was confirmed");
        Ok(user)
    }

    /// What follows from a changed address: other sessions and open emails end, and both addresses are told.
    async fn follow_address(
        &self,
        unit: &mut dyn Unit,
        current_user: &CurrentUser,
        former: &User,
        user: &User,
    ) -> Result<(), Unavailable> {
        let (client, occasion) = (&current_user.session.client, Occasion::AddressChanged);
        unit.end_other_sessions(user.id, current_user.session.id, None).await?;
        unit.void_requests_of_user(user.id).await?;
        self.record(unit, user.id, EventKind::AddressChanged, client, None).await?;
        if let Some(address) = former.proven_address() {
            let detail = user.email.as_ref().map(ToString::to_string);
            let can_undo = self.can_be_undone(unit, current_user, address).await?;
            let occasion = if can_undo { occasion } else { Occasion::AddressLeft };
            self.tell_at(unit, user, address, occasion, client, detail).await?;
        }
        let detail = former.email.as_ref().map(ToString::to_string);
        self.tell_owner(unit, user, occasion, client, detail).await
    }

    /// Whether a change away from this address may be undone from there. Not where that was done before, and the change is
    /// made again with a passkey older than the first one: its owner is leaving a mailbox that others read (docs/RULES.md,
    /// 10).
    async fn can_be_undone(
        &self,
        unit: &mut dyn Unit,
        current_user: &CurrentUser,
        address: &EmailAddress,
    ) -> Result<bool, Unavailable> {
        let Some(first_change) = unit.restored(current_user.user.id, address).await? else { return Ok(true) };
        let Method::Passkey(id) = &current_user.session.method else { return Ok(true) };
        let passkeys = unit.passkeys_of(current_user.user.id).await?;
        let own = passkeys.iter().find(|passkey| passkey.credential_id == *id);
        Ok(own.is_none_or(|own| own.created_at >= first_change))
    }
}

fn is_of_session(open: &OpenRequest, current_user: &CurrentUser) -> bool {
    matches!(&open.request.purpose, Purpose::Confirm { session, .. } if *session == current_user.session.id)
}
