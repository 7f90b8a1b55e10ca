//! Asking for a letter.

use super::Auth;
use super::letter::{EmailOff, is_proven};
use super::sign_up::{BeginSignUpError, SignUpForm};
use crate::server::Unavailable;
use crate::server::limiter::{Limited, Subject, TooMany};
use crate::server::model::email_request::{ANSWER_LIFE, EmailRequest, Purpose};
use crate::server::model::limit;
use crate::server::model::outbox::OutgoingEmail;
use crate::server::model::user::email_key;
use crate::server::model::{ClientAddress, User};
use crate::server::secret::Token;
use crate::types::{Identifier, Language, Next, views};
use std::time::Duration;

#[derive(Debug)]
pub enum RequestEmailError {
    EmailOff,
    InvalidIdentifier,
    TooMany(TooMany),
    Unavailable(Unavailable),
}

#[derive(Debug)]
pub enum RequestSignUpError {
    EmailOff,
    Form(BeginSignUpError),
}

impl From<Unavailable> for RequestEmailError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

/// Who asks for a letter.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// The cookie of what this browser asked for before.
    pub email: Option<&'a Token>,
    /// The cookie of a browser that somebody signed in with.
    pub known: Option<&'a Token>,
    pub client: views::Client,
    pub language: Language,
    pub from: ClientAddress,
}

/// An email was asked for.
#[derive(Debug)]
pub struct Asked {
    /// How long it can be answered.
    pub life: Duration,
    /// Goes into the cookie of the browser that asked: there alone the email can be answered.
    pub email: Token,
}

impl Auth {
    /// Asks for a letter to sign in with. The same happens for anybody: who is meant is found out by the worker.
    ///
    /// # Errors
    /// When letters are off, the text is neither a name nor an address, too many were asked for, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn request_email(
        &self,
        asker: Asker<'_>,
        identifier: &str,
        next: Next,
    ) -> Result<Asked, RequestEmailError> {
        self.letters_sign_in().map_err(|EmailOff| RequestEmailError::EmailOff)?;
        let identifier = Identifier::parse(identifier).ok().filter(can_be_meant);
        let identifier = identifier.ok_or(RequestEmailError::InvalidIdentifier)?;
        let known = self.recognised(asker.known).await?;
        self.draw_letter(&asker, &identifier, known.as_ref()).await?;
        Ok(self.post(asker, Purpose::SignIn { identifier, known: known.map(|user| user.id) }, next).await?)
    }

    /// Counts a letter. What a browser asks for itself, for the account that knows it, has a quota of its own, so that no
    /// stranger uses it up; everything else is counted under what was typed, whoever may be meant.
    async fn draw_letter(&self, asker: &Asker<'_>, typed: &Identifier, known: Option<&User>) -> Result<(), Limited> {
        if let (Some(user), Some(browser)) = (known.filter(|user| is_meant(typed, user)), asker.known) {
            let own = [b"own".as_slice(), user.id.0.as_bytes(), &browser.hash().0];
            return self.limiter.draw(&limit::EMAILS_TO_ONE, Subject::Named(&own)).await;
        }
        self.draw_strangers_letter(asker.from, typed).await
    }

    /// Counts a letter under the client that asks, and under what was typed.
    pub(super) async fn draw_strangers_letter(&self, from: ClientAddress, typed: &Identifier) -> Result<(), Limited> {
        let typed = key_of(typed);
        let typed = [b"typed".as_slice(), typed.as_bytes()];
        let letters =
            [(&limit::EMAILS_OF_CLIENT, Subject::Client(from)), (&limit::EMAILS_TO_ONE, Subject::Named(&typed))];
        self.limiter.draw_all(&letters).await
    }

    /// Asks for a letter whose answer makes an account, for browsers that cannot make a passkey.
    ///
    /// # Errors
    /// When letters are off, a field did not fit, the name is taken, too many were asked for, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn request_sign_up(
        &self,
        asker: Asker<'_>,
        form: Result<SignUpForm, BeginSignUpError>,
    ) -> Result<Asked, RequestSignUpError> {
        self.letters_sign_in().map_err(|EmailOff| RequestSignUpError::EmailOff)?;
        let form = form.map_err(RequestSignUpError::Form)?;
        self.check_invitation(form.invitation.as_ref()).await.map_err(RequestSignUpError::Form)?;
        let failed = |cause: Unavailable| RequestSignUpError::Form(cause.into());
        let limited = |limited: Limited| RequestSignUpError::Form(limited.into());
        let Some(address) = form.email else { return Err(RequestSignUpError::Form(BeginSignUpError::InvalidEmail)) };
        let client = Subject::Client(asker.from);
        if self.is_taken(&form.username).await.map_err(failed)? {
            self.limiter.draw(&limit::CEREMONIES, client).await.map_err(limited)?;
            return Err(RequestSignUpError::Form(BeginSignUpError::UsernameTaken));
        }
        self.limiter.look(&limit::SIGN_UPS, client).await.map_err(limited)?;
        self.draw_strangers_letter(asker.from, &Identifier::Address(address.clone())).await.map_err(limited)?;
        self.limiter.draw(&limit::SIGN_UPS, client).await.map_err(limited)?;
        let SignUpForm { username, display_name, invitation, .. } = form;
        let purpose = Purpose::SignUp { username, display_name, address, invitation };
        self.post(asker, purpose, Next::or_account(None)).await.map_err(failed)
    }

    /// Writes the request and its email, in place of what this browser asked for before. Each request has a token of its
    /// own, so that one that others have seen opens no later one.
    async fn post(&self, asker: Asker<'_>, purpose: Purpose, next: Next) -> Result<Asked, Unavailable> {
        let email = Token::random(&*self.entropy);
        let now = self.clock.now();
        let client = (asker.client, asker.language);
        let request = EmailRequest::new(purpose, email.hash(), next, client, now, &*self.entropy);
        let mut unit = self.store.begin().await?;
        if let Some(former) = asker.email {
            unit.void_requests_of_browser(&former.hash()).await?;
        }
        unit.add_email(&request, &OutgoingEmail::for_request(&request, &*self.entropy)).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(Asked { life: ANSWER_LIFE, email })
    }
}

/// What was typed, in the form in which it is counted.
pub(super) fn key_of(typed: &Identifier) -> String {
    match typed {
        Identifier::Username(name) => name.key(),
        Identifier::Address(address) => email_key(address).unwrap_or_default(),
    }
}

/// Whether what was typed is the name or the proven address of an account.
fn is_meant(typed: &Identifier, user: &User) -> bool {
    match typed {
        Identifier::Username(name) => name.key() == user.username.key(),
        Identifier::Address(address) => is_proven(user, address),
    }
}

/// An address that no letter can reach is nobody's.
fn can_be_meant(identifier: &Identifier) -> bool {
    match identifier {
        Identifier::Username(_) => true,
        Identifier::Address(address) => email_key(address).is_some(),
    }
}
