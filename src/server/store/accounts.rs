use super::Insertion;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::notification::{Notification, NotificationId, Occasion, SentNotification};
use crate::server::model::outbox::OutgoingEmail;
use crate::server::model::recovery::RecoveryCodeHash;
use crate::server::model::{CredentialId, Event, EventId, KnownBrowser, Lockdown, Passkey, Session, User, UserId};
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
    async fn notification_by_link(&self, link: &TokenHash) -> Result<Option<SentNotification>, Unavailable>;

    /// The security letters to an account that can still be answered and were not, newest first; at most [`MOST_LISTED`].
    async fn security_letters(&self, user: UserId, now: Timestamp) -> Result<Vec<Notification>, Unavailable>;

    /// The browsers that remember an account; at most [`MOST_BROWSERS`](crate::server::model::browser::MOST_BROWSERS).
    async fn known_browsers(&self, user: UserId) -> Result<Vec<KnownBrowser>, Unavailable>;

    /// How many passkeys were made for another relying party than this one.
    async fn count_passkeys_elsewhere(&self, rp_id: &str) -> Result<u64, Unavailable>;

    /// Accounts that were deleted and still have rows, at most `limit`.
    async fn deleted_accounts(&self, limit: u32) -> Result<Vec<UserId>, Unavailable>;

    /// Removes rows of a deleted account, at most `limit` of each table, and in the end the account itself; `false` when
    /// there is nothing left of it.
    async fn remove_rows_of_deleted(&self, user: UserId, limit: u32) -> Result<bool, Unavailable>;

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

    /// Recovery codes of an account that were made before.
    async fn count_recovery_codes_before(&mut self, user: UserId, before: Timestamp) -> Result<u32, Unavailable>;

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

    /// Begins or ends the lockdown of an account.
    async fn set_lockdown(&mut self, user: UserId, lockdown: Option<Lockdown>) -> Result<(), Unavailable>;

    /// Ends the sessions and forgets the known browsers that are more than an account keeps, the oldest first.
    async fn trim(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Removes the oldest events beyond those that an account keeps.
    async fn trim_events(&mut self, user: UserId) -> Result<(), Unavailable>;

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

    /// Whether one of these names is held for this user.
    async fn is_username_held_for(
        &mut self,
        names: &[KeyedHash],
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;

    /// Puts these recovery codes in the place of all others of an account.
    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[RecoveryCodeHash],
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// Uses up a code and tells when it was made; of several that try at once, one gets it.
    async fn use_recovery_code(&mut self, code: &RecoveryCodeHash) -> Result<Option<Timestamp>, Unavailable>;

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
    async fn add_notification(&mut self, letter: &Notification, outgoing: &OutgoingEmail) -> Result<(), Unavailable>;

    /// How many security notifications about an account went to an address since.
    async fn count_notifications(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        since: Timestamp,
    ) -> Result<NotificationCounts, Unavailable>;

    /// Marks "that was not me" as said; of several that try at once, one gets `true`.
    async fn report_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Marks a change of address as undone; of several that try at once, one gets `true`.
    async fn undo_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Voids the undo links of changes that came at `since` or later. "This wasn't me" links stay good.
    async fn void_later_undo_links(
        &mut self,
        user: UserId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// Remembers that the link of an email to this address undid a change that was made then.
    async fn remember_restored(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        changed_at: Timestamp,
    ) -> Result<(), Unavailable>;

    /// When the change was made that a link undid which had gone to this address, if that was the last one.
    async fn restored(&mut self, user: UserId, address: &EmailAddress) -> Result<Option<Timestamp>, Unavailable>;

    /// Voids everything that was asked for by letter for an account.
    async fn void_requests_of_user(&mut self, user: UserId) -> Result<(), Unavailable>;

    /// Makes an account unusable and frees its name and address; [`Accounts::remove_rows_of_deleted`] does the rest.
    /// `false` when it is gone.
    async fn delete_user(&mut self, user: UserId, now: Timestamp) -> Result<bool, Unavailable>;
}

/// The longest list that is read at once where people cannot make it longer than a few dozen.
pub const MOST_LISTED: u32 = 500;

/// Security notifications that an address got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationCounts(pub Vec<(Occasion, bool, u32)>);

impl NotificationCounts {
    /// Those of one kind.
    #[must_use]
    pub fn about(&self, occasion: Occasion) -> u32 {
        self.0.iter().filter(|(kind, ..)| *kind == occasion).map(|(.., count)| count).sum()
    }

    /// Those without an undo link.
    #[must_use]
    pub fn without_undo(&self) -> u32 {
        self.0.iter().filter(|(_, can_undo, _)| !can_undo).map(|(.., count)| count).sum()
    }
}
