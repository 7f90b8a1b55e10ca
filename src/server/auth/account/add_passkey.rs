//! Adds a passkey to an existing account.

use super::current_user::CurrentUser;
use super::passkeys::{MAX_PASSKEYS, Passkeys};
use super::policy::SessionPolicy;
use super::unit::OwnerUnit;
use crate::server::Unavailable;
use crate::server::auth::webauthn::{NewCeremony, NewCredential, Purpose, Refused};
use crate::server::auth::{Caller, Error, RegistrationResponse};
use crate::server::model::notification::Occasion;
use crate::server::model::provider::distinct_name;
use crate::server::model::session::Method;
use crate::server::model::{AddedWith, EventKind, Passkey, UserId};
use crate::server::store::Insertion;
use crate::types::{ApiError, DisplayName, Language, views};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::PasskeyRegistration;

/// The state taken from a ceremony, and the name of the new passkey.
pub struct TakenCeremony {
    /// `None` if the ceremony was already used or never begun.
    adding: Option<Adding>,
    name: Option<DisplayName>,
    language: Language,
}

/// The state of a ceremony that adds a passkey.
#[derive(Serialize, Deserialize)]
struct Adding {
    user_id: UserId,
    registration: PasskeyRegistration,
}

impl Passkeys<'_> {
    /// Checks whether the session may add a passkey now, and the account has room for one.
    ///
    /// # Errors
    /// Why it may not; or when the database is unavailable.
    pub async fn check_can_add(&self, current: &CurrentUser) -> Result<(), Error> {
        let passkeys = self.list(current).await?;
        SessionPolicy::new(self.core, &current.user, &current.session, &passkeys).check_add_passkey()?;
        if passkeys.len() < MAX_PASSKEYS { Ok(()) } else { Err(ApiError::TooManyPasskeys.into()) }
    }

    /// Whether [`Self::check_can_add`] succeeds, for callers that do not need the reason.
    pub async fn can_add(&self, current: &CurrentUser) -> Result<bool, Unavailable> {
        match self.check_can_add(current).await {
            Ok(()) => Ok(true),
            Err(Error::Refused(_)) => Ok(false),
            Err(Error::Unavailable(cause)) => Err(cause),
        }
    }

    /// Begins to add a passkey. Authenticators that already have a usable passkey of the account are excluded. A
    /// suspended passkey does not count: its device was told to delete it, and may create another.
    ///
    /// # Errors
    /// When the session may not add a passkey, the client begins too many ceremonies, or a backend is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn begin_add(&self, current: &CurrentUser, caller: &Caller) -> Result<views::Options, Error> {
        let passkeys = self.list(current).await?;
        SessionPolicy::new(self.core, &current.user, &current.session, &passkeys).check_add_passkey()?;
        let known: Vec<_> = passkeys.iter().filter(|passkey| passkey.is_usable(self.core.rp_id())).collect();
        let (options, challenge, registration) =
            self.ceremonies.relying_party.begin_registration(&current.user, &known)?;
        let state = Adding { user_id: current.user.id, registration };
        self.ceremonies.keep(Purpose::AddPasskey, caller, NewCeremony { challenge, state }).await?;
        Ok(options)
    }

    /// Takes the state of a ceremony before anything else is checked.
    ///
    /// # Errors
    /// When the response or the name does not parse (then the ceremony stays usable), or the ephemeral store is
    /// unavailable.
    pub async fn take_ceremony(
        &self,
        caller: &Caller,
        answer: &RegistrationResponse,
        name: Option<&str>,
    ) -> Result<TakenCeremony, Error> {
        let name = name.map(DisplayName::parse).transpose().map_err(|_| ApiError::InvalidName)?;
        if matches!(answer.examine(), Err(Refused::Malformed(_))) {
            return Err(ApiError::BadRequest.into());
        }
        let adding = self.ceremonies.take(Purpose::AddPasskey, caller, &answer.client_data.challenge).await?;
        Ok(TakenCeremony { adding, name, language: caller.language })
    }

    /// Finishes adding a passkey.
    ///
    /// # Errors
    /// When the ceremony was already used or is another user's, the response does not verify, the passkey already
    /// exists, the account has 20 passkeys, or the session may not add one (any longer).
    #[tracing::instrument(skip_all)]
    pub async fn finish_add(
        &self,
        current: &CurrentUser,
        taken: TakenCeremony,
        answer: &RegistrationResponse,
    ) -> Result<views::Passkey, Error> {
        let TakenCeremony { adding, name, language } = taken;
        let begun = adding.filter(|begun| begun.user_id == current.user.id).ok_or(ApiError::CeremonyExpired)?;
        let added_with = match current.session.method {
            Method::Passkey(_) => AddedWith::Passkey,
            Method::Email => AddedWith::Email,
            Method::Recovery => AddedWith::RecoveryCode,
            Method::BreakGlass => AddedWith::BreakGlass,
        };
        let new = NewCredential {
            owner: current.user.id,
            added_with,
            registration: &begun.registration,
            client: &current.session.client,
            language,
        };
        let passkey = self.ceremonies.verify_registration(answer, new)?.ok_or(ApiError::NOT_VERIFIED)?;
        self.add(current, passkey, name).await
    }

    /// Adds a passkey with this name, or with a default that no other passkey of the account has.
    async fn add(
        &self,
        current: &CurrentUser,
        mut passkey: Passkey,
        name: Option<DisplayName>,
    ) -> Result<views::Passkey, Error> {
        let owner_unit = OwnerUnit::begin(self.core, current).await?;
        owner_unit.session_policy(current).check_add_passkey()?;
        let OwnerUnit { mut unit, passkeys } = owner_unit;
        if passkeys.len() >= MAX_PASSKEYS {
            return Err(ApiError::TooManyPasskeys.into());
        }
        passkey.name = match name {
            Some(name) => name.as_str().to_owned(),
            None => distinct_name(&passkey.name, |name| passkeys.iter().any(|other| other.name == name)),
        };
        if unit.add_passkey(&passkey).await? == Insertion::Conflict {
            return Err(ApiError::PasskeyExists.into());
        }
        // An email or recovery code allows one passkey: of two concurrent requests, the second finds that the session
        // has already added one.
        let is_only_one = !matches!(current.session.method, Method::Passkey(_));
        if !unit.end_offer(current.session.id, is_only_one).await? {
            return Err(ApiError::ReauthenticationRequired.into());
        }
        let name = Some(passkey.name.clone());
        unit.record(EventKind::PasskeyAdded, name.clone()).await?;
        unit.notify(Occasion::PasskeyAdded, name).await?;
        unit.commit().await?;
        tracing::info!(user = %current.user.id.0, "passkey added");
        Ok(self.view(current, &passkey, &passkeys))
    }
}
