//! The links in security notifications: "This wasn't me", and the link that restores a former address.

use super::account::AccountUnit;
use super::error::Error;
use crate::server::core::Core;
use crate::server::model::notification::{Notification, Occasion, SentNotification};
use crate::server::model::probation::PROBATION;
use crate::server::model::{Client, EventKind, User};
use crate::server::secret::Token;
use crate::types::ApiError;

/// Answers to security notifications. They need no session.
pub struct Reports<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Reports<'_> {
    /// Finds the notification of an unused "This wasn't me" link, and the account it is about.
    ///
    /// # Errors
    /// When the link is used, expired or invalid.
    pub async fn peek_report(&self, token: &str) -> Result<(Notification, User), Error> {
        let sent = self.find_by_link(token).await?;
        if !sent.is_open(self.core.now()) {
            return Err(ApiError::LinkExpired.into());
        }
        self.with_owner(sent).await
    }

    /// "This wasn't me": ends every session, suspends the passkeys of the last 72 hours, and locks the account down
    /// (docs/RULES.md, 10).
    ///
    /// # Errors
    /// When the link is used, expired or invalid.
    #[tracing::instrument(skip_all)]
    pub async fn report(&self, token: &str) -> Result<(), Error> {
        let (notification, user) = self.peek_report(token).await?;
        let (mut unit, now) = (self.lock(&user).await?, self.core.now());
        if !unit.report_notification(notification.id, now).await? {
            return Err(ApiError::LinkExpired.into());
        }
        unit.end_all_sessions(user.id, now).await?;
        unit.end_grants(user.id, None).await?;
        unit.void_requests_of_user(user.id).await?;
        unit.void_recognition(user.id).await?;
        let suspended = unit.suspend_passkeys(user.id, now.minus(PROBATION), now).await?;
        // Codes created since then may be an intruder's. Older codes stay: the owner can recover the account with them.
        unit.remove_recovery_codes(user.id, notification.happened_at).await?;
        unit.lock_down(now).await?;
        unit.record(EventKind::NotMe, None).await?;
        unit.commit().await?;
        tracing::warn!(user = %user.id.0, suspended, "account reported and locked down");
        Ok(())
    }

    /// Finds the notification that can still restore its address, and the account it is about.
    ///
    /// # Errors
    /// When the link is used, expired or invalid.
    pub async fn peek_undo(&self, token: &str) -> Result<(Notification, User), Error> {
        let sent = self.find_by_link(token).await?;
        if !sent.can_be_undone(self.core.now()) {
            return Err(ApiError::LinkExpired.into());
        }
        self.with_owner(sent).await
    }

    /// Restores the address that the email was sent to. Ends every session, voids open emails and the undo links of
    /// later changes, locks the account down, and notifies the removed address, whose "This wasn't me" links stay
    /// valid. Signs no one in (docs/RULES.md, 10).
    ///
    /// # Errors
    /// When the link is used, expired or invalid, or another account has since confirmed the address.
    #[tracing::instrument(skip_all)]
    pub async fn undo_address(&self, token: &str) -> Result<(), Error> {
        let (notification, user) = self.peek_undo(token).await?;
        let (mut unit, now) = (self.lock(&user).await?, self.core.now());
        let (user, address) = (unit.user.clone(), notification.address);
        if !unit.undo_notification(notification.id, now).await? {
            return Err(ApiError::LinkExpired.into());
        }
        if !unit.set_verified_address(user.id, &address).await? {
            return Err(ApiError::AddressTaken.into());
        }
        unit.end_all_sessions(user.id, now).await?;
        unit.end_grants(user.id, None).await?;
        unit.void_requests_of_user(user.id).await?;
        unit.void_recognition(user.id).await?;
        let displaced = user.confirmed_address().filter(|_| !user.has_confirmed(&address)).cloned();
        unit.void_later_undo_links(user.id, notification.happened_at, now).await?;
        unit.record_restored_address(user.id, &address, notification.happened_at).await?;
        unit.lock_down(now).await?;
        unit.record(EventKind::AddressRestored, None).await?;
        let restored = address.to_string();
        unit.user = User { email: Some(address), email_verified: true, ..user };
        unit.notify(Occasion::AddressRestored, None).await?;
        if let Some(displaced) = displaced {
            unit.notify_at(&displaced, Occasion::AddressDisplaced, Some(restored)).await?;
        }
        let id = unit.user.id;
        unit.commit().await?;
        tracing::warn!(user = %id.0, "email change undone");
        Ok(())
    }

    /// Records no client: nothing useful is known about the browser that opened the link.
    async fn lock(&self, user: &User) -> Result<AccountUnit<'_>, Error> {
        let unit = AccountUnit::lock(self.core, user.id, Client::UNKNOWN).await?;
        Ok(unit.ok_or(ApiError::LinkExpired)?)
    }

    async fn find_by_link(&self, token: &str) -> Result<SentNotification, Error> {
        let token = Token::from_link(token).ok_or(ApiError::LinkExpired)?;
        let found = self.core.store.notification_by_link(&token.hash()).await?.ok_or(ApiError::LinkExpired)?;
        let now = self.core.now();
        if now < found.notification.expires_at {
            return Ok(found);
        }
        // Marked as used, so that it stays expired if the clock is set back.
        let mut unit = self.core.store.begin().await?;
        unit.report_notification(found.notification.id, now).await?;
        unit.undo_notification(found.notification.id, now).await?;
        unit.commit().await?;
        Err(ApiError::LinkExpired.into())
    }

    async fn with_owner(&self, sent: SentNotification) -> Result<(Notification, User), Error> {
        let owner = sent.notification.user_id.ok_or(ApiError::LinkExpired)?;
        let user = self.core.store.user(owner).await?.ok_or(ApiError::LinkExpired)?;
        Ok((sent.notification, user))
    }
}
