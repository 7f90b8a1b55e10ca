use super::{Arrival, Auth, Opened};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::config::EmailSignIn;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, Session, SessionId, User};
use crate::server::secret::Token;
use crate::server::store::Unit;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub user: User,
    pub session: Session,
}

/// What somebody signed in with.
pub(super) enum Credential {
    Passkey {
        id: CredentialId,
        /// It came from another device, so this one has none yet.
        from_elsewhere: bool,
    },
    Letter,
}

impl Auth {
    /// Opens a session within a unit of work and ends the one that the browser had.
    pub(super) async fn open_session(
        &self,
        unit: &mut dyn Unit,
        user: User,
        credential: Credential,
        arrival: Arrival,
        now: Timestamp,
    ) -> Result<Opened, Unavailable> {
        if let Some(previous) = &arrival.previous {
            unit.remove_session(&previous.hash()).await?;
        }
        let known = self.remember(unit, user.id, arrival.known, now).await?;
        let token = Token::random(&*self.entropy);
        let (method, offers_passkey, kept) = match credential {
            Credential::Passkey { id, from_elsewhere } => (Method::Passkey(id), from_elsewhere, arrival.keep),
            Credential::Letter => (Method::Email, true, false),
        };
        let user_verified = method != Method::Email;
        let (idle, max) = if user_verified { self.lifetimes.of(kept) } else { self.lifetimes.by_letter() };
        let session = Session {
            id: SessionId::random(&*self.entropy),
            user_id: user.id,
            token_hash: token.hash(),
            method,
            user_verified,
            authenticated_at: now,
            created_at: now,
            last_seen_at: now,
            ends_at: now.plus(max),
            idle,
            client: arrival.client,
            offers_passkey,
            added_passkey: false,
        };
        unit.add_session(&session).await?;
        Ok(Opened { user, session, token, known, kept })
    }

    /// Who bears this token, if its session is alive; being seen is recorded now and then.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn visitor(&self, token: &Token) -> Result<Option<Visitor>, Unavailable> {
        let now = self.clock.now();
        let Some((mut session, user)) = self.store.session(&token.hash()).await? else { return Ok(None) };
        if !session.is_alive(now) {
            return Ok(None);
        }
        if session.should_be_marked_seen(now) {
            self.store.mark_session_seen(session.id, now).await?;
            session.last_seen_at = now;
        }
        Ok(Some(Visitor { user, session }))
    }

    /// Whether the session may only add a passkey and sign out (setting `EMAIL_SIGN_IN=recovery-only`).
    #[must_use]
    pub fn is_confined(&self, visitor: &Visitor) -> bool {
        self.email_sign_in == EmailSignIn::RecoveryOnly && visitor.session.method == Method::Email
    }

    /// Ends the session of this token; nothing happens when there is none.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn sign_out(&self, token: &Token) -> Result<(), Unavailable> {
        let mut unit = self.store.begin().await?;
        unit.remove_session(&token.hash()).await?;
        unit.commit().await
    }
}
