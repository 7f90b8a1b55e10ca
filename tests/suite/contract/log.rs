//! SQLite's write-ahead log finds its way into the file while the program runs, and leaves nothing when it ends.

use super::admission::Arriving;
use super::store::{NOW, add_account};
use latchkey::server::store::{Admitted, Store, sqlite};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection, query_scalar};
use std::path::Path;
use std::time::Duration;

/// What stands in the file itself: one that is said never to change is read without its log.
async fn in_the_file_alone(file: &Path, count: &'static str) -> Option<i64> {
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
async fn what_is_written_reaches_the_file_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let store = sqlite::open(&file).await.unwrap();
    let (user, passkey, seen) = add_account(&store, "ada").await;
    let admitted = Arriving::with(&user, &passkey, u32::MAX).come_in(&store, None, None).await;
    assert!(matches!(admitted, Admitted::In { .. }), "{admitted:?}");
    let passes = std::sync::atomic::AtomicI64::new(0);
    until("the log was not copied", || async {
        let at = NOW.plus(Duration::from_secs(passes.fetch_add(1, std::sync::atomic::Ordering::SeqCst).unsigned_abs()));
        store.mark_session_seen(seen.id, at).await.unwrap();
        in_the_file_alone(&file, "select count(*) from sessions").await == Some(2)
    })
    .await;
    // Another program that writes meanwhile keeps nobody's work from the file.
    let other = sqlite::join(&file).await.unwrap();
    add_account(&other, "eve").await;
    drop(other);
    until("what another program wrote was not copied", || async {
        in_the_file_alone(&file, "select count(*) from users").await == Some(2)
    })
    .await;
    drop(store);
    // Whoever closes the file last takes the log away.
    let log = folder.path().join("test.db-wal");
    until("a connection was left open", || async { !log.exists() }).await;
}
