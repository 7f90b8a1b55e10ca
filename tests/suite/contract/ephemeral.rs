use crate::app::{Backends, MovableClock, open_ephemeral};
use crate::authenticator::{encode, random};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn key() -> String {
    format!("test:{}", encode(random::<16>()))
}

#[tokio::test]
async fn a_value_is_given_out_once() {
    for backends in Backends::ALL {
        let store = open_ephemeral(backends, &Arc::default());
        let key = key();
        store.put(&key, vec![0, 255, 7], MINUTE).await.unwrap();
        assert_eq!(store.take(&key).await.unwrap(), Some(vec![0, 255, 7]), "{backends:?}");
        assert_eq!(store.take(&key).await.unwrap(), None, "{backends:?}");
    }
}

#[tokio::test]
async fn what_was_never_put_is_none() {
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
async fn an_expired_value_is_gone() {
    for backends in Backends::ALL {
        let clock = Arc::new(MovableClock::default());
        let store = open_ephemeral(backends, &clock);
        let key = key();
        store.put(&key, vec![1], Duration::from_millis(30)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(80)).await;
        assert_eq!(store.take(&key).await.unwrap(), None, "{backends:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_takers_at_once_one_wins() {
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
async fn a_sign_of_life_is_given() {
    for backends in Backends::ALL {
        open_ephemeral(backends, &Arc::default()).ping().await.unwrap();
    }
}
