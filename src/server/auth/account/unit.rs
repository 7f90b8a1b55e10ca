//! One unit of work on one account, and what surrounds every act: the lock, the session, the activity, the notification.

use super::current_user::CurrentUser;
use super::policy::Standing;
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::notification::{MOST_OF_A_KIND, MOST_OF_ALL, NOTIFIED_WITHIN, Notification, Occasion, Told};
use crate::server::model::outbox::OutgoingEmail;
use crate::server::model::{Client, Event, EventKind, Lockdown, Passkey, User, UserId};
use crate::server::store::Unit;
use crate::types::{ApiError, EmailAddress};
use std::ops::{Deref, DerefMut};

/// All writes of one act, with the account locked: no other unit touches it until this one ends. Dropped without
/// [`AccountUnit::commit`], it leaves nothing behind.
pub struct AccountUnit<'a> {
    core: &'a Core,
    unit: Box<dyn Unit>,
    /// The account as it is now.
    pub user: User,
    /// The browser that acts, for the activity and the notification.
    pub client: Client,
}

/// An act of the signed-in owner.
pub struct OwnersUnit<'a> {
    pub unit: AccountUnit<'a>,
    /// All passkeys of the account, the oldest first.
    pub passkeys: Vec<Passkey>,
}

impl<'a> AccountUnit<'a> {
    /// Locks an account; `None` when there is none.
    pub async fn lock(core: &'a Core, user: UserId, client: Client) -> Result<Option<Self>, Unavailable> {
        Self::lock_within(core, core.store.begin().await?, user, client).await
    }

    /// The same in a unit of work that was begun already.
    pub async fn lock_within(
        core: &'a Core,
        mut unit: Box<dyn Unit>,
        user: UserId,
        client: Client,
    ) -> Result<Option<Self>, Unavailable> {
        let user = unit.lock_user(user).await?;
        Ok(user.map(|user| Self { core, unit, user, client }))
    }

    /// The unit of an account that is locked already, or was made in it.
    pub fn of(core: &'a Core, unit: Box<dyn Unit>, user: User, client: Client) -> Self {
        Self { core, unit, user, client }
    }

    pub fn core(&self) -> &'a Core {
        self.core
    }

    /// Writes a line of activity.
    pub async fn record(&mut self, kind: EventKind, detail: Option<String>) -> Result<(), Unavailable> {
        let event = Event::new(self.user.id, kind, &self.client, self.core.issuer()).about(detail);
        self.unit.record(&event).await
    }

    /// Writes a line of activity, once an hour for each detail however often it happens.
    pub async fn record_hourly(&mut self, kind: EventKind, detail: &str) -> Result<(), Unavailable> {
        let event = Event::new(self.user.id, kind, &self.client, self.core.issuer()).about(Some(detail.to_owned()));
        self.unit.record(&event.only_once_an_hour()).await
    }

    /// Notifies the owner at the proven address, if there is one and email can be sent.
    pub async fn notify(&mut self, occasion: Occasion, detail: Option<String>) -> Result<(), Unavailable> {
        let Some(address) = self.user.proven_address().cloned() else { return Ok(()) };
        self.notify_at(&address, occasion, detail).await
    }

    /// Notifies an address that was proven. Where it is no longer the account's, the email can restore it. Beyond the limit
    /// of an hour, one digest is sent.
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
        let can_undo = occasion == Occasion::AddressChanged && user.proven_address() != Some(address);
        let since = self.core.now().minus(NOTIFIED_WITHIN);
        let sent = self.unit.count_notifications(user.id, address, since).await?;
        // An account is deleted once, and nothing could tell of it later.
        let is_last = occasion == Occasion::Deleted;
        let is_within =
            is_last || sent.about(occasion) < MOST_OF_A_KIND && (can_undo || sent.without_undo() < MOST_OF_ALL);
        let (occasion, detail, can_undo) = match (is_within, sent.about(Occasion::Digest)) {
            (true, _) => (occasion, detail, can_undo),
            (false, 0) => (Occasion::Digest, None, false),
            (false, _) => return Ok(()),
        };
        let told = Told {
            user_id: (occasion != Occasion::Deleted).then_some(user.id),
            occasion,
            detail,
            address,
            name: &user.display_name,
            language: user.language,
            can_undo,
            client: &self.client,
        };
        let notification = Notification::new(told, self.core.issuer());
        let email = OutgoingEmail::for_notification(&notification, self.core.entropy());
        self.unit.add_notification(&notification, &email).await
    }

    /// Begins the lockdown of the account (docs/RULES.md, 10).
    pub async fn lock_down(&mut self, now: Timestamp) -> Result<(), Unavailable> {
        let lockdown = Lockdown::begin(now, self.has_key_from_before(now).await?);
        self.unit.set_lockdown(self.user.id, Some(lockdown)).await
    }

    /// Ends a lockdown where a passkey or recovery code from before it is used, and one whose time is over.
    pub async fn end_lockdown(&mut self, made_at: Timestamp) -> Result<(), Unavailable> {
        match self.user.lockdown {
            Some(lockdown) if lockdown.is_ended_by(made_at) || !lockdown.is_active(self.core.now()) => {
                self.unit.set_lockdown(self.user.id, None).await
            }
            _ => Ok(()),
        }
    }

    /// Gives a lockdown an end in time once nothing is left that could end it, such as after the removal of the last older
    /// passkey.
    pub async fn bound_lockdown(&mut self) -> Result<(), Unavailable> {
        let Some(lockdown) = self.user.lockdown.filter(|lockdown| lockdown.ends_at.is_none()) else { return Ok(()) };
        if self.has_key_from_before(lockdown.since).await? {
            return Ok(());
        }
        self.unit.set_lockdown(self.user.id, Some(Lockdown::begin(lockdown.since, false))).await
    }

    /// Whether the account has a passkey or a recovery code that was made before this time, and so can end a lockdown that
    /// began then.
    async fn has_key_from_before(&mut self, since: Timestamp) -> Result<bool, Unavailable> {
        let (rp_id, passkeys) = (self.core.rp_id(), self.unit.passkeys_of(self.user.id).await?);
        let has_older = passkeys.iter().any(|passkey| passkey.is_usable(rp_id) && passkey.created_at < since);
        Ok(has_older || self.unit.count_recovery_codes_before(self.user.id, since).await? > 0)
    }

    /// Commits the transaction. The store logs what was recorded, and wakes the worker where an email was queued.
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

impl<'a> OwnersUnit<'a> {
    /// Locks the account of the signed-in user and reads the session again.
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

    /// The same for what only the owner may do: with a fresh authentication by passkey, or by email where there is none.
    pub async fn begin_fresh(core: &'a Core, current: &CurrentUser) -> Result<Self, Error> {
        let owners = Self::begin(core, current).await?;
        owners.standing(current).may_act()?;
        Ok(owners)
    }

    /// The facts that decide which actions the session may perform.
    pub fn standing<'b>(&'b self, current: &'b CurrentUser) -> Standing<'b> {
        Standing::new(self.unit.core, &self.unit.user, &current.session, &self.passkeys)
    }
}
