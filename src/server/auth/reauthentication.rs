//! Showing once more who is there, in a session that goes on with a new token.

use super::address::ConfirmError;
use super::answer::AuthenticationAnswer;
use super::ceremony::{Initiator, Purpose};
use super::sign_in::{BeginSignInError, FinishSignInError};
use super::{Asker, Auth, CurrentUser};
use crate::server::Unavailable;
use crate::server::config::EmailSignIn;
use crate::server::limiter::{Guessed, Side, Subject, TooMany};
use crate::server::model::email_request::{self, ANSWER_LIFE, EmailRequest, OpenRequest};
use crate::server::model::outbox::OutgoingEmail;
use crate::server::model::session::Method;
use crate::server::model::{ClientAddress, EventKind, Session, UserId, limit};
use crate::server::secret::Token;
use crate::server::store::Unit;
use crate::types::{EmailAddress, Next, views};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use webauthn_rs::prelude::DiscoverableAuthentication;

/// A session that goes on: its new token goes into the cookie and nowhere else.
#[derive(Debug)]
pub struct Renewed {
    pub session: Session,
    pub token: Token,
}

#[derive(Debug)]
pub enum ReauthenticateError {
    /// The session ended meanwhile.
    SignedOut,
    Passkey(FinishSignInError),
}

#[derive(Debug)]
pub enum RequestReauthenticationError {
    EmailOff,
    /// The account has a passkey, which shows more than a letter, or no address for one.
    PasskeyRequired,
    TooMany(TooMany),
    Unavailable(Unavailable),
}

impl From<Unavailable> for ReauthenticateError {
    fn from(cause: Unavailable) -> Self {
        Self::Passkey(FinishSignInError::Unavailable(cause))
    }
}

impl From<FinishSignInError> for ReauthenticateError {
    fn from(error: FinishSignInError) -> Self {
        Self::Passkey(error)
    }
}

impl From<Unavailable> for RequestReauthenticationError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

#[derive(Serialize, Deserialize)]
struct Reauthentication {
    user_id: UserId,
    state: DiscoverableAuthentication,
}

impl Auth {
    /// Begins to show who is there with one of the account's own passkeys.
    ///
    /// # Errors
    /// When the client begins too many, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn begin_reauthentication(
        &self,
        current_user: &CurrentUser,
        initiator: Initiator<'_>,
    ) -> Result<views::Options, BeginSignInError> {
        let passkeys = self.store.passkeys(current_user.user.id).await?;
        let usable: Vec<_> = passkeys.iter().filter(|passkey| passkey.is_usable(self.relying_party.id())).collect();
        let (options, challenge, state) = self.relying_party.begin_authentication(&usable)?;
        let state = Reauthentication { user_id: current_user.user.id, state };
        self.keep_ceremony(Purpose::Reauthenticate, initiator, &challenge, state).await?;
        Ok(options)
    }

    /// Finishes it: the session goes on under a new token, with the time and passkey of this authentication.
    ///
    /// # Errors
    /// When the ceremony is spent or not this person's, the passkey is not theirs, the answer does not verify, or the
    /// session ended meanwhile.
    #[tracing::instrument(skip_all)]
    pub async fn finish_reauthentication(
        &self,
        current_user: Option<&CurrentUser>,
        browser: Option<&Token>,
        answer: &AuthenticationAnswer,
        client: &views::Client,
    ) -> Result<Renewed, ReauthenticateError> {
        let data = answer.authenticator_data()?;
        let begun: Option<Reauthentication> = match browser {
            Some(browser) => {
                self.take_ceremony(Purpose::Reauthenticate, browser, &answer.client_data.challenge).await?
            }
            None => None,
        };
        let current_user = current_user.ok_or(ReauthenticateError::SignedOut)?;
        let begun = begun.filter(|begun| begun.user_id == current_user.user.id).ok_or(FinishSignInError::Expired)?;
        let (passkey, user) = self.passkey_of(answer, &data, Some(current_user.user.id)).await?;
        let used = self.verify(answer, &data, begun.state, &passkey, &user, client).await?;
        let mut unit = self.store.begin().await?;
        unit.lock_user(user.id).await?;
        if !unit.record_passkey_use(&passkey, &used).await? {
            drop(unit);
            return Err(self.refused_in_use(&passkey, &used, &user, client).await.into());
        }
        self.end_lockdown(unit.as_mut(), &user, passkey.created_at).await?;
        let method = Method::Passkey(passkey.credential_id);
        self.renew(unit, current_user, method).await?.ok_or(ReauthenticateError::SignedOut)
    }

    /// Where an email that shows who is there would go; for accounts without a passkey.
    ///
    /// # Errors
    /// When such emails are off, the account has a passkey or no proven address, or the database is away.
    pub async fn reauthentication_address<'a>(
        &self,
        current_user: &'a CurrentUser,
    ) -> Result<&'a EmailAddress, RequestReauthenticationError> {
        // Where an email opens a session that can only add a passkey, it shows no more than that.
        if self.email_sign_in != EmailSignIn::On {
            return Err(RequestReauthenticationError::EmailOff);
        }
        let has_passkey = self.has_usable(&self.store.passkeys(current_user.user.id).await?);
        let address = current_user.user.proven_address().filter(|_| !has_passkey && self.sends_email);
        address.ok_or(RequestReauthenticationError::PasskeyRequired)
    }

    /// Asks for a letter that shows who is there, for accounts without a passkey.
    ///
    /// # Errors
    /// When letters are off, the account has a passkey or no proven address, too many were asked for, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn request_reauthentication(
        &self,
        current_user: &CurrentUser,
        asker: Asker<'_>,
        next: Next,
    ) -> Result<Duration, RequestReauthenticationError> {
        let address = self.reauthentication_address(current_user).await?;
        let own = [b"own".as_slice(), current_user.user.id.0.as_bytes()];
        self.limiter.draw(&limit::EMAILS_TO_ONE, Subject::Named(&own)).await?;
        let (user, session) = (current_user.user.id, current_user.session.id);
        let purpose = email_request::Purpose::Reauthenticate { user, session, address: address.clone() };
        let request = EmailRequest::new(
            purpose,
            current_user.session.token_hash,
            next,
            (asker.client, asker.language),
            self.clock.now(),
            &*self.entropy,
        );
        let mut unit = self.store.begin().await?;
        unit.lock_user(user).await?;
        unit.void_requests(user, request.purpose.name()).await?;
        unit.add_email(&request, &OutgoingEmail::for_request(&request, &*self.entropy)).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(ANSWER_LIFE)
    }

    /// The letter that this session may answer to show who is there.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn open_reauthentication(&self, current_user: &CurrentUser) -> Result<Option<OpenRequest>, Unavailable> {
        let newest = self.store.newest_request(current_user.user.id, "reauthenticate").await?;
        Ok(self.open_now(newest).await?.filter(|open| asked_by(open, current_user).is_some()))
    }

    /// The letter with this link and its address, without answering it.
    ///
    /// # Errors
    /// When the link is used, old, wrong or another session's.
    pub async fn look_at_reauthentication(
        &self,
        current_user: &CurrentUser,
        token: &str,
    ) -> Result<(OpenRequest, EmailAddress), ConfirmError> {
        self.letters_sign_in().map_err(|_| ConfirmError::EmailOff)?;
        let token = Token::from_link(token).ok_or(ConfirmError::Expired)?;
        let found = self.store.request_by_link(&token.hash()).await?;
        let open = self.open_now(found).await?.ok_or(ConfirmError::Expired)?;
        match &open.request.purpose {
            email_request::Purpose::Reauthenticate { user, .. } if *user != current_user.user.id => {
                Err(ConfirmError::OtherAccount)
            }
            email_request::Purpose::Reauthenticate { .. } => {
                let address = asked_by(&open, current_user).ok_or(ConfirmError::OtherBrowser)?;
                Ok((open, address))
            }
            _ => Err(ConfirmError::Expired),
        }
    }

    /// Answers such a letter by its link, in the session that asked.
    ///
    /// # Errors
    /// When the link is used, old, wrong or another session's, or the session ended meanwhile.
    #[tracing::instrument(skip_all)]
    pub async fn reauthenticate_by_link(
        &self,
        current_user: &CurrentUser,
        token: &str,
        from: ClientAddress,
    ) -> Result<(Renewed, Next), ConfirmError> {
        self.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let (open, address) = self.look_at_reauthentication(current_user, token).await?;
        let unit = self.store.begin().await?;
        self.reauthenticated(unit, current_user, &open, &address).await
    }

    /// Answers such a letter by its code, in the session that asked.
    ///
    /// # Errors
    /// As [`Auth::reauthenticate_by_link`]; a wrong code tells how many tries are left.
    #[tracing::instrument(skip_all)]
    pub async fn reauthenticate_by_code(
        &self,
        current_user: &CurrentUser,
        code: &str,
        from: ClientAddress,
    ) -> Result<(Renewed, Next), ConfirmError> {
        self.letters_sign_in().map_err(|_| ConfirmError::EmailOff)?;
        self.limiter.draw(&limit::ANSWERS, Subject::Client(from)).await?;
        let open = self.open_reauthentication(current_user).await?.ok_or(ConfirmError::Expired)?;
        let address = asked_by(&open, current_user).ok_or(ConfirmError::Expired)?;
        let mut unit = self.store.begin().await?;
        unit.lock_user(current_user.user.id).await?;
        let tries_left = unit.use_try(open.request.id).await?.ok_or(ConfirmError::Expired)?;
        if !self.is_code(code, &open) {
            unit.commit().await?;
            self.limiter.count_failure(Guessed::Account(current_user.user.id, Side::Known)).await?;
            return Err(ConfirmError::CodeWrong { tries_left });
        }
        self.reauthenticated(unit, current_user, &open, &address).await
    }

    async fn reauthenticated(
        &self,
        mut unit: Box<dyn Unit>,
        current_user: &CurrentUser,
        open: &OpenRequest,
        address: &EmailAddress,
    ) -> Result<(Renewed, Next), ConfirmError> {
        let user = unit.lock_user(current_user.user.id).await?;
        if !unit.take_request(open.request.id).await? {
            return Err(ConfirmError::Expired);
        }
        // A passkey that came meanwhile, or another address, makes the letter worthless.
        let is_still_theirs = user.is_some_and(|user| user.proven_address() == Some(address));
        if !is_still_theirs || self.has_usable(&unit.passkeys_of(current_user.user.id).await?) {
            return Err(ConfirmError::Expired);
        }
        let renewed = self.renew(unit, current_user, Method::Email).await?.ok_or(ConfirmError::Expired)?;
        Ok((renewed, open.request.next.clone()))
    }

    /// Gives the session a new token and the present time of authentication; `None` when it has ended meanwhile.
    async fn renew(
        &self,
        mut unit: Box<dyn Unit>,
        current_user: &CurrentUser,
        method: Method,
    ) -> Result<Option<Renewed>, Unavailable> {
        let (now, token) = (self.clock.now(), Token::random(&*self.entropy));
        let detail = method.words().to_owned();
        let by_passkey = matches!(method, Method::Passkey(_));
        // What a letter shows holds no longer than a session that a letter began.
        let (idle, max) =
            if by_passkey { (current_user.session.idle, Duration::MAX) } else { self.lifetimes.by_email() };
        let session = Session {
            token_hash: token.hash(),
            user_verified: by_passkey,
            idle: idle.min(current_user.session.idle),
            ends_at: now.plus(max).min(current_user.session.ends_at),
            kept: by_passkey && current_user.session.kept,
            offers_passkey: !by_passkey && current_user.session.offers_passkey,
            added_passkey: !by_passkey && current_user.session.added_passkey,
            method,
            authenticated_at: now,
            last_seen_at: now,
            ..current_user.session.clone()
        };
        if !unit.renew_session(&current_user.session.token_hash, &session).await? {
            return Ok(None);
        }
        self.record(unit.as_mut(), session.user_id, EventKind::Reauthenticated, &session.client, Some(detail)).await?;
        unit.commit().await?;
        tracing::info!(user = %session.user_id.0, "reauthenticated");
        Ok(Some(Renewed { session, token }))
    }
}

/// The address of a letter that this session asked for.
fn asked_by(open: &OpenRequest, current_user: &CurrentUser) -> Option<EmailAddress> {
    match &open.request.purpose {
        email_request::Purpose::Reauthenticate { session, address, .. } if *session == current_user.session.id => {
            Some(address.clone())
        }
        _ => None,
    }
}
