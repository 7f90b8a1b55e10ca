//! Answers to security letters: "that was not me", and the way back to a former address.

use super::Auth;
use super::letter::is_proven;
use crate::server::Unavailable;
use crate::server::model::EventKind;
use crate::server::model::notification::{Notification, Occasion, SentNotification};
use crate::server::model::passkey::PROBATION;
use crate::server::model::{User, UserId};
use crate::server::secret::Token;
use crate::types::views;

#[derive(Debug)]
pub enum NotificationError {
    /// Used, old or wrong.
    Expired,
    /// Another account has proven the former address since.
    AddressTaken,
    Unavailable(Unavailable),
}

impl From<Unavailable> for NotificationError {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl Auth {
    /// The letter in which "that was not me" can still be said, and whose account it is about.
    ///
    /// # Errors
    /// When the link is used, old or wrong.
    pub async fn look_at_not_me(&self, token: &str) -> Result<(Notification, User), NotificationError> {
        let sent = self.security_letter(token).await?;
        if !sent.is_open(self.clock.now()) {
            return Err(NotificationError::Expired);
        }
        self.with_owner(sent).await
    }

    /// "That was not me": ends every session, suspends the passkeys of the last 72 hours, and lets nobody add another
    /// until an older one or a recovery code was used (docs/RULES.md, 10).
    ///
    /// # Errors
    /// When the link is used, old or wrong.
    #[tracing::instrument(skip_all)]
    pub async fn not_me(&self, token: &str) -> Result<(), NotificationError> {
        let (letter, user) = self.look_at_not_me(token).await?;
        let now = self.clock.now();
        let mut unit = self.store.begin().await?;
        let user = unit.lock_user(user.id).await?.ok_or(NotificationError::Expired)?;
        if !unit.report_notification(letter.id, now).await? {
            return Err(NotificationError::Expired);
        }
        unit.end_all_sessions(user.id).await?;
        unit.void_requests_of_user(user.id).await?;
        unit.void_recognition(user.id).await?;
        let suspended = unit.suspend_passkeys(user.id, now.minus(PROBATION), now).await?;
        // Whoever made codes from then on may be who it was. Those from before stay: they are how an owner comes back.
        unit.remove_recovery_codes(user.id, letter.happened_at).await?;
        self.lock_down(unit.as_mut(), user.id, now).await?;
        self.record(unit.as_mut(), user.id, EventKind::NotMe, &nobody(), None).await?;
        unit.commit().await?;
        tracing::warn!(user = %user.id.0, suspended, "account reported as not theirs");
        Ok(())
    }

    /// The letter that can still restore its address, and whose account it is about.
    ///
    /// # Errors
    /// When the link is used, old or wrong.
    pub async fn look_at_undo(&self, token: &str) -> Result<(Notification, User), NotificationError> {
        let sent = self.security_letter(token).await?;
        if !sent.can_be_undone(self.clock.now()) {
            return Err(NotificationError::Expired);
        }
        self.with_owner(sent).await
    }

    /// Restores the address that the email went to. It ends every session, voids open emails and the links of later
    /// changes, locks the account down, tells the address that is taken away, whose "This wasn't me" links stay good, and
    /// signs nobody in (docs/RULES.md, 10).
    ///
    /// # Errors
    /// When the link is used, old or wrong, or another account has proven the address since.
    #[tracing::instrument(skip_all)]
    pub async fn undo_address(&self, token: &str) -> Result<(), NotificationError> {
        let (letter, user) = self.look_at_undo(token).await?;
        let now = self.clock.now();
        let mut unit = self.store.begin().await?;
        let user = unit.lock_user(user.id).await?.ok_or(NotificationError::Expired)?;
        if !unit.undo_notification(letter.id, now).await? {
            return Err(NotificationError::Expired);
        }
        if !unit.prove_address(user.id, &letter.address).await? {
            return Err(NotificationError::AddressTaken);
        }
        unit.end_all_sessions(user.id).await?;
        unit.void_requests_of_user(user.id).await?;
        unit.void_recognition(user.id).await?;
        let displaced = user.proven_address().filter(|_| !is_proven(&user, &letter.address)).cloned();
        unit.void_later_undo_links(user.id, letter.happened_at, now).await?;
        unit.remember_restored(user.id, &letter.address, letter.happened_at).await?;
        self.lock_down(unit.as_mut(), user.id, now).await?;
        self.record(unit.as_mut(), user.id, EventKind::AddressRestored, &nobody(), None).await?;
        let restored = User { email: Some(letter.address), email_verified: true, ..user };
        self.tell_owner(unit.as_mut(), &restored, Occasion::AddressRestored, &nobody(), None).await?;
        if let Some(displaced) = displaced {
            let detail = restored.email.as_ref().map(ToString::to_string);
            let occasion = Occasion::AddressDisplaced;
            self.tell_at(unit.as_mut(), &restored, &displaced, occasion, &nobody(), detail).await?;
        }
        unit.commit().await?;
        self.bell.notify_one();
        tracing::warn!(user = %restored.id.0, "email change undone");
        Ok(())
    }

    async fn security_letter(&self, token: &str) -> Result<SentNotification, NotificationError> {
        let token = Token::from_link(token).ok_or(NotificationError::Expired)?;
        let found = self.store.notification_by_link(&token.hash()).await?.ok_or(NotificationError::Expired)?;
        let now = self.clock.now();
        if now < found.letter.expires_at {
            return Ok(found);
        }
        // It stays expired when the clock is set back.
        let mut unit = self.store.begin().await?;
        unit.report_notification(found.letter.id, now).await?;
        unit.undo_notification(found.letter.id, now).await?;
        unit.commit().await?;
        Err(NotificationError::Expired)
    }

    async fn with_owner(&self, sent: SentNotification) -> Result<(Notification, User), NotificationError> {
        let owner: UserId = sent.letter.user_id.ok_or(NotificationError::Expired)?;
        let user = self.store.user(owner).await?.ok_or(NotificationError::Expired)?;
        Ok((sent.letter, user))
    }
}

/// Whoever holds a letter; nothing is known of their browser that would help.
fn nobody() -> views::Client {
    views::Client { browser: None, system: None }
}
