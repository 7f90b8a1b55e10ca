//! Writes how many authorization codes were issued and presented, for `latchkey doctor`.

use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::oauth::code_count::day;
use std::sync::Arc;
use std::time::Duration;

/// How often counts are written. The last ones are written when the process stops, and lost if it is killed.
const EVERY: Duration = Duration::from_secs(5);

/// Runs until the process ends. Writes nothing if nothing was counted.
pub async fn run(core: Arc<Core>) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(cause) = write(&core).await {
            tracing::warn!(%cause, "code counts not written");
        }
    }
}

/// Adds the tally to the counts of the day. Counts that cannot be written return to the tally.
///
/// # Errors
/// When the database is unavailable.
pub async fn write(core: &Core) -> Result<(), Unavailable> {
    let mut counts = core.code_tally.take().into_iter();
    while let Some((application, count)) = counts.next() {
        if let Err(cause) = core.store.add_code_count(&application, day(core.now()), count).await {
            core.code_tally.add(&application, count);
            counts.for_each(|(application, count)| core.code_tally.add(&application, count));
            return Err(cause);
        }
    }
    Ok(())
}
