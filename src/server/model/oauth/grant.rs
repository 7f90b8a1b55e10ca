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
/// How long an unused refresh token is valid.
pub const REFRESH_IDLE: Duration = Duration::from_hours(30 * 24);
/// Maximum lifetime of a grant with refresh tokens.
pub const REFRESH_MAX: Duration = Duration::from_hours(365 * 24);
/// How long a used refresh token still returns its successor, as long as the successor is unused.
pub const REFRESH_GRACE: Duration = Duration::from_mins(1);
/// Maximum number of grants with refresh tokens per user and application; the oldest ones end first.
pub const MAX_GRANTS: u32 = 50;
/// Maximum number of valid access tokens per grant; the oldest ones end first.
pub const MAX_ACCESS_TOKENS: u32 = 50;
/// Maximum number of refresh tokens stored per grant. Reusing a stored one ends the grant; an older one is unknown.
pub const MAX_REFRESH_TOKENS: u32 = 50;

/// The id of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantId(pub Uuid);

impl GrantId {
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
    }
}

/// The access that a user gave an application with one authorization code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub user_id: UserId,
    pub application: ApplicationId,
    /// The session that it ends with; `None` if it outlives the session (`offline_access`).
    pub session: Option<SessionId>,
    /// The hash of its authorization code: a second use of the code ends the grant.
    pub code_hash: TokenHash,
    /// The session id that the application sees.
    pub sid: String,
    pub scopes: Scopes,
    /// The `claims` parameter, as JSON.
    pub claims: Option<String>,
    pub authentication: Authentication,
    pub created_at: Timestamp,
    /// When the grant and all of its tokens expire.
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
    /// When its successor was issued.
    pub used_at: Option<Timestamp>,
}

impl RefreshToken {
    /// Whether a used token may still be exchanged for its successor.
    #[must_use]
    pub fn is_in_grace(&self, now: Timestamp) -> bool {
        self.used_at.is_none_or(|used_at| now.since(used_at) <= REFRESH_GRACE)
    }
}

/// When a grant that is refreshed now ends.
#[must_use]
pub fn refreshed_until(created_at: Timestamp, now: Timestamp) -> Timestamp {
    now.plus(REFRESH_IDLE).min(created_at.plus(REFRESH_MAX))
}
