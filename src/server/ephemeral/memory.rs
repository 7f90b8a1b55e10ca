use super::Ephemeral;
use crate::server::Unavailable;
use crate::server::clock::{Clock, Timestamp};
use crate::server::model::limit::{Limit, Verdict};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The embedded default: everything in this process, lost with it.
///
/// Holds at most `capacity` values, and as many buckets and counts. A flood of new ones pushes out those that would expire
/// first, so memory stays bounded and a new ceremony can always begin; whoever was pushed out has to begin again. The
/// state of limits has shelves of its own, so that no flood of ceremonies empties them.
pub struct MemoryEphemeral {
    clock: Arc<dyn Clock>,
    values: Mutex<Shelf<Vec<u8>>>,
    /// A bucket expires when it is full again: then there is nothing to remember of it.
    buckets: Mutex<Shelf<()>>,
    counts: Mutex<Shelf<u64>>,
}

/// Things by name, and the order in which they expire; the number tells those of one moment apart.
struct Shelf<T> {
    capacity: usize,
    things: HashMap<String, (Expiry, T)>,
    order: BTreeMap<Expiry, String>,
    next_number: u64,
}

type Expiry = (Timestamp, u64);

impl MemoryEphemeral {
    /// Values held at once in the embedded default: at about a kilobyte each, some 30 MB when a flood fills it.
    pub const CAPACITY: usize = 32_768;

    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self {
            clock,
            values: Mutex::new(Shelf::new(capacity)),
            buckets: Mutex::new(Shelf::new(capacity)),
            counts: Mutex::new(Shelf::new(capacity)),
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        open(&self.values).things.len()
    }
}

/// A panic elsewhere cannot leave a shelf half changed, so its poison is not passed on.
fn open<T>(shelf: &Mutex<Shelf<T>>) -> MutexGuard<'_, Shelf<T>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Shelf<T> {
    fn new(capacity: usize) -> Self {
        Self { capacity, things: HashMap::new(), order: BTreeMap::new(), next_number: 0 }
    }

    fn put(&mut self, key: &str, thing: T, expires_at: Timestamp, now: Timestamp) {
        self.remove(key);
        self.make_room(now);
        let expiry = (expires_at, self.next_number);
        self.next_number += 1;
        self.order.insert(expiry, key.to_owned());
        self.things.insert(key.to_owned(), (expiry, thing));
    }

    /// What has not expired, and when it does.
    fn get(&self, key: &str, now: Timestamp) -> Option<(Timestamp, &T)> {
        let ((expires_at, _), thing) = self.things.get(key)?;
        (now < *expires_at).then_some((*expires_at, thing))
    }

    fn remove(&mut self, key: &str) -> Option<(Expiry, T)> {
        let found = self.things.remove(key)?;
        self.order.remove(&found.0);
        Some(found)
    }

    fn make_room(&mut self, now: Timestamp) {
        while let Some((&(expires_at, _), _)) = self.order.first_key_value() {
            if expires_at > now && self.things.len() < self.capacity {
                break;
            }
            if let Some((_, key)) = self.order.pop_first() {
                self.things.remove(&key);
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
        open(&self.values).put(key, value, now.plus(ttl), now);
        Ok(())
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let now = self.clock.now();
        let found = open(&self.values).remove(key);
        Ok(found.filter(|((expires_at, _), _)| now < *expires_at).map(|(_, value)| value))
    }

    async fn draw(&self, key: &str, limit: &Limit, now: Timestamp) -> Result<Verdict, Unavailable> {
        let mut buckets = open(&self.buckets);
        let full_at = buckets.get(key, now).map(|(full_at, ())| full_at);
        let (verdict, full_at) = limit.draw(full_at, now);
        if verdict == Verdict::Within {
            buckets.put(key, (), full_at, now);
        }
        Ok(verdict)
    }

    async fn look(&self, key: &str, limit: &Limit, now: Timestamp) -> Result<Verdict, Unavailable> {
        let full_at = open(&self.buckets).get(key, now).map(|(full_at, ())| full_at);
        Ok(limit.draw(full_at, now).0)
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable> {
        let now = self.clock.now();
        let mut counts = open(&self.counts);
        let (ends_at, count) = counts.get(key, now).map_or((now.plus(window), 0), |(ends_at, count)| (ends_at, *count));
        counts.put(key, count + 1, ends_at, now);
        Ok(count + 1)
    }

    async fn counted(&self, key: &str) -> Result<u64, Unavailable> {
        let now = self.clock.now();
        Ok(open(&self.counts).get(key, now).map_or(0, |(_, count)| *count))
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
        assert_eq!(open(&store.values).order.len(), 1);
    }

    #[tokio::test]
    async fn a_key_that_is_used_again_leaves_nothing_behind() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 10);
        for value in 0..5 {
            store.put("k", vec![value], Duration::from_mins(1)).await.unwrap();
        }
        assert_eq!((store.len(), open(&store.values).order.len()), (1, 1));
        assert_eq!(store.take("k").await.unwrap(), Some(vec![4]));
        assert_eq!((store.len(), open(&store.values).order.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_flood_of_buckets_pushes_out_those_that_are_nearly_full_again() {
        const LIMIT: Limit = Limit { name: "test", burst: 2, every: Duration::from_mins(1) };
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 3);
        let now = SystemClock.now();
        for key in ["busy", "busy", "a", "b", "c", "d"] {
            assert_eq!(store.draw(key, &LIMIT, now).await.unwrap(), Verdict::Within);
        }
        assert_eq!(open(&store.buckets).things.len(), 3);
        assert!(matches!(store.draw("busy", &LIMIT, now).await.unwrap(), Verdict::Beyond(_)), "it is still remembered");
    }
}
