//! Counts the authorization codes that an application receives, and those that it sends back.

use crate::server::clock::Timestamp;
use std::time::Duration;

/// How long daily counts are kept.
pub const CODE_COUNT_RETENTION: Duration = Duration::from_hours(24 * 30);
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// The number of codes that one application received and sent back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeCount {
    pub issued: u64,
    /// Codes that the authenticated application sent, whether or not it got tokens for them.
    pub presented: u64,
}

impl CodeCount {
    /// Fewer codes than this prove nothing: a user may have closed the window.
    const ENOUGH: u64 = 3;

    /// Whether the application seems unable to reach the token endpoint.
    #[must_use]
    pub fn is_never_presented(self) -> bool {
        self.issued >= Self::ENOUGH && self.presented == 0
    }
}

/// The day of a timestamp: days since 1970, UTC.
#[must_use]
pub fn day(at: Timestamp) -> i64 {
    at.unix_millis().div_euclid(DAY)
}
