//! Sign-up with a passkey, or by email if the browser cannot create one.

use super::account::{AccountUnit, Address, Claim, Profile};
use super::caller::Caller;
use super::email_request::{EmailRequests, Requested};
use super::error::Error;
use super::invitation::Invitations;
use super::new_session::{Credential, NewSession, record_sign_in};
use super::webauthn::{Ceremonies, NewCeremony, NewCredential, Purpose, Refused, RegistrationResponse};
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

/// The parsed fields of a sign-up.
#[derive(Clone, Debug)]
pub struct SignUpForm {
    pub username: Username,
    /// `None` only if no address is required.
    pub email: Option<EmailAddress>,
    pub display_name: DisplayName,
    /// The hash of an invitation link.
    pub invitation: Option<TokenHash>,
}

impl SignUpForm {
    /// Returns the form with another username, if one was chosen. It also becomes the display name if none was given.
    pub(super) fn renamed(self, username: Option<&str>) -> Result<Self, ApiError> {
        let Some(text) = username else { return Ok(self) };
        let username = Username::parse(text).map_err(|_| ApiError::InvalidUsername)?;
        let is_unnamed = self.display_name.as_str() == self.username.as_str();
        let unnamed = is_unnamed.then(|| DisplayName::parse(username.as_str()).ok()).flatten();
        Ok(Self { display_name: unnamed.unwrap_or(self.display_name), username, ..self })
    }
}

/// The fields of a sign-up as they were entered, and the token of an invitation.
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

/// The state of a pending sign-up.
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
    /// Parses the fields; the display name defaults to the username.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn parse(fields: SignUpFields<'_>) -> Result<Self, ApiError> {
        let (username, email) = (fields.username()?, fields.email.map(address).transpose()?);
        let display_name = fields.display_name(username.as_str())?;
        let invite = fields.invite;
        // Text that is not a token matches no invitation.
        let invitation = invite.map(|text| Token::from_link(text).as_ref().map_or(TokenHash([0; 32]), Token::hash));
        Ok(Self { username, email, display_name, invitation })
    }
}

/// An account to create, with its passkey.
struct NewAccount {
    form: SignUpForm,
    passkey: Passkey,
    /// "Keep me signed in".
    keep: bool,
}

/// Creates accounts.
pub struct SignUp<'a> {
    pub(in crate::server) core: &'a Core,
    pub(in crate::server) ceremonies: Ceremonies<'a>,
}

impl SignUp<'_> {
    /// Parses the fields under the policy: an empty address counts as none if none is required.
    ///
    /// # Errors
    /// When a required address is missing, or a field is invalid.
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

    /// The errors of all invalid fields, for a page that shows all of them at once.
    ///
    /// # Errors
    /// When the client checks too many names, or a backend is unavailable.
    pub async fn invalid_fields(&self, caller: &Caller, fields: SignUpFields<'_>) -> Result<Vec<ApiError>, Error> {
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

    /// Begins a sign-up: returns the options for the passkey, and reserves nothing.
    ///
    /// # Errors
    /// When the name is taken, the client begins too many ceremonies or has created too many accounts, or a backend is
    /// unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn begin(&self, caller: &Caller, form: SignUpForm) -> Result<views::Options, Error> {
        self.check(caller, &form).await?;
        // A sign-up is counted when it finishes; but no user should create a passkey that will be refused.
        self.core.limiter.peek(&limit::SIGN_UPS, Subject::Client(caller.address)).await?;
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
        self.ceremonies.keep(Purpose::SignUp, caller, NewCeremony { challenge, state }).await?;
        Ok(options)
    }

    /// Finishes a sign-up: account, passkey and session are created together or not at all. `keep`: "Keep me signed
    /// in".
    ///
    /// # Errors
    /// When the ceremony was already used or is another browser's, the response does not verify, another sign-up took
    /// the name, or the client has created too many accounts.
    #[tracing::instrument(skip_all)]
    pub async fn finish(
        &self,
        answer: &RegistrationResponse,
        caller: &Caller,
        keep: bool,
    ) -> Result<NewSession, Error> {
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
            language: caller.language,
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
        let mut unit = AccountUnit::new(self.core, unit, user, caller.client.clone());
        let (id, synced) = (passkey.credential_id, passkey.backed_up);
        let credential = Credential::Passkey { id, is_cross_device: false, synced, keep };
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

    /// Requests an email whose link or code creates an account, for browsers that cannot create a passkey.
    ///
    /// # Errors
    /// When email sign-in is off, a field is invalid, the name is taken, too many emails were requested, or a backend
    /// is unavailable.
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
        limiter.peek(&limit::SIGN_UPS, client).await?;
        requests.count_for_stranger(caller.address, &Identifier::Address(address.clone())).await?;
        limiter.draw(&limit::SIGN_UPS, client).await?;
        let SignUpForm { username, display_name, invitation, .. } = form;
        let purpose = email_request::Purpose::SignUp { username, display_name, address, invitation };
        Ok(requests.queue(caller, purpose, next).await?)
    }

    async fn check(&self, caller: &Caller, form: &SignUpForm) -> Result<(), Error> {
        Invitations { core: self.core }.check(form.invitation.as_ref()).await?;
        self.check_name(caller, &form.username).await
    }

    /// Checks that a name is free. Taken names are counted, to limit probing.
    async fn check_name(&self, caller: &Caller, name: &Username) -> Result<(), Error> {
        if (Profile { core: self.core }).is_taken(name).await? {
            self.core.limiter.draw(&limit::CEREMONIES, Subject::Client(caller.address)).await?;
            return Err(ApiError::UsernameTaken.into());
        }
        Ok(())
    }
}

/// Returns a new account that is created now.
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
