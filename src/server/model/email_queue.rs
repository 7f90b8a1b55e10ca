//! The mail queue: emails that wait to be sent.

use super::email_request::{EmailRequest, OpenRequest};
use super::id;
use super::notification::Notification;
use super::queue::Claim;
use crate::server::clock::Timestamp;
use crate::server::secret::Entropy;
use uuid::Uuid;

/// The id of an email in the mail queue and in its `Message-ID` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EmailId(pub Uuid);

impl EmailId {
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
    }
}

/// The kind of an email in the queue, and of the row that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An email that a browser requested.
    Request,
    /// A security notification.
    Notification,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Request, Self::Notification];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Notification => "notification",
        }
    }

    /// The inverse of [`Kind::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An email to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingEmail {
    pub id: EmailId,
    pub created_at: Timestamp,
    /// When it stops being useful.
    pub not_after: Timestamp,
}

impl OutgoingEmail {
    /// The email that carries a notification.
    pub fn for_notification(about: &Notification, entropy: &dyn Entropy) -> Self {
        Self { id: EmailId::random(entropy), created_at: about.happened_at, not_after: about.expires_at }
    }

    /// The email that a request asks for.
    pub fn for_request(request: &EmailRequest, entropy: &dyn Entropy) -> Self {
        Self { id: EmailId::random(entropy), created_at: request.created_at, not_after: request.expires_at }
    }
}

/// An email that a worker has claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedEmail {
    pub id: EmailId,
    pub claim: Claim,
    pub created_at: Timestamp,
    pub not_after: Timestamp,
    /// The number of attempts, including this one.
    pub attempts: u32,
    pub about: About,
}

/// The reason for an email in the mail queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A user requested it.
    Request(Box<OpenRequest>),
    /// It notifies the owner.
    Notification(Box<Notification>),
}
