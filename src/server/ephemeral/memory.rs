use super::Ephemeral;
use crate::server::Unavailable;
use crate::server::clock::{Clock, Timestamp};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The embedded default: everything in this process, lost with it.
///
/// Holds at most `capacity` values. A flood of new ones pushes out those that would expire first, so memory stays
/// bounded and a new ceremony can always begin; whoever was pushed out has to begin again.
pub struct MemoryEphemeral {
    clock: Arc<dyn Clock>,
    capacity: usize,
    shelf: Mutex<Shelf>,
}

/// The values, and the order in which they expire; the number tells values of one moment apart.
#[derive(Default)]
struct Shelf {
    values: HashMap<String, (Expiry, Vec<u8>)>,
    order: BTreeMap<Expiry, String>,
    next_number: u64,
}

type Expiry = (Timestamp, u64);

impl MemoryEphemeral {
    /// Values held at once in the embedded default: at about a kilobyte each, some 30 MB when a flood fills it.
    pub const CAPACITY: usize = 32_768;

    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, shelf: Mutex::default() }
    }

    /// A panic elsewhere cannot leave the shelf half changed, so its poison is not passed on.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shelf().values.len()
    }
}

impl Shelf {
    fn put(&mut self, key: &str, value: Vec<u8>, expires_at: Timestamp) {
        self.remove(key);
        let expiry = (expires_at, self.next_number);
        self.next_number += 1;
        self.order.insert(expiry, key.to_owned());
        self.values.insert(key.to_owned(), (expiry, value));
    }

    fn remove(&mut self, key: &str) -> Option<(Expiry, Vec<u8>)> {
        let found = self.values.remove(key)?;
        self.order.remove(&found.0);
        Some(found)
    }

    fn make_room(&mut self, now: Timestamp, capacity: usize) {
        while let Some((&(expires_at, _), _)) = self.order.first_key_value() {
            if expires_at > now && self.values.len() < capacity {
                break;
            }
            if let Some((_, key)) = self.order.pop_first() {
                self.values.remove(&key);
            }
        }
    }
}

#[async_trait]
impl Ephemeral for MemoryEphemeral {
    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable> {
        let now = self.clock.now();
        let mut held = self.shelf();
        held.make_room(now, self.capacity);
        held.put(key, value, now.plus(ttl));
        Ok(())
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let now = self.clock.now();
        let found = self.shelf().remove(key);
        Ok(found.filter(|((expires_at, _), _)| now < *expires_at).map(|(_, value)| value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::clock::SystemClock;

    #[tokio::test]
    async fn a_flood_pushes_out_what_would_expire_first_and_nothing_more() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 3);
        for (key, minutes) in [("a", 2), ("b", 1), ("c", 3), ("d", 4)] {
            store.put(key, vec![1], Duration::from_secs(60 * minutes)).await.unwrap();
        }
        assert_eq!(store.len(), 3);
        assert_eq!(store.take("b").await.unwrap(), None);
        assert_eq!(store.take("a").await.unwrap(), Some(vec![1]));
    }

    #[tokio::test]
    async fn expired_values_do_not_pile_up() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 1_000);
        for key in 0..100 {
            store.put(&key.to_string(), vec![0; 10], Duration::ZERO).await.unwrap();
        }
        assert_eq!(store.len(), 1, "the last one is cleared by the next");
        assert_eq!(store.shelf().order.len(), 1);
    }

    #[tokio::test]
    async fn a_key_that_is_used_again_leaves_nothing_behind() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 10);
        for value in 0..5 {
            store.put("k", vec![value], Duration::from_mins(1)).await.unwrap();
        }
        assert_eq!((store.len(), store.shelf().order.len()), (1, 1));
        assert_eq!(store.take("k").await.unwrap(), Some(vec![4]));
        assert_eq!((store.len(), store.shelf().order.len()), (0, 0));
    }
}
