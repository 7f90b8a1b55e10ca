//! The mail queue: emails that wait to be sent, and the claims of workers on them.

use super::email_request::{EmailRequest, OpenRequest};
use super::id;
use super::notification::Notification;
use crate::server::clock::Timestamp;
use crate::server::secret::Entropy;
use std::time::Duration;
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

/// Identifies one attempt to process a row of the queue, so that no worker completes another worker's attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim(pub Uuid);

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

impl Claim {
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
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

/// How long to wait after a failed attempt: 5 s, tripled after each further attempt, at most 10 minutes and at most a
/// fifth of the email's lifetime. So an email that lives 10 minutes is still retried after a mail server deferred it
/// for five (greylisting, RFC 6647).
#[must_use]
pub fn pause_after(attempts: u32, life: Duration) -> Duration {
    let factor = 3_u32.saturating_pow(attempts.saturating_sub(1).min(8));
    (Duration::from_secs(5) * factor).min(Duration::from_mins(10)).min(life / 5)
}

#[cfg(test)]
mod tests {
    use super::super::email_request::{BREAK_GLASS_LIFE, CONFIRMATION_LIFE, LINK_LIFE};
    use super::super::notification::NOTIFICATION_LIFE;
    use super::*;

    #[test]
    fn pauses_grow_up_to_ten_minutes() {
        let pauses: Vec<_> = (1..=7).map(|attempts| pause_after(attempts, CONFIRMATION_LIFE).as_secs()).collect();
        assert_eq!(pauses, [5, 15, 45, 135, 405, 600, 600]);
        assert_eq!(pause_after(u32::MAX, CONFIRMATION_LIFE), Duration::from_mins(10));
    }

    #[test]
    fn every_email_is_tried_in_the_second_half_of_its_life() {
        for life in [LINK_LIFE, BREAK_GLASS_LIFE, CONFIRMATION_LIFE, NOTIFICATION_LIFE] {
            let mut at = Duration::ZERO;
            let tries = (1..1_000).map(|attempts| {
                at += pause_after(attempts, life);
                at
            });
            assert!(tries.take_while(|at| *at < life).any(|at| at > life / 2), "{life:?}");
        }
    }
}
