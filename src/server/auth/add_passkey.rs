//! Another passkey for an account that exists.

use super::answer::RegistrationAnswer;
use super::attestation::Refused;
use super::authority::{Denied, OwnersUnit, Standing};
use super::ceremony::{Initiator, Purpose};
use super::registration::Registered;
use super::{Auth, CurrentUser};
use crate::server::Unavailable;
use crate::server::limiter::TooMany;
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::{AddedWith, EventKind, Passkey, UserId};
use crate::server::secret::Token;
use crate::server::store::Insertion;
use crate::types::{DisplayName, views};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::PasskeyRegistration;

/// The most passkeys that an account has.
pub(super) const MOST_PASSKEYS: usize = 20;

#[derive(Debug)]
pub enum BeginAddPasskeyError {
    Denied(Denied),
    TooMany(TooMany),
    Unavailable(Unavailable),
}

#[derive(Debug)]
pub enum FinishAddPasskeyError {
    Malformed,
    InvalidName,
    Expired,
    NotVerified,
    Denied(Denied),
    PasskeyExists,
    /// There are [`MOST_PASSKEYS`] already.
    TooManyPasskeys,
    Unavailable(Unavailable),
}

impl From<Unavailable> for BeginAddPasskeyError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl From<Denied> for FinishAddPasskeyError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<Unavailable> for FinishAddPasskeyError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

/// What was begun, taken out of where it was kept: it is spent, whatever follows.
#[derive(Serialize, Deserialize)]
pub struct AddPasskey {
    user_id: UserId,
    registration: PasskeyRegistration,
}

impl Auth {
    /// Begins to add a passkey; authenticators that hold one of the account already are told so.
    ///
    /// # Errors
    /// When the session may not, the client begins too many, or a backend is away.
    #[tracing::instrument(skip_all)]
    pub async fn begin_add_passkey(
        &self,
        current_user: &CurrentUser,
        initiator: Initiator<'_>,
    ) -> Result<views::Options, BeginAddPasskeyError> {
        let passkeys = self.store.passkeys(current_user.user.id).await?;
        let standing = Standing { user: &current_user.user, passkeys: &passkeys };
        self.may_add(current_user, standing).map_err(BeginAddPasskeyError::Denied)?;
        let (options, challenge, registration) =
            self.relying_party.begin_registration(&current_user.user, &self.ours(&passkeys))?;
        let state = AddPasskey { user_id: current_user.user.id, registration };
        self.keep_ceremony(Purpose::AddPasskey, initiator, &challenge, state).await?;
        Ok(options)
    }

    /// Those that sign in here. A suspended one is not among them: its device was told to drop it, and may make another.
    fn ours<'a>(&self, passkeys: &'a [Passkey]) -> Vec<&'a Passkey> {
        passkeys.iter().filter(|passkey| passkey.is_usable(self.relying_party.id())).collect()
    }

    /// Takes what this browser began, before anything else is looked at; `None` when it is spent or was never begun.
    ///
    /// # Errors
    /// When the answer or the name does not parse (then nothing is spent), or the ephemeral store is away.
    pub async fn take_add_passkey(
        &self,
        browser: Option<&Token>,
        answer: &RegistrationAnswer,
        name: Option<&str>,
    ) -> Result<Option<AddPasskey>, FinishAddPasskeyError> {
        if name.is_some_and(|name| DisplayName::parse(name).is_err()) {
            return Err(FinishAddPasskeyError::InvalidName);
        }
        if answer.examine() == Err(Refused::Malformed) {
            return Err(FinishAddPasskeyError::Malformed);
        }
        let Some(browser) = browser else { return Ok(None) };
        Ok(self.take_ceremony(Purpose::AddPasskey, browser, &answer.client_data.challenge).await?)
    }

    /// Finishes adding a passkey.
    ///
    /// # Errors
    /// When the ceremony is spent or not this person's, the answer does not verify, the passkey is known already, the
    /// account has 20, or the session may not (any more).
    #[tracing::instrument(skip_all)]
    pub async fn finish_add_passkey(
        &self,
        current_user: &CurrentUser,
        begun: Option<AddPasskey>,
        answer: &RegistrationAnswer,
        name: Option<&str>,
    ) -> Result<views::Passkey, FinishAddPasskeyError> {
        let name = name.map(DisplayName::parse).transpose().map_err(|_| FinishAddPasskeyError::InvalidName)?;
        let new = answer.examine();
        let pending =
            begun.filter(|pending| pending.user_id == current_user.user.id).ok_or(FinishAddPasskeyError::Expired)?;
        let added_with = match current_user.session.method {
            Method::Passkey(_) => AddedWith::Passkey,
            Method::Email => AddedWith::Email,
            Method::Recovery => AddedWith::RecoveryCode,
            Method::BreakGlass => AddedWith::BreakGlass,
        };
        let registered = Registered { new, answer, registration: &pending.registration };
        let registered = self.registered(registered, current_user.user.id, added_with)?;
        let mut passkey = registered.ok_or(FinishAddPasskeyError::NotVerified)?;
        if let Some(name) = name {
            name.as_str().clone_into(&mut passkey.name);
        }
        self.keep_passkey(current_user, &passkey).await
    }

    async fn keep_passkey(
        &self,
        current_user: &CurrentUser,
        passkey: &Passkey,
    ) -> Result<views::Passkey, FinishAddPasskeyError> {
        let owners = self.begin_locked(current_user).await?;
        self.may_add(current_user, owners.standing())?;
        let OwnersUnit { mut unit, user, passkeys, .. } = owners;
        if passkeys.len() >= MOST_PASSKEYS {
            return Err(FinishAddPasskeyError::TooManyPasskeys);
        }
        if unit.add_passkey(passkey).await? == Insertion::Conflict {
            return Err(FinishAddPasskeyError::PasskeyExists);
        }
        // A letter or code allows one passkey: of two at once, the second finds that the session has made one.
        let is_only_one = !matches!(current_user.session.method, Method::Passkey(_));
        if !unit.end_offer(current_user.session.id, is_only_one).await? {
            return Err(Denied::ReauthenticationRequired.into());
        }
        let (client, name) = (&current_user.session.client, Some(passkey.name.clone()));
        self.record(unit.as_mut(), user.id, EventKind::PasskeyAdded, client, name.clone()).await?;
        self.tell_owner(unit.as_mut(), &user, Occasion::PasskeyAdded, client, name).await?;
        unit.commit().await?;
        self.bell.notify_one();
        tracing::info!(user = %current_user.user.id.0, "a passkey was added");
        Ok(self.view_passkey(current_user, passkey, &passkeys))
    }
}
