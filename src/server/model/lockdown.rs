use super::probation::PROBATION;
use crate::server::clock::Timestamp;

/// The state of an account after "This wasn't me" or an undone change of address: no passkey can be added
/// (docs/RULES.md, 10).
///
/// The lockdown ends for good when a passkey or recovery code from before it is used. If the account had neither when
/// the lockdown began, it expires after 72 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockdown {
    pub since: Timestamp,
    /// `None` if only an older passkey or recovery code ends it.
    pub ends_at: Option<Timestamp>,
}

impl Lockdown {
    /// A lockdown that begins now; `has_key` is whether the account has an older passkey or a recovery code.
    #[must_use]
    pub fn begin(now: Timestamp, has_key: bool) -> Self {
        Self { since: now, ends_at: (!has_key).then(|| now.plus(PROBATION)) }
    }

    #[must_use]
    pub fn is_active(self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    /// Whether the use of a passkey or recovery code that was created at `made_at` ends it.
    #[must_use]
    pub fn is_ended_by(self, made_at: Timestamp) -> bool {
        made_at < self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_lockdown_expires_only_if_nothing_else_can_end_it() {
        let now = Timestamp::from_unix_millis(1_795_000_000_000);
        let (by_key, by_time) = (Lockdown::begin(now, true), Lockdown::begin(now, false));
        let last = now.plus(PROBATION).minus(Duration::from_millis(1));
        assert!(by_key.is_active(last) && by_time.is_active(last));
        assert!(by_key.is_active(now.plus(PROBATION * 100)) && !by_time.is_active(now.plus(PROBATION)));
        assert!(by_key.is_ended_by(now.minus(Duration::from_millis(1))) && !by_key.is_ended_by(now));
    }
}
