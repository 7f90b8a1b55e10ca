use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::notification::{Notification, NotificationId, Occasion, SentNotification};
use crate::server::model::outbox::OutgoingEmail;
use crate::server::secret::TokenHash;
use crate::types::EmailAddress;
use async_trait::async_trait;

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

/// Reads of security notifications, and what becomes of them with time.
#[async_trait]
pub trait NotificationReads: Send + Sync {
    /// The notification that has this link, open or not.
    async fn notification_by_link(&self, link: &TokenHash) -> Result<Option<SentNotification>, Unavailable>;

    /// The notifications to an account that can still be reported and were not, newest first; at most
    /// [`super::MOST_LISTED`].
    async fn notifications(&self, user: UserId, now: Timestamp) -> Result<Vec<Notification>, Unavailable>;

    /// Removes notifications whose links expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_notifications(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of security notifications.
#[async_trait]
pub trait NotificationWrites: Send {
    /// Writes a notification and queues its email.
    async fn add_notification(&mut self, about: &Notification, email: &OutgoingEmail) -> Result<(), Unavailable>;

    /// How many notifications about an account went to an address since.
    async fn count_notifications(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        since: Timestamp,
    ) -> Result<NotificationCounts, Unavailable>;

    /// Marks a notification as reported ("This wasn't me"); of several that try at once, one gets `true`.
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
}
