//! The queue of everything that is sent in the background: the claims of workers, and the pauses between attempts.

use super::id;
use crate::server::secret::Entropy;
use std::time::Duration;
use uuid::Uuid;

/// Identifies one attempt to process a row of the queue, so that no worker completes another worker's attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim(pub Uuid);

impl Claim {
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(id::random(entropy))
    }
}

/// How long to wait after a failed attempt: 5 s, tripled after each further attempt, at most 10 minutes and at most a
/// fifth of the lifetime. So an email that lives 10 minutes is still retried after a mail server deferred it for five
/// (greylisting, RFC 6647).
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
