//! Ids of new rows.

use crate::server::clock::Timestamp;
use crate::server::secret::Entropy;
use uuid::{Builder, Uuid};

/// The current time and a source of randomness, for creating rows.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    pub now: Timestamp,
    pub entropy: &'a dyn Entropy,
}

/// A random id that reveals nothing (UUID version 4; RFC 9562, section 5.4).
pub(super) fn random(entropy: &dyn Entropy) -> Uuid {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// An id that begins with the millisecond of its creation, followed by 74 random bits (UUID version 7; RFC 9562,
/// section 5.7): rows that are written one after another are adjacent in an index of any size. Only for rows that show
/// their creation time anyway, since the id reveals it.
pub(super) fn time_ordered(at: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let mut bytes = [0; 10];
    entropy.fill(&mut bytes);
    Builder::from_unix_timestamp_millis(u64::try_from(at.unix_millis()).unwrap_or_default(), &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    #[test]
    fn ids_sort_by_creation_time_and_are_unique() {
        let at = |millis| time_ordered(Timestamp::from_unix_millis(millis), &SystemEntropy);
        let names: Vec<_> = (0..1_000).map(|turn| at(1_795_000_000_000 + turn)).collect();
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| name.get_version_num() == 7));
        assert_ne!(at(1), at(1));
        // A clock before 1970 must not cause a panic.
        assert!(at(-5) < names[0]);
    }
}
