//! Sign-in and sign-up with the link or code from an email.

use super::account::{AccountUnit, Profile};
use super::caller::Caller;
use super::email_request::EmailRequests;
use super::error::{Error, code_wrong};
use super::invitation::Invitations;
use super::new_session::{Credential, NewSession, record_sign_in};
use super::sign_up::{SignUpForm, new_user};
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::limiter::{CodeTarget, Side, Subject};
use crate::server::model::email_request::{OpenRequest, Purpose};
use crate::server::model::session::Method;
use crate::server::model::{Event, EventKind, User, UserId, limit};
use crate::server::secret::Token;
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::meters;
use crate::types::{ApiError, Identifier, Next, Username};

/// The effect of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEffect {
    SignIn(User),
    SignUp { username: Username },
}

/// Signing in by email.
pub struct EmailSignIn<'a> {
    pub(in crate::server) core: &'a Core,
}

/// A request whose link or code was accepted.
#[derive(Clone)]
struct Redemption<'a> {
    open: OpenRequest,
    /// Another username for the new account, if the first one is taken.
    username: Option<&'a str>,
    caller: &'a Caller,
}

/// Another account proved the address at the same moment. A second attempt signs in to that account.
#[derive(Debug, thiserror::Error)]
#[error("the address was confirmed concurrently")]
struct Raced;

impl EmailSignIn<'_> {
    /// The effect of a link, without applying it.
    ///
    /// # Errors
    /// When the link would be refused.
    pub async fn peek_link(&self, email: Option<&Token>, token: &str) -> Result<LinkEffect, Error> {
        let open = self.find_by_link(token).await?;
        if !open.may_be_opened_by(email) {
            return Err(ApiError::OtherBrowser.into());
        }
        if let Some((user, address)) = &open.recipient
            && let Some(user) = self.core.store.user(*user).await?
            && user.has_confirmed(address)
        {
            return Ok(LinkEffect::SignIn(user));
        }
        match open.request.purpose {
            Purpose::BreakGlass { user } => {
                let user = self.core.store.user(user).await?.filter(|user| user.disabled_at.is_none());
                Ok(LinkEffect::SignIn(user.ok_or(ApiError::LinkExpired)?))
            }
            Purpose::SignUp { username, address, invitation, .. } => {
                let owner = self.core.store.user_with_verified_address(&Identifier::Address(address)).await?;
                if owner.is_none() {
                    Invitations { core: self.core }.check(invitation.as_ref()).await?;
                }
                Ok(owner.map_or(LinkEffect::SignUp { username }, LinkEffect::SignIn))
            }
            Purpose::SignIn { .. } | Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } => {
                Err(ApiError::LinkExpired.into())
            }
        }
    }

    /// Redeems a link: signs in, or creates the requested account.
    ///
    /// # Errors
    /// When email sign-in is off, the link was used before, has expired or is invalid, it was requested in another
    /// browser, or the username is taken. In the last two cases, the link stays valid.
    #[tracing::instrument(skip_all)]
    pub async fn redeem_link(
        &self,
        token: &str,
        username: Option<&str>,
        caller: &Caller,
    ) -> Result<(NewSession, Next), Error> {
        let redeemed = self.verify_link(token, username, caller).await;
        let is_recovery = redeemed.as_ref().is_ok_and(|(new, _)| new.session.method == Method::BreakGlass);
        let method = if is_recovery { "recovery" } else { "email" };
        meters::sign_in(method, redeemed.as_ref().err().map(Error::outcome));
        redeemed
    }

    async fn verify_link(
        &self,
        token: &str,
        username: Option<&str>,
        caller: &Caller,
    ) -> Result<(NewSession, Next), Error> {
        self.core.limiter.draw(&limit::ANSWERS, Subject::Client(caller.address)).await?;
        let open = self.find_by_link(token).await?;
        if open.may_be_opened_by(caller.email.as_ref()) {
            let unit = self.core.store.begin().await?;
            return self.redeem_with_retry(unit, Redemption { open, username, caller }).await;
        }
        // The link was opened in a different browser than the one that requested it: the account's owner should see
        // that.
        if let Some((user, _)) = open.recipient
            && let Some(mut unit) = AccountUnit::lock(self.core, user, caller.client.clone()).await?
        {
            unit.record_hourly(EventKind::SignInRefused, "email, in another browser").await?;
            unit.commit().await?;
        }
        Err(ApiError::OtherBrowser.into())
    }

    /// Redeems the code of the email that this browser requested last.
    ///
    /// # Errors
    /// When email sign-in is off, this browser has no open request, the code is wrong, or the username is taken. The
    /// error for a wrong code says how many tries are left; after the last one, the request is void.
    #[tracing::instrument(skip_all)]
    pub async fn redeem_code(
        &self,
        code: &str,
        username: Option<&str>,
        caller: &Caller,
    ) -> Result<(NewSession, Next), Error> {
        let redeemed = self.verify_code(code, username, caller).await;
        meters::sign_in("email", redeemed.as_ref().err().map(Error::outcome));
        redeemed
    }

    async fn verify_code(
        &self,
        code: &str,
        username: Option<&str>,
        caller: &Caller,
    ) -> Result<(NewSession, Next), Error> {
        let requests = EmailRequests { core: self.core };
        requests.check_enabled()?;
        self.core.limiter.draw(&limit::ANSWERS, Subject::Client(caller.address)).await?;
        let open = requests.open(caller.email.as_ref()).await?.ok_or(ApiError::LinkExpired)?;
        let mut unit = self.core.store.begin().await?;
        lock_recipient(unit.as_mut(), &open).await?;
        let tries_left = unit.use_attempt(open.request.id).await?.ok_or(ApiError::LinkExpired)?;
        if open.has_code(code, &self.core.keys) {
            return self.redeem_with_retry(unit, Redemption { open, username, caller }).await;
        }
        let (user, side) = recipient_and_side(&open);
        let whose = user.unwrap_or(UserId::NONE);
        let refused = match side {
            Side::Stranger => Event::once_an_hour(whose, EventKind::StrangersRefused, self.core.now()),
            Side::Known => Event::new(whose, EventKind::SignInRefused, &caller.client, self.core.issuer())
                .about(Some("code from an email".to_owned())),
        };
        unit.record(&refused).await?;
        unit.commit().await?;
        let typed = open.request.purpose.typed_key();
        let guessed = user.map_or(CodeTarget::Typed(&typed), |user| CodeTarget::Account(user, side));
        self.core.limiter.count_failure(guessed).await?;
        Err(code_wrong(tries_left).into())
    }

    async fn redeem_with_retry(
        &self,
        unit: Box<dyn Unit>,
        redemption: Redemption<'_>,
    ) -> Result<(NewSession, Next), Error> {
        if let Ok(redeemed) = self.redeem(unit, redemption.clone()).await? {
            return Ok(redeemed);
        }
        let redeemed = self.redeem(self.core.store.begin().await?, redemption).await?;
        redeemed.map_err(|raced| Unavailable::new("address", raced).into())
    }

    async fn find_by_link(&self, token: &str) -> Result<OpenRequest, Error> {
        let found = match Token::from_link(token) {
            Some(token) => self.core.store.request_by_link(&token.hash()).await?,
            None => None,
        };
        let requests = EmailRequests { core: self.core };
        let open = requests.still_open(found).await?;
        if let Some(open) = open.as_ref().filter(|open| open.request.purpose.is_break_glass()) {
            return Ok(open.clone());
        }
        requests.check_enabled()?;
        let signs_in =
            |open: &OpenRequest| matches!(open.request.purpose, Purpose::SignIn { .. } | Purpose::SignUp { .. });
        Ok(open.filter(signs_in).ok_or(ApiError::LinkExpired)?)
    }

    async fn redeem(
        &self,
        mut unit: Box<dyn Unit>,
        redemption: Redemption<'_>,
    ) -> Result<Result<(NewSession, Next), Raced>, Error> {
        let Redemption { open, username, caller } = redemption;
        lock_recipient(unit.as_mut(), &open).await?;
        if !unit.take_request(open.request.id).await? {
            return Err(ApiError::LinkExpired.into());
        }
        let next = open.request.next.clone();
        let (mut unit, credential, kind) = match open.request.purpose {
            Purpose::SignIn { .. } => {
                let (user, address) = open.recipient.ok_or(ApiError::LinkExpired)?;
                let unit = self.lock(unit, user, caller).await?;
                if !unit.user.has_confirmed(&address) {
                    return Err(ApiError::LinkExpired.into());
                }
                (unit, Credential::Email, EventKind::SignedIn)
            }
            Purpose::BreakGlass { user } => {
                let mut unit = self.lock(unit, user, caller).await?;
                unit.void_recognition(user).await?;
                unit.record(EventKind::SignInLinkUsed, None).await?;
                (unit, Credential::BreakGlass, EventKind::SignedIn)
            }
            Purpose::SignUp { username: requested, display_name, address, invitation } => {
                let form = SignUpForm { username: requested, email: Some(address), display_name, invitation };
                let form = form.renamed(username)?;
                match self.find_or_create_account(unit, form, caller).await? {
                    Ok((unit, kind)) => (unit, Credential::Email, kind),
                    Err(raced) => return Ok(Err(raced)),
                }
            }
            Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } => return Err(ApiError::LinkExpired.into()),
        };
        if unit.user.disabled_at.is_some() {
            return Err(ApiError::LinkExpired.into());
        }
        let new = record_sign_in(&mut unit, credential, caller, kind).await?;
        unit.commit().await?;
        if kind == EventKind::SignedUp {
            meters::sign_up("email");
        }
        tracing::info!(user = %new.user.id.0, method = new.session.method.words(), "signed in by a link or code");
        Ok(Ok((new, next)))
    }

    async fn lock(&self, unit: Box<dyn Unit>, user: UserId, caller: &Caller) -> Result<AccountUnit<'_>, Error> {
        let unit = AccountUnit::lock_within(self.core, unit, user, caller.client.clone()).await?;
        Ok(unit.ok_or(ApiError::LinkExpired)?)
    }

    /// Returns the account that has confirmed the address, or else a new one from the form, with the event to record.
    async fn find_or_create_account(
        &self,
        mut unit: Box<dyn Unit>,
        form: SignUpForm,
        caller: &Caller,
    ) -> Result<Result<(AccountUnit<'_>, EventKind), Raced>, Error> {
        let address = form.email.clone().ok_or(ApiError::LinkExpired)?;
        if let Some(owner) = unit.lock_user_by_address(&address).await? {
            let unit = AccountUnit::new(self.core, unit, owner, caller.client.clone());
            return Ok(Ok((unit, EventKind::SignedIn)));
        }
        let invitation = form.invitation;
        let user = new_user(self.core, UserId::random(self.core.entropy()), form, caller.language);
        if (Profile { core: self.core }).add_account(unit.as_mut(), &user).await? == Insertion::Conflict {
            return Err(ApiError::UsernameTaken.into());
        }
        Invitations { core: self.core }.admit(unit.as_mut(), &user, invitation.as_ref()).await?;
        if !unit.set_verified_address(user.id, &address).await? {
            return Ok(Err(Raced));
        }
        tracing::info!(user = %user.id.0, "signed up by email");
        let user = User { email_verified: true, ..user };
        Ok(Ok((AccountUnit::new(self.core, unit, user, caller.client.clone()), EventKind::SignedUp)))
    }
}

/// Locks the account of an email before its rows are read, so that no two units deadlock. Without an account, the same
/// query runs for an id that does not exist, and takes equally long.
async fn lock_recipient(unit: &mut dyn Unit, open: &OpenRequest) -> Result<(), Unavailable> {
    let user = match open.request.purpose {
        Purpose::BreakGlass { user } => user,
        _ => open.recipient.as_ref().map_or(UserId::NONE, |(user, _)| *user),
    };
    unit.lock_user(user).await.map(drop)
}

/// The account that an email was sent to, if any, and whether a browser that it recognises requested it.
fn recipient_and_side(open: &OpenRequest) -> (Option<UserId>, Side) {
    let user = open.recipient.as_ref().map(|(user, _)| *user);
    let is_known = match &open.request.purpose {
        Purpose::SignIn { known, .. } => known.is_some() && *known == user,
        Purpose::SignUp { .. } => false,
        Purpose::Confirm { .. } | Purpose::Reauthenticate { .. } | Purpose::BreakGlass { .. } => true,
    };
    (user, Side::of(is_known))
}
