//! Notices to applications that a session ended (OpenID Connect Back-Channel Logout 1.0).

use super::queue::Claim;
use super::{ApplicationId, UserId};
use crate::server::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// How long delivery to an application that does not respond is retried.
pub const RETRY_PERIOD: Duration = Duration::from_hours(1);
/// How long a logout token is valid.
pub const TOKEN_LIFE: Duration = Duration::from_mins(2);
/// How long results are kept.
pub const RESULT_RETENTION: Duration = Duration::from_hours(7 * 24);
/// Maximum number of results in a list.
pub const MAX_RESULTS: u32 = 20;

/// A self-contained logout notice, since it may outlive the account and the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutNotice {
    pub uri: String,
    pub client_id: String,
    pub application: String,
    pub user: UserId,
    pub sid: String,
}

impl LogoutNotice {
    #[must_use]
    pub fn application_id(&self) -> Option<ApplicationId> {
        ApplicationId::parse(&self.application)
    }
}

/// A notice that a worker has claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedLogout {
    pub id: Uuid,
    pub claim: Claim,
    pub created_at: Timestamp,
    pub not_after: Timestamp,
    /// The number of attempts, including this one.
    pub attempts: u32,
    pub notice: LogoutNotice,
}

/// The last response of an application to a logout notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutResult {
    pub user: UserId,
    pub application: ApplicationId,
    pub happened_at: Timestamp,
    /// `None` if the application accepted the notice.
    pub failure: Option<String>,
}
