//! What those who run the site do to accounts. Each act is logged, stands in the account's activity, and ends what it must.

use super::Auth;
use crate::server::Unavailable;
use crate::server::model::email_request::{EmailRequest, Purpose};
use crate::server::model::notification::Occasion;
use crate::server::model::{EventKind, Invitation, InvitationId, User, UserId};
use crate::server::secret::Token;
use crate::server::telemetry::AUDIT;
use crate::types::{Next, views};
use std::time::Duration;

impl Auth {
    /// Makes a link that signs somebody in once, in any browser, in the place of an older one; its owner is told by
    /// letter. `None` when the account is gone or turned off.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn make_sign_in_link(&self, user: UserId) -> Result<Option<Token>, Unavailable> {
        let mut unit = self.store.begin().await?;
        let Some(user) = unit.lock_user(user).await?.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
        let (purpose, token) = (Purpose::BreakGlass { user: user.id }, Token::random(&*self.entropy));
        unit.void_requests(user.id, purpose.name()).await?;
        // No browser asked: the hash of a token that nobody has.
        let nobodys = Token::random(&*self.entropy).hash();
        let (next, now) = (Next::or_account(None), self.clock.now());
        let request = EmailRequest::new(purpose, nobodys, next, (on_the_server(), user.language), now, &*self.entropy);
        unit.add_open_link(&request, &token.hash()).await?;
        self.record(unit.as_mut(), user.id, EventKind::SignInLinkMade, &on_the_server(), None).await?;
        self.tell_owner(unit.as_mut(), &user, Occasion::SignInLinkMade, &on_the_server(), None).await?;
        unit.commit().await?;
        self.bell.notify_one();
        Ok(Some(token))
    }

    /// Turns an account off, which ends its sessions and open letters, or on again. `None` when it is gone.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn set_disabled(&self, user: UserId, disabled: bool) -> Result<Option<User>, Unavailable> {
        let mut unit = self.store.begin().await?;
        let Some(user) = unit.lock_user(user).await? else { return Ok(None) };
        if user.disabled_at.is_some() == disabled {
            return Ok(Some(user));
        }
        let since = disabled.then(|| self.clock.now());
        unit.set_disabled(user.id, since).await?;
        // Also when it is turned on: whatever slipped in while it was off is nobody's business any more.
        unit.end_all_sessions(user.id).await?;
        unit.void_requests_of_user(user.id).await?;
        let kind = if disabled { EventKind::AccountDisabled } else { EventKind::AccountEnabled };
        self.record(unit.as_mut(), user.id, kind, &on_the_server(), None).await?;
        unit.commit().await?;
        Ok(Some(User { disabled_at: since, ..user }))
    }

    /// Ends all sessions of an account and tells how many; `None` when it is gone.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn end_sessions_of(&self, user: UserId) -> Result<Option<u64>, Unavailable> {
        let mut unit = self.store.begin().await?;
        let Some(user) = unit.lock_user(user).await? else { return Ok(None) };
        let ended = unit.end_all_sessions(user.id).await?;
        if ended > 0 {
            self.record(unit.as_mut(), user.id, EventKind::SessionsEndedByOperator, &on_the_server(), None).await?;
        }
        unit.commit().await?;
        Ok(Some(ended))
    }

    /// Withdraws an invitation; `false` when there is none of that name.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn withdraw_invitation(&self, id: InvitationId) -> Result<bool, Unavailable> {
        let mut unit = self.store.begin().await?;
        let is_there = unit.remove_invitation(id).await?;
        unit.commit().await?;
        if is_there {
            tracing::info!(target: AUDIT, invitation = %id.0, event = "invitation_withdrawn", "it happened");
        }
        Ok(is_there)
    }

    /// Makes an invitation; the token goes into its link and nowhere else.
    ///
    /// # Errors
    /// When the database is away.
    #[tracing::instrument(skip_all)]
    pub async fn invite(
        &self,
        note: Option<String>,
        uses: u32,
        life: Duration,
    ) -> Result<(Invitation, Token), Unavailable> {
        let (invitation, token) = Invitation::new(note, uses, life, self.clock.now(), &*self.entropy);
        let mut unit = self.store.begin().await?;
        unit.add_invitation(&invitation).await?;
        unit.commit().await?;
        tracing::info!(target: AUDIT, invitation = %invitation.id.0, uses, event = "invitation_made", "it happened");
        Ok((invitation, token))
    }
}

/// It was done at the server's own command line.
fn on_the_server() -> views::Client {
    views::Client { browser: None, system: None }
}
