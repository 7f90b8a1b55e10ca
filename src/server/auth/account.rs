//! What people do with their own sessions and passkeys. Ids of others are answered like ids that do not exist.

use super::authority::{Denied, OwnersUnit};
use super::{Auth, CurrentUser};
use crate::server::Unavailable;
use crate::server::config::EmailSignIn;
use crate::server::limiter::TooMany;
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, EventKind, Passkey, Session, SessionId, User};
use crate::types::{DisplayName, views};

/// Which sessions are to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    One(SessionId),
    /// All but the one that asks.
    Others,
    /// Those that a passkey opened, but not the one that asks.
    OfPasskey(CredentialId),
}

#[derive(Debug)]
pub enum ManageError {
    Denied(Denied),
    EmailOff,
    InvalidDisplayName,
    InvalidEmail,
    InvalidName,
    InvalidUsername,
    LastWayIn,
    NotFound,
    RenamedRecently,
    TooMany(TooMany),
    UsernameTaken,
    WrongUsername,
    Unavailable(Unavailable),
}

impl From<Unavailable> for ManageError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl From<Denied> for ManageError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl Auth {
    /// The living sessions of a person, the one that was seen last first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sessions(&self, current_user: &CurrentUser) -> Result<Vec<Session>, Unavailable> {
        let now = self.clock.now();
        let sessions = self.store.sessions(current_user.user.id).await?;
        Ok(sessions.into_iter().filter(|session| session.is_alive(now)).collect())
    }

    /// Ends sessions and tells how many; each is dead at its next request, on every node.
    ///
    /// # Errors
    /// When there is no such session or passkey of this person, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn revoke(&self, current_user: &CurrentUser, which: Revocation) -> Result<u64, ManageError> {
        let (user, own) = (current_user.user.id, current_user.session.id);
        let OwnersUnit { mut unit, passkeys, .. } = self.begin_locked(current_user).await?;
        let ended = match &which {
            Revocation::One(id) if unit.end_session(user, *id).await? => 1,
            Revocation::One(_) => return Err(ManageError::NotFound),
            Revocation::Others => unit.end_other_sessions(user, own, None).await?,
            Revocation::OfPasskey(id) => unit.end_other_sessions(user, own, Some(id)).await?,
        };
        if let Revocation::OfPasskey(id) = &which
            && ended == 0
            // One that was removed is still known by the session that it opened.
            && current_user.session.method != Method::Passkey(id.clone())
            && !passkeys.iter().any(|passkey| passkey.credential_id == *id)
        {
            return Err(ManageError::NotFound);
        }
        if ended > 0 {
            let client = &current_user.session.client;
            self.record(unit.as_mut(), user, EventKind::SessionsEnded, client, Some(ended.to_string())).await?;
        }
        unit.commit().await?;
        tracing::info!(user = %user.0, ended, "sessions were ended");
        Ok(ended)
    }

    /// Gives a passkey another name.
    ///
    /// # Errors
    /// When the name does not fit, there is no such passkey of this person, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn rename_passkey(
        &self,
        current_user: &CurrentUser,
        id: &str,
        name: &str,
    ) -> Result<views::Passkey, ManageError> {
        let name = DisplayName::parse(name).map_err(|_| ManageError::InvalidName)?;
        let id = CredentialId::decode(id).ok_or(ManageError::NotFound)?;
        let OwnersUnit { mut unit, passkeys, .. } = self.begin_locked(current_user).await?;
        let passkey = passkeys.iter().find(|passkey| passkey.credential_id == id).ok_or(ManageError::NotFound)?;
        if passkey.name == name.as_str() {
            return Ok(self.view_passkey(current_user, passkey, &passkeys));
        }
        if !unit.rename_passkey(current_user.user.id, &id, &name).await? {
            return Err(ManageError::NotFound);
        }
        let change = Some(format!("{} → {name}", passkey.name));
        self.record(
            unit.as_mut(),
            current_user.user.id,
            EventKind::PasskeyRenamed,
            &current_user.session.client,
            change,
        )
        .await?;
        unit.commit().await?;
        let renamed = Passkey { name: name.to_string(), ..passkey.clone() };
        Ok(self.view_passkey(current_user, &renamed, &passkeys))
    }

    /// Removes a passkey, unless nothing would be left to sign in with (docs/RULES.md, 7). The account is locked
    /// meanwhile, so that two removals at once cannot get round it.
    ///
    /// # Errors
    /// When the session may not, there is no such passkey of this person, it is the last way in, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn remove_passkey(&self, current_user: &CurrentUser, id: &str) -> Result<Passkey, ManageError> {
        let OwnersUnit { mut unit, user, passkeys, .. } = self.begin_as_owner(current_user).await?;
        let id = CredentialId::decode(id).ok_or(ManageError::NotFound)?;
        let (gone, left): (Vec<_>, Vec<_>) = passkeys.into_iter().partition(|passkey| passkey.credential_id == id);
        let gone = gone.into_iter().next().ok_or(ManageError::NotFound)?;
        let is_way_in = gone.is_usable(self.relying_party.id());
        if is_way_in && !self.has_usable(&left) && !self.email_signs_in(&user) {
            return Err(ManageError::LastWayIn);
        }
        unit.remove_passkey(user.id, &id).await?;
        self.bound_lockdown(unit.as_mut(), &user).await?;
        unit.void_recognition(user.id).await?;
        let (client, name) = (&current_user.session.client, Some(gone.name.clone()));
        self.record(unit.as_mut(), user.id, EventKind::PasskeyRemoved, client, name.clone()).await?;
        self.tell_owner(unit.as_mut(), &user, Occasion::PasskeyRemoved, client, name).await?;
        unit.commit().await?;
        self.bell.notify_one();
        tracing::info!(user = %user.id.0, "a passkey was removed");
        Ok(gone)
    }

    /// Whether a letter is a way in for this person.
    #[must_use]
    pub fn email_signs_in(&self, user: &User) -> bool {
        self.email_sign_in != EmailSignIn::Off && self.sends_email && user.proven_address().is_some()
    }
}
