//! Who may do what only an account's owner should do (docs/RULES.md, 8).

use super::add_passkey::MOST_PASSKEYS;
use super::{Auth, CurrentUser};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::passkey::PROBATION;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, Lockdown, Passkey, User, UserId};
use crate::server::store::Unit;
use crate::types::views;
use std::time::Duration;

/// How old an authentication may be (docs/RULES.md, 8).
pub const FRESH: Duration = Duration::from_mins(10);

/// Why a session may not.
#[derive(Debug)]
pub enum Denied {
    /// The authentication is too old, or not of the kind that is needed.
    ReauthenticationRequired,
    /// The passkey was added by nothing but a letter, and there is an older one.
    PasskeyTooNew,
    /// Somebody said "that was not me", and nobody has shown an older passkey or a recovery code since.
    OlderPasskeyRequired,
    /// The session ended meanwhile.
    SignedOut,
    Unavailable(Unavailable),
}

impl From<Unavailable> for Denied {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

/// A unit of work by an account's owner: the account is locked, and everything in here is as it is now.
pub(super) struct OwnersUnit {
    pub unit: Box<dyn Unit>,
    pub user: User,
    pub passkeys: Vec<Passkey>,
}

/// What decides about what an account's session may do.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub user: &'a User,
    pub passkeys: &'a [Passkey],
}

impl OwnersUnit {
    pub fn standing(&self) -> Standing<'_> {
        Standing { user: &self.user, passkeys: &self.passkeys }
    }
}

impl Auth {
    /// Begins what only the owner may do: with a fresh authentication by passkey, or by letter where there is none.
    pub(super) async fn begin_as_owner(&self, current_user: &CurrentUser) -> Result<OwnersUnit, Denied> {
        let owners = self.begin_locked(current_user).await?;
        self.may_act(current_user, owners.standing())?;
        Ok(owners)
    }

    /// Begins a unit of work that holds others off the account of the visitor.
    pub(super) async fn begin_locked(&self, current_user: &CurrentUser) -> Result<OwnersUnit, Denied> {
        let mut unit = self.store.begin().await?;
        let user = unit.lock_user(current_user.user.id).await?.ok_or(Denied::SignedOut)?;
        // "This wasn't me" may have ended the session while we waited for the lock.
        if !unit.has_session(&current_user.session).await? {
            return Err(Denied::SignedOut);
        }
        let passkeys = unit.passkeys_of(user.id).await?;
        Ok(OwnersUnit { unit, user, passkeys })
    }

    /// Whether the session may add a passkey now; `false` when the account has as many as there may be.
    ///
    /// # Errors
    /// Why it may not, or that the database is away.
    pub async fn check_adding(&self, current_user: &CurrentUser) -> Result<bool, Denied> {
        let passkeys = self.store.passkeys(current_user.user.id).await?;
        self.may_add(current_user, Standing { user: &current_user.user, passkeys: &passkeys })?;
        Ok(passkeys.len() < MOST_PASSKEYS)
    }

    /// As [`Auth::check_adding`], for whom the reason is nothing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn can_add(&self, current_user: &CurrentUser) -> Result<bool, Unavailable> {
        match self.check_adding(current_user).await {
            Ok(has_room) => Ok(has_room),
            Err(Denied::Unavailable(cause)) => Err(cause),
            Err(
                Denied::ReauthenticationRequired
                | Denied::PasskeyTooNew
                | Denied::OlderPasskeyRequired
                | Denied::SignedOut,
            ) => Ok(false),
        }
    }

    /// Whether the session may do what only the account's owner should do, now.
    ///
    /// # Errors
    /// Why it may not, or that the database is away.
    pub async fn check_acting(&self, current_user: &CurrentUser) -> Result<(), Denied> {
        let passkeys = self.store.passkeys(current_user.user.id).await?;
        self.may_act(current_user, Standing { user: &current_user.user, passkeys: &passkeys })
    }

    /// Whether the account of a visitor has a passkey that signs in here.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn has_passkey(&self, current_user: &CurrentUser) -> Result<bool, Unavailable> {
        Ok(self.has_usable(&self.store.passkeys(current_user.user.id).await?))
    }

    fn may_act(&self, current_user: &CurrentUser, standing: Standing<'_>) -> Result<(), Denied> {
        let passkeys = standing.passkeys;
        let allowed = match &current_user.session.method {
            Method::Passkey(id) => current_user.session.user_verified && self.is_in_use(id, passkeys),
            Method::Email => !self.has_usable(passkeys),
            Method::Recovery | Method::BreakGlass => false,
        };
        if !(allowed && self.is_fresh(current_user)) {
            return Err(Denied::ReauthenticationRequired);
        }
        // "This wasn't me" may have left an account without a passkey: control of the mailbox must gain nothing by that.
        if current_user.session.method == Method::Email && self.is_locked_down(standing.user) {
            return Err(Denied::OlderPasskeyRequired);
        }
        self.check_age(current_user, passkeys)
    }

    /// Whether the session may add a passkey: as for everything that matters, or one after a fresh letter or recovery
    /// code, which is how a lost passkey is replaced.
    pub(super) fn may_add(&self, current_user: &CurrentUser, standing: Standing<'_>) -> Result<(), Denied> {
        let passkeys = standing.passkeys;
        let allowed = match &current_user.session.method {
            Method::Passkey(id) => current_user.session.user_verified && self.is_in_use(id, passkeys),
            Method::Email | Method::Recovery | Method::BreakGlass => !current_user.session.added_passkey,
        };
        if !(allowed && self.is_fresh(current_user)) {
            return Err(Denied::ReauthenticationRequired);
        }
        // An administrator can help a user who lost the older passkey, too; but not while the lockdown is new.
        let is_helped = current_user.session.method == Method::BreakGlass
            && standing.user.lockdown.is_some_and(|lockdown| self.clock.now().since(lockdown.since) >= PROBATION);
        if !is_helped && self.is_locked_down(standing.user) {
            return Err(Denied::OlderPasskeyRequired);
        }
        self.check_age(current_user, passkeys)
    }

    fn is_locked_down(&self, user: &User) -> bool {
        user.lockdown.is_some_and(|lockdown| lockdown.is_active(self.clock.now()))
    }

    /// Begins the lockdown of an account within a unit of work.
    pub(super) async fn lock_down(&self, unit: &mut dyn Unit, user: UserId, now: Timestamp) -> Result<(), Unavailable> {
        let has_key = self.has_key_from_before(unit, user, now).await?;
        unit.set_lockdown(user, Some(Lockdown::begin(now, has_key))).await
    }

    /// Ends a lockdown where a passkey or recovery code that was made then is used, and one whose time is over.
    pub(super) async fn end_lockdown(
        &self,
        unit: &mut dyn Unit,
        user: &User,
        made_at: Timestamp,
    ) -> Result<(), Unavailable> {
        match user.lockdown {
            Some(lockdown) if lockdown.is_ended_by(made_at) || !lockdown.is_active(self.clock.now()) => {
                unit.set_lockdown(user.id, None).await
            }
            _ => Ok(()),
        }
    }

    /// Gives a lockdown an end in time once nothing is left that could end it, such as after the removal of the last older
    /// passkey.
    pub(super) async fn bound_lockdown(&self, unit: &mut dyn Unit, user: &User) -> Result<(), Unavailable> {
        let Some(lockdown) = user.lockdown.filter(|lockdown| lockdown.ends_at.is_none()) else { return Ok(()) };
        if self.has_key_from_before(unit, user.id, lockdown.since).await? {
            return Ok(());
        }
        unit.set_lockdown(user.id, Some(Lockdown::begin(lockdown.since, false))).await
    }

    /// Whether the account has a passkey or a recovery code that was made before this time, and so can end a lockdown that
    /// began then.
    async fn has_key_from_before(
        &self,
        unit: &mut dyn Unit,
        user: UserId,
        since: Timestamp,
    ) -> Result<bool, Unavailable> {
        let (rp_id, passkeys) = (self.relying_party.id(), unit.passkeys_of(user).await?);
        let has_older = passkeys.iter().any(|passkey| passkey.is_usable(rp_id) && passkey.created_at < since);
        Ok(has_older || unit.count_recovery_codes_before(user, since).await? > 0)
    }

    fn check_age(&self, current_user: &CurrentUser, passkeys: &[Passkey]) -> Result<(), Denied> {
        let Method::Passkey(id) = &current_user.session.method else { return Ok(()) };
        if self.is_too_new(id, passkeys, self.clock.now()) { Err(Denied::PasskeyTooNew) } else { Ok(()) }
    }

    fn is_too_new(&self, id: &CredentialId, passkeys: &[Passkey], now: Timestamp) -> bool {
        let own = passkeys.iter().find(|passkey| passkey.credential_id == *id);
        own.is_some_and(|own| self.held_until(own, passkeys, now).is_some())
    }

    /// Until when a passkey can do nothing that matters: added by nothing but a letter, while an older one exists.
    fn held_until(&self, own: &Passkey, all: &[Passkey], now: Timestamp) -> Option<Timestamp> {
        let is_older = |other: &Passkey| other.is_usable(self.relying_party.id()) && other.created_at < own.created_at;
        (own.is_too_new(now) && all.iter().any(is_older)).then(|| own.created_at.plus(PROBATION))
    }

    /// What a visitor may see of one of their passkeys, beside `all` of them.
    #[must_use]
    pub fn view_passkey(&self, current_user: &CurrentUser, passkey: &Passkey, all: &[Passkey]) -> views::Passkey {
        let held_until = self.held_until(passkey, all, self.clock.now());
        passkey.view(&current_user.session, self.relying_party.id(), held_until)
    }

    fn is_in_use(&self, id: &CredentialId, passkeys: &[Passkey]) -> bool {
        let rp_id = self.relying_party.id();
        passkeys.iter().any(|passkey| passkey.credential_id == *id && passkey.is_usable(rp_id))
    }

    /// Whether any of these passkeys signs in here.
    pub(super) fn has_usable(&self, passkeys: &[Passkey]) -> bool {
        passkeys.iter().any(|passkey| passkey.is_usable(self.relying_party.id()))
    }

    fn is_fresh(&self, current_user: &CurrentUser) -> bool {
        self.clock.now().since(current_user.session.authenticated_at) <= FRESH
    }
}
