//! Grants: the access that an authorization code gave an application, and its tokens.

use super::Scopes;
use crate::server::clock::Timestamp;
use crate::server::model::assurance::Authentication;
use crate::server::model::{ApplicationId, SessionId, UserId, id};
use crate::server::secret::{Entropy, TokenHash};
use std::time::Duration;
use uuid::Uuid;

/// How long an authorization code is valid.
pub const CODE_LIFE: Duration = Duration::from_mins(1);
/// How long an ID token and an access token are valid.
pub const TOKEN_LIFE: Duration = Duration::from_mins(15);
/// How long a refresh token is valid unused, and the longest that its grant lasts.
pub const REFRESH_IDLE: Duration = Duration::from_hours(30 * 24);
pub const REFRESH_MAX: Duration = Duration::from_hours(365 * 24);
/// How long the successor of a used refresh token is told again, while it is unused itself.
pub const REFRESH_GRACE: Duration = Duration::from_mins(1);
/// The most grants with refresh tokens of one user at one application; the oldest end first.
pub const MOST_GRANTS: u32 = 50;
/// The most access tokens of one grant that are valid at a time; the oldest end first.
pub const MOST_ACCESS_TOKENS: u32 = 50;
/// Most refresh tokens of a grant that are remembered: an older one is unknown, where a younger one ends the grant.
pub const MOST_REFRESH_TOKENS: u32 = 50;

/// The name of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantId(pub Uuid);

impl GrantId {
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
    }
}

/// The right that a user gave an application by one authorization code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub user_id: UserId,
    pub application: ApplicationId,
    /// The session that it ends with; `None` where it outlives it (`offline_access`).
    pub session: Option<SessionId>,
    /// The code that it was got by: a second use ends it.
    pub code_hash: TokenHash,
    /// The session as the application knows it.
    pub sid: String,
    pub scopes: Scopes,
    /// The parameter `claims`, as JSON.
    pub claims: Option<String>,
    pub authentication: Authentication,
    pub created_at: Timestamp,
    /// From then on none of its tokens is valid.
    pub ends_at: Timestamp,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    pub hash: TokenHash,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    pub hash: TokenHash,
    pub created_at: Timestamp,
    /// When its successor was made.
    pub used_at: Option<Timestamp>,
}

impl RefreshToken {
    /// Whether a used token may still be answered with its successor.
    #[must_use]
    pub fn is_in_grace(&self, now: Timestamp) -> bool {
        self.used_at.is_none_or(|used_at| now.since(used_at) <= REFRESH_GRACE)
    }
}

/// When a grant ends that is refreshed now.
#[must_use]
pub fn refreshed_until(created_at: Timestamp, now: Timestamp) -> Timestamp {
    now.plus(REFRESH_IDLE).min(created_at.plus(REFRESH_MAX))
}
