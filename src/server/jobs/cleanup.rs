//! Removes expired rows and the rows of deleted accounts, in small batches that let other writes through, and ends
//! access that should have ended but was left by an interrupted change.

use crate::server::Unavailable;
use crate::server::admin::lost_access::{self, Change};
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::oauth::client::MISMATCH_RETENTION;
use crate::server::model::oauth::code_count::{CODE_COUNT_RETENTION, day};
use crate::server::model::{event, logout};
use crate::server::store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often it runs, and how many rows of a table it removes at a time.
const EVERY: Duration = Duration::from_mins(10);
const BATCH: u32 = 50;
/// Pause between batches: SQLite has one writer.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs until the process ends: every ten minutes, and whenever this process deleted an account.
pub async fn run(core: Arc<Core>) {
    let wake = &core.store.wakes().cleanup;
    let mut ticks = interval(EVERY);
    // Ticks that were missed while the machine was suspended are skipped.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let cleaned = tokio::select! {
            _ = ticks.tick() => run_once(&core).await,
            () = wake.notified() => remove_deleted_accounts(&*core.store, PAUSE).await,
        };
        if let Err(cause) = cleaned {
            tracing::warn!(%cause, "cleanup failed");
        }
    }
}

/// Removes everything that is due, and ends access that was lost but not ended yet.
pub async fn run_once(core: &Core) -> Result<(), Unavailable> {
    clean(&*core.store, core.now(), PAUSE).await?;
    lost_access::end(core, Change::All).await
}

/// Removes everything that is due.
pub async fn clean(store: &dyn Store, now: Timestamp, pause: Duration) -> Result<(), Unavailable> {
    /// Repeats a removal until it finds less than a batch.
    macro_rules! in_batches {
        ($($removal:expr;)*) => {
            $(while $removal.await? == u64::from(BATCH) {
                sleep(pause).await;
            })*
        };
    }
    store.adopt_emails(now).await?;
    remove_deleted_accounts(store, pause).await?;
    in_batches! {
        store.remove_expired_sessions(now, BATCH);
        store.remove_expired_browsers(now, BATCH);
        store.remove_expired_requests(now, BATCH);
        store.remove_handed_over(now, BATCH);
        store.remove_expired_notifications(now, BATCH);
        store.remove_expired_names(now, BATCH);
        store.remove_expired_invitations(now, BATCH);
        store.remove_old_events(now.minus(event::RETENTION), BATCH);
        store.remove_expired_access_tokens(now, BATCH);
        store.remove_ended_grants(now, BATCH);
        store.remove_old_mismatches(now.minus(MISMATCH_RETENTION), BATCH);
        store.remove_old_code_counts(day(now.minus(CODE_COUNT_RETENTION)), BATCH);
        store.remove_old_logout_results(now.minus(logout::RESULT_RETENTION), BATCH);
    }
    store.trim_mailbox().await
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
