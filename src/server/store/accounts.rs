use super::Insertion;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::letter::OutgoingLetter;
use crate::server::model::recovery::RecoveryCodeHash;
use crate::server::model::security_letter::{Occasion, SecurityLetter, SecurityLetterId, SentSecurityLetter};
use crate::server::model::{CredentialId, Event, EventId, KnownBrowser, Passkey, Session, User, UserId};
use crate::server::secret::TokenHash;
use crate::types::{EmailAddress, Identifier};
use async_trait::async_trait;

/// What people read of their own accounts, and what becomes of it with time.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// At most `limit` events, newest first, those before a certain one if it is given; `None` when the account has no
    /// such event.
    async fn events(
        &self,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, Unavailable>;

    /// How many recovery codes are left.
    async fn count_recovery_codes(&self, user: UserId) -> Result<u32, Unavailable>;

    /// The security letter that has this link, open or not.
    async fn security_letter_by_link(&self, link: &TokenHash) -> Result<Option<SentSecurityLetter>, Unavailable>;

    /// The security letters to an account that can still be answered and were not, newest first.
    async fn security_letters(&self, user: UserId, now: Timestamp) -> Result<Vec<SecurityLetter>, Unavailable>;

    /// The browsers that remember an account.
    async fn known_browsers(&self, user: UserId) -> Result<Vec<KnownBrowser>, Unavailable>;

    /// How many passkeys were made for another relying party than this one.
    async fn count_passkeys_elsewhere(&self, rp_id: &str) -> Result<u64, Unavailable>;

    /// Removes activity from before `oldest`, security letters, held names and invitations that ended before `now`, at most `limit`
    /// of each, and tells how many at most.
    async fn remove_old_activity(&self, oldest: Timestamp, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// What people do to their own accounts, within a unit of work.
#[async_trait]
pub trait AccountWrites: Send {
    /// Writes a line of activity; one of the same id that is there already stays as it is, and nothing is written about an
    /// account that is gone.
    async fn record(&mut self, event: &Event) -> Result<(), Unavailable>;

    /// All passkeys of an account, the oldest first.
    async fn passkeys_of(&mut self, user: UserId) -> Result<Vec<Passkey>, Unavailable>;

    /// Recovery codes that an account has left.
    async fn count_recovery_codes_of(&mut self, user: UserId) -> Result<u32, Unavailable>;

    /// `false` when the account has no such passkey.
    async fn remove_passkey(&mut self, user: UserId, id: &CredentialId) -> Result<bool, Unavailable>;

    /// Suspends the passkeys that were added since, but for the one that came with the account; tells how many.
    async fn suspend_passkeys(&mut self, user: UserId, since: Timestamp, now: Timestamp) -> Result<u64, Unavailable>;

    /// Gives a session a new token and a new authentication; `false` when it has ended or was given another meanwhile.
    async fn renew_session(&mut self, former: &TokenHash, renewed: &Session) -> Result<bool, Unavailable>;

    /// Whether a session is still there, under the token that is known of it.
    async fn has_session(&mut self, session: &Session) -> Result<bool, Unavailable>;

    /// Ends all sessions of an account.
    async fn end_all_sessions(&mut self, user: UserId) -> Result<u64, Unavailable>;

    /// From now on a sign-in in any browser is new to its person.
    async fn void_recognition(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Sets or ends the guard against new passkeys.
    async fn set_guard(&mut self, user: UserId, since: Option<Timestamp>) -> Result<(), Unavailable>;

    /// Keeps the names of an account and when its username changed; conflicts when the username is taken.
    async fn rename_user(&mut self, user: &User) -> Result<Insertion, Unavailable>;

    /// Holds a name for whoever gave it up.
    async fn hold_username(&mut self, name: &KeyedHash, user: UserId, until: Timestamp) -> Result<(), Unavailable>;

    /// Whether one of these names is held for somebody else.
    async fn is_username_held(
        &mut self,
        names: &[KeyedHash],
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;

    /// Puts these recovery codes in the place of all others of an account.
    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[RecoveryCodeHash],
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// Uses up a code; of several that try at once, one gets `true`.
    async fn use_recovery_code(&mut self, code: &RecoveryCodeHash) -> Result<bool, Unavailable>;

    /// Removes the recovery codes of an account that were made since.
    async fn remove_recovery_codes(&mut self, user: UserId, since: Timestamp) -> Result<u64, Unavailable>;

    /// The account that is meant, if the code is one of its own. The look-up is the same whether there is such an account
    /// or not.
    async fn owner_of_recovery_code(
        &mut self,
        code: &RecoveryCodeHash,
        identifier: &Identifier,
    ) -> Result<Option<UserId>, Unavailable>;

    /// Writes a security letter.
    async fn add_security_letter(
        &mut self,
        letter: &SecurityLetter,
        outgoing: &OutgoingLetter,
    ) -> Result<(), Unavailable>;

    /// How many letters about this went to an account since.
    async fn count_letters_about(
        &mut self,
        user: UserId,
        occasion: Occasion,
        since: Timestamp,
    ) -> Result<u32, Unavailable>;

    /// Marks "that was not me" as said; of several that try at once, one gets `true`.
    async fn answer_security_letter(&mut self, id: SecurityLetterId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Marks a change of address as undone; of several that try at once, one gets `true`.
    async fn undo_by_letter(&mut self, id: SecurityLetterId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Voids the undo links of changes that came at `since` or later, and every link in letters to other addresses.
    async fn void_later_links(
        &mut self,
        user: UserId,
        since: Timestamp,
        restored: &EmailAddress,
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// Voids everything that was asked for by letter for an account.
    async fn void_requests_of_user(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Removes an account with everything of it; `false` when it is gone.
    async fn remove_user(&mut self, user: UserId) -> Result<bool, Unavailable>;
}
