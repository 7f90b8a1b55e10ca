//! Rate limits: a bucket can be emptied at once and refills at a steady rate.

use super::notification::NOTIFICATION_LIFE;
use crate::server::clock::Timestamp;
use std::time::Duration;

/// Allows `burst` actions at once, and one more after each `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name in metrics, logs and keys.
    pub name: &'static str,
    pub burst: u32,
    pub every: Duration,
}

/// Ceremonies that a client may start.
pub const CEREMONIES: Limit = Limit { name: "ceremonies", burst: 30, every: Duration::from_secs(5) };
/// Accounts that a client may create: 5 per hour.
pub const SIGN_UPS: Limit = Limit { name: "sign_ups", burst: 5, every: Duration::from_mins(12) };
/// Emails that a client may request: 10 per hour.
pub const EMAILS_OF_CLIENT: Limit = Limit { name: "emails_of_client", burst: 10, every: Duration::from_mins(6) };
/// Emails that may be requested for one username or address, and emails to one account: 3 per hour.
pub const EMAILS_TO_ONE: Limit = Limit { name: "emails_to_one", burst: 3, every: Duration::from_mins(20) };
/// Codes and links from emails that a client may submit.
pub const ANSWERS: Limit = Limit { name: "answers", burst: 30, every: Duration::from_secs(5) };
/// Writes by the sessions of an account.
pub const ACTS: Limit = Limit { name: "acts", burst: 60, every: Duration::from_secs(5) };
/// Writes by clients without an account, such as forgetting the last user who signed in.
pub const CHOICES: Limit = Limit { name: "choices", burst: 30, every: Duration::from_secs(5) };
/// Failed requests by applications from one address.
pub const CLIENT_FAILURES: Limit = Limit { name: "client_failures", burst: 60, every: Duration::from_secs(2) };
/// Refused redirect URIs that are recorded for one client address.
pub const MISMATCHES: Limit = Limit { name: "mismatches", burst: 20, every: Duration::from_secs(30) };
/// Content Security Policy reports that a client may send.
pub const REPORTS: Limit = Limit { name: "reports", burst: 20, every: Duration::from_secs(30) };

/// Maximum number of wrong codes for one account or address within [`FAILURE_WINDOW`]; then emails to it carry no code.
pub const MAX_FAILURES: u64 = 20;
pub const FAILURE_WINDOW: Duration = Duration::from_hours(24);

/// How long an email counts only once against a limit: as long as sending any email is retried.
pub const COUNT_ONCE_WINDOW: Duration = NOTIFICATION_LIFE;

/// Maximum difference between the clocks of nodes.
pub const SKEW: Duration = Duration::from_mins(1);

/// The result of drawing from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed.
    Within,
    /// Refused; allowed again after this duration.
    Beyond(Duration),
}

/// The state of a bucket: when it is full again.
pub type FullAt = Timestamp;

/// A bucket, and the key under which its state is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub key: String,
    pub limit: Limit,
}

/// The exceeded bucket with the longest wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Its index among the buckets.
    pub index: usize,
    pub wait: Duration,
}

impl Limit {
    /// The limit for `factor` clients together.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self { burst: self.burst * factor, every: self.every / factor, ..self }
    }

    /// How long an empty bucket takes to refill.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.every * self.burst
    }

    /// Draws from a bucket (the Generic Cell Rate Algorithm, ITU-T I.371, annex A, in its virtual scheduling form);
    /// returns the verdict and when the bucket is full again.
    ///
    /// A `full_at` further ahead than an empty bucket needs was written before the clock was set back, and is ignored,
    /// unless clock differences between nodes ([`SKEW`]) explain it.
    #[must_use]
    pub fn draw(&self, full_at: Option<FullAt>, now: Timestamp) -> (Verdict, FullAt) {
        let empty = now.plus(self.span());
        let full_at = full_at.filter(|full_at| *full_at <= empty.plus(SKEW)).unwrap_or(now).max(now).min(empty);
        let drawn = full_at.plus(self.every);
        let overdrawn = drawn.since(now.plus(self.span()));
        if overdrawn.is_zero() { (Verdict::Within, drawn) } else { (Verdict::Beyond(overdrawn), full_at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { name: "test", burst: 3, every: Duration::from_mins(20) };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_795_000_000_000 + minutes * 60_000)
    }

    /// Draws at each of these minutes; returns whether each draw was allowed.
    fn draws(minutes: &[i64]) -> Vec<bool> {
        let mut full_at = None;
        let draw = |minute: &i64| {
            let (verdict, next) = LIMIT.draw(full_at, at(*minute));
            full_at = Some(next);
            verdict == Verdict::Within
        };
        minutes.iter().map(draw).collect()
    }

    #[test]
    fn a_burst_is_allowed_and_then_one_more_after_each_pause() {
        assert_eq!(
            draws(&[0, 0, 0, 0, 19, 20, 20, 39, 40]),
            [true, true, true, false, false, true, false, false, true]
        );
        assert_eq!(draws(&[0, 0, 0, 60, 60, 60, 60]), [true, true, true, true, true, true, false]);
    }

    #[test]
    fn a_refusal_says_when_to_retry() {
        let empty = (0..3).fold(None, |full_at, _| Some(LIMIT.draw(full_at, at(0)).1));
        assert_eq!(LIMIT.draw(empty, at(5)).0, Verdict::Beyond(Duration::from_mins(15)));
    }

    #[test]
    fn a_clock_set_back_locks_no_user_out_and_clock_skew_bypasses_no_limit() {
        let empty = (0..3).fold(None, |full_at, _| Some(LIMIT.draw(full_at, at(1_000)).1));
        assert_eq!(LIMIT.draw(empty, at(0)).0, Verdict::Within);
        assert_eq!(LIMIT.draw(empty, at(999)).0, Verdict::Beyond(LIMIT.every));
    }
}
