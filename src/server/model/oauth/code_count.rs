//! How many authorization codes an application gets, and how many of them it redeems.

use crate::server::clock::Timestamp;
use crate::server::model::ApplicationId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the counts of a day are kept.
pub const CODE_COUNTS_KEPT: Duration = Duration::from_hours(24 * 30);
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Codes of one application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeCount {
    pub issued: u64,
    /// Handed in at the token endpoint by the application they were for.
    pub redeemed: u64,
}

impl CodeCount {
    /// Fewer codes than this say nothing: a user may have closed the window.
    const ENOUGH: u64 = 3;

    /// Whether the application seems not to reach the token endpoint.
    #[must_use]
    pub fn is_never_redeemed(self) -> bool {
        self.issued >= Self::ENOUGH && self.redeemed == 0
    }
}

/// The day of a moment: days since 1970, UTC.
#[must_use]
pub fn day(at: Timestamp) -> i64 {
    at.unix_millis().div_euclid(DAY)
}

/// The counts of this process that are not written yet. There are at most as many as applications.
#[derive(Debug, Default)]
pub struct CodeTally(Mutex<BTreeMap<ApplicationId, CodeCount>>);

impl CodeTally {
    /// Counts a code that was issued.
    pub fn issued(&self, application: &ApplicationId) {
        self.add(application, CodeCount { issued: 1, redeemed: 0 });
    }

    /// Counts a code that was handed in.
    pub fn redeemed(&self, application: &ApplicationId) {
        self.add(application, CodeCount { issued: 0, redeemed: 1 });
    }

    /// Adds to an application's count.
    pub fn add(&self, application: &ApplicationId, count: CodeCount) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.entry(application.clone()).or_default();
        own.issued += count.issued;
        own.redeemed += count.redeemed;
    }

    /// Takes all counts.
    #[must_use]
    pub fn take(&self) -> BTreeMap<ApplicationId, CodeCount> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
