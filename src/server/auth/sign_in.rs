//! Signing in with a passkey.

use super::account::{AccountUnit, Activity};
use super::browser::known_browser;
use super::caller::Caller;
use super::error::Error;
use super::new_session::{Credential, NewSession, new_session, record_sign_in};
use super::webauthn::{Assertion, AuthenticationResponse, Ceremonies, NewCeremony, Purpose};
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::notification::{NOTIFICATION_WINDOW, Occasion};
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{Client, Event, EventKind, Passkey, Session, User};
use crate::server::secret::Token;
use crate::server::store::{SignInOutcome, SignInRecord};
use crate::server::telemetry::meters;
use crate::types::{ApiError, views};
use webauthn_rs::prelude::DiscoverableAuthentication;

/// Signing in with a passkey.
pub struct SignIn<'a> {
    pub(in crate::server) core: &'a Core,
    pub(in crate::server) ceremonies: Ceremonies<'a>,
}

impl SignIn<'_> {
    /// Begins a sign-in. The options are the same for everyone: the passkey decides who signs in.
    ///
    /// # Errors
    /// When the client begins too many ceremonies, or the ephemeral store is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn begin(&self, caller: &Caller) -> Result<views::Options, Error> {
        let (options, challenge, state) = self.ceremonies.relying_party.begin_authentication(&[])?;
        self.ceremonies.keep(Purpose::SignIn, caller, NewCeremony { challenge, state }).await?;
        Ok(options)
    }

    /// Finishes a sign-in: begins a new session and ends the browser's previous one. `keep`: "Keep me signed in".
    ///
    /// # Errors
    /// When the ceremony was already used or belongs to another browser, the passkey is unknown, or the response does
    /// not verify.
    #[tracing::instrument(skip_all)]
    pub async fn finish(
        &self,
        answer: &AuthenticationResponse,
        caller: &Caller,
        keep: bool,
    ) -> Result<NewSession, Error> {
        let finished = self.verify_and_record(answer, caller, keep).await;
        meters::sign_in("passkey", finished.as_ref().err().map(Error::outcome));
        finished
    }

    async fn verify_and_record(
        &self,
        answer: &AuthenticationResponse,
        caller: &Caller,
        keep: bool,
    ) -> Result<NewSession, Error> {
        let data = answer.authenticator_data()?;
        let state: Option<DiscoverableAuthentication> =
            self.ceremonies.take(Purpose::SignIn, caller, &answer.client_data.challenge).await?;
        let state = state.ok_or(ApiError::CeremonyExpired)?;
        let (passkey, user) = self.ceremonies.find_passkey(answer, &data, None).await?;
        let assertion = self.ceremonies.verify_assertion(answer, state, &passkey)?;
        let attempt = Attempt { core: self.core, passkey: &passkey, user: &user, client: &caller.client };
        let used = attempt.record_outcome(assertion).await?;
        let is_cross_device = answer.is_cross_platform && passkey.is_on_device();
        let verified = Verified { passkey, user, used, is_cross_device, keep };
        self.record(verified, caller).await
    }

    /// Records the sign-in in one statement if nothing else has to be done, which is nearly always the case.
    async fn record(&self, verified: Verified, caller: &Caller) -> Result<NewSession, Error> {
        let user = &verified.user;
        let is_plain = !verified.is_cross_device
            && user.lockdown.is_none()
            && user.disabled_at.is_none()
            && caller.email.is_none();
        if is_plain && let Some(new) = self.record_in_one_statement(&verified, caller).await? {
            return Ok(new);
        }
        self.record_in_steps(verified, caller).await
    }

    /// Records the sign-in in one statement; `None` if the account turns out to be locked down or disabled, or its
    /// owner must be notified.
    async fn record_in_one_statement(&self, verified: &Verified, caller: &Caller) -> Result<Option<NewSession>, Error> {
        let Verified { passkey, user, used, .. } = verified;
        let (session, token) = new_session(self.core, user.id, verified.credential(), caller);
        // The statement writes a single time: that of the verification.
        let session = Session { authenticated_at: used.at, created_at: used.at, last_seen_at: used.at, ..session };
        let event = Event::new(user.id, EventKind::SignedIn, &session.client, self.core.issuer());
        let event = Event { at: used.at, ..event.about(Some(session.method.words().to_owned())) };
        let known = self.core.token();
        let can_notify = self.core.email().can_send() && user.confirmed_address().is_some();
        let record = SignInRecord {
            passkey,
            used,
            session: &session,
            event: &event,
            known: caller.known.as_ref().map(Token::hash),
            browser: &known_browser(&known, user.id, used.at),
            requires_recognised_browser: used.backed_up && can_notify,
            previous: caller.session.as_ref().map(Token::hash),
        };
        match self.core.store.record_sign_in(record).await? {
            SignInOutcome::Recorded(user) => Ok(Some(NewSession { user, session, token, known })),
            SignInOutcome::Refused(user) => {
                let attempt = Attempt { core: self.core, passkey, user: &user, client: &caller.client };
                Err(attempt.refused(used).await)
            }
            SignInOutcome::NeedsUnitOfWork => Ok(None),
            SignInOutcome::AccountDeleted => Err(ApiError::UnknownPasskey { forget: false }.into()),
        }
    }

    /// Records the sign-in step by step: an older passkey ends the lockdown, and the owner is notified of a new device.
    async fn record_in_steps(&self, verified: Verified, caller: &Caller) -> Result<NewSession, Error> {
        let Verified { passkey, user, used, .. } = &verified;
        // Reads the account again: it may have been deleted, or have another address.
        let unit = AccountUnit::lock(self.core, user.id, caller.client.clone()).await?;
        let mut unit = unit.ok_or(ApiError::UnknownPasskey { forget: false })?;
        if unit.user.disabled_at.is_some() {
            unit.record_hourly(EventKind::SignInRefused, "passkey, while the account was disabled").await?;
            unit.commit().await?;
            return Err(ApiError::AccountDisabled.into());
        }
        if !unit.record_passkey_use(passkey, used).await? {
            let user = unit.user.clone();
            drop(unit);
            let attempt = Attempt { core: self.core, passkey, user: &user, client: &caller.client };
            return Err(attempt.refused(used).await);
        }
        unit.end_lockdown(passkey.created_at).await?;
        let new = record_sign_in(&mut unit, verified.credential(), caller, EventKind::SignedIn).await?;
        unit.commit().await?;
        Ok(new)
    }
}

/// A verified assertion, with the options of the sign-in.
struct Verified {
    passkey: Passkey,
    user: User,
    used: PasskeyUse,
    is_cross_device: bool,
    keep: bool,
}

impl Verified {
    fn credential(&self) -> Credential {
        let (id, is_cross_device) = (self.passkey.credential_id.clone(), self.is_cross_device);
        Credential::Passkey { id, is_cross_device, synced: self.used.backed_up, keep: self.keep }
    }
}

/// An attempt to use a passkey. A refusal is recorded in the owner's activity.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub core: &'a Core,
    pub passkey: &'a Passkey,
    pub user: &'a User,
    pub client: &'a Client,
}

impl Attempt<'_> {
    /// Returns the use of the passkey, or the refusal once it is recorded in the owner's activity.
    pub async fn record_outcome(self, assertion: Assertion) -> Result<PasskeyUse, Error> {
        match assertion {
            Assertion::Verified(used) => Ok(PasskeyUse { on: self.client.clone(), ..used }),
            Assertion::MaybeCopied => {
                tracing::warn!(user = %self.user.id.0, reason = "counter", "sign-in failed");
                self.warn_of_copy().await?;
                Err(ApiError::NOT_VERIFIED.into())
            }
            Assertion::NotVerified => {
                Activity { core: self.core }.record_failed_attempt(self.user.id).await?;
                Err(ApiError::NOT_VERIFIED.into())
            }
        }
    }

    /// Records that the passkey may have been copied to another device, and notifies the owner.
    async fn warn_of_copy(self) -> Result<(), Unavailable> {
        let Some(mut unit) = self.lock().await? else { return Ok(()) };
        unit.record_hourly(EventKind::CounterWentBack, &self.passkey.name).await?;
        let is_notified = match unit.user.confirmed_address().cloned() {
            Some(address) => {
                let since = self.core.now().minus(NOTIFICATION_WINDOW);
                let sent = unit.count_notifications(self.user.id, &address, since).await?;
                sent.about(Occasion::CounterWentBack) > 0
            }
            None => true,
        };
        if !is_notified {
            unit.notify(Occasion::CounterWentBack, Some(self.passkey.name.clone())).await?;
        }
        unit.commit().await
    }

    /// Returns why a valid signature is refused: the passkey is suspended, was removed, or another use has advanced its
    /// counter, which is treated like a counter that went back.
    pub async fn refused(self, used: &PasskeyUse) -> Error {
        self.reason(used).await.map_or_else(Error::from, Error::from)
    }

    async fn reason(self, used: &PasskeyUse) -> Result<ApiError, Unavailable> {
        let current = self.core.store.passkey(&self.passkey.credential_id).await?;
        let current = current.filter(|(_, owner)| owner.id == self.user.id);
        if current.as_ref().is_some_and(|(current, _)| current.has_stale_counter(used)) {
            tracing::warn!(user = %self.user.id.0, reason = "stale counter", "sign-in failed");
            self.warn_of_copy().await?;
            return Ok(ApiError::NOT_VERIFIED);
        }
        tracing::warn!(user = %self.user.id.0, reason = "passkey suspended or removed", "sign-in failed");
        if let Some(mut unit) = self.lock().await? {
            unit.record_hourly(EventKind::SignInRefused, "passkey").await?;
            unit.commit().await?;
        }
        Ok(match current {
            Some((current, _)) => ApiError::NotVerified { suspended: current.suspended_at.is_some() },
            None => ApiError::UnknownPasskey { forget: true },
        })
    }

    async fn lock(&self) -> Result<Option<AccountUnit<'_>>, Unavailable> {
        AccountUnit::lock(self.core, self.user.id, self.client.clone()).await
    }
}
