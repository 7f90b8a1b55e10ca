//! Security notifications: emails about account events, with links to report or undo them.

use super::probation::PROBATION;
use super::{Client, Issuer, UserId, id};
use crate::server::clock::Timestamp;
use crate::types::{DisplayName, EmailAddress, Language};
use std::time::Duration;
use uuid::Uuid;

/// Maximum number of notifications of one kind per address and account within [`NOTIFICATION_WINDOW`]; then one digest.
pub const MAX_PER_KIND: u32 = 3;
/// Maximum number of notifications of all kinds, also followed by one digest. Notifications with an undo link are not
/// counted, so that an attacker cannot use up the limit first.
pub const MAX_NOTIFICATIONS: u32 = 20;
pub const NOTIFICATION_WINDOW: Duration = Duration::from_hours(1);

/// How long the links of a notification work: as long as probation lasts (docs/RULES.md, 8 and 10).
pub const NOTIFICATION_LIFE: Duration = PROBATION;

/// The id of a security notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotificationId(pub Uuid);

/// The event that a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    PasskeyAdded,
    PasskeyRemoved,
    AddressChanged,
    /// Sent to the former address if the change cannot be undone from there.
    AddressLeft,
    AddressRestored,
    /// Sent to the address that an undo removed.
    AddressDisplaced,
    UsernameChanged,
    RecoveryCodesCreated,
    RecoveryCodeUsed,
    NewDevice,
    CounterWentBack,
    Exported,
    Deleted,
    SignInLinkCreated,
    /// Too many events within an hour to send one notification each.
    Digest,
}

impl Occasion {
    pub const ALL: [Self; 15] = [
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::AddressChanged,
        Self::AddressLeft,
        Self::AddressRestored,
        Self::AddressDisplaced,
        Self::UsernameChanged,
        Self::RecoveryCodesCreated,
        Self::RecoveryCodeUsed,
        Self::NewDevice,
        Self::CounterWentBack,
        Self::Exported,
        Self::Deleted,
        Self::SignInLinkCreated,
        Self::Digest,
    ];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyRemoved => "passkey-removed",
            Self::AddressChanged => "address-changed",
            Self::AddressLeft => "address-left",
            Self::AddressRestored => "address-restored",
            Self::AddressDisplaced => "address-displaced",
            Self::UsernameChanged => "username-changed",
            Self::RecoveryCodesCreated => "recovery-codes-made",
            Self::RecoveryCodeUsed => "recovery-code-used",
            Self::NewDevice => "new-device",
            Self::CounterWentBack => "counter-went-back",
            Self::Exported => "exported",
            Self::Deleted => "deleted",
            Self::SignInLinkCreated => "sign-in-link-made",
            Self::Digest => "digest",
        }
    }

    /// The inverse of [`Occasion::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|occasion| occasion.name() == name)
    }
}

/// A security notification. It goes to an address that was confirmed when the notification was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub id: NotificationId,
    /// `None` for the notification of a deleted account.
    pub user_id: Option<UserId>,
    pub occasion: Occasion,
    /// The object of the event: the name of a passkey, or the added or removed address.
    pub detail: Option<String>,
    pub address: EmailAddress,
    pub name: DisplayName,
    /// The language of the email.
    pub language: Language,
    /// Whether it carries a link that restores `address`.
    pub can_undo: bool,
    pub client: Client,
    pub happened_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The content of a new security notification.
pub struct NewNotification<'a> {
    pub user_id: Option<UserId>,
    pub occasion: Occasion,
    pub detail: Option<String>,
    pub address: &'a EmailAddress,
    pub name: &'a DisplayName,
    pub language: Language,
    pub can_undo: bool,
    pub client: &'a Client,
}

impl Notification {
    #[must_use]
    pub fn new(new: NewNotification<'_>, issuer: Issuer<'_>) -> Self {
        Self {
            id: NotificationId(id::random(issuer.entropy)),
            user_id: new.user_id,
            occasion: new.occasion,
            detail: new.detail,
            address: new.address.clone(),
            name: new.name.clone(),
            language: new.language,
            can_undo: new.can_undo,
            client: new.client.clone(),
            happened_at: issuer.now,
            expires_at: issuer.now.plus(NOTIFICATION_LIFE),
        }
    }
}

/// A sent security notification and the state of its links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentNotification {
    pub notification: Notification,
    pub answered_at: Option<Timestamp>,
    pub undone_at: Option<Timestamp>,
}

impl SentNotification {
    /// Whether the event can still be reported ("This wasn't me").
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.answered_at.is_none() && now < self.notification.expires_at
    }

    /// Whether the former address can still be restored.
    #[must_use]
    pub fn can_be_undone(&self, now: Timestamp) -> bool {
        self.notification.can_undo && self.undone_at.is_none() && now < self.notification.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_work_for_three_days_and_are_used_up_separately() {
        let client = Client::UNKNOWN;
        let (address, name) = (EmailAddress::parse("ada@example.org").unwrap(), DisplayName::parse("Ada").unwrap());
        let (user_id, occasion) = (Some(UserId(Uuid::nil())), Occasion::AddressChanged);
        let new = NewNotification {
            user_id,
            occasion,
            detail: None,
            address: &address,
            name: &name,
            language: Language::English,
            can_undo: true,
            client: &client,
        };
        let now = Timestamp::from_unix_millis(1_795_000_000_000);
        let notification = Notification::new(new, Issuer { now, entropy: &crate::server::secret::SystemEntropy });
        let sent = SentNotification { notification, answered_at: None, undone_at: None };
        let last = now.plus(NOTIFICATION_LIFE).minus(Duration::from_millis(1));
        assert!(sent.is_open(last) && sent.can_be_undone(last));
        assert!(!sent.is_open(now.plus(NOTIFICATION_LIFE)) && !sent.can_be_undone(now.plus(NOTIFICATION_LIFE)));
        let answered = SentNotification { answered_at: Some(now), ..sent.clone() };
        assert!(!answered.is_open(now) && answered.can_be_undone(now));
        let undone = SentNotification { undone_at: Some(now), ..sent };
        assert!(undone.is_open(now) && !undone.can_be_undone(now));
    }

    #[test]
    fn every_occasion_round_trips_through_its_name() {
        for occasion in Occasion::ALL {
            assert_eq!(Occasion::parse(occasion.name()), Some(occasion));
        }
    }
}
