//! Looks up, lists and ends sessions.

use super::current_user::CurrentUser;
use super::policy::SessionPolicy;
use super::unit::{AccountUnit, OwnerUnit};
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::core::Core;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, EventKind, Session, SessionId};
use crate::server::secret::Token;
use crate::server::store::OtherSessions;
use crate::types::ApiError;

/// Which sessions to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    One(SessionId),
    /// All except the current one.
    Others,
    /// Those that a passkey began, except the current one.
    OfPasskey(CredentialId),
}

/// Reading and ending sessions. They begin in `new_session.rs`.
pub struct Sessions<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Sessions<'_> {
    /// Returns the user of a token, if its session is active; from time to time records that the session was seen.
    #[tracing::instrument(skip_all)]
    pub async fn current_user(&self, token: &Token) -> Result<Option<CurrentUser>, Unavailable> {
        let Some((session, user)) = self.core.store.session(&token.hash()).await? else { return Ok(None) };
        self.check_alive(CurrentUser { user, session }).await
    }

    /// Checks a session that was already read, and from time to time records that it was seen; `None` if it has expired
    /// or its user is disabled.
    pub async fn check_alive(&self, read: CurrentUser) -> Result<Option<CurrentUser>, Unavailable> {
        let (store, now) = (&self.core.store, self.core.now());
        let CurrentUser { user, mut session } = read;
        if !session.is_alive(now) {
            // Removed, so that it stays expired if the clock is set back. Best effort: it signs no one in either way.
            if let Err(cause) = store.remove_expired_session(session.id).await {
                tracing::warn!(%cause, "removing an expired session failed");
            }
            return Ok(None);
        }
        if user.disabled_at.is_some() {
            return Ok(None);
        }
        if session.should_be_marked_seen(now) {
            // Best effort: a failed write must not sign the user out.
            match store.mark_session_seen(session.id, now).await {
                Ok(()) => session.last_seen_at = now,
                Err(cause) => tracing::warn!(%cause, "marking a session as seen failed"),
            }
        }
        Ok(Some(CurrentUser { user, session }))
    }

    /// Whether the session may only add a passkey and sign out (setting `EMAIL_SIGN_IN=recovery-only`).
    #[must_use]
    pub fn is_confined(&self, current: &CurrentUser) -> bool {
        self.core.email().is_recovery_only() && current.session.method == Method::Email
    }

    /// Checks whether the session may perform the actions that are reserved for the account's owner.
    ///
    /// # Errors
    /// Why it may not; or when the database is unavailable.
    pub async fn check_fresh(&self, current: &CurrentUser) -> Result<(), Error> {
        let passkeys = self.core.store.passkeys(current.user.id).await?;
        Ok(SessionPolicy::new(self.core, &current.user, &current.session, &passkeys).check_sensitive_action()?)
    }

    /// The active sessions of a user, the most recently seen first.
    pub async fn list(&self, current: &CurrentUser) -> Result<Vec<Session>, Unavailable> {
        let now = self.core.now();
        let sessions = self.core.store.sessions(current.user.id).await?;
        Ok(sessions.into_iter().filter(|session| session.is_alive(now)).collect())
    }

    /// Ends sessions and returns how many; each is refused at its next request, on every node.
    ///
    /// # Errors
    /// When the user has no such session or passkey, or the database is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn revoke(&self, current: &CurrentUser, which: Revocation) -> Result<u64, Error> {
        let (user, own, now) = (current.user.id, current.session.id, self.core.now());
        let OwnerUnit { mut unit, passkeys } = OwnerUnit::begin(self.core, current).await?;
        let ended = match &which {
            Revocation::One(id) if unit.end_session(user, *id, now).await? => 1,
            Revocation::One(_) => return Err(ApiError::NotFound.into()),
            Revocation::Others => {
                unit.end_other_sessions(user, OtherSessions { except: own, opened_with: None }, now).await?
            }
            Revocation::OfPasskey(id) => {
                unit.end_other_sessions(user, OtherSessions { except: own, opened_with: Some(id) }, now).await?
            }
        };
        if let Revocation::OfPasskey(id) = &which
            && ended == 0
            // A removed passkey is still known to the session that it began.
            && current.session.method != Method::Passkey(id.clone())
            && !passkeys.iter().any(|passkey| passkey.credential_id == *id)
        {
            return Err(ApiError::NotFound.into());
        }
        if ended > 0 {
            unit.record(EventKind::SessionsEnded, Some(ended.to_string())).await?;
        }
        unit.commit().await?;
        tracing::info!(user = %user.0, ended, "sessions ended");
        Ok(ended)
    }

    /// Ends the session of this token; does nothing if there is none.
    #[tracing::instrument(skip_all)]
    pub async fn sign_out(&self, token: &Token) -> Result<(), Unavailable> {
        let Some((session, user)) = self.core.store.session(&token.hash()).await? else { return Ok(()) };
        let unit = AccountUnit::lock(self.core, user.id, session.client).await?;
        let Some(mut unit) = unit else { return Ok(()) };
        if unit.end_session_by_token(&token.hash(), self.core.now()).await? {
            unit.record(EventKind::SignedOut, None).await?;
        }
        unit.commit().await
    }
}
