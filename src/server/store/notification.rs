use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::email_queue::OutgoingEmail;
use crate::server::model::notification::{Notification, NotificationId, Occasion, SentNotification};
use crate::server::secret::TokenHash;
use crate::types::EmailAddress;
use async_trait::async_trait;

/// How many security notifications an address received, by occasion and by whether they have an undo link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationCounts(pub Vec<(Occasion, bool, u32)>);

impl NotificationCounts {
    /// The number of notifications about an occasion.
    #[must_use]
    pub fn about(&self, occasion: Occasion) -> u32 {
        self.0.iter().filter(|(kind, ..)| *kind == occasion).map(|(.., count)| count).sum()
    }

    /// The number of notifications without an undo link.
    #[must_use]
    pub fn without_undo(&self) -> u32 {
        self.0.iter().filter(|(_, can_undo, _)| !can_undo).map(|(.., count)| count).sum()
    }
}

/// Reads of security notifications, and removal of expired ones.
#[async_trait]
pub trait NotificationReads: Send + Sync {
    /// The notification with this link, whether or not it is still open.
    async fn notification_by_link(&self, link: &TokenHash) -> Result<Option<SentNotification>, Unavailable>;

    /// The notifications to an account that can still be reported, newest first; at most [`super::MAX_LISTED`].
    async fn notifications(&self, user: UserId, now: Timestamp) -> Result<Vec<Notification>, Unavailable>;

    /// Removes notifications whose links expired before `now`, at most `limit`, and returns how many.
    async fn remove_expired_notifications(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable>;
}

/// Writes of security notifications.
#[async_trait]
pub trait NotificationWrites: Send {
    /// Writes a notification and queues its email.
    async fn add_notification(&mut self, about: &Notification, email: &OutgoingEmail) -> Result<(), Unavailable>;

    /// Counts the notifications about an account that were sent to an address after `since`.
    async fn count_notifications(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        since: Timestamp,
    ) -> Result<NotificationCounts, Unavailable>;

    /// Marks a notification as reported ("This wasn't me"); of several concurrent calls, one returns `true`.
    async fn report_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Marks a change of address as undone; of several concurrent calls, one returns `true`.
    async fn undo_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable>;

    /// Voids the undo links of changes made at `since` or later. "This wasn't me" links stay valid.
    async fn void_later_undo_links(
        &mut self,
        user: UserId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Unavailable>;
}
