//! Answering a letter by its link or its code.

use super::letter_request::key_of;
use super::session::{Credential, Entrance};
use super::{Arrival, Auth, NewSession, NotInvited};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::config::EmailSignIn;
use crate::server::limiter::{Guessed, Side, Subject, TooMany};
use crate::server::model::email_request::{Code, OpenRequest, Purpose};
use crate::server::model::limit;
use crate::server::model::session::Method;
use crate::server::model::user::email_key;
use crate::server::model::{Event, EventKind, User, UserId};
use crate::server::secret::{Token, TokenHash};
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::meters;
use crate::types::{DisplayName, EmailAddress, Identifier, Language, Next, Username};

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
    /// Nobody can sign up here, or not without an invitation that is still good.
    NotInvited(NotInvited),
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
            Self::NotInvited(_) => "not_invited",
            Self::TooMany(_) => "too_many",
            Self::Raced | Self::Unavailable(_) => "unavailable",
        }
    }
}

impl From<NotInvited> for AnswerError {
    fn from(cause: NotInvited) -> Self {
        Self::NotInvited(cause)
    }
}

impl From<Unavailable> for AnswerError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

/// What the page of a link says before its button is pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOffer {
    SignIn(User),
    SignUp { username: Username },
}

impl Auth {
    /// The email request of this cookie, while it can still be answered.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn open_request(&self, email: Option<&Token>) -> Result<Option<OpenRequest>, Unavailable> {
        let Some(email) = email else { return Ok(None) };
        self.open_now(self.store.request_of_browser(&email.hash()).await?).await
    }

    /// A request that can still be answered. One that has expired is removed, so that it stays so when the clock is set
    /// back.
    pub(super) async fn open_now(&self, found: Option<OpenRequest>) -> Result<Option<OpenRequest>, Unavailable> {
        let now = self.clock.now();
        match found {
            Some(expired) if now >= expired.request.expires_at => {
                let mut unit = self.store.begin().await?;
                unit.take_request(expired.request.id).await?;
                unit.commit().await?;
                Ok(None)
            }
            found => Ok(found.filter(|open| open.is_open(now))),
        }
    }

    /// Voids the email request of this cookie, if there is one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn void_request(&self, email: Option<&Token>) -> Result<(), Unavailable> {
        let Some(email) = email else { return Ok(()) };
        if self.store.request_of_browser(&email.hash()).await?.is_none() {
            return Ok(());
        }
        let mut unit = self.store.begin().await?;
        unit.void_requests_of_browser(&email.hash()).await?;
        unit.commit().await
    }

    /// What a link would do, without doing it.
    ///
    /// # Errors
    /// As [`Auth::answer_link`].
    pub async fn look_at_link(&self, email: Option<&Token>, token: &str) -> Result<LinkOffer, AnswerError> {
        let open = self.linked(token).await?;
        if !is_from(email, &open) {
            return Err(AnswerError::OtherBrowser);
        }
        if let Some((user, address)) = &open.recipient
            && let Some(user) = self.store.user(*user).await?
            && is_proven(&user, address)
        {
            return Ok(LinkOffer::SignIn(user));
        }
        match open.request.purpose {
            Purpose::BreakGlass { user } => {
                let user = self.store.user(user).await?.filter(|user| user.disabled_at.is_none());
                user.map(LinkOffer::SignIn).ok_or(AnswerError::Expired)
            }
            Purpose::SignUp { username, address, invitation, .. } => {
                let owner = self.store.user_with_proven_address(&Identifier::Address(address)).await?;
                if owner.is_none() {
                    self.is_invited(invitation.as_ref()).await??;
                }
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
    ) -> Result<(NewSession, Next), AnswerError> {
        let answered = self.follow_link(token, username, arrival).await;
        let is_recovery = answered.as_ref().is_ok_and(|(opened, _)| opened.session.method == Method::BreakGlass);
        let method = if is_recovery { "recovery" } else { "email" };
        meters::sign_in(method, answered.as_ref().err().map(AnswerError::outcome));
        answered
    }

    async fn follow_link(
        &self,
        token: &str,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(NewSession, Next), AnswerError> {
        self.limiter.draw(&limit::ANSWERS, Subject::Client(arrival.address)).await?;
        let open = self.linked(token).await?;
        if !is_from(arrival.email.as_ref(), &open) {
            // The email is in other hands than the browser: its owner should see that.
            if let Some((user, _)) = open.recipient {
                let mut unit = self.store.begin().await?;
                self.record_refusal(unit.as_mut(), user, &arrival.client, "letter, in another browser").await?;
                unit.commit().await?;
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
    ) -> Result<(NewSession, Next), AnswerError> {
        let answered = self.type_code(code, username, arrival).await;
        meters::sign_in("email", answered.as_ref().err().map(AnswerError::outcome));
        answered
    }

    async fn type_code(
        &self,
        code: &str,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(NewSession, Next), AnswerError> {
        self.letters_sign_in().map_err(|EmailOff| AnswerError::EmailOff)?;
        self.limiter.draw(&limit::ANSWERS, Subject::Client(arrival.address)).await?;
        let open = self.open_request(arrival.email.as_ref()).await?.ok_or(AnswerError::Expired)?;
        let mut unit = self.store.begin().await?;
        lock_recipient(unit.as_mut(), &open).await?;
        let tries_left = unit.use_try(open.request.id).await?.ok_or(AnswerError::Expired)?;
        if !self.is_code(code, &open) {
            let (user, side) = meant(&open);
            let (whose, now) = (user.unwrap_or(UserId::NOBODY), self.clock.now());
            let refused = match side {
                Side::Stranger => Event::once_an_hour(whose, EventKind::StrangersRefused, now),
                Side::Known => {
                    let (kind, way) = (EventKind::SignInRefused, Some("code of a letter".to_owned()));
                    Event::new(whose, kind, now, arrival.client.clone(), way, &*self.entropy)
                }
            };
            unit.record(&refused).await?;
            unit.commit().await?;
            let typed = typed_key(&open);
            let guessed = user.map_or(Guessed::Typed(&typed), |user| Guessed::Account(user, side));
            self.limiter.count_failure(guessed).await?;
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
    ) -> Result<(NewSession, Next), AnswerError> {
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
        let found = match Token::from_link(token) {
            Some(token) => self.store.request_by_link(&token.hash()).await?,
            None => None,
        };
        let open = self.open_now(found).await?;
        if let Some(open) = &open
            && matches!(open.request.purpose, Purpose::BreakGlass { .. })
        {
            return Ok(open.clone());
        }
        self.letters_sign_in().map_err(|EmailOff| AnswerError::EmailOff)?;
        let is_ours =
            |open: &OpenRequest| matches!(open.request.purpose, Purpose::SignIn { .. } | Purpose::SignUp { .. });
        open.filter(is_ours).ok_or(AnswerError::Expired)
    }

    async fn answer(
        &self,
        mut unit: Box<dyn Unit>,
        open: OpenRequest,
        username: Option<&str>,
        arrival: Arrival,
    ) -> Result<(NewSession, Next), AnswerError> {
        let now = self.clock.now();
        lock_recipient(unit.as_mut(), &open).await?;
        if !unit.take_request(open.request.id).await? {
            return Err(AnswerError::Expired);
        }
        let mut credential = Credential::Email;
        let (user, is_new_account) = match open.request.purpose {
            Purpose::SignIn { .. } => {
                let (user, address) = open.recipient.ok_or(AnswerError::Expired)?;
                (owner(unit.as_mut(), user, &address).await?.ok_or(AnswerError::Expired)?, false)
            }
            Purpose::BreakGlass { user } => {
                credential = Credential::BreakGlass;
                let user = unit.lock_user(user).await?.ok_or(AnswerError::Expired)?;
                unit.void_recognition(user.id).await?;
                self.record(unit.as_mut(), user.id, EventKind::SignInLinkUsed, &arrival.client, None).await?;
                (user, false)
            }
            Purpose::SignUp { username: asked, display_name, address, invitation } => {
                let is_unnamed = display_name.as_str() == asked.as_str();
                let asked = username
                    .map_or(Ok(asked), |text| Username::parse(text).map_err(|_| AnswerError::InvalidUsername))?;
                // Who gave no name is called by the username, also by another one chosen here.
                let unnamed = is_unnamed.then(|| DisplayName::parse(asked.as_str()).ok()).flatten();
                let display_name = unnamed.unwrap_or(display_name);
                let language = arrival.language;
                let newcomer = Newcomer { username: asked, display_name, address, invitation, language };
                self.owner_or_new(unit.as_mut(), newcomer, now).await?
            }
            Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } => return Err(AnswerError::Expired),
        };
        if user.disabled_at.is_some() {
            return Err(AnswerError::Expired);
        }
        let entrance = Entrance { user, credential, is_new_account };
        let opened = self.open_session(unit.as_mut(), entrance, arrival, now).await?;
        unit.commit().await?;
        self.bell.notify_one();
        if is_new_account {
            meters::sign_up("email");
        }
        tracing::info!(user = %opened.user.id.0, method = opened.session.method.words(), "signed in by a link or code");
        Ok((opened, open.request.next))
    }

    /// The account that has proven the address, else a new one with what was typed; tells whether it is new.
    async fn owner_or_new(
        &self,
        unit: &mut dyn Unit,
        newcomer: Newcomer,
        now: Timestamp,
    ) -> Result<(User, bool), AnswerError> {
        let Newcomer { username, display_name, address, invitation, language } = newcomer;
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
            lockdown: None,
            language,
            disabled_at: None,
        };
        if self.add_account(unit, &user).await? == Insertion::Conflict {
            return Err(AnswerError::UsernameTaken);
        }
        self.use_invitation(unit, invitation.as_ref(), now).await??;
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

/// Whoever signs up by letter, as they asked for it.
struct Newcomer {
    username: Username,
    display_name: DisplayName,
    address: EmailAddress,
    invitation: Option<TokenHash>,
    language: Language,
}

/// Holds others off the account of a letter before anything of it is touched, so that no two units wait for each other.
/// Where nobody was meant the same is asked about nobody, and takes as long.
async fn lock_recipient(unit: &mut dyn Unit, open: &OpenRequest) -> Result<(), Unavailable> {
    let user = match open.request.purpose {
        Purpose::BreakGlass { user } => user,
        _ => open.recipient.as_ref().map_or(UserId::NOBODY, |(user, _)| *user),
    };
    unit.lock_user(user).await.map(drop)
}

/// What was typed to ask for an email, in the form in which it is counted.
fn typed_key(open: &OpenRequest) -> String {
    match &open.request.purpose {
        Purpose::SignIn { identifier, .. } => key_of(identifier),
        Purpose::SignUp { address, .. }
        | Purpose::Confirm { address, .. }
        | Purpose::Reauthenticate { address, .. } => email_key(address).unwrap_or_default(),
        Purpose::BreakGlass { .. } => String::new(),
    }
}

/// Whose letter it is, if anybody's, and on which side it was asked for.
fn meant(open: &OpenRequest) -> (Option<UserId>, Side) {
    let user = open.recipient.as_ref().map(|(user, _)| *user);
    let is_known = match &open.request.purpose {
        Purpose::SignIn { known, .. } => known.is_some() && *known == user,
        Purpose::SignUp { .. } => false,
        Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } | Purpose::BreakGlass { .. } => true,
    };
    (user, Side::of(is_known))
}

/// Whether a browser with this cookie may open the link: the one that asked for the email, or any for an administrator's
/// link.
fn is_from(email: Option<&Token>, open: &OpenRequest) -> bool {
    matches!(open.request.purpose, Purpose::BreakGlass { .. })
        || email.is_some_and(|email| email.hash() == open.request.browser)
}

/// Letters sign nobody in under the chosen setting.
pub(super) struct EmailOff;

/// The account, if the address that the letter went to is still its proven one.
async fn owner(unit: &mut dyn Unit, user: UserId, address: &EmailAddress) -> Result<Option<User>, Unavailable> {
    Ok(unit.lock_user(user).await?.filter(|user| is_proven(user, address)))
}

pub(super) fn is_proven(user: &User, address: &EmailAddress) -> bool {
    user.email_verified && user.email.as_ref().and_then(email_key) == email_key(address)
}
