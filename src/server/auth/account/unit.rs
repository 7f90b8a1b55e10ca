//! A unit of work on one account, with the parts of every action: the lock, the session, the activity and the
//! notification.

use super::current_user::CurrentUser;
use super::policy::SessionPolicy;
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::email_queue::OutgoingEmail;
use crate::server::model::notification::{
    MAX_NOTIFICATIONS, MAX_PER_KIND, NOTIFICATION_WINDOW, NewNotification, Notification, Occasion,
};
use crate::server::model::{Client, Event, EventKind, Lockdown, Passkey, User, UserId};
use crate::server::store::Unit;
use crate::types::{ApiError, EmailAddress};
use std::ops::{Deref, DerefMut};

/// All writes of one action, with the account locked: no other unit changes it until this one ends. If dropped without
/// [`AccountUnit::commit`], it writes nothing.
pub struct AccountUnit<'a> {
    core: &'a Core,
    unit: Box<dyn Unit>,
    /// The current state of the account.
    pub user: User,
    /// The browser of the request, for the activity and the notification.
    pub client: Client,
}

/// An action of the signed-in owner.
pub struct OwnerUnit<'a> {
    pub unit: AccountUnit<'a>,
    /// All passkeys of the account, the oldest first.
    pub passkeys: Vec<Passkey>,
}

impl<'a> AccountUnit<'a> {
    /// Locks an account; `None` if it does not exist.
    pub async fn lock(core: &'a Core, user: UserId, client: Client) -> Result<Option<Self>, Unavailable> {
        Self::lock_within(core, core.store.begin().await?, user, client).await
    }

    /// Locks an account in a unit of work that has already begun; `None` if it does not exist.
    pub async fn lock_within(
        core: &'a Core,
        mut unit: Box<dyn Unit>,
        user: UserId,
        client: Client,
    ) -> Result<Option<Self>, Unavailable> {
        let user = unit.lock_user(user).await?;
        Ok(user.map(|user| Self { core, unit, user, client }))
    }

    /// Wraps the unit of work in which an account was locked or created.
    pub fn new(core: &'a Core, unit: Box<dyn Unit>, user: User, client: Client) -> Self {
        Self { core, unit, user, client }
    }

    pub fn core(&self) -> &'a Core {
        self.core
    }

    /// Records an event in the activity.
    pub async fn record(&mut self, kind: EventKind, detail: Option<String>) -> Result<(), Unavailable> {
        let event = Event::new(self.user.id, kind, &self.client, self.core.issuer()).about(detail);
        self.unit.record(&event).await
    }

    /// Records an event in the activity, at most once an hour for each detail.
    pub async fn record_hourly(&mut self, kind: EventKind, detail: &str) -> Result<(), Unavailable> {
        let event = Event::new(self.user.id, kind, &self.client, self.core.issuer()).about(Some(detail.to_owned()));
        self.unit.record(&event.with_hourly_id()).await
    }

    /// Notifies the owner at the confirmed address, if there is one and email can be sent.
    pub async fn notify(&mut self, occasion: Occasion, detail: Option<String>) -> Result<(), Unavailable> {
        let Some(address) = self.user.confirmed_address().cloned() else { return Ok(()) };
        self.notify_at(&address, occasion, detail).await
    }

    /// Notifies a confirmed address. If it is no longer the account's address, the email can restore it. Beyond the hourly
    /// limit, one digest is sent.
    pub async fn notify_at(
        &mut self,
        address: &EmailAddress,
        occasion: Occasion,
        detail: Option<String>,
    ) -> Result<(), Unavailable> {
        if !self.core.email().can_send() {
            return Ok(());
        }
        let user = &self.user;
        let can_undo = occasion == Occasion::AddressChanged && user.confirmed_address() != Some(address);
        let since = self.core.now().minus(NOTIFICATION_WINDOW);
        let sent = self.unit.count_notifications(user.id, address, since).await?;
        // An account is deleted only once, and no later email could mention it.
        let is_last = occasion == Occasion::Deleted;
        let is_within_limit =
            is_last || sent.about(occasion) < MAX_PER_KIND && (can_undo || sent.without_undo() < MAX_NOTIFICATIONS);
        let (occasion, detail, can_undo) = match (is_within_limit, sent.about(Occasion::Digest)) {
            (true, _) => (occasion, detail, can_undo),
            (false, 0) => (Occasion::Digest, None, false),
            (false, _) => return Ok(()),
        };
        let new = NewNotification {
            user_id: (occasion != Occasion::Deleted).then_some(user.id),
            occasion,
            detail,
            address,
            name: &user.display_name,
            language: user.language,
            can_undo,
            client: &self.client,
        };
        let notification = Notification::new(new, self.core.issuer());
        let email = OutgoingEmail::for_notification(&notification, self.core.entropy());
        self.unit.add_notification(&notification, &email).await
    }

    /// Begins the lockdown of the account (docs/RULES.md, 10).
    pub async fn lock_down(&mut self, now: Timestamp) -> Result<(), Unavailable> {
        let lockdown = Lockdown::begin(now, self.has_older_credential(now).await?);
        self.unit.set_lockdown(self.user.id, Some(lockdown)).await
    }

    /// Ends a lockdown that has expired, or that began after the passkey or recovery code in use was created
    /// (`made_at`).
    pub async fn end_lockdown(&mut self, made_at: Timestamp) -> Result<(), Unavailable> {
        match self.user.lockdown {
            Some(lockdown) if lockdown.is_ended_by(made_at) || !lockdown.is_active(self.core.now()) => {
                self.unit.set_lockdown(self.user.id, None).await
            }
            _ => Ok(()),
        }
    }

    /// Sets an end time for a lockdown if nothing is left that could end it, such as after the removal of the last
    /// older passkey.
    pub async fn set_lockdown_end(&mut self) -> Result<(), Unavailable> {
        let Some(lockdown) = self.user.lockdown.filter(|lockdown| lockdown.ends_at.is_none()) else { return Ok(()) };
        if self.has_older_credential(lockdown.since).await? {
            return Ok(());
        }
        self.unit.set_lockdown(self.user.id, Some(Lockdown::begin(lockdown.since, false))).await
    }

    /// Whether the account has a passkey or a recovery code that was created before this time, and so can end a
    /// lockdown that began then.
    async fn has_older_credential(&mut self, since: Timestamp) -> Result<bool, Unavailable> {
        let (rp_id, passkeys) = (self.core.rp_id(), self.unit.passkeys_of(self.user.id).await?);
        let has_older = passkeys.iter().any(|passkey| passkey.is_usable(rp_id) && passkey.created_at < since);
        Ok(has_older || self.unit.count_recovery_codes_before(self.user.id, since).await? > 0)
    }

    /// Commits the transaction. The store logs the recorded events, and wakes the mail worker if an email was queued.
    pub async fn commit(self) -> Result<(), Unavailable> {
        self.unit.commit().await
    }
}

impl Deref for AccountUnit<'_> {
    type Target = dyn Unit;

    fn deref(&self) -> &(dyn Unit + 'static) {
        &*self.unit
    }
}

impl DerefMut for AccountUnit<'_> {
    fn deref_mut(&mut self) -> &mut (dyn Unit + 'static) {
        &mut *self.unit
    }
}

impl<'a> OwnerUnit<'a> {
    /// Locks the account of the signed-in user, and checks that the session still exists.
    pub async fn begin(core: &'a Core, current: &CurrentUser) -> Result<Self, Error> {
        let unit = AccountUnit::lock(core, current.user.id, current.session.client.clone()).await?;
        let mut unit = unit.ok_or(ApiError::SignedOut)?;
        // "This wasn't me" may have ended the session while we waited for the lock.
        if !unit.has_session(&current.session).await? {
            return Err(ApiError::SignedOut.into());
        }
        let passkeys = unit.passkeys_of(current.user.id).await?;
        Ok(Self { unit, passkeys })
    }

    /// Locks the account for an action that only the owner may perform. It needs a fresh authentication by passkey, or
    /// by email if there is no passkey.
    pub async fn begin_fresh(core: &'a Core, current: &CurrentUser) -> Result<Self, Error> {
        let owner_unit = Self::begin(core, current).await?;
        owner_unit.session_policy(current).check_sensitive_action()?;
        Ok(owner_unit)
    }

    /// The facts that decide which actions the session may perform.
    pub fn session_policy<'b>(&'b self, current: &'b CurrentUser) -> SessionPolicy<'b> {
        SessionPolicy::new(self.unit.core, &self.unit.user, &current.session, &self.passkeys)
    }
}
