//! How often something may be done: a bucket that runs empty at once and fills again drop by drop.

use super::notification::ANSWERABLE;
use crate::server::clock::Timestamp;
use std::time::Duration;

/// `burst` at once, and one more after each `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name in metrics, logs and keys.
    pub name: &'static str,
    pub burst: u32,
    pub every: Duration,
}

/// Ceremonies that a client may begin.
pub const CEREMONIES: Limit = Limit { name: "ceremonies", burst: 30, every: Duration::from_secs(5) };
/// Accounts that a client may make: 5 an hour.
pub const SIGN_UPS: Limit = Limit { name: "sign_ups", burst: 5, every: Duration::from_mins(12) };
/// Emails that a client may ask for: 10 an hour.
pub const EMAILS_OF_CLIENT: Limit = Limit { name: "emails_of_client", burst: 10, every: Duration::from_mins(6) };
/// Emails that may be asked for under one name or address, and those that go to one account: 3 an hour.
pub const EMAILS_TO_ONE: Limit = Limit { name: "emails_to_one", burst: 3, every: Duration::from_mins(20) };
/// Codes and links that a client may answer with.
pub const ANSWERS: Limit = Limit { name: "answers", burst: 30, every: Duration::from_secs(5) };
/// Acts of an account: what its session writes.
pub const ACTS: Limit = Limit { name: "acts", burst: 60, every: Duration::from_secs(5) };
/// Writes of clients without an account, such as forgetting who signed in last.
pub const CHOICES: Limit = Limit { name: "choices", burst: 30, every: Duration::from_secs(5) };
/// Failed requests of applications from one address.
pub const CLIENT_FAILURES: Limit = Limit { name: "client_failures", burst: 60, every: Duration::from_secs(2) };
/// Refused redirect URIs that are kept for one client address.
pub const MISMATCHES: Limit = Limit { name: "mismatches", burst: 20, every: Duration::from_secs(30) };
/// Requests by which a client may report violated policies.
pub const REPORTS: Limit = Limit { name: "reports", burst: 20, every: Duration::from_secs(30) };

/// Codes for one account or address that may be typed wrong within [`FAILURE_WINDOW`]; then emails to it carry no code.
pub const MOST_FAILURES: u64 = 20;
pub const FAILURE_WINDOW: Duration = Duration::from_hours(24);

/// How long it is remembered that an email was counted: for as long as any is tried.
pub const COUNTED_ONCE: Duration = ANSWERABLE;

/// How far the clocks of nodes may differ.
pub const SKEW: Duration = Duration::from_mins(1);

/// The answer of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed.
    Within,
    /// Refused; it would be allowed after this span.
    Beyond(Duration),
}

/// The state of a bucket that was drawn from: when it is full again.
pub type FullAt = Timestamp;

/// A bucket by the key under which its state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub key: String,
    pub limit: Limit,
}

/// Which of several buckets is empty for longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Its place among them.
    pub place: usize,
    pub wait: Duration,
}

impl Limit {
    /// The same limit for so many clients together.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self { burst: self.burst * factor, every: self.every / factor, ..self }
    }

    /// How long an empty bucket takes to be full.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.every * self.burst
    }

    /// Draws from a bucket (the Generic Cell Rate Algorithm, ITU-T I.371, annex A, in its virtual scheduling form); gives
    /// the verdict and, where it is allowed, when the bucket is full again.
    ///
    /// A `full_at` further ahead than an empty bucket needs was written before the clock was set back, and says nothing;
    /// unless it is ahead by no more than clocks of nodes differ.
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

    /// Draws at each of these minutes; gives what was allowed.
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
    fn who_is_refused_learns_when_to_come_again() {
        let empty = (0..3).fold(None, |full_at, _| Some(LIMIT.draw(full_at, at(0)).1));
        assert_eq!(LIMIT.draw(empty, at(5)).0, Verdict::Beyond(Duration::from_mins(15)));
    }

    #[test]
    fn a_clock_that_was_set_back_locks_no_user_out_and_one_that_is_a_little_behind_lets_none_in() {
        let empty = (0..3).fold(None, |full_at, _| Some(LIMIT.draw(full_at, at(1_000)).1));
        assert_eq!(LIMIT.draw(empty, at(0)).0, Verdict::Within);
        assert_eq!(LIMIT.draw(empty, at(999)).0, Verdict::Beyond(LIMIT.every));
    }
}
