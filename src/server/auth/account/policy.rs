//! Which actions a session may perform on its account (docs/RULES.md, 8). No I/O.

use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::probation::PROBATION;
use crate::server::model::session::Method;
use crate::server::model::{CredentialId, Passkey, Session, User};
use crate::types::ApiError;
use std::time::Duration;

/// The maximum age of a fresh authentication (docs/RULES.md, 8).
pub const FRESH: Duration = Duration::from_mins(10);

/// The account, the session, and the time of the request.
#[derive(Clone, Copy)]
pub struct SessionPolicy<'a> {
    user: &'a User,
    session: &'a Session,
    /// All passkeys of the account.
    passkeys: &'a [Passkey],
    rp_id: &'a str,
    now: Timestamp,
}

impl<'a> SessionPolicy<'a> {
    pub(super) fn new(core: &'a Core, user: &'a User, session: &'a Session, passkeys: &'a [Passkey]) -> Self {
        Self { user, session, passkeys, rp_id: core.rp_id(), now: core.now() }
    }

    /// Checks whether the session may perform the actions that are reserved for the account's owner.
    pub fn check_sensitive_action(self) -> Result<(), ApiError> {
        let allowed = match &self.session.method {
            Method::Passkey(id) => self.session.user_verified && self.is_in_use(id),
            Method::Email => !self.has_usable(),
            Method::Recovery | Method::BreakGlass => false,
        };
        if !(allowed && self.is_fresh()) {
            return Err(ApiError::ReauthenticationRequired);
        }
        // "This wasn't me" may have left an account without a passkey: access to the mailbox alone must not be enough
        // then.
        if self.session.method == Method::Email && self.is_locked_down() {
            return Err(ApiError::OlderPasskeyRequired);
        }
        self.check_probation()
    }

    /// Checks whether the session may add a passkey: under the conditions of [`Self::check_sensitive_action`], or after a fresh email
    /// or recovery code, which is how a lost passkey is replaced.
    pub fn check_add_passkey(self) -> Result<(), ApiError> {
        let allowed = match &self.session.method {
            Method::Passkey(id) => self.session.user_verified && self.is_in_use(id),
            Method::Email | Method::Recovery | Method::BreakGlass => !self.session.added_passkey,
        };
        if !(allowed && self.is_fresh()) {
            return Err(ApiError::ReauthenticationRequired);
        }
        // An administrator can also help a user who lost the older passkey, but not while the lockdown is new.
        let is_helped = self.session.method == Method::BreakGlass
            && self.user.lockdown.is_some_and(|lockdown| self.now.since(lockdown.since) >= PROBATION);
        if !is_helped && self.is_locked_down() {
            return Err(ApiError::OlderPasskeyRequired);
        }
        self.check_probation()
    }

    /// The end of a passkey's probation, during which it cannot manage the account. A passkey is on probation if it was
    /// added by email alone while an older one exists.
    pub fn on_probation_until(self, own: &Passkey) -> Option<Timestamp> {
        own.on_probation_until(self.passkeys, self.rp_id, self.now)
    }

    /// Whether any passkey of the account can sign in at this relying party.
    pub fn has_usable(self) -> bool {
        self.passkeys.iter().any(|passkey| passkey.is_usable(self.rp_id))
    }

    fn is_in_use(self, id: &CredentialId) -> bool {
        self.passkeys.iter().any(|passkey| passkey.credential_id == *id && passkey.is_usable(self.rp_id))
    }

    fn check_probation(self) -> Result<(), ApiError> {
        let Method::Passkey(id) = &self.session.method else { return Ok(()) };
        let own = self.passkeys.iter().find(|passkey| passkey.credential_id == *id);
        match own.and_then(|own| self.on_probation_until(own)) {
            Some(_) => Err(ApiError::PasskeyOnProbation),
            None => Ok(()),
        }
    }

    fn is_locked_down(self) -> bool {
        self.user.lockdown.is_some_and(|lockdown| lockdown.is_active(self.now))
    }

    fn is_fresh(self) -> bool {
        self.now.since(self.session.authenticated_at) <= FRESH
    }
}
