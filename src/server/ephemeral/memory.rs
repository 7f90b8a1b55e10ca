use super::{CEREMONY, Entry, Ephemeral};
use crate::server::Unavailable;
use crate::server::clock::{Clock, Timestamp};
use crate::server::model::limit::{Bucket, Exceeded, Verdict};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The embedded default: everything is in memory and is lost when the process ends.
///
/// Holds at most `capacity` values, and as many buckets and counts. When values or buckets are full, those that would
/// expire first are evicted: memory stays bounded and a new ceremony can always begin, but an evicted one must be
/// started again. When counts are full, the lowest are evicted, so that a flood of single wrong codes does not reset a
/// high count. Limits are stored apart from ceremonies, so that a flood of ceremonies does not evict them.
pub struct MemoryEphemeral {
    clock: Arc<dyn Clock>,
    values: Mutex<ExpiringMap<Vec<u8>>>,
    /// A bucket expires when it is full again: a full bucket has no state.
    buckets: Mutex<ExpiringMap<()>>,
    counts: Mutex<Counts>,
}

/// Counts by name, each with the end of its window.
struct Counts {
    capacity: usize,
    counts: HashMap<String, (Timestamp, u64)>,
}

/// Entries by key, and the order in which they expire; the number distinguishes those that expire at the same time.
struct ExpiringMap<T> {
    capacity: usize,
    entries: HashMap<String, (Expiry, T)>,
    order: BTreeMap<Expiry, String>,
    next_number: u64,
}

type Expiry = (Timestamp, u64);

impl MemoryEphemeral {
    /// Maximum number of values in the embedded default: at about a kilobyte each, some 30 MB when a flood fills it.
    pub const CAPACITY: usize = 32_768;

    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self {
            clock,
            values: Mutex::new(ExpiringMap::new(capacity)),
            buckets: Mutex::new(ExpiringMap::new(capacity)),
            counts: Mutex::new(Counts { capacity, counts: HashMap::new() }),
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        lock_state(&self.values).entries.len()
    }
}

/// A panic elsewhere cannot leave the data half changed, so a poisoned lock is still valid.
fn lock_state<T>(stored: &Mutex<T>) -> MutexGuard<'_, T> {
    stored.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> ExpiringMap<T> {
    fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new(), order: BTreeMap::new(), next_number: 0 }
    }

    fn put(&mut self, key: &str, value: T, expires_at: Timestamp) {
        self.remove(key);
        let expiry = (expires_at, self.next_number);
        self.next_number += 1;
        self.order.insert(expiry, key.to_owned());
        self.entries.insert(key.to_owned(), (expiry, value));
    }

    /// The value and its expiry, unless it has expired.
    fn get(&self, key: &str, now: Timestamp) -> Option<(Timestamp, &T)> {
        let ((expires_at, _), value) = self.entries.get(key)?;
        (now < *expires_at).then_some((*expires_at, value))
    }

    fn remove(&mut self, key: &str) -> Option<(Expiry, T)> {
        let found = self.entries.remove(key)?;
        self.order.remove(&found.0);
        Some(found)
    }

    fn make_room(&mut self, now: Timestamp) {
        while let Some((&(expires_at, _), _)) = self.order.first_key_value() {
            if expires_at > now && self.entries.len() < self.capacity {
                break;
            }
            if let Some((_, key)) = self.order.pop_first() {
                self.entries.remove(&key);
            }
        }
    }
}

impl Counts {
    fn count(&mut self, key: &str, window: Duration, now: Timestamp) -> u64 {
        if let Some((_, count)) = self.counts.get_mut(key).filter(|(ends_at, _)| now < *ends_at) {
            *count += 1;
            return *count;
        }
        self.make_room(now);
        self.counts.insert(key.to_owned(), (now.plus(window), 1));
        1
    }

    fn counted(&self, key: &str, now: Timestamp) -> u64 {
        self.counts.get(key).filter(|(ends_at, _)| now < *ends_at).map_or(0, |(_, count)| *count)
    }

    /// When full, removes expired counts and, if that is not enough, the lowest eighth, so that this full scan is rare.
    fn make_room(&mut self, now: Timestamp) {
        if self.counts.len() < self.capacity {
            return;
        }
        self.counts.retain(|_, (ends_at, _)| now < *ends_at);
        if self.counts.len() < self.capacity {
            return;
        }
        let mut ranks: Vec<_> = self.counts.values().map(|(ends_at, count)| (*count, *ends_at)).collect();
        let (_, highest_dropped, _) = ranks.select_nth_unstable(self.capacity / 8);
        let highest_dropped = *highest_dropped;
        self.counts.retain(|_, (ends_at, count)| (*count, *ends_at) > highest_dropped);
    }
}

#[async_trait]
impl Ephemeral for MemoryEphemeral {
    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn put(&self, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Unavailable> {
        let now = self.clock.now();
        let mut values = lock_state(&self.values);
        values.make_room(now);
        values.put(key, value, now.plus(ttl));
        Ok(())
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let now = self.clock.now();
        let found = lock_state(&self.values).remove(key);
        Ok(found.filter(|((expires_at, _), _)| now < *expires_at).map(|(_, value)| value))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let now = self.clock.now();
        Ok(lock_state(&self.values).get(key, now).map(|(_, value)| value.clone()))
    }

    async fn draw(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
        entry: Option<Entry<'_>>,
    ) -> Result<Option<Exceeded>, Unavailable> {
        {
            let mut stored = lock_state(&self.buckets);
            let drawn: Vec<_> = buckets.iter().map(|bucket| stored.drawn(bucket, now)).collect();
            if let Some(exceeded) = exceeded(&drawn) {
                return Ok(Some(exceeded));
            }
            for (bucket, (_, full_at)) in buckets.iter().zip(drawn) {
                stored.make_room(now);
                stored.put(&bucket.key, (), full_at);
            }
        }
        if let Some(Entry { key, value, ttl }) = entry {
            self.put(key, value, ttl).await?;
        }
        Ok(None)
    }

    async fn peek(&self, buckets: &[Bucket], now: Timestamp) -> Result<Option<Exceeded>, Unavailable> {
        let stored = lock_state(&self.buckets);
        Ok(exceeded(&buckets.iter().map(|bucket| stored.drawn(bucket, now)).collect::<Vec<_>>()))
    }

    async fn forget_ceremonies(&self) -> Result<bool, Unavailable> {
        let mut values = lock_state(&self.values);
        let keys: Vec<_> = values.entries.keys().filter(|key| key.starts_with(CEREMONY)).cloned().collect();
        for key in keys {
            values.remove(&key);
        }
        Ok(true)
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64, Unavailable> {
        Ok(lock_state(&self.counts).count(key, window, self.clock.now()))
    }

    async fn counted(&self, key: &str) -> Result<u64, Unavailable> {
        Ok(lock_state(&self.counts).counted(key, self.clock.now()))
    }
}

impl ExpiringMap<()> {
    /// The result of drawing from a bucket, and its state afterwards.
    fn drawn(&self, bucket: &Bucket, now: Timestamp) -> (Verdict, Timestamp) {
        bucket.limit.draw(self.get(&bucket.key, now).map(|(full_at, ())| full_at), now)
    }
}

/// The empty bucket with the longest wait, if there is one.
fn exceeded(drawn: &[(Verdict, Timestamp)]) -> Option<Exceeded> {
    let empty = drawn.iter().enumerate().filter_map(|(index, (verdict, _))| match verdict {
        Verdict::Within => None,
        Verdict::Beyond(wait) => Some(Exceeded { index, wait: *wait }),
    });
    empty.max_by_key(|exceeded| exceeded.wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::clock::SystemClock;
    use crate::server::model::limit::Limit;

    #[tokio::test]
    async fn a_flood_evicts_only_the_values_that_expire_first() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 3);
        for (key, minutes) in [("a", 2), ("b", 1), ("c", 3), ("d", 4)] {
            store.put(key, vec![1], Duration::from_secs(60 * minutes)).await.unwrap();
        }
        assert_eq!(store.len(), 3);
        assert_eq!(store.take("b").await.unwrap(), None);
        assert_eq!(store.take("a").await.unwrap(), Some(vec![1]));
    }

    #[tokio::test]
    async fn expired_values_are_removed() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 1_000);
        for key in 0..100 {
            store.put(&key.to_string(), vec![0; 10], Duration::ZERO).await.unwrap();
        }
        assert_eq!(store.len(), 1, "only the last value is left; the next one would remove it");
        assert_eq!(lock_state(&store.values).order.len(), 1);
    }

    #[tokio::test]
    async fn reusing_a_key_leaves_no_stale_entry() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 10);
        for value in 0..5 {
            store.put("k", vec![value], Duration::from_mins(1)).await.unwrap();
        }
        assert_eq!((store.len(), lock_state(&store.values).order.len()), (1, 1));
        assert_eq!(store.take("k").await.unwrap(), Some(vec![4]));
        assert_eq!((store.len(), lock_state(&store.values).order.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_flood_of_buckets_evicts_those_that_are_nearly_full() {
        let bucket = |key: &str| {
            let limit = Limit { name: "test", burst: 2, every: Duration::from_mins(1) };
            [Bucket { key: key.to_owned(), limit }]
        };
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 3);
        let now = SystemClock.now();
        for key in ["busy", "busy", "a", "b", "c", "d"] {
            assert_eq!(store.draw(&bucket(key), now, None).await.unwrap(), None);
        }
        assert_eq!(lock_state(&store.buckets).entries.len(), 3);
        assert!(store.draw(&bucket("busy"), now, None).await.unwrap().is_some(), "it was not evicted");
    }

    #[tokio::test]
    async fn a_flood_of_counts_does_not_evict_high_ones() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 80);
        for _ in 0..20 {
            store.count("guessed", Duration::from_hours(24)).await.unwrap();
        }
        for number in 0..2_000 {
            store.count(&number.to_string(), Duration::from_hours(72)).await.unwrap();
        }
        assert_eq!(store.counted("guessed").await.unwrap(), 20);
        assert!(lock_state(&store.counts).counts.len() <= 80);
    }

    #[tokio::test]
    async fn expired_counts_are_removed_when_full() {
        let store = MemoryEphemeral::new(Arc::new(SystemClock), 10);
        for number in 0..10 {
            store.count(&number.to_string(), Duration::ZERO).await.unwrap();
        }
        store.count("new", Duration::from_mins(1)).await.unwrap();
        assert_eq!(lock_state(&store.counts).counts.len(), 1);
    }
}
