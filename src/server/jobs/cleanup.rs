//! Removes what has expired and the rows of deleted accounts, in small batches between which others come first.

use crate::server::Unavailable;
use crate::server::clock::Clock;
use crate::server::model::event;
use crate::server::store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often it looks, and how many rows of a table it removes at a time.
const EVERY: Duration = Duration::from_mins(10);
const BATCH: u32 = 50;
/// Between batches: SQLite has one writer.
const PAUSE: Duration = Duration::from_millis(100);

/// Works until the process ends: every ten minutes, and whenever an account was deleted here.
pub async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>, wake: Arc<Notify>) {
    let mut ticks = interval(EVERY);
    // After a machine was suspended the missed turns are not made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let cleaned = tokio::select! {
            _ = ticks.tick() => clean(&*store, &*clock, PAUSE).await,
            () = wake.notified() => remove_deleted_accounts(&*store, PAUSE).await,
        };
        if let Err(cause) = cleaned {
            tracing::warn!(%cause, "cleanup failed");
        }
    }
}

/// Removes everything that is due.
///
/// # Errors
/// When the database is away; the next turn goes on.
pub async fn clean(store: &dyn Store, clock: &dyn Clock, pause: Duration) -> Result<(), Unavailable> {
    remove_deleted_accounts(store, pause).await?;
    let now = clock.now();
    while store.remove_ended_sessions(now, BATCH).await? == u64::from(BATCH) {
        sleep(pause).await;
    }
    while store.remove_expired_emails(now, BATCH).await? == u64::from(BATCH) {
        sleep(pause).await;
    }
    let oldest = now.minus(event::KEPT);
    while store.remove_old_activity(oldest, now, BATCH).await? == u64::from(BATCH) {
        sleep(pause).await;
    }
    Ok(())
}

async fn remove_deleted_accounts(store: &dyn Store, pause: Duration) -> Result<(), Unavailable> {
    loop {
        let deleted = store.deleted_accounts(BATCH).await?;
        if deleted.is_empty() {
            return Ok(());
        }
        for user in deleted {
            while store.remove_rows_of_deleted(user, BATCH).await? {
                sleep(pause).await;
            }
        }
    }
}
