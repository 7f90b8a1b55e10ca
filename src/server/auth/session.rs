use super::{Arrival, Auth, NewSession};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::config::EmailSignIn;
use crate::server::model::notification::Occasion;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, EventKind, Session, SessionId, User, UserId};
use crate::server::secret::Token;
use crate::server::store::Unit;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct CurrentUser {
    pub user: User,
    pub session: Session,
}

/// What somebody signed in with.
pub(super) enum Credential {
    Passkey {
        id: CredentialId,
        /// It came from another device, so this one has none yet.
        from_elsewhere: bool,
        /// Copies of it live on other devices, so that it says nothing about this one.
        synced: bool,
    },
    Email,
    RecoveryCode,
    /// A link of those who run the site.
    BreakGlass,
}

/// Somebody comes in.
pub(super) struct Entrance {
    pub user: User,
    pub credential: Credential,
    /// The account was made in this very unit of work.
    pub is_new_account: bool,
}

impl Auth {
    /// Opens a session within a unit of work and ends the one that the browser had.
    pub(super) async fn open_session(
        &self,
        unit: &mut dyn Unit,
        entrance: Entrance,
        arrival: Arrival,
        now: Timestamp,
    ) -> Result<NewSession, Unavailable> {
        if let Some(previous) = &arrival.previous {
            unit.remove_session(&previous.hash()).await?;
        }
        if let Some(email) = &arrival.email {
            unit.remove_requests_of_browser(&email.hash()).await?;
        }
        let Entrance { user, credential, is_new_account } = entrance;
        let (known, is_recognised) = self.remember(unit, user.id, arrival.known.as_ref(), now).await?;
        // A passkey is a device that was seen before, unless it answered from another one or is synced (docs/RULES.md, 8).
        let is_new_device = match credential {
            Credential::Passkey { from_elsewhere, synced, .. } => (from_elsewhere || synced) && !is_recognised,
            Credential::Email => !is_recognised,
            // Told by a letter of its own.
            Credential::RecoveryCode | Credential::BreakGlass => false,
        };
        let (session, token) = self.new_session(user.id, credential, &arrival, now);
        unit.add_session(&session).await?;
        unit.trim(user.id).await?;
        let kind = if is_new_account { EventKind::SignedUp } else { EventKind::SignedIn };
        self.record(unit, user.id, kind, &session.client, Some(session.method.words().to_owned())).await?;
        if is_new_device && !is_new_account {
            self.tell_owner(unit, &user, Occasion::NewDevice, &session.client, None).await?;
        }
        Ok(NewSession { user, session, token, known })
    }

    /// A session that begins now, and the token that bears it.
    pub(super) fn new_session(
        &self,
        user_id: UserId,
        credential: Credential,
        arrival: &Arrival,
        now: Timestamp,
    ) -> (Session, Token) {
        let token = Token::random(&*self.entropy);
        let (method, offers_passkey, kept) = match credential {
            Credential::Passkey { id, from_elsewhere, .. } => (Method::Passkey(id), from_elsewhere, arrival.keep),
            Credential::Email => (Method::Email, true, false),
            Credential::RecoveryCode => (Method::Recovery, true, false),
            Credential::BreakGlass => (Method::BreakGlass, true, false),
        };
        let user_verified = matches!(method, Method::Passkey(_));
        let (idle, max) = if user_verified { self.lifetimes.of(kept) } else { self.lifetimes.by_email() };
        let session = Session {
            id: SessionId::new(now, &*self.entropy),
            user_id,
            token_hash: token.hash(),
            method,
            user_verified,
            authenticated_at: now,
            created_at: now,
            last_seen_at: now,
            ends_at: now.plus(max),
            idle,
            client: arrival.client.clone(),
            offers_passkey,
            added_passkey: false,
            kept,
        };
        (session, token)
    }

    /// Who bears this token, if its session is alive; being seen is recorded now and then.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn current_user(&self, token: &Token) -> Result<Option<CurrentUser>, Unavailable> {
        let now = self.clock.now();
        let Some((mut session, user)) = self.store.session(&token.hash()).await? else { return Ok(None) };
        if !session.is_alive(now) {
            // It stays expired when the clock is set back. Best effort: it signs no one in now either way.
            if let Err(cause) = self.store.remove_expired_session(session.id).await {
                tracing::warn!(%cause, "removing an expired session failed");
            }
            return Ok(None);
        }
        if user.disabled_at.is_some() {
            return Ok(None);
        }
        if session.should_be_marked_seen(now) {
            // Best effort: a failed write must not sign the user out.
            match self.store.mark_session_seen(session.id, now).await {
                Ok(()) => session.last_seen_at = now,
                Err(cause) => tracing::warn!(%cause, "marking a session as seen failed"),
            }
        }
        Ok(Some(CurrentUser { user, session }))
    }

    /// Whether the session may only add a passkey and sign out (setting `EMAIL_SIGN_IN=recovery-only`).
    #[must_use]
    pub fn is_confined(&self, current_user: &CurrentUser) -> bool {
        self.email_sign_in == EmailSignIn::RecoveryOnly && current_user.session.method == Method::Email
    }

    /// Ends the session of this token; nothing happens when there is none.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn sign_out(&self, token: &Token) -> Result<(), Unavailable> {
        let Some((_, user)) = self.store.session(&token.hash()).await? else { return Ok(()) };
        let mut unit = self.store.begin().await?;
        unit.lock_user(user.id).await?;
        if let Some((user, client)) = unit.remove_session(&token.hash()).await? {
            self.record(unit.as_mut(), user, EventKind::SignedOut, &client, None).await?;
        }
        unit.commit().await
    }
}
