//! Signing up with a passkey, or by email where the browser cannot make one.

use super::account::{AccountUnit, Address, Claim, Profile};
use super::caller::Caller;
use super::email_request::{EmailRequests, Requested};
use super::error::Error;
use super::invitation::Invitations;
use super::new_session::{Credential, NewSession, record_sign_in};
use super::webauthn::{Begun, Ceremonies, NewCredential, Purpose, Refused, RegistrationAnswer};
use crate::server::core::Core;
use crate::server::limiter::Subject;
use crate::server::model::user::email_key;
use crate::server::model::{AddedWith, EventKind, Passkey, User, UserId, email_request, limit};
use crate::server::secret::{Token, TokenHash};
use crate::server::store::Insertion;
use crate::server::telemetry::meters;
use crate::types::{ApiError, DisplayName, EmailAddress, Identifier, Language, Next, Username, views};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::PasskeyRegistration;

/// The fields of a sign-up, parsed.
#[derive(Clone, Debug)]
pub struct SignUpForm {
    pub username: Username,
    /// `None` only where email could never be sent.
    pub email: Option<EmailAddress>,
    pub display_name: DisplayName,
    /// The link of an invitation.
    pub invitation: Option<TokenHash>,
}

impl SignUpForm {
    /// The same under another username, if one was chosen. A user who gave no name is called by it.
    pub(super) fn renamed(self, username: Option<&str>) -> Result<Self, ApiError> {
        let Some(text) = username else { return Ok(self) };
        let username = Username::parse(text).map_err(|_| ApiError::InvalidUsername)?;
        let is_unnamed = self.display_name.as_str() == self.username.as_str();
        let unnamed = is_unnamed.then(|| DisplayName::parse(username.as_str()).ok()).flatten();
        Ok(Self { display_name: unnamed.unwrap_or(self.display_name), username, ..self })
    }
}

/// The fields of a sign-up, as they were typed, and the token of an invitation.
#[derive(Clone, Copy, Debug)]
pub struct SignUpFields<'a> {
    pub username: &'a str,
    pub email: Option<&'a str>,
    pub display_name: Option<&'a str>,
    pub invite: Option<&'a str>,
}

impl SignUpFields<'_> {
    fn username(&self) -> Result<Username, ApiError> {
        Username::parse(self.username).map_err(|_| ApiError::InvalidUsername)
    }

    fn display_name(&self, otherwise: &str) -> Result<DisplayName, ApiError> {
        DisplayName::parse(self.display_name.unwrap_or(otherwise)).map_err(|_| ApiError::InvalidDisplayName)
    }
}

fn address(text: &str) -> Result<EmailAddress, ApiError> {
    let address = EmailAddress::parse(text).ok().filter(|address| email_key(address).is_some());
    address.ok_or(ApiError::InvalidEmail)
}

/// The state of a sign-up that has begun.
#[derive(Serialize, Deserialize)]
struct Pending {
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
    pub fn parse(fields: SignUpFields<'_>) -> Result<Self, ApiError> {
        let (username, email) = (fields.username()?, fields.email.map(address).transpose()?);
        let display_name = fields.display_name(username.as_str())?;
        let invite = fields.invite;
        // Text that is no token is the link of no invitation.
        let invitation = invite.map(|text| Token::from_link(text).as_ref().map_or(TokenHash([0; 32]), Token::hash));
        Ok(Self { username, email, display_name, invitation })
    }
}

/// An account that is to be made, with its passkey.
struct NewAccount {
    form: SignUpForm,
    passkey: Passkey,
    /// "Keep me signed in".
    keep: bool,
}

/// Making accounts.
pub struct SignUp<'a> {
    pub(in crate::server) core: &'a Core,
    pub(in crate::server) ceremonies: Ceremonies<'a>,
}

impl SignUp<'_> {
    /// Parses the fields under the policy: an empty address is none where none is needed.
    ///
    /// # Errors
    /// When an address is missing that is needed, or a field does not fit.
    pub fn parse(&self, fields: SignUpFields<'_>) -> Result<SignUpForm, ApiError> {
        let is_needed = self.core.email().needs_address();
        match fields.email {
            None if is_needed => Err(ApiError::BadRequest),
            Some(text) if text.trim().is_empty() && !is_needed => {
                SignUpForm::parse(SignUpFields { email: None, ..fields })
            }
            _ => SignUpForm::parse(fields),
        }
    }

    /// Every field that is wrong, for a page that shows all of them at once.
    ///
    /// # Errors
    /// When the client looks for too many names, or a backend is away.
    pub async fn wrong_fields(&self, caller: &Caller, fields: SignUpFields<'_>) -> Result<Vec<ApiError>, Error> {
        let is_needed = self.core.email().needs_address();
        let email = fields.email.filter(|text| is_needed || !text.trim().is_empty());
        let username = match fields.username() {
            Ok(name) => match self.check_name(caller, &name).await {
                Ok(()) => None,
                Err(Error::Refused(taken @ ApiError::UsernameTaken)) => Some(taken),
                Err(error) => return Err(error),
            },
            Err(error) => Some(error),
        };
        let name = fields.display_name("unnamed").err();
        Ok(name.into_iter().chain(username).chain(email.and_then(|text| address(text).err())).collect())
    }

    /// Begins a sign-up: options for the passkey, and nothing reserved.
    ///
    /// # Errors
    /// When the name is taken already, the client begins or makes too many, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn begin(&self, caller: &Caller, form: SignUpForm) -> Result<views::Options, Error> {
        self.check(caller, &form).await?;
        // It is counted once it is finished; but no one should make a passkey that will be refused.
        self.core.limiter.look(&limit::SIGN_UPS, Subject::Client(caller.address)).await?;
        let invitation = form.invitation.map(|hash| hash.0);
        let user = new_user(self.core, UserId::random(self.core.entropy()), form, Language::default());
        let (options, challenge, registration) = self.ceremonies.relying_party.begin_registration(&user, &[])?;
        let state = Pending {
            user_id: user.id,
            username: user.username.to_string(),
            email: user.email.as_ref().map(ToString::to_string),
            display_name: user.display_name.to_string(),
            invitation,
            registration,
        };
        self.ceremonies.keep(Purpose::SignUp, caller, Begun { challenge, state }).await?;
        Ok(options)
    }

    /// Finishes a sign-up: account, passkey and session are made together or not at all. `keep`: "Keep me signed in".
    ///
    /// # Errors
    /// When the ceremony is spent or another browser's, the answer does not verify, another sign-up took the name, or the
    /// client has made too many accounts.
    #[tracing::instrument(skip_all)]
    pub async fn finish(&self, answer: &RegistrationAnswer, caller: &Caller, keep: bool) -> Result<NewSession, Error> {
        if matches!(answer.examine(), Err(Refused::Malformed(_))) {
            return Err(ApiError::BadRequest.into());
        }
        let pending: Option<Pending> =
            self.ceremonies.take(Purpose::SignUp, caller, &answer.client_data.challenge).await?;
        let pending = pending.ok_or(ApiError::CeremonyExpired)?;
        let new = NewCredential {
            owner: pending.user_id,
            added_with: AddedWith::SignUp,
            registration: &pending.registration,
            client: &caller.client,
        };
        let passkey = self.ceremonies.verify_registration(answer, new)?.ok_or(ApiError::NOT_VERIFIED)?;
        let fields = SignUpFields {
            username: &pending.username,
            email: pending.email.as_deref(),
            display_name: Some(&pending.display_name),
            invite: None,
        };
        let mut form = SignUpForm::parse(fields).map_err(|_| ApiError::CeremonyExpired)?;
        form.invitation = pending.invitation.map(TokenHash);
        self.core.limiter.draw(&limit::SIGN_UPS, Subject::Client(caller.address)).await?;
        self.create_account(NewAccount { form, passkey, keep }, caller).await
    }

    async fn create_account(&self, new: NewAccount, caller: &Caller) -> Result<NewSession, Error> {
        let NewAccount { form, passkey, keep } = new;
        let invitation = form.invitation;
        let user = new_user(self.core, passkey.user_id, form, caller.language);
        let address = user.email.clone();
        let mut unit = self.core.store.begin().await?;
        if (Profile { core: self.core }).add_account(unit.as_mut(), &user).await? == Insertion::Conflict {
            return Err(ApiError::UsernameTaken.into());
        }
        Invitations { core: self.core }.admit(unit.as_mut(), &user, invitation.as_ref()).await?;
        if unit.add_passkey(&passkey).await? == Insertion::Conflict {
            return Err(ApiError::PasskeyExists.into());
        }
        let mut unit = AccountUnit::of(self.core, unit, user, caller.client.clone());
        let (id, synced) = (passkey.credential_id, passkey.backed_up);
        let credential = Credential::Passkey { id, from_elsewhere: false, synced, keep };
        let new = record_sign_in(&mut unit, credential, caller, EventKind::SignedUp).await?;
        if let Some(address) = address {
            let claim = Claim { session: &new.session, address, language: caller.language };
            Address { core: self.core }.queue_confirmation(&mut unit, claim).await?;
        }
        unit.commit().await?;
        meters::sign_up("passkey");
        tracing::info!(user = %new.user.id.0, "signed up");
        Ok(new)
    }

    /// Requests an email whose answer makes an account, for browsers that cannot make a passkey.
    ///
    /// # Errors
    /// When email sign-in is off, a field does not fit, the name is taken, too many were requested, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn request_email(
        &self,
        caller: &Caller,
        form: Result<SignUpForm, ApiError>,
        next: Next,
    ) -> Result<Requested, Error> {
        if !self.core.email().signs_in() {
            return Err(ApiError::EmailOff.into());
        }
        let form = form?;
        let address = form.email.clone();
        Invitations { core: self.core }.check(form.invitation.as_ref()).await?;
        let address = address.ok_or(ApiError::InvalidEmail)?;
        self.check_name(caller, &form.username).await?;
        let (limiter, client) = (&self.core.limiter, Subject::Client(caller.address));
        let requests = EmailRequests { core: self.core };
        limiter.look(&limit::SIGN_UPS, client).await?;
        requests.count_of_stranger(caller.address, &Identifier::Address(address.clone())).await?;
        limiter.draw(&limit::SIGN_UPS, client).await?;
        let SignUpForm { username, display_name, invitation, .. } = form;
        let purpose = email_request::Purpose::SignUp { username, display_name, address, invitation };
        Ok(requests.queue(caller, purpose, next).await?)
    }

    async fn check(&self, caller: &Caller, form: &SignUpForm) -> Result<(), Error> {
        Invitations { core: self.core }.check(form.invitation.as_ref()).await?;
        self.check_name(caller, &form.username).await
    }

    /// Looking for names is counted.
    async fn check_name(&self, caller: &Caller, name: &Username) -> Result<(), Error> {
        if (Profile { core: self.core }).is_taken(name).await? {
            self.core.limiter.draw(&limit::CEREMONIES, Subject::Client(caller.address)).await?;
            return Err(ApiError::UsernameTaken.into());
        }
        Ok(())
    }
}

/// An account that is made now.
pub(super) fn new_user(core: &Core, id: UserId, form: SignUpForm, language: Language) -> User {
    User {
        id,
        username: form.username,
        display_name: form.display_name,
        email: form.email,
        email_verified: false,
        created_at: core.now(),
        username_changed_at: None,
        lockdown: None,
        language,
        disabled_at: None,
    }
}
