use super::answer::AuthenticationAnswer;
use super::authenticator_data::AuthenticatorData;
use super::ceremony::{Initiator, Purpose};
use super::client_data::ClientData;
use super::known_browser::known_browser;
use super::relying_party::{record, stored};
use super::session::{Credential, Entrance};
use super::{Arrival, Auth, Opened};
use crate::server::Unavailable;
use crate::server::limiter::TooMany;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::security_letter::Occasion;
use crate::server::model::{CredentialId, Event, EventKind, Passkey, User, UserId};
use crate::server::secret::Token;
use crate::server::store::{Admission, Admitted, Unit};
use crate::server::telemetry::meters;
use crate::types::views;
use std::time::Duration;
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
    UnknownPasskey,
    /// Those who run the site turned the account off.
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
            Self::UnknownPasskey => "unknown_passkey",
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

/// A copied passkey that is tried again and again is told of once in this time.
const TOLD_AGAIN_AFTER: Duration = Duration::from_hours(1);

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
    ) -> Result<Opened, FinishSignInError> {
        let finished = self.sign_in_with(answer, arrival).await;
        meters::sign_in("passkey", finished.as_ref().err().map(FinishSignInError::outcome));
        finished
    }

    async fn sign_in_with(&self, answer: &AuthenticationAnswer, arrival: Arrival) -> Result<Opened, FinishSignInError> {
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
        let (passkey, user) = self.store.passkey(&id).await?.ok_or(FinishSignInError::UnknownPasskey)?;
        let names_owner = match answer.credential.get_user_unique_id() {
            Some(handle) => handle == user.id.0.as_bytes().as_slice(),
            None => expected.is_some(),
        };
        let is_theirs = expected.is_none_or(|expected| expected == user.id);
        let is_ours = passkey.rp_id == self.relying_party.id();
        if names_owner && is_theirs && is_ours { Ok((passkey, user)) } else { Err(FinishSignInError::NotVerified) }
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
                tracing::warn!(user = %user.id.0, "a passkey's counter did not grow: it may have been copied");
                self.tell_of_copy(passkey, user, client).await?;
                return Err(FinishSignInError::NotVerified);
            }
            Err(cause) => {
                tracing::info!(%cause, "an assertion was not verified");
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
        let lately = self.clock.now().minus(TOLD_AGAIN_AFTER);
        let is_told = unit.count_letters_about(user.id, Occasion::CounterWentBack, lately).await? > 0;
        self.record(unit.as_mut(), user.id, EventKind::CounterWentBack, client, name.clone()).await?;
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
            tracing::warn!(user = %user.id.0, "a passkey's counter was overtaken: it may have been copied");
            self.tell_of_copy(passkey, user, client).await?;
            return Ok(FinishSignInError::NotVerified);
        }
        tracing::warn!(user = %user.id.0, "a passkey is suspended, or was removed while it was used");
        self.record_refusal(user.id, EventKind::SignInRefused, client, Some("passkey".to_owned())).await?;
        Ok(if now.is_some() { FinishSignInError::NotVerified } else { FinishSignInError::UnknownPasskey })
    }

    /// An older passkey shows that its owner is there again.
    pub(super) async fn end_guard(
        &self,
        unit: &mut dyn Unit,
        user: &User,
        passkey: &Passkey,
    ) -> Result<(), Unavailable> {
        match user.guarded_since {
            Some(since) if passkey.created_at < since => unit.set_guard(user.id, None).await,
            _ => Ok(()),
        }
    }

    /// Lets somebody in: at once where nothing else has to be done, which is nearly always.
    async fn admit(
        &self,
        passkey: Passkey,
        user: User,
        used: &PasskeyUse,
        is_cross_platform: bool,
        arrival: Arrival,
    ) -> Result<Opened, FinishSignInError> {
        let from_elsewhere = is_cross_platform && passkey.lives_in_a_device();
        let is_plain = !from_elsewhere && user.guarded_since.is_none() && user.disabled_at.is_none();
        if is_plain && let Some(opened) = self.admit_at_once(&passkey, &user, used, &arrival).await? {
            return Ok(opened);
        }
        self.admit_with_care(passkey, &user, used, from_elsewhere, arrival).await
    }

    /// In one step; `None` where the account turns out to be guarded or turned off.
    async fn admit_at_once(
        &self,
        passkey: &Passkey,
        user: &User,
        used: &PasskeyUse,
        arrival: &Arrival,
    ) -> Result<Option<Opened>, FinishSignInError> {
        let credential = Credential::Passkey { id: passkey.credential_id.clone(), from_elsewhere: false };
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
            previous: arrival.previous.as_ref().map(Token::hash),
        };
        match self.store.admit(admission).await? {
            Admitted::In { user, kept_name } => {
                let known = arrival.known.clone().filter(|_| kept_name).unwrap_or(name);
                Ok(Some(Opened { user, session, token, known }))
            }
            Admitted::Refused(user) => Err(self.refused_in_use(passkey, used, &user, &arrival.client).await),
            Admitted::NotPlain => Ok(None),
            Admitted::Gone => Err(FinishSignInError::UnknownPasskey),
        }
    }

    /// Step by step: an older passkey ends the guard, and whoever comes from another device is told of.
    async fn admit_with_care(
        &self,
        passkey: Passkey,
        user: &User,
        used: &PasskeyUse,
        from_elsewhere: bool,
        arrival: Arrival,
    ) -> Result<Opened, FinishSignInError> {
        let mut unit = self.store.begin().await?;
        // As it is now: the account may be gone, or have another address.
        let user = unit.lock_user(user.id).await?.ok_or(FinishSignInError::UnknownPasskey)?;
        if user.disabled_at.is_some() {
            let way = Some("passkey, while the account is turned off".to_owned());
            self.record(unit.as_mut(), user.id, EventKind::SignInRefused, &arrival.client, way).await?;
            unit.commit().await?;
            return Err(FinishSignInError::AccountDisabled);
        }
        if !unit.record_passkey_use(&passkey, used).await? {
            drop(unit);
            return Err(self.refused_in_use(&passkey, used, &user, &arrival.client).await);
        }
        self.end_guard(unit.as_mut(), &user, &passkey).await?;
        let credential = Credential::Passkey { id: passkey.credential_id, from_elsewhere };
        let entrance = Entrance { user, credential, is_new_account: false };
        let opened = self.open_session(unit.as_mut(), entrance, arrival, used.at).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(opened)
    }
}
