//! Tests that only apply to the SQLite store: group commits, and checkpoints alongside writers.

use super::record_sign_in::{Case, PendingSignIn, prepare};
use super::store::{NOW, add_account};
use latchkey::server::store::{SessionReads, SignInOutcome, Store, sqlite};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{Connection, SqliteConnection, query, query_scalar};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Starts a sign-in in its own task.
fn start(store: &Arc<dyn Store>, sign_in: &Arc<PendingSignIn>) -> JoinHandle<Option<SignInOutcome>> {
    let (store, sign_in) = (Arc::clone(store), Arc::clone(sign_in));
    tokio::spawn(async move { sign_in.try_record(&*store, None, None).await.ok() })
}

/// A store in a file, and sign-ins that are ready to be recorded.
struct Fixture {
    _folder: TempDir,
    file: PathBuf,
    store: Arc<dyn Store>,
    sign_ins: Vec<Arc<PendingSignIn>>,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let store: Arc<dyn Store> = Arc::new(sqlite::open(&file, Duration::from_secs(5)).await.unwrap());
    let mut sign_ins = Vec::new();
    for number in 0..8 {
        sign_ins.push(Arc::new(prepare(&*store, Case::Valid, &format!("ada{number}")).await));
    }
    Fixture { _folder: folder, file, store, sign_ins }
}

/// Opens a connection as another program would.
async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

async fn assert_recorded(started: Vec<JoinHandle<Option<SignInOutcome>>>) {
    for one in started {
        let outcome = timeout(TIMEOUT, one).await.unwrap().unwrap();
        assert!(matches!(outcome, Some(SignInOutcome::Recorded { .. })), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_sign_in_is_not_written_and_blocks_no_other() {
    let Fixture { store, sign_ins, .. } = &fixture().await;
    let writer = store.begin().await.unwrap();
    let first = start(store, &sign_ins[0]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let others = sign_ins[1..].iter().map(|one| start(store, one)).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    writer.commit().await.unwrap();
    assert_recorded(others).await;
    sign_ins[0].assert_not_recorded(&**store).await;
    // The same holds for a sign-in that waits alone.
    let writer = store.begin().await.unwrap();
    let alone = start(store, &sign_ins[0]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    alone.abort();
    assert!(alone.await.unwrap_err().is_cancelled());
    writer.commit().await.unwrap();
    sign_ins[0].assert_not_recorded(&**store).await;
    assert_recorded(vec![start(store, &sign_ins[0])]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_a_write_fails_no_sign_in_of_the_group_succeeds_and_all_succeed_later() {
    let Fixture { file, store, sign_ins, .. } = &fixture().await;
    let mut other = connect(file).await;
    query("alter table known_browsers rename to taken_away").execute(&mut other).await.unwrap();
    let writer = store.begin().await.unwrap();
    let started: Vec<_> = sign_ins.iter().map(|one| start(store, one)).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    writer.commit().await.unwrap();
    for one in started {
        assert!(timeout(TIMEOUT, one).await.unwrap().unwrap().is_none());
    }
    query("alter table taken_away rename to known_browsers").execute(&mut other).await.unwrap();
    for one in sign_ins {
        one.assert_not_recorded(&**store).await;
    }
    assert_recorded(sign_ins.iter().map(|one| start(store, one)).collect()).await;
}

/// Another program has locked the file: waiting sign-ins are refused in time, and succeed once the file is released.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_do_not_wait_forever_for_a_file_that_another_process_locks() {
    let Fixture { file, store, sign_ins, .. } = &fixture().await;
    let mut other = connect(file).await;
    query("begin immediate").execute(&mut other).await.unwrap();
    for one in sign_ins.iter().map(|one| start(store, one)).collect::<Vec<_>>() {
        assert!(timeout(TIMEOUT, one).await.unwrap().unwrap().is_none());
    }
    query("commit").execute(&mut other).await.unwrap();
    // A sign-in that was dropped while it was written may have succeeded.
    for one in sign_ins {
        let outcome = timeout(TIMEOUT, start(store, one)).await.unwrap().unwrap();
        assert!(matches!(outcome, Some(SignInOutcome::Recorded { .. } | SignInOutcome::Refused(_))), "{outcome:?}");
    }
}

/// Another program writes to a file that needs a migration: startup waits for it, but not forever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn startup_waits_for_a_writer_and_reports_it_if_that_takes_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut other = SqliteConnection::connect_with(&options.journal_mode(SqliteJournalMode::Wal)).await.unwrap();
    query("begin immediate").execute(&mut other).await.unwrap();
    let refused = sqlite::open(&file, Duration::from_millis(100)).await.err().unwrap().to_string();
    assert!(refused.contains("another process has been writing") && !refused.contains("error"), "{refused}");
    let waiting = tokio::spawn({
        let file = file.clone();
        async move { sqlite::open(&file, Duration::from_secs(30)).await.map(drop) }
    });
    // Longer than any request would wait.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!waiting.is_finished());
    query("commit").execute(&mut other).await.unwrap();
    timeout(TIMEOUT, waiting).await.unwrap().unwrap().unwrap();
}

/// Counts rows in the file itself: an immutable database is read without its log.
async fn count_without_log(file: &Path, count: &'static str) -> Option<i64> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    query_scalar(count).fetch_one(&mut connection).await.ok()
}

async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    for _ in 0..200 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_reach_the_file_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let store = sqlite::open(&file, Duration::from_secs(5)).await.unwrap();
    let (user, passkey, seen) = add_account(&store, "ada").await;
    let outcome = PendingSignIn::new(&user, &passkey, u32::MAX).record(&store, None, None).await;
    assert!(matches!(outcome, SignInOutcome::Recorded { .. }), "{outcome:?}");
    let passes = AtomicU64::new(0);
    until("the log was not copied", || async {
        let at = NOW.plus(Duration::from_secs(passes.fetch_add(1, Ordering::SeqCst)));
        store.mark_session_seen(seen.id, at).await.unwrap();
        count_without_log(&file, "select count(*) from sessions").await == Some(2)
    })
    .await;
    // A write of another program at the same time blocks no write.
    let other = sqlite::join(&file).await.unwrap();
    add_account(&other, "eve").await;
    drop(other);
    until("the writes of another program were not copied", || async {
        count_without_log(&file, "select count(*) from users").await == Some(2)
    })
    .await;
    drop(store);
    // The last connection to close removes the log.
    let log = folder.path().join("test.db-wal");
    until("a connection was left open", || async { !log.exists() }).await;
    until("a task outlives the store", || async { tasks() <= before }).await;
}

#[tokio::test]
async fn deleted_data_is_not_left_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let holds = |text: &str| {
        let bytes = std::fs::read(&file).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let store: Arc<dyn Store> = Arc::new(sqlite::open(&file, Duration::from_secs(5)).await.unwrap());
    let (user, _, _) = add_account(&*store, "zebraquagga").await;
    store.close().await;
    sqlite::merge_log(&file).await.unwrap();
    assert!(holds("zebraquagga"));
    let store: Arc<dyn Store> = Arc::new(sqlite::open(&file, Duration::from_secs(5)).await.unwrap());
    let mut unit = store.begin().await.unwrap();
    assert!(unit.delete_user(user.id, NOW).await.unwrap());
    unit.commit().await.unwrap();
    while store.remove_rows_of_deleted(user.id, 50).await.unwrap() {}
    store.close().await;
    sqlite::merge_log(&file).await.unwrap();
    assert!(!holds("zebraquagga"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_refused_because_of_a_locked_file_is_not_written_later() {
    let Fixture { store, file, sign_ins, .. } = &fixture().await;
    for (held, succeeds) in [(2_000, false), (300, true)] {
        let mut other = connect(file).await;
        query("begin immediate").execute(&mut other).await.unwrap();
        let count = "select count(*) from sessions";
        let before: i64 = query_scalar(count).fetch_one(&mut other).await.unwrap();
        let started: Vec<_> = sign_ins[..4].iter().map(|sign_in| start(store, sign_in)).collect();
        let release = async {
            tokio::time::sleep(Duration::from_millis(held)).await;
            query("commit").execute(&mut other).await.unwrap();
        };
        let answers = async {
            let mut recorded = 0;
            for one in started {
                recorded += i64::from(timeout(TIMEOUT, one).await.unwrap().unwrap().is_some());
            }
            recorded
        };
        let ((), recorded) = tokio::join!(release, answers);
        assert_eq!(recorded, if succeeds { 4 } else { 0 }, "held for {held} ms");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let after: i64 = query_scalar(count).fetch_one(&mut other).await.unwrap();
        assert_eq!(after - before, recorded, "held for {held} ms");
    }
}
