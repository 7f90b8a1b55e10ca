use super::answer::RegistrationAnswer;
use super::attestation::{Refused, examine};
use super::ceremony::Purpose;
use super::client_data::ClientData;
use super::relying_party::{RECORD_VERSION, stored};
use super::{Arrival, Auth, Opened};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::session::Method;
use crate::server::model::user::email_key;
use crate::server::model::{Passkey, User, UserId};
use crate::server::secret::Token;
use crate::server::store::Insertion;
use crate::types::{DisplayName, EmailAddress, Username, views};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::PasskeyRegistration;

/// What somebody typed, parsed.
#[derive(Clone, Debug)]
pub struct SignUpForm {
    pub username: Username,
    pub email: EmailAddress,
    pub display_name: DisplayName,
}

#[derive(Debug)]
pub enum BeginSignUpError {
    InvalidUsername,
    InvalidEmail,
    InvalidDisplayName,
    UsernameTaken,
    Unavailable(Unavailable),
}

#[derive(Debug)]
pub enum FinishSignUpError {
    Malformed,
    Expired,
    NotVerified,
    UsernameTaken,
    PasskeyExists,
    Unavailable(Unavailable),
}

impl From<Unavailable> for BeginSignUpError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl From<Unavailable> for FinishSignUpError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

#[derive(Serialize, Deserialize)]
struct SignUp {
    user_id: UserId,
    username: String,
    email: String,
    display_name: String,
    registration: PasskeyRegistration,
}

impl SignUpForm {
    /// Parses the fields in the order in which a person sees them; without a display name the username stands in.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn parse(username: &str, email: &str, display_name: Option<&str>) -> Result<Self, BeginSignUpError> {
        let username = Username::parse(username).map_err(|_| BeginSignUpError::InvalidUsername)?;
        let email = EmailAddress::parse(email)
            .ok()
            .filter(|address| email_key(address).is_some())
            .ok_or(BeginSignUpError::InvalidEmail)?;
        let display_name = DisplayName::parse(display_name.unwrap_or(username.as_str()))
            .map_err(|_| BeginSignUpError::InvalidDisplayName)?;
        Ok(Self { username, email, display_name })
    }
}

impl Auth {
    /// Begins a sign-up: options for the passkey, and nothing reserved.
    ///
    /// # Errors
    /// When the name is taken already, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn begin_sign_up(&self, browser: &Token, form: SignUpForm) -> Result<views::Options, BeginSignUpError> {
        if self.store.username_is_taken(&form.username).await? {
            return Err(BeginSignUpError::UsernameTaken);
        }
        let user = self.new_user(UserId::random(&*self.entropy), form);
        let (options, challenge, registration) = self.relying_party.begin_registration(&user)?;
        let state = SignUp {
            user_id: user.id,
            username: user.username.to_string(),
            email: user.email.as_ref().map(ToString::to_string).unwrap_or_default(),
            display_name: user.display_name.to_string(),
            registration,
        };
        self.keep_ceremony(Purpose::SignUp, browser, &challenge, state).await?;
        Ok(options)
    }

    /// Finishes a sign-up: account, passkey and session are made together or not at all.
    ///
    /// # Errors
    /// When the ceremony is spent or not this browser's, the answer does not verify, or somebody was quicker.
    #[tracing::instrument(skip_all)]
    pub async fn finish_sign_up(
        &self,
        browser: Option<&Token>,
        answer: &RegistrationAnswer,
        arrival: Arrival,
    ) -> Result<Opened, FinishSignUpError> {
        let new = examine(&answer.credential.response.attestation_object, &answer.credential.raw_id);
        if new == Err(Refused::Malformed) {
            return Err(FinishSignUpError::Malformed);
        }
        let browser = browser.ok_or(FinishSignUpError::Expired)?;
        let pending: SignUp = self
            .take_ceremony(Purpose::SignUp, browser, &answer.client_data.challenge)
            .await?
            .ok_or(FinishSignUpError::Expired)?;
        let new = new.map_err(|_| FinishSignUpError::NotVerified)?;
        if !answer.consistent || !answer.client_data.was_made_for(ClientData::CREATE, self.relying_party.origin()) {
            return Err(FinishSignUpError::NotVerified);
        }
        let record =
            self.relying_party.finish_registration(&answer.credential, &pending.registration).map_err(|cause| {
                tracing::info!(%cause, "a registration was not verified");
                FinishSignUpError::NotVerified
            })?;
        let form = SignUpForm::parse(&pending.username, &pending.email, Some(&pending.display_name))
            .map_err(|_| FinishSignUpError::Expired)?;
        let user = self.new_user(pending.user_id, form);
        let now = user.created_at;
        let passkey = Passkey {
            credential_id: new.credential_id,
            user_id: user.id,
            rp_id: self.relying_party.id().to_owned(),
            record: stored(&record)?,
            record_version: RECORD_VERSION,
            aaguid: new.aaguid,
            transports: answer.transports.clone(),
            backup_eligible: new.backup_eligible,
            backed_up: new.backed_up,
            sign_count: new.sign_count,
            created_at: now,
            last_used_at: None,
        };
        self.create_account(user, &passkey, arrival, now).await
    }

    async fn create_account(
        &self,
        user: User,
        passkey: &Passkey,
        arrival: Arrival,
        now: Timestamp,
    ) -> Result<Opened, FinishSignUpError> {
        let mut unit = self.store.begin().await?;
        if unit.add_user(&user).await? == Insertion::Conflict {
            return Err(FinishSignUpError::UsernameTaken);
        }
        if unit.add_passkey(passkey).await? == Insertion::Conflict {
            return Err(FinishSignUpError::PasskeyExists);
        }
        let method = Method::Passkey(passkey.credential_id.clone());
        let opened = self.open_session(unit.as_mut(), user, method, arrival, now).await?;
        unit.commit().await?;
        tracing::info!(user = %opened.user.id.0, "signed up");
        Ok(opened)
    }

    fn new_user(&self, id: UserId, form: SignUpForm) -> User {
        User {
            id,
            username: form.username,
            display_name: form.display_name,
            email: Some(form.email),
            email_verified: false,
            created_at: self.clock.now(),
        }
    }
}
