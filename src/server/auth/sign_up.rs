use super::answer::RegistrationAnswer;
use super::attestation::Refused;
use super::ceremony::{Initiator, Purpose};
use super::registration::Registered;
use super::session::{Credential, Entrance};
use super::{Arrival, Auth, NewSession, NotInvited};
use crate::server::Unavailable;
use crate::server::limiter::{Subject, TooMany};
use crate::server::model::limit;
use crate::server::model::user::email_key;
use crate::server::model::{AddedWith, Passkey, User, UserId};
use crate::server::secret::{Token, TokenHash};
use crate::server::store::Insertion;
use crate::server::telemetry::meters;
use crate::types::{DisplayName, EmailAddress, Language, Username, views};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::PasskeyRegistration;

/// What somebody typed, parsed.
#[derive(Clone, Debug)]
pub struct SignUpForm {
    pub username: Username,
    /// `None` only where no letter could ever be sent.
    pub email: Option<EmailAddress>,
    pub display_name: DisplayName,
    /// The link of the invitation that they came with.
    pub invitation: Option<TokenHash>,
}

/// What somebody typed, and the token of their invitation, if they came with one.
#[derive(Clone, Copy, Debug)]
pub struct SignUpFields<'a> {
    pub username: &'a str,
    pub email: Option<&'a str>,
    pub display_name: Option<&'a str>,
    pub invite: Option<&'a str>,
}

#[derive(Debug)]
pub enum BeginSignUpError {
    InvalidUsername,
    InvalidEmail,
    InvalidDisplayName,
    UsernameTaken,
    NotInvited(NotInvited),
    TooMany(TooMany),
    Unavailable(Unavailable),
}

#[derive(Debug)]
pub enum FinishSignUpError {
    Malformed,
    Expired,
    NotVerified,
    UsernameTaken,
    PasskeyExists,
    NotInvited(NotInvited),
    TooMany(TooMany),
    Unavailable(Unavailable),
}

impl From<NotInvited> for BeginSignUpError {
    fn from(cause: NotInvited) -> Self {
        Self::NotInvited(cause)
    }
}

impl From<NotInvited> for FinishSignUpError {
    fn from(cause: NotInvited) -> Self {
        Self::NotInvited(cause)
    }
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
    email: Option<String>,
    display_name: String,
    #[serde(default)]
    invitation: Option<[u8; 32]>,
    registration: PasskeyRegistration,
}

impl SignUpForm {
    /// Parses the fields; without a display name the username stands in.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn parse(fields: SignUpFields<'_>) -> Result<Self, BeginSignUpError> {
        let SignUpFields { username, email, display_name, invite } = fields;
        let username = Username::parse(username).map_err(|_| BeginSignUpError::InvalidUsername)?;
        let email = email.map(|text| {
            let address = EmailAddress::parse(text).ok().filter(|address| email_key(address).is_some());
            address.ok_or(BeginSignUpError::InvalidEmail)
        });
        let email = email.transpose()?;
        let display_name = DisplayName::parse(display_name.unwrap_or(username.as_str()))
            .map_err(|_| BeginSignUpError::InvalidDisplayName)?;
        // What is no token is the link of no invitation.
        let invitation = invite.map(|text| Token::from_link(text).as_ref().map_or(TokenHash([0; 32]), Token::hash));
        Ok(Self { username, email, display_name, invitation })
    }
}

impl Auth {
    /// Begins a sign-up: options for the passkey, and nothing reserved.
    ///
    /// # Errors
    /// When the name is taken already, the client begins or makes too many, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn begin_sign_up(
        &self,
        initiator: Initiator<'_>,
        form: SignUpForm,
    ) -> Result<views::Options, BeginSignUpError> {
        self.check_invitation(form.invitation.as_ref()).await?;
        let client = Subject::Client(initiator.from);
        if self.is_taken(&form.username).await? {
            self.limiter.draw(&limit::CEREMONIES, client).await?;
            return Err(BeginSignUpError::UsernameTaken);
        }
        // It is counted once it is finished; but nobody should make a passkey that will be refused.
        self.limiter.look(&limit::SIGN_UPS, client).await?;
        let invitation = form.invitation.map(|hash| hash.0);
        let user = self.new_user(UserId::random(&*self.entropy), form, Language::default());
        let (options, challenge, registration) = self.relying_party.begin_registration(&user, &[])?;
        let state = SignUp {
            user_id: user.id,
            username: user.username.to_string(),
            email: user.email.as_ref().map(ToString::to_string),
            display_name: user.display_name.to_string(),
            invitation,
            registration,
        };
        self.keep_ceremony(Purpose::SignUp, initiator, &challenge, state).await?;
        Ok(options)
    }

    /// Finishes a sign-up: account, passkey and session are made together or not at all.
    ///
    /// # Errors
    /// When the ceremony is spent or not this browser's, the answer does not verify, somebody was quicker, or the client
    /// has made too many accounts.
    #[tracing::instrument(skip_all)]
    pub async fn finish_sign_up(
        &self,
        answer: &RegistrationAnswer,
        arrival: Arrival,
    ) -> Result<NewSession, FinishSignUpError> {
        let new = answer.examine();
        if new == Err(Refused::Malformed) {
            return Err(FinishSignUpError::Malformed);
        }
        let browser = arrival.browser.as_ref().ok_or(FinishSignUpError::Expired)?;
        let pending: SignUp = self
            .take_ceremony(Purpose::SignUp, browser, &answer.client_data.challenge)
            .await?
            .ok_or(FinishSignUpError::Expired)?;
        let registered = Registered { new, answer, registration: &pending.registration };
        let passkey =
            self.registered(registered, pending.user_id, AddedWith::SignUp)?.ok_or(FinishSignUpError::NotVerified)?;
        let fields = SignUpFields {
            username: &pending.username,
            email: pending.email.as_deref(),
            display_name: Some(&pending.display_name),
            invite: None,
        };
        let form = SignUpForm::parse(fields).map_err(|_| FinishSignUpError::Expired)?;
        let user = self.new_user(pending.user_id, form, arrival.language);
        self.limiter.draw(&limit::SIGN_UPS, Subject::Client(arrival.address)).await?;
        self.create_account(user, &passkey, pending.invitation.map(TokenHash), arrival).await
    }

    async fn create_account(
        &self,
        user: User,
        passkey: &Passkey,
        invitation: Option<TokenHash>,
        arrival: Arrival,
    ) -> Result<NewSession, FinishSignUpError> {
        let (now, address) = (user.created_at, user.email.clone());
        let mut unit = self.store.begin().await?;
        if self.add_account(unit.as_mut(), &user).await? == Insertion::Conflict {
            return Err(FinishSignUpError::UsernameTaken);
        }
        self.use_invitation(unit.as_mut(), invitation.as_ref(), now).await??;
        if unit.add_passkey(passkey).await? == Insertion::Conflict {
            return Err(FinishSignUpError::PasskeyExists);
        }
        let (id, synced) = (passkey.credential_id.clone(), passkey.backed_up);
        let credential = Credential::Passkey { id, from_elsewhere: false, synced };
        let entrance = Entrance { user, credential, is_new_account: true };
        let opened = self.open_session(unit.as_mut(), entrance, arrival, now).await?;
        if let Some(address) = address {
            let (user, session) = (&opened.user, &opened.session);
            self.post_confirmation(unit.as_mut(), user.id, session, address, user.language).await?;
        }
        unit.commit().await?;
        self.bell.notify_one();
        meters::sign_up("passkey");
        tracing::info!(user = %opened.user.id.0, "signed up");
        Ok(opened)
    }

    fn new_user(&self, id: UserId, form: SignUpForm, language: Language) -> User {
        User {
            id,
            username: form.username,
            display_name: form.display_name,
            email: form.email,
            email_verified: false,
            created_at: self.clock.now(),
            username_changed_at: None,
            lockdown: None,
            language,
            disabled_at: None,
        }
    }
}
