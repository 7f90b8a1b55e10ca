//! Asking for a letter, and answering it by its link or its code.

use super::session::{Credential, Entrance};
use super::sign_up::{BeginSignUpError, SignUpForm};
use super::{Arrival, Auth, Opened};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::config::EmailSignIn;
use crate::server::limiter::{Limited, Side, TooMany};
use crate::server::model::letter::{ANSWER_LIFE, Code, LetterRequest, OpenRequest, OutgoingLetter, Purpose};
use crate::server::model::limit;
use crate::server::model::user::email_key;
use crate::server::model::{ClientAddress, Event, EventKind, User, UserId};
use crate::server::secret::Token;
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::meters;
use crate::types::{DisplayName, EmailAddress, Identifier, Next, Username, views};
use std::time::Duration;

#[derive(Debug)]
pub enum AskForLetterError {
    EmailOff,
    InvalidIdentifier,
    TooMany(TooMany),
    Unavailable(Unavailable),
}

#[derive(Debug)]
pub enum AskToSignUpError {
    EmailOff,
    Form(BeginSignUpError),
}

#[derive(Debug)]
pub enum AnswerError {
    EmailOff,
    Expired,
    OtherBrowser,
    CodeWrong {
        tries_left: u32,
    },
    InvalidUsername,
    UsernameTaken,
    /// Another account proved the address this very moment; asked again, the answer is that account's.
    Raced,
    TooMany(TooMany),
    Unavailable(Unavailable),
}

impl AnswerError {
    /// Its name in metrics.
    fn outcome(&self) -> &'static str {
        match self {
            Self::EmailOff => "email_off",
            Self::Expired => "expired",
            Self::OtherBrowser => "other_browser",
            Self::CodeWrong { .. } => "code_wrong",
            Self::InvalidUsername => "invalid_username",
            Self::UsernameTaken => "username_taken",
            Self::TooMany(_) => "too_many",
            Self::Raced | Self::Unavailable(_) => "unavailable",
        }
    }
}

impl From<Limited> for AskForLetterError {
    fn from(limited: Limited) -> Self {
        match limited {
            Limited::TooMany(too_many) => Self::TooMany(too_many),
            Limited::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl From<Limited> for AnswerError {
    fn from(limited: Limited) -> Self {
        match limited {
            Limited::TooMany(too_many) => Self::TooMany(too_many),
            Limited::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl From<Unavailable> for AskForLetterError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl From<Unavailable> for AnswerError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

/// Who asks for a letter.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    pub browser: &'a Token,
    /// The cookie of a browser that somebody signed in with.
    pub known: Option<&'a Token>,
    pub client: views::Client,
    pub from: ClientAddress,
}

/// What the page of a link says before its button is pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOffer {
    SignIn(User),
    SignUp { username: Username },
}

impl Auth {
    /// Asks for a letter to sign in with. The same happens for anybody: who is meant is found out by the worker.
    ///
    /// # Errors
    /// When letters are off, the text is neither a name nor an address, too many were asked for, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn ask_for_letter(
        &self,
        asker: Asker<'_>,
        identifier: &str,
        next: Next,
    ) -> Result<Duration, AskForLetterError> {
        self.letters_sign_in().map_err(|EmailOff| AskForLetterError::EmailOff)?;
        let identifier = Identifier::parse(identifier).ok().filter(can_be_meant);
        let identifier = identifier.ok_or(AskForLetterError::InvalidIdentifier)?;
        let known = self.recognised(asker.known).await?;
        self.draw_letter(&asker, &identifier, known.as_ref()).await?;
        self.post(asker, Purpose::SignIn { identifier, known: known.map(|user| user.id) }, next).await?;
        Ok(ANSWER_LIFE)
    }

    /// Counts a letter. What a browser asks for itself, for the account that knows it, has a quota of its own, so that no
    /// stranger uses it up; everything else is counted under what was typed, whoever may be meant.
    async fn draw_letter(&self, asker: &Asker<'_>, typed: &Identifier, known: Option<&User>) -> Result<(), Limited> {
        if let (Some(user), Some(browser)) = (known.filter(|user| is_meant(typed, user)), asker.known) {
            let own = [b"own".as_slice(), user.id.0.as_bytes(), &browser.hash().0];
            return self.limiter.draw(&limit::LETTERS_TO_ONE, &own).await;
        }
        self.draw_strangers_letter(asker.from, typed).await
    }

    /// Counts a letter under the client that asks, and under what was typed.
    pub(super) async fn draw_strangers_letter(&self, from: ClientAddress, typed: &Identifier) -> Result<(), Limited> {
        self.limiter.draw(&limit::LETTERS_OF_CLIENT, &[&from.key()]).await?;
        let key = match typed {
            Identifier::Username(name) => Some(name.key()),
            Identifier::Address(address) => email_key(address),
        };
        self.limiter.draw(&limit::LETTERS_TO_ONE, &[b"typed", key.unwrap_or_default().as_bytes()]).await
    }

    /// Asks for a letter whose answer makes an account, for browsers that cannot make a passkey.
    ///
    /// # Errors
    /// When letters are off, a field did not fit, the name is taken, too many were asked for, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn ask_to_sign_up(
        &self,
        asker: Asker<'_>,
        form: Result<SignUpForm, BeginSignUpError>,
    ) -> Result<Duration, AskToSignUpError> {
        self.letters_sign_in().map_err(|EmailOff| AskToSignUpError::EmailOff)?;
        let form = form.map_err(AskToSignUpError::Form)?;
        let failed = |cause: Unavailable| AskToSignUpError::Form(cause.into());
        let limited = |limited: Limited| AskToSignUpError::Form(limited.into());
        let Some(address) = form.email else { return Err(AskToSignUpError::Form(BeginSignUpError::InvalidEmail)) };
        let client = asker.from.key();
        if self.is_taken(&form.username).await.map_err(failed)? {
            self.limiter.draw(&limit::CEREMONIES, &[&client]).await.map_err(limited)?;
            return Err(AskToSignUpError::Form(BeginSignUpError::UsernameTaken));
        }
        self.limiter.draw(&limit::SIGN_UPS, &[&client]).await.map_err(limited)?;
        self.draw_strangers_letter(asker.from, &Identifier::Address(address.clone())).await.map_err(limited)?;
        let purpose = Purpose::SignUp { username: form.username, display_name: form.display_name, address };
        self.post(asker, purpose, Next::or_account(None)).await.map_err(failed)?;
        Ok(ANSWER_LIFE)
    }

    /// Writes the request and its letter, in place of what this browser asked for before.
    async fn post(&self, asker: Asker<'_>, purpose: Purpose, next: Next) -> Result<(), Unavailable> {
        let browser = asker.browser.hash();
        let request = LetterRequest::new(purpose, browser, next, asker.client, self.clock.now(), &*self.entropy);
        let mut unit = self.store.begin().await?;
        unit.void_requests_of_browser(&browser).await?;
        unit.add_letter(&request, &OutgoingLetter::for_request(&request, &*self.entropy)).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(())
    }

    /// What this browser asked for last, while it can still be answered.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn open_request(&self, browser: Option<&Token>) -> Result<Option<OpenRequest>, Unavailable> {
        let Some(browser) = browser else { return Ok(None) };
        let open = self.store.request_of_browser(&browser.hash()).await?;
        Ok(open.filter(|open| open.is_open(self.clock.now())))
    }

    /// What a link would do, without doing it.
    ///
    /// # Errors
    /// As [`Auth::answer_link`].
    pub async fn look_at_link(&self, browser: Option<&Token>, token: &str) -> Result<LinkOffer, AnswerError> {
        let open = self.linked(token).await?;
        if !is_from(browser, &open) {
            return Err(AnswerError::OtherBrowser);
        }
        if let Some((user, address)) = &open.recipient
            && let Some(user) = self.store.user(*user).await?
            && is_proven(&user, address)
        {
            return Ok(LinkOffer::SignIn(user));
        }
        match open.request.purpose {
            Purpose::SignUp { username, address, .. } => {
                let owner = self.store.user_with_proven_address(&Identifier::Address(address)).await?;
                Ok(owner.map_or(LinkOffer::SignUp { username }, LinkOffer::SignIn))
            }
            Purpose::SignIn { .. } | Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } => {
                Err(AnswerError::Expired)
            }
        }
    }

    /// Answers a letter by its link: signs in, or makes the account that was asked for.
    ///
    /// # Errors
    /// When letters are off, the link is used, old or wrong, was asked for in another browser (then it stays valid), or
    /// the name is taken (then too).
    #[tracing::instrument(skip_all)]
    pub async fn answer_link(
        &self,
        token: &str,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(Opened, Next), AnswerError> {
        let answered = self.follow_link(token, username, arrival).await;
        meters::sign_in("email", answered.as_ref().err().map(AnswerError::outcome));
        answered
    }

    async fn follow_link(
        &self,
        token: &str,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(Opened, Next), AnswerError> {
        self.limiter.draw(&limit::ANSWERS, &[&arrival.address.key()]).await?;
        let open = self.linked(token).await?;
        if !is_from(arrival.browser.as_ref(), &open) {
            // Whoever has the letter, but not the browser: its owner should see that.
            if let Some((user, _)) = open.recipient {
                let way = Some("letter, in another browser".to_owned());
                self.record_refusal(user, EventKind::SignInRefused, &arrival.client, way).await?;
            }
            return Err(AnswerError::OtherBrowser);
        }
        let unit = self.store.begin().await?;
        self.answer_or_again(unit, open, username, arrival).await
    }

    /// Answers the letter that this browser asked for last by its code.
    ///
    /// # Errors
    /// As [`Auth::answer_link`]; a wrong code tells how many tries are left, and after the last the request is void.
    #[tracing::instrument(skip_all)]
    pub async fn answer_code(
        &self,
        code: &str,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(Opened, Next), AnswerError> {
        let answered = self.type_code(code, username, arrival).await;
        meters::sign_in("email", answered.as_ref().err().map(AnswerError::outcome));
        answered
    }

    async fn type_code(
        &self,
        code: &str,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(Opened, Next), AnswerError> {
        self.letters_sign_in().map_err(|EmailOff| AnswerError::EmailOff)?;
        self.limiter.draw(&limit::ANSWERS, &[&arrival.address.key()]).await?;
        let open = self.open_request(arrival.browser.as_ref()).await?.ok_or(AnswerError::Expired)?;
        let mut unit = self.store.begin().await?;
        lock_recipient(unit.as_mut(), &open).await?;
        let tries_left = unit.use_try(open.request.id).await?.ok_or(AnswerError::Expired)?;
        if !self.is_code(code, &open) {
            let (user, side) = meant(&open);
            let nobody = UserId(uuid::Uuid::nil());
            let refused = Event::once_an_hour(user.unwrap_or(nobody), EventKind::StrangersRefused, self.clock.now());
            unit.record(&refused).await?;
            unit.commit().await?;
            self.limiter.count_failure(user, side).await?;
            return Err(AnswerError::CodeWrong { tries_left });
        }
        self.answer_or_again(unit, open, username, arrival).await
    }

    async fn answer_or_again(
        &self,
        unit: Box<dyn Unit>,
        open: OpenRequest,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(Opened, Next), AnswerError> {
        match self.answer(unit, open.clone(), username, arrival.clone()).await {
            Err(AnswerError::Raced) => self.answer(self.store.begin().await?, open, username, arrival).await,
            answered => answered,
        }
    }

    /// Whether the code is the request's. A request without a letter is compared too, so that both take the same time.
    pub(super) fn is_code(&self, typed: &str, open: &OpenRequest) -> bool {
        let code = Code::parse(typed);
        let hash = open.code_hash.unwrap_or_default();
        code.is_some_and(|code| code.matches(&hash, &self.keys, open.request.id)) && open.code_hash.is_some()
    }

    async fn linked(&self, token: &str) -> Result<OpenRequest, AnswerError> {
        self.letters_sign_in().map_err(|EmailOff| AnswerError::EmailOff)?;
        let token = Token::decode(token).ok_or(AnswerError::Expired)?;
        let found = self.store.request_by_link(&token.hash()).await?;
        let is_ours = |open: &OpenRequest| {
            open.is_open(self.clock.now())
                && matches!(open.request.purpose, Purpose::SignIn { .. } | Purpose::SignUp { .. })
        };
        found.filter(is_ours).ok_or(AnswerError::Expired)
    }

    async fn answer(
        &self,
        mut unit: Box<dyn Unit>,
        open: OpenRequest,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(Opened, Next), AnswerError> {
        let now = self.clock.now();
        lock_recipient(unit.as_mut(), &open).await?;
        if !unit.take_request(open.request.id).await? {
            return Err(AnswerError::Expired);
        }
        let (user, is_new_account) = match open.request.purpose {
            Purpose::SignIn { .. } => {
                let (user, address) = open.recipient.ok_or(AnswerError::Expired)?;
                (owner(unit.as_mut(), user, &address).await?.ok_or(AnswerError::Expired)?, false)
            }
            Purpose::SignUp { username: asked, display_name, address } => {
                let is_unnamed = display_name.as_str() == asked.as_str();
                let asked = username
                    .map_or(Ok(asked), |text| Username::parse(text).map_err(|_| AnswerError::InvalidUsername))?;
                // Who gave no name is called by the username, also by another one chosen here.
                let unnamed = is_unnamed.then(|| DisplayName::parse(asked.as_str()).ok()).flatten();
                let display_name = unnamed.unwrap_or(display_name);
                self.owner_or_new(unit.as_mut(), asked, display_name, address, now).await?
            }
            Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } => return Err(AnswerError::Expired),
        };
        let entrance = Entrance { user, credential: Credential::Letter, is_new_account };
        let opened = self.open_session(unit.as_mut(), entrance, arrival, now).await?;
        unit.commit().await?;
        self.bell.notify_one();
        if is_new_account {
            meters::sign_up("email");
        }
        tracing::info!(user = %opened.user.id.0, "signed in by letter");
        Ok((opened, open.request.next))
    }

    /// The account that has proven the address, else a new one with what was typed; tells whether it is new.
    async fn owner_or_new(
        &self,
        unit: &mut dyn Unit,
        username: Username,
        display_name: DisplayName,
        address: EmailAddress,
        now: Timestamp,
    ) -> Result<(User, bool), AnswerError> {
        if let Some(owner) = unit.lock_owner(&address).await? {
            return Ok((owner, false));
        }
        let user = User {
            id: UserId::random(&*self.entropy),
            username,
            display_name,
            email: Some(address.clone()),
            email_verified: false,
            created_at: now,
            username_changed_at: None,
            guarded_since: None,
        };
        if self.add_account(unit, &user).await? == Insertion::Conflict {
            return Err(AnswerError::UsernameTaken);
        }
        if !unit.prove_address(user.id, &address).await? {
            return Err(AnswerError::Raced);
        }
        tracing::info!(user = %user.id.0, "signed up by letter");
        Ok((User { email_verified: true, ..user }, true))
    }

    pub(super) fn letters_sign_in(&self) -> Result<(), EmailOff> {
        if self.email_sign_in == EmailSignIn::Off { Err(EmailOff) } else { Ok(()) }
    }
}

/// Holds others off the account of a letter before anything of it is touched, so that no two units wait for each other.
/// Where nobody was meant the same is asked about nobody, and takes as long.
async fn lock_recipient(unit: &mut dyn Unit, open: &OpenRequest) -> Result<(), Unavailable> {
    let user = open.recipient.as_ref().map_or(UserId(uuid::Uuid::nil()), |(user, _)| *user);
    unit.lock_user(user).await.map(drop)
}

/// Whose letter it is, if anybody's, and on which side it was asked for.
fn meant(open: &OpenRequest) -> (Option<UserId>, Side) {
    let user = open.recipient.as_ref().map(|(user, _)| *user);
    let is_known = match &open.request.purpose {
        Purpose::SignIn { known, .. } => known.is_some() && *known == user,
        Purpose::SignUp { .. } => false,
        Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } => true,
    };
    (user, Side::of(is_known))
}

/// Whether what was typed is the name or the proven address of an account.
fn is_meant(typed: &Identifier, user: &User) -> bool {
    match typed {
        Identifier::Username(name) => name.key() == user.username.key(),
        Identifier::Address(address) => is_proven(user, address),
    }
}

/// Whether this browser asked for the letter.
fn is_from(browser: Option<&Token>, open: &OpenRequest) -> bool {
    browser.is_some_and(|browser| browser.hash() == open.request.browser)
}

/// Letters sign nobody in under the chosen setting.
pub(super) struct EmailOff;

/// An address that no letter can reach is nobody's.
fn can_be_meant(identifier: &Identifier) -> bool {
    match identifier {
        Identifier::Username(_) => true,
        Identifier::Address(address) => email_key(address).is_some(),
    }
}

/// The account, if the address that the letter went to is still its proven one.
async fn owner(unit: &mut dyn Unit, user: UserId, address: &EmailAddress) -> Result<Option<User>, Unavailable> {
    Ok(unit.lock_user(user).await?.filter(|user| is_proven(user, address)))
}

fn is_proven(user: &User, address: &EmailAddress) -> bool {
    user.email_verified && user.email.as_ref().and_then(email_key) == email_key(address)
}
