//! Tests of a store's connections: every call gets one in turn, and a cancelled call leaks none.

use super::record_sign_in::PendingSignIn;
use super::store::{NOW, add_account, on_both, passkey, session, user};
use crate::authenticator::random;
use latchkey::server::model::queue::Claim;
use latchkey::server::model::{Passkey, User};
use latchkey::server::secret::{SystemEntropy, TokenHash};
use latchkey::server::store::{Insertion, SignInOutcome, Store};
use latchkey::types::Username;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Background tasks that each repeat an action until they are stopped.
struct BackgroundTasks {
    is_stopped: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl BackgroundTasks {
    fn spawn<F: Future<Output = ()> + Send + 'static>(actions: Vec<impl Fn() -> F + Send + 'static>) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let task = |action| {
            let is_stopped = Arc::clone(&is_stopped);
            tokio::spawn(repeat_until_stopped(is_stopped, action))
        };
        let tasks = actions.into_iter().map(task).collect();
        Self { is_stopped, tasks }
    }

    /// Stops all tasks and waits for them; a failure of one fails the test.
    async fn stop(self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn repeat_until_stopped<F: Future<Output = ()> + Send>(
    is_stopped: Arc<AtomicBool>,
    action: impl Fn() -> F + Send,
) {
    while !is_stopped.load(Ordering::SeqCst) {
        action().await;
    }
}

/// Polls a future once and drops it.
async fn poll_once<T>(work: impl Future<Output = T>) {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let _ = work.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}

/// Waits until no connection is in use.
async fn wait_until_idle(store: &dyn Store) {
    for _ in 0..100 {
        if store.levels(NOW).await.unwrap().connections_used == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a connection is still in use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_session_lookups_do_not_starve_other_calls() {
    on_both(async |store| {
        let look = |_| {
            let store = Arc::clone(&store);
            move || {
                let store = Arc::clone(&store);
                async move { assert_eq!(store.session(&TokenHash(random())).await.unwrap(), None) }
            }
        };
        let tasks = BackgroundTasks::spawn((0..64).map(look).collect());
        let others: Vec<_> = (0..16)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for _ in 0..20 {
                        assert!(!store.username_is_taken(&Username::parse("ada").unwrap()).await.unwrap());
                        drop(store.begin().await.unwrap());
                    }
                })
            })
            .collect();
        for other in others {
            other.await.unwrap();
        }
        tasks.stop().await;
    })
    .await;
}

/// Adds an account whose passkey has no counter, so that it can be used repeatedly.
pub async fn add_account_without_counter(store: &dyn Store, name: &str) -> (User, Passkey) {
    let user = user(name);
    let passkey = Passkey { sign_count: 0, ..passkey(&user) };
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.add_user(&user).await.unwrap(), Insertion::Done);
    assert_eq!(unit.add_passkey(&passkey).await.unwrap(), Insertion::Done);
    unit.commit().await.unwrap();
    (user, passkey)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sign_ins_do_not_starve_other_writers() {
    on_both(async |store| {
        let (_, _, seen) = add_account(&*store, "eve").await;
        let mut actions = Vec::new();
        for number in 0..16 {
            let (user, passkey) = add_account_without_counter(&*store, &format!("ada{number}")).await;
            let store = Arc::clone(&store);
            actions.push(move || {
                let (store, sign_in) = (Arc::clone(&store), PendingSignIn::new(&user, &passkey, 0));
                async move {
                    let outcome = sign_in.record(&*store, None, None).await;
                    assert!(matches!(outcome, SignInOutcome::Recorded { .. }), "{outcome:?}");
                }
            });
        }
        let tasks = BackgroundTasks::spawn(actions);
        for _ in 0..50 {
            let claim = Claim::random(&SystemEntropy);
            assert_eq!(store.claim_email(NOW, claim, Duration::from_secs(15)).await.unwrap(), None);
            store.mark_session_seen(seen.id, NOW).await.unwrap();
            let unit = store.begin().await.unwrap();
            unit.commit().await.unwrap();
        }
        tasks.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_call_leaks_no_connection_and_blocks_no_queue() {
    on_both(async |store| {
        let (user, passkey) = add_account_without_counter(&*store, "ada").await;
        let held = store.begin().await.unwrap();
        for _ in 0..50 {
            let hash = TokenHash(random());
            poll_once(store.session(&hash)).await;
            poll_once(store.begin()).await;
            poll_once(store.mark_session_seen(session(&user, &passkey).id, NOW)).await;
            poll_once(PendingSignIn::new(&user, &passkey, 0).record(&*store, None, None)).await;
        }
        drop(held);
        wait_until_idle(&*store).await;
        store.begin().await.unwrap().commit().await.unwrap();
        let outcome = PendingSignIn::new(&user, &passkey, 0).record(&*store, None, None).await;
        assert!(matches!(outcome, SignInOutcome::Recorded { .. }), "{outcome:?}");
        wait_until_idle(&*store).await;
    })
    .await;
}
