//! What people do with their own sessions and passkeys. Ids of others are answered like ids that do not exist.

use super::{Auth, Visitor};
use crate::server::Unavailable;
use crate::server::model::{CredentialId, Passkey, Session, SessionId};
use crate::types::DisplayName;

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
    NotFound,
    InvalidName,
    Unavailable(Unavailable),
}

impl From<Unavailable> for ManageError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl Auth {
    /// The living sessions of a person, the one that was seen last first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sessions(&self, visitor: &Visitor) -> Result<Vec<Session>, Unavailable> {
        let now = self.clock.now();
        let sessions = self.store.sessions(visitor.user.id).await?;
        Ok(sessions.into_iter().filter(|session| session.is_alive(now)).collect())
    }

    /// Ends sessions and tells how many; each is dead at its next request, on every node.
    ///
    /// # Errors
    /// When there is no such session or passkey of this person, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn revoke(&self, visitor: &Visitor, which: Revocation) -> Result<u64, ManageError> {
        let (user, own) = (visitor.user.id, visitor.session.id);
        if let Revocation::OfPasskey(id) = &which {
            self.passkey_of_visitor(visitor, id).await?;
        }
        let mut unit = self.store.begin().await?;
        let ended = match which {
            Revocation::One(id) if unit.end_session(user, id).await? => 1,
            Revocation::One(_) => return Err(ManageError::NotFound),
            Revocation::Others => unit.end_other_sessions(user, own, None).await?,
            Revocation::OfPasskey(id) => unit.end_other_sessions(user, own, Some(&id)).await?,
        };
        unit.commit().await?;
        tracing::info!(user = %user.0, ended, "sessions were ended");
        Ok(ended)
    }

    /// Gives a passkey another name.
    ///
    /// # Errors
    /// When the name does not fit, there is no such passkey of this person, or the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn rename_passkey(&self, visitor: &Visitor, id: &str, name: &str) -> Result<Passkey, ManageError> {
        let name = DisplayName::parse(name).map_err(|_| ManageError::InvalidName)?;
        let id = CredentialId::decode(id).ok_or(ManageError::NotFound)?;
        let passkey = self.passkey_of_visitor(visitor, &id).await?;
        let mut unit = self.store.begin().await?;
        if !unit.rename_passkey(visitor.user.id, &id, &name).await? {
            return Err(ManageError::NotFound);
        }
        unit.commit().await?;
        Ok(Passkey { name: name.to_string(), ..passkey })
    }

    async fn passkey_of_visitor(&self, visitor: &Visitor, id: &CredentialId) -> Result<Passkey, ManageError> {
        let found = self.store.passkey(id).await?.map(|(passkey, _)| passkey);
        found.filter(|passkey| passkey.user_id == visitor.user.id).ok_or(ManageError::NotFound)
    }
}
