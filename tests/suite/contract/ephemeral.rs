use crate::app::{Backends, MovableClock, open_ephemeral};
use crate::authenticator::{encode, random};
use crate::servers::RedisServer;
use latchkey::server::clock::{Clock, SystemClock};
use latchkey::server::ephemeral::{Entry, Ephemeral as _, RedisEphemeral};
use latchkey::server::model::limit::{Bucket, Exceeded, Limit, Verdict};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn key() -> String {
    format!("test:{}", encode(random::<16>()))
}

#[tokio::test]
async fn a_value_can_be_taken_once() {
    for backends in Backends::ALL {
        let store = open_ephemeral(backends, &Arc::default());
        let key = key();
        store.put(&key, vec![0, 255, 7], MINUTE).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), Some(vec![0, 255, 7]), "{backends:?}: get removes nothing");
        assert_eq!(store.take(&key).await.unwrap(), Some(vec![0, 255, 7]), "{backends:?}");
        assert_eq!(store.get(&key).await.unwrap(), None, "{backends:?}");
        assert_eq!(store.take(&key).await.unwrap(), None, "{backends:?}");
    }
}

#[tokio::test]
async fn an_unknown_key_has_no_value() {
    for backends in Backends::ALL {
        assert_eq!(open_ephemeral(backends, &Arc::default()).take(&key()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_later_value_replaces_an_earlier_one() {
    for backends in Backends::ALL {
        let store = open_ephemeral(backends, &Arc::default());
        let key = key();
        for value in [1, 2] {
            store.put(&key, vec![value], MINUTE).await.unwrap();
        }
        assert_eq!(store.take(&key).await.unwrap(), Some(vec![2]), "{backends:?}");
    }
}

#[tokio::test]
async fn an_expired_value_is_not_returned() {
    for backends in Backends::ALL {
        let clock = Arc::new(MovableClock::default());
        let store = open_ephemeral(backends, &clock);
        let key = key();
        store.put(&key, vec![1], Duration::from_millis(30)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(80)).await;
        assert_eq!(store.get(&key).await.unwrap(), None, "{backends:?}");
        assert_eq!(store.take(&key).await.unwrap(), None, "{backends:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_many_concurrent_takes_succeeds() {
    for backends in Backends::ALL {
        let store = open_ephemeral(backends, &Arc::default());
        for _ in 0..20 {
            let key = key();
            store.put(&key, vec![1], MINUTE).await.unwrap();
            let takers = (0..20).map(|_| {
                let (store, key) = (Arc::clone(&store), key.clone());
                tokio::spawn(async move { store.take(&key).await.unwrap() })
            });
            let mut winners = 0;
            for taker in takers.collect::<Vec<_>>() {
                winners += usize::from(taker.await.unwrap().is_some());
            }
            assert_eq!(winners, 1, "{backends:?}");
        }
    }
}

#[tokio::test]
async fn every_store_answers_a_ping() {
    for backends in Backends::ALL {
        open_ephemeral(backends, &Arc::default()).ping().await.unwrap();
    }
}

const LIMIT: Limit = Limit { name: "test", burst: 4, every: Duration::from_secs(7) };

#[tokio::test]
async fn every_store_draws_from_a_bucket_like_the_limit_itself() {
    for backends in Backends::ALL {
        let store = open_ephemeral(backends, &Arc::default());
        let key = key();
        let (mut now, mut full_at) = (SystemClock.now(), None);
        for step in random::<120>() {
            // Forward by a few seconds, and sometimes back.
            now = match step {
                0..4 => now.minus(Duration::from_secs(60 * u64::from(step))),
                step => now.plus(Duration::from_millis(u64::from(step) * 40)),
            };
            let (expected, next) = LIMIT.draw(full_at, now);
            let wait = match expected {
                Verdict::Within => None,
                Verdict::Beyond(wait) => Some(Exceeded { index: 0, wait }),
            };
            let bucket = [Bucket { key: key.clone(), limit: LIMIT }];
            assert_eq!(store.peek(&bucket, now).await.unwrap(), wait, "{backends:?}: peek draws nothing");
            assert_eq!(store.draw(&bucket, now, None).await.unwrap(), wait, "{backends:?}");
            if expected == Verdict::Within {
                full_at = Some(next);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_as_many_concurrent_draws_succeed_as_the_limit_allows() {
    for backends in Backends::ALL {
        let (store, key, now) = (open_ephemeral(backends, &Arc::default()), key(), SystemClock.now());
        let draws = (0..20).map(|_| {
            let (store, key) = (Arc::clone(&store), key.clone());
            tokio::spawn(async move { store.draw(&[Bucket { key, limit: LIMIT }], now, None).await.unwrap().is_none() })
        });
        let mut allowed = 0;
        for draw in draws.collect::<Vec<_>>() {
            allowed += u32::from(draw.await.unwrap());
        }
        assert_eq!(allowed, LIMIT.burst, "{backends:?}");
    }
}

#[tokio::test]
async fn a_draw_beyond_the_limit_stores_nothing() {
    for backends in Backends::ALL {
        let (store, bucket, now) = (open_ephemeral(backends, &Arc::default()), key(), SystemClock.now());
        for number in 0..=LIMIT.burst {
            let name = format!("{bucket}:{number}");
            let entry = Entry { key: &name, value: vec![7], ttl: MINUTE };
            let buckets = [Bucket { key: bucket.clone(), limit: LIMIT }];
            let exceeded = store.draw(&buckets, now, Some(entry)).await.unwrap();
            let expected = (number < LIMIT.burst).then(|| vec![7]);
            assert_eq!(exceeded.is_none(), expected.is_some(), "{backends:?}");
            assert_eq!(store.take(&name).await.unwrap(), expected, "{backends:?}");
        }
    }
}

#[tokio::test]
async fn a_draw_takes_from_all_buckets_or_none() {
    for backends in Backends::ALL {
        let (store, now) = (open_ephemeral(backends, &Arc::default()), SystemClock.now());
        let (narrow, wide) = (key(), key());
        let both = |times| {
            let narrow = Bucket { key: narrow.clone(), limit: LIMIT };
            [narrow, Bucket { key: wide.clone(), limit: LIMIT.times(times) }]
        };
        for _ in 0..4 {
            assert_eq!(store.draw(&both(2), now, None).await.unwrap(), None, "{backends:?}");
        }
        let exceeded = store.draw(&both(2), now, None).await.unwrap().unwrap();
        assert_eq!((exceeded.index, exceeded.wait), (0, LIMIT.every), "{backends:?}");
        for _ in 0..4 {
            let other = Bucket { key: key(), limit: LIMIT };
            let [_, wide] = both(2);
            assert_eq!(
                store.draw(&[other, wide], now, None).await.unwrap(),
                None,
                "{backends:?}: the refused draw took nothing from it"
            );
        }
        let [_, wide] = both(2);
        let other = Bucket { key: key(), limit: LIMIT };
        assert_eq!(store.draw(&[other, wide], now, None).await.unwrap().unwrap().index, 1, "{backends:?}");
    }
}

#[tokio::test]
async fn only_ceremonies_are_forgotten() {
    for backends in Backends::ALL {
        let store = open_ephemeral(backends, &Arc::default());
        let (ceremony, other) = (format!("ceremony:test:{}", key()), key());
        store.put(&ceremony, vec![1], MINUTE).await.unwrap();
        store.put(&other, vec![2], MINUTE).await.unwrap();
        // Not in the Redis that other tests use at the same time.
        if matches!(backends, Backends::Embedded) {
            assert!(store.forget_ceremonies().await.unwrap());
            assert_eq!(store.take(&ceremony).await.unwrap(), None);
            assert_eq!(store.take(&other).await.unwrap(), Some(vec![2]));
        }
    }
    let server = RedisServer::start(&[]);
    let store = RedisEphemeral::open(&server.url()).unwrap();
    for number in 0..2_500 {
        store.put(&format!("ceremony:test:{number}"), vec![1], MINUTE).await.unwrap();
    }
    store.put("other", vec![2], MINUTE).await.unwrap();
    assert!(store.forget_ceremonies().await.unwrap());
    assert_eq!(store.take("ceremony:test:7").await.unwrap(), None);
    assert_eq!(store.take("other").await.unwrap(), Some(vec![2]));
    assert_eq!(server.command(&["DBSIZE"]), "int(0)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_are_exact_and_restart_when_their_window_ends() {
    for backends in Backends::ALL {
        let (store, key) = (open_ephemeral(backends, &Arc::default()), key());
        assert_eq!(store.counted(&key).await.unwrap(), 0);
        let counts = (0..20).map(|_| {
            let (store, key) = (Arc::clone(&store), key.clone());
            tokio::spawn(async move { store.count(&key, Duration::from_secs(2)).await.unwrap() })
        });
        let mut seen = Vec::new();
        for count in counts.collect::<Vec<_>>() {
            seen.push(count.await.unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=20).collect::<Vec<_>>(), "{backends:?}");
        assert_eq!(store.counted(&key).await.unwrap(), 20);
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        assert_eq!(store.counted(&key).await.unwrap(), 0, "{backends:?}");
    }
}
