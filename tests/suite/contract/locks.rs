//! Tests how long a PostgreSQL store waits for the locks of another transaction. A write fails before its request's
//! deadline, so nothing is written after the request is refused. Operations that may take long by design wait without a
//! timeout.

use super::connections::add_account_without_counter;
use super::record_sign_in::PendingSignIn;
use super::store::{NOW, add_account};
use crate::app::{Backends, TestDatabase};
use latchkey::server::store::{SignInOutcome, Store, Unit, postgres};
use sqlx::Connection;
use sqlx::migrate::Migrate;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The deadline of a request.
const DEADLINE: Duration = Duration::from_millis(1_900);
/// The part of the deadline that is left after a request has waited one second for a connection.
const LEFT: Duration = Duration::from_millis(900);
/// Longer than any request waits.
const LONG: Duration = Duration::from_secs(2);

async fn open() -> (TestDatabase, Arc<dyn Store>) {
    let database = TestDatabase::create(Backends::Servers).await;
    let store = database.open().await;
    (database, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_that_wait_for_a_locked_account_hold_no_connection_and_write_nothing_later() {
    let (_database, store) = open().await;
    let (user, passkey) = add_account_without_counter(&*store, "ada").await;
    let (other, others_passkey) = add_account_without_counter(&*store, "eve").await;
    let mut unit = store.begin().await.unwrap();
    unit.lock_user(user.id).await.unwrap();
    // Many more than there are connections for sign-ins.
    let waiting: Vec<_> = (0..40)
        .map(|_| {
            let (store, sign_in) = (Arc::clone(&store), PendingSignIn::new(&user, &passkey, 0));
            tokio::spawn(async move {
                let refused = timeout(DEADLINE, sign_in.try_record(&*store, None, None)).await.unwrap().unwrap_err();
                (refused.to_string(), sign_in)
            })
        })
        .collect();
    sleep(Duration::from_millis(100)).await;
    let outcome =
        timeout(LONG, PendingSignIn::new(&other, &others_passkey, 0).record(&*store, None, None)).await.unwrap();
    assert!(matches!(outcome, SignInOutcome::Recorded { .. }), "{outcome:?}");
    let mut refused = Vec::new();
    for sign_in in waiting {
        refused.push(sign_in.await.unwrap());
    }
    drop(unit);
    sleep(Duration::from_millis(200)).await;
    for (cause, sign_in) in refused {
        assert!(cause.contains("locked the account"), "{cause}");
        sign_in.assert_not_recorded(&*store).await;
    }
    let outcome = PendingSignIn::new(&user, &passkey, 0).record(&*store, None, None).await;
    assert!(matches!(outcome, SignInOutcome::Recorded { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_unit_of_work_that_waits_for_a_locked_account_fails_in_time() {
    let (_database, store) = open().await;
    let (user, _, session) = add_account(&*store, "ada").await;
    let mut first = store.begin().await.unwrap();
    first.lock_user(user.id).await.unwrap();
    let mut second = store.begin().await.unwrap();
    timeout(LEFT, second.lock_user(user.id)).await.unwrap().unwrap_err();
    drop((first, second));
    let mut unit = store.begin().await.unwrap();
    assert!(unit.lock_user(user.id).await.unwrap().is_some());
    unit.commit().await.unwrap();
    store.mark_session_seen(session.id, NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_wait_for_each_other_without_a_timeout() {
    let (_database, store) = open().await;
    for work in ["applications", "signing keys"] {
        let wait_for = async |unit: &mut dyn Unit| match work {
            "applications" => unit.lock_applications().await.map(drop),
            _ => unit.lock_signing_keys().await.map(drop),
        };
        let mut first = store.begin().await.unwrap();
        wait_for(&mut *first).await.unwrap();
        let mut second = store.begin().await.unwrap();
        let since = Instant::now();
        let release = async {
            sleep(LONG).await;
            drop(first);
        };
        let (waited, ()) = tokio::join!(wait_for(&mut *second), release);
        waited.unwrap();
        assert!(since.elapsed() >= LONG, "{work}");
        second.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_starting_node_waits_for_the_migrations_of_another() {
    let (database, _store) = open().await;
    let mut other = sqlx::PgConnection::connect(database.url().expose()).await.unwrap();
    other.lock().await.unwrap();
    let url = database.url();
    let (since, starting) = (Instant::now(), tokio::spawn(async move { postgres::open(&url, LONG).await.map(drop) }));
    sleep(LONG).await;
    other.unlock().await.unwrap();
    starting.await.unwrap().unwrap();
    assert!(since.elapsed() >= LONG);
}
