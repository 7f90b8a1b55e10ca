//! The passkeys of a signed-in user. Passkey ids of other users are treated like ids that do not exist.

use super::current_user::CurrentUser;
use super::policy::SessionPolicy;
use super::unit::OwnerUnit;
use crate::server::Unavailable;
use crate::server::auth::webauthn::Ceremonies;
use crate::server::auth::{Error, view};
use crate::server::core::Core;
use crate::server::model::notification::Occasion;
use crate::server::model::{CredentialId, EventKind, Passkey, User};
use crate::types::{ApiError, DisplayName, views};

/// The maximum number of passkeys of an account.
pub(super) const MAX_PASSKEYS: usize = 20;

/// Listing, adding (`add_passkey.rs`), renaming and removing passkeys.
pub struct Passkeys<'a> {
    pub(in crate::server) core: &'a Core,
    pub(in crate::server) ceremonies: Ceremonies<'a>,
}

impl Passkeys<'_> {
    /// All passkeys of the user, the oldest first.
    pub async fn list(&self, current: &CurrentUser) -> Result<Vec<Passkey>, Unavailable> {
        self.core.store.passkeys(current.user.id).await
    }

    /// One of `all` passkeys as the user sees it.
    #[must_use]
    pub fn view(&self, current: &CurrentUser, passkey: &Passkey, all: &[Passkey]) -> views::Passkey {
        let policy = SessionPolicy::new(self.core, &current.user, &current.session, all);
        view::passkey(passkey, &current.session, self.core.rp_id(), policy.on_probation_until(passkey))
    }

    /// The relying party's id.
    #[must_use]
    pub fn rp_id(&self) -> &str {
        self.core.rp_id()
    }

    /// Whether the account has a passkey that can sign in at this relying party.
    pub async fn has_usable(&self, current: &CurrentUser) -> Result<bool, Unavailable> {
        let passkeys = self.list(current).await?;
        Ok(passkeys.iter().any(|passkey| passkey.is_usable(self.core.rp_id())))
    }

    /// Whether an emailed link or code signs this user in.
    #[must_use]
    pub fn email_signs_in(&self, user: &User) -> bool {
        self.core.email().signs_in() && self.core.email().can_send() && user.confirmed_address().is_some()
    }

    /// Renames a passkey.
    ///
    /// # Errors
    /// When the name is invalid, the user has no such passkey, or the database is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn rename(&self, current: &CurrentUser, id: &str, name: &str) -> Result<views::Passkey, Error> {
        let name = DisplayName::parse(name).map_err(|_| ApiError::InvalidName)?;
        let id = CredentialId::decode(id).ok_or(ApiError::NotFound)?;
        let OwnerUnit { mut unit, passkeys } = OwnerUnit::begin(self.core, current).await?;
        let passkey = passkeys.iter().find(|passkey| passkey.credential_id == id).ok_or(ApiError::NotFound)?;
        if passkey.name == name.as_str() {
            return Ok(self.view(current, passkey, &passkeys));
        }
        if !unit.rename_passkey(current.user.id, &id, &name).await? {
            return Err(ApiError::NotFound.into());
        }
        unit.record(EventKind::PasskeyRenamed, Some(format!("{} → {name}", passkey.name))).await?;
        unit.commit().await?;
        let renamed = Passkey { name: name.to_string(), ..passkey.clone() };
        Ok(self.view(current, &renamed, &passkeys))
    }

    /// Removes a passkey, unless it is the last sign-in method (docs/RULES.md, 7). The account is locked, so that two
    /// concurrent removals cannot bypass this rule.
    ///
    /// # Errors
    /// When the session may not remove passkeys, the user has no such passkey, it is the last sign-in method, or the
    /// database is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn remove(&self, current: &CurrentUser, id: &str) -> Result<Passkey, Error> {
        let OwnerUnit { mut unit, passkeys } = OwnerUnit::begin_fresh(self.core, current).await?;
        let id = CredentialId::decode(id).ok_or(ApiError::NotFound)?;
        let (removed, left): (Vec<_>, Vec<_>) = passkeys.into_iter().partition(|passkey| passkey.credential_id == id);
        let removed = removed.into_iter().next().ok_or(ApiError::NotFound)?;
        let rp_id = self.core.rp_id();
        let has_another = left.iter().any(|passkey| passkey.is_usable(rp_id)) || self.email_signs_in(&unit.user);
        if removed.is_usable(rp_id) && !has_another {
            return Err(ApiError::LastSignInMethod.into());
        }
        unit.remove_passkey(current.user.id, &id).await?;
        unit.set_lockdown_end().await?;
        unit.void_recognition(current.user.id).await?;
        let name = Some(removed.name.clone());
        unit.record(EventKind::PasskeyRemoved, name.clone()).await?;
        unit.notify(Occasion::PasskeyRemoved, name).await?;
        unit.commit().await?;
        tracing::info!(user = %current.user.id.0, "passkey removed");
        Ok(removed)
    }
}
