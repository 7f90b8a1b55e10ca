use super::{Client, CredentialId, UserId, id};
use crate::server::clock::Timestamp;
use crate::server::secret::{Entropy, TokenHash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Duration;
use uuid::Uuid;

/// Maximum number of sessions per account; the least recently seen one ends first (docs/RULES.md, 8).
pub const MAX_SESSIONS: u32 = 100;

/// The public id of a session. It is not a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub Uuid);

impl SessionId {
    /// The id of a session that begins at `at`.
    pub fn new(at: Timestamp, entropy: &dyn Entropy) -> Self {
        Self(id::time_ordered(at, entropy))
    }

    /// The text form of the id: 22 characters of base64url.
    #[must_use]
    pub fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_bytes())
    }

    /// The inverse of [`SessionId::encode`]; `None` for invalid text.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Uuid::from_slice(&bytes).ok().map(Self)
    }
}

/// How long sessions live, from the settings `SESSION_IDLE`, `SESSION_MAX` and `SESSION_KEEP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLifetimes {
    pub idle: Duration,
    pub max: Duration,
    pub keep: Duration,
}

impl SessionLifetimes {
    /// Idle timeout of a session whose user chose "Keep me signed in": 14 days.
    pub const KEPT_IDLE: Duration = Duration::from_hours(14 * 24);

    /// Maximum lifetime of a session that began by email: 12 hours.
    pub const BY_EMAIL: Duration = Duration::from_hours(12);

    /// Idle and absolute timeout of a session that begins by email.
    #[must_use]
    pub fn by_email(&self) -> (Duration, Duration) {
        let max = self.max.min(Self::BY_EMAIL);
        (self.idle.min(max), max)
    }

    /// Idle and absolute timeout of a session that begins by passkey.
    #[must_use]
    pub fn by_passkey(&self, kept: bool) -> (Duration, Duration) {
        if kept { (Self::KEPT_IDLE.min(self.keep), self.keep) } else { (self.idle.min(self.max), self.max) }
    }
}

/// The sign-in method of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    Passkey(CredentialId),
    Email,
    /// A recovery code.
    Recovery,
    /// A sign-in link from an administrator.
    BreakGlass,
}

impl Method {
    /// Every name in the database.
    pub const NAMES: [&str; 4] = ["passkey", "email", "recovery", "sign-in-link"];

    /// Its name in the database.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passkey(_) => "passkey",
            Self::Email => "email",
            Self::Recovery => "recovery",
            Self::BreakGlass => "sign-in-link",
        }
    }

    /// The inverse of [`Method::name`], given the stored passkey id; `None` if the two do not match.
    #[must_use]
    pub fn parse(name: &str, passkey: Option<CredentialId>) -> Option<Self> {
        match (name, passkey) {
            ("passkey", Some(id)) => Some(Self::Passkey(id)),
            ("email", None) => Some(Self::Email),
            ("recovery", None) => Some(Self::Recovery),
            ("sign-in-link", None) => Some(Self::BreakGlass),
            _ => None,
        }
    }

    /// Its name in the activity list.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Passkey(_) => "passkey",
            Self::Email => "email",
            Self::Recovery => "recovery code",
            Self::BreakGlass => "sign-in link",
        }
    }
}

/// A signed-in browser.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, independent of the others")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub token_hash: TokenHash,
    pub method: Method,
    pub user_verified: bool,
    pub authenticated_at: Timestamp,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// When it ends, even if it is in use.
    pub ends_at: Timestamp,
    /// The idle timeout.
    pub idle: Duration,
    pub client: Client,
    /// Whether the account page offers to create a passkey on this device.
    pub offers_passkey: bool,
    /// Whether a passkey was added in this session.
    pub added_passkey: bool,
    /// "Keep me signed in": its cookie outlives the browser.
    pub kept: bool,
}

impl Session {
    /// How far `last_seen_at` may lag, so that not every request causes a write.
    const SEEN_STEP: Duration = Duration::from_mins(1);

    /// When it ends unless it is used again.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.last_seen_at.plus(self.idle).min(self.ends_at)
    }

    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }

    /// Whether `last_seen_at` lags far enough to be updated: by a minute, or by a tenth of a short idle timeout.
    #[must_use]
    pub fn should_be_marked_seen(&self, now: Timestamp) -> bool {
        now.since(self.last_seen_at) >= Self::SEEN_STEP.min(self.idle / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    const HOUR: Duration = Duration::from_hours(1);

    fn session(idle: Duration, max: Duration) -> Session {
        let start = Timestamp::from_unix_millis(1_000_000);
        Session {
            id: SessionId::new(start, &SystemEntropy),
            user_id: UserId::random(&SystemEntropy),
            token_hash: TokenHash([0; 32]),
            method: Method::Passkey(CredentialId::new(vec![1]).unwrap()),
            user_verified: true,
            authenticated_at: start,
            created_at: start,
            last_seen_at: start,
            ends_at: start.plus(max),
            idle,
            client: Client::UNKNOWN,
            offers_passkey: false,
            added_passkey: false,
            kept: false,
        }
    }

    #[test]
    fn an_idle_session_ends() {
        let session = session(HOUR, 24 * HOUR);
        let just_before = session.created_at.plus(Duration::from_secs(3599));
        assert!(session.is_alive(just_before));
        assert!(!session.is_alive(session.created_at.plus(HOUR)));
    }

    #[test]
    fn a_session_ends_even_if_it_is_in_use() {
        let mut session = session(HOUR, 24 * HOUR);
        session.last_seen_at = session.created_at.plus(Duration::from_secs(24 * 3600 - 1));
        assert!(session.is_alive(session.last_seen_at));
        assert!(!session.is_alive(session.created_at.plus(24 * HOUR)));
    }

    #[test]
    fn last_seen_is_updated_once_a_minute_or_a_tenth_of_a_short_idle_timeout() {
        for (idle, step) in [(HOUR, 60), (Duration::from_secs(50), 5)] {
            let session = session(idle, 24 * HOUR);
            assert!(!session.should_be_marked_seen(session.created_at.plus(Duration::from_secs(step - 1))));
            assert!(session.should_be_marked_seen(session.created_at.plus(Duration::from_secs(step))));
        }
    }

    #[test]
    fn a_kept_session_lives_longer_but_never_idle_beyond_its_end() {
        let lifetimes = SessionLifetimes { idle: 2 * HOUR, max: HOUR, keep: 24 * HOUR };
        assert_eq!(lifetimes.by_passkey(false), (HOUR, HOUR));
        assert_eq!(lifetimes.by_passkey(true), (24 * HOUR, 24 * HOUR));
    }
}
