//! How rows get their ids.

use crate::server::clock::Timestamp;
use crate::server::secret::Entropy;
use uuid::{Builder, Uuid};

/// The present and randomness: what a new row is made with.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    pub now: Timestamp,
    pub entropy: &'a dyn Entropy,
}

/// A name that tells nothing (RFC 9562, section 5.4).
pub(super) fn random(entropy: &dyn Entropy) -> Uuid {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// A name that begins with the millisecond at which it was given, with 74 random bits after it (RFC 9562, section 5.7): what
/// is written one after the other lies side by side in an index, however large it is. Only for rows that show their time
/// anyway, since the name gives it away.
pub(super) fn in_order(at: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let mut bytes = [0; 10];
    entropy.fill(&mut bytes);
    Builder::from_unix_timestamp_millis(u64::try_from(at.unix_millis()).unwrap_or_default(), &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn names_sort_by_the_moment_they_were_given_and_never_meet() {
        let at = |millis| in_order(Timestamp::from_unix_millis(millis), &SystemEntropy);
        let names: Vec<_> = (0..1_000).map(|turn| at(1_795_000_000_000 + turn)).collect();
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| name.get_version_num() == 7));
        assert_ne!(at(1), at(1));
        // A clock before 1970 is no reason to fail.
        assert!(at(-5) < names[0]);
    }
}
