use super::answer::AuthenticationAnswer;
use super::authenticator_data::AuthenticatorData;
use super::ceremony::{Initiator, Purpose};
use super::client_data::ClientData;
use super::known_browser::known_browser;
use super::relying_party::{record, stored};
use super::session::{Credential, Entrance};
use super::{Arrival, Auth, NewSession};
use crate::server::Unavailable;
use crate::server::limiter::TooMany;
use crate::server::model::notification::{NOTIFIED_WITHIN, Occasion};
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{CredentialId, Event, EventKind, Passkey, User, UserId};
use crate::server::secret::Token;
use crate::server::store::{Admission, Admitted};
use crate::server::telemetry::meters;
use crate::types::views;
use webauthn_rs::prelude::{DiscoverableAuthentication, WebauthnError};

#[derive(Debug)]
pub enum BeginSignInError {
    TooMany(TooMany),
    Unavailable(Unavailable),
}

impl From<Unavailable> for BeginSignInError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

#[derive(Debug)]
pub enum FinishSignInError {
    Malformed,
    Expired,
    NotVerified,
    UnknownPasskey {
        /// Whether it names an account that is here: then its device may drop it.
        is_ours: bool,
    },
    /// An administrator disabled the account.
    AccountDisabled,
    Unavailable(Unavailable),
}

impl FinishSignInError {
    /// Its name in metrics.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Expired => "expired",
            Self::NotVerified => "not_verified",
            Self::UnknownPasskey { .. } => "unknown_passkey",
            Self::AccountDisabled => "account_disabled",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl From<Unavailable> for FinishSignInError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl Auth {
    /// Begins a sign-in, the same for everybody: the passkey decides who it is.
    ///
    /// # Errors
    /// When the client begins too many, or the ephemeral store is away.
    #[tracing::instrument(skip_all)]
    pub async fn begin_sign_in(&self, initiator: Initiator<'_>) -> Result<views::Options, BeginSignInError> {
        let (options, challenge, state) = self.relying_party.begin_authentication(&[])?;
        self.keep_ceremony(Purpose::SignIn, initiator, &challenge, state).await?;
        Ok(options)
    }

    /// Finishes a sign-in with a new session; the one that the browser had ends.
    ///
    /// # Errors
    /// When the ceremony is spent or not this browser's, the passkey is not known, or the answer does not verify.
    #[tracing::instrument(skip_all)]
    pub async fn finish_sign_in(
        &self,
        answer: &AuthenticationAnswer,
        arrival: Arrival,
    ) -> Result<NewSession, FinishSignInError> {
        let finished = self.sign_in_with(answer, arrival).await;
        meters::sign_in("passkey", finished.as_ref().err().map(FinishSignInError::outcome));
        finished
    }

    async fn sign_in_with(
        &self,
        answer: &AuthenticationAnswer,
        arrival: Arrival,
    ) -> Result<NewSession, FinishSignInError> {
        let data = answer.authenticator_data()?;
        let browser = arrival.browser.as_ref().ok_or(FinishSignInError::Expired)?;
        let state: DiscoverableAuthentication = self
            .take_ceremony(Purpose::SignIn, browser, &answer.client_data.challenge)
            .await?
            .ok_or(FinishSignInError::Expired)?;
        let (passkey, user) = self.passkey_of(answer, &data, None).await?;
        let used = self.verify(answer, &data, state, &passkey, &user, &arrival.client).await?;
        self.admit(passkey, user, &used, answer.is_cross_platform, arrival).await
    }

    /// The passkey that answers, if it belongs to the person whom it names (WebAuthn Level 3, section 7.2, step 6). Where
    /// it is known already who is there, it must be theirs, and need not name them.
    pub(super) async fn passkey_of(
        &self,
        answer: &AuthenticationAnswer,
        data: &AuthenticatorData<'_>,
        expected: Option<UserId>,
    ) -> Result<(Passkey, User), FinishSignInError> {
        let acceptable = answer.consistent
            && answer.client_data.was_made_for(ClientData::GET, self.relying_party.origin())
            && data.attested.is_none()
            && data.has_sound_backup_flags()
            && !data.has_trailing_bytes;
        if !acceptable {
            return Err(FinishSignInError::NotVerified);
        }
        let id = CredentialId::new(answer.credential.raw_id.clone()).ok_or(FinishSignInError::NotVerified)?;
        let Some((passkey, user)) = self.store.passkey(&id).await? else {
            let is_ours = self.is_an_account(answer.credential.get_user_unique_id()).await?;
            return Err(FinishSignInError::UnknownPasskey { is_ours });
        };
        let names_owner = match answer.credential.get_user_unique_id() {
            Some(handle) => handle == user.id.0.as_bytes().as_slice(),
            None => expected.is_some(),
        };
        let is_theirs = expected.is_none_or(|expected| expected == user.id);
        let is_ours = passkey.rp_id == self.relying_party.id();
        if names_owner && is_theirs && is_ours { Ok((passkey, user)) } else { Err(FinishSignInError::NotVerified) }
    }

    /// Whether a user handle is an account's. Where it is not, the database may be another one than the passkey was made
    /// for, and its device must keep it.
    async fn is_an_account(&self, handle: Option<&[u8]>) -> Result<bool, Unavailable> {
        match handle.and_then(|handle| uuid::Uuid::from_slice(handle).ok()) {
            Some(id) => Ok(self.store.user(UserId(id)).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Verifies an assertion (WebAuthn Level 3, section 7.2). What is refused is written down for the owner.
    pub(super) async fn verify(
        &self,
        answer: &AuthenticationAnswer,
        data: &AuthenticatorData<'_>,
        state: DiscoverableAuthentication,
        passkey: &Passkey,
        user: &User,
        client: &views::Client,
    ) -> Result<PasskeyUse, FinishSignInError> {
        let mut record = record(passkey, data.backup_eligible())?;
        let verified = match self.relying_party.finish_authentication(&answer.credential, state, &record) {
            Ok(verified) => verified,
            Err(WebauthnError::CredentialPossibleCompromise) => {
                tracing::warn!(user = %user.id.0, reason = "counter", "sign-in failed");
                self.tell_of_copy(passkey, user, client).await?;
                return Err(FinishSignInError::NotVerified);
            }
            Err(cause) => {
                tracing::info!(%cause, "assertion not verified");
                self.record_strangers(user.id).await?;
                return Err(FinishSignInError::NotVerified);
            }
        };
        record.update_credential(&verified).ok_or(FinishSignInError::NotVerified)?;
        Ok(PasskeyUse {
            record: stored(&record)?,
            backup_eligible: verified.backup_eligible(),
            backed_up: verified.backup_state(),
            sign_count: verified.counter(),
            at: self.clock.now(),
            on: client.clone(),
        })
    }

    /// Two devices use one passkey that should be on one: its owner should know.
    async fn tell_of_copy(&self, passkey: &Passkey, user: &User, client: &views::Client) -> Result<(), Unavailable> {
        let name = Some(passkey.name.clone());
        let mut unit = self.store.begin().await?;
        let Some(user) = unit.lock_user(user.id).await? else { return Ok(()) };
        let (kind, now) = (EventKind::CounterWentBack, self.clock.now());
        let event = Event::new(user.id, kind, now, client.clone(), name.clone(), &*self.entropy);
        unit.record(&event.only_once_an_hour()).await?;
        let is_told = match user.proven_address() {
            Some(address) => {
                let sent = unit.count_notifications(user.id, address, now.minus(NOTIFIED_WITHIN)).await?;
                sent.about(Occasion::CounterWentBack) > 0
            }
            None => true,
        };
        if !is_told {
            self.tell_owner(unit.as_mut(), &user, Occasion::CounterWentBack, client, name).await?;
        }
        unit.commit().await?;
        self.bell.notify_one();
        Ok(())
    }

    /// A valid signature that still signs nobody in: the passkey is suspended, was removed, or its counter was overtaken
    /// while it was verified, which is as bad as one that went back before.
    pub(super) async fn refused_in_use(
        &self,
        passkey: &Passkey,
        used: &PasskeyUse,
        user: &User,
        client: &views::Client,
    ) -> FinishSignInError {
        self.tell_of_refusal(passkey, used, user, client).await.unwrap_or_else(FinishSignInError::from)
    }

    async fn tell_of_refusal(
        &self,
        passkey: &Passkey,
        used: &PasskeyUse,
        user: &User,
        client: &views::Client,
    ) -> Result<FinishSignInError, Unavailable> {
        let now = self.store.passkey(&passkey.credential_id).await?.filter(|(_, owner)| owner.id == user.id);
        if now.as_ref().is_some_and(|(now, _)| now.is_overtaking(used)) {
            tracing::warn!(user = %user.id.0, reason = "counter overtaken", "sign-in failed");
            self.tell_of_copy(passkey, user, client).await?;
            return Ok(FinishSignInError::NotVerified);
        }
        tracing::warn!(user = %user.id.0, reason = "passkey suspended or removed", "sign-in failed");
        let mut unit = self.store.begin().await?;
        self.record_refusal(unit.as_mut(), user.id, client, "passkey").await?;
        unit.commit().await?;
        Ok(match now {
            Some(_) => FinishSignInError::NotVerified,
            None => FinishSignInError::UnknownPasskey { is_ours: true },
        })
    }

    /// Lets somebody in: at once where nothing else has to be done, which is nearly always.
    async fn admit(
        &self,
        passkey: Passkey,
        user: User,
        used: &PasskeyUse,
        is_cross_platform: bool,
        arrival: Arrival,
    ) -> Result<NewSession, FinishSignInError> {
        let from_elsewhere = is_cross_platform && passkey.lives_in_a_device();
        let is_plain =
            !from_elsewhere && user.lockdown.is_none() && user.disabled_at.is_none() && arrival.email.is_none();
        if is_plain && let Some(opened) = self.admit_at_once(&passkey, &user, used, &arrival).await? {
            return Ok(opened);
        }
        self.admit_with_care(passkey, &user, used, from_elsewhere, arrival).await
    }

    /// In one step; `None` where the account turns out to be locked down or disabled, or its owner is to be notified.
    async fn admit_at_once(
        &self,
        passkey: &Passkey,
        user: &User,
        used: &PasskeyUse,
        arrival: &Arrival,
    ) -> Result<Option<NewSession>, FinishSignInError> {
        let (id, synced) = (passkey.credential_id.clone(), used.backed_up);
        let credential = Credential::Passkey { id, from_elsewhere: false, synced };
        let (session, token) = self.new_session(user.id, credential, arrival, used.at);
        let way = Some(session.method.words().to_owned());
        let event = Event::new(user.id, EventKind::SignedIn, used.at, session.client.clone(), way, &*self.entropy);
        let name = Token::random(&*self.entropy);
        let admission = Admission {
            passkey,
            used,
            session: &session,
            event: &event,
            known: arrival.known.as_ref().map(Token::hash),
            browser: &known_browser(&name, user.id, used.at),
            only_recognised: synced && self.sends_email && user.proven_address().is_some(),
            previous: arrival.previous.as_ref().map(Token::hash),
        };
        match self.store.admit(admission).await? {
            Admitted::In(user) => Ok(Some(NewSession { user, session, token, known: name })),
            Admitted::Refused(user) => Err(self.refused_in_use(passkey, used, &user, &arrival.client).await),
            Admitted::NotPlain => Ok(None),
            Admitted::Gone => Err(FinishSignInError::UnknownPasskey { is_ours: false }),
        }
    }

    /// Step by step: an older passkey ends the lockdown, and a sign-in on another device is notified.
    async fn admit_with_care(
        &self,
        passkey: Passkey,
        user: &User,
        used: &PasskeyUse,
        from_elsewhere: bool,
        arrival: Arrival,
    ) -> Result<NewSession, FinishSignInError> {
        let mut unit = self.store.begin().await?;
        // As it is now: the account may be gone, or have another address.
        let gone = FinishSignInError::UnknownPasskey { is_ours: false };
        let user = unit.lock_user(user.id).await?.ok_or(gone)?;
        if user.disabled_at.is_some() {
            let reason = "passkey, while the account is turned off";
            self.record_refusal(unit.as_mut(), user.id, &arrival.client, reason).await?;
            unit.commit().await?;
            return Err(FinishSignInError::AccountDisabled);
        }
        if !unit.record_passkey_use(&passkey, used).await? {
            drop(unit);
            return Err(self.refused_in_use(&passkey, used, &user, &arrival.client).await);
        }
        self.end_lockdown(unit.as_mut(), &user, passkey.created_at).await?;
        let credential = Credential::Passkey { id: passkey.credential_id, from_elsewhere, synced: used.backed_up };
        let entrance = Entrance { user, credential, is_new_account: false };
        let opened = self.open_session(unit.as_mut(), entrance, arrival, used.at).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(opened)
    }
}
