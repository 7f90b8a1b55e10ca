use super::{Issuer, id};
use crate::server::clock::Timestamp;
use crate::server::secret::{Token, TokenHash};
use std::time::Duration;
use uuid::Uuid;

/// The id of an invitation, for administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvitationId(pub Uuid);

/// A link that lets users sign up even if sign-up is closed, and adds them to groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub link_hash: TokenHash,
    /// A note by the administrator who created it, such as its recipient.
    pub note: Option<String>,
    pub uses_left: u32,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Creates an invitation and the token of its link, which is not stored.
    #[must_use]
    pub fn new(note: Option<String>, uses: u32, life: Duration, issuer: Issuer<'_>) -> (Self, Token) {
        let Issuer { now, entropy } = issuer;
        let (id, token) = (InvitationId(id::random(entropy)), Token::random(entropy));
        let (link_hash, expires_at) = (token.hash(), now.plus(life));
        (Self { id, link_hash, note, uses_left: uses, created_at: now, expires_at }, token)
    }

    /// Whether it is valid.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.uses_left > 0 && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn an_invitation_ends_when_used_up_or_expired() {
        let now = Timestamp::from_unix_millis(1_795_000_000_000);
        let (invitation, token) =
            Invitation::new(None, 1, Duration::from_hours(1), Issuer { now, entropy: &SystemEntropy });
        assert_eq!(invitation.link_hash, token.hash());
        assert!(invitation.is_open(now) && invitation.is_open(now.plus(Duration::from_mins(59))));
        assert!(!invitation.is_open(now.plus(Duration::from_hours(1))));
        assert!(!Invitation { uses_left: 0, ..invitation }.is_open(now));
    }
}
