//! Ends the access of users who may no longer use an application, and tells the application (docs/RULES.md, 20). The policy
//! refuses them from its commit on; this ends what would come back with the policy.

use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::{ApplicationId, UserId};

/// How many accesses are read at a time.
const BATCH: u32 = 100;

/// Where a policy or a membership changed.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    Of(&'a ApplicationId),
    Concerning(UserId),
    /// Anywhere: an act may have been interrupted between its commit and [`end`].
    Anywhere,
}

/// Ends access after a change was committed, one user at a time, so that no one waits for all of them. A code that is redeemed
/// meanwhile is redeemed before the change, and found here, or after it, and refused.
pub async fn end(core: &Core, change: Change<'_>) -> Result<(), Unavailable> {
    let (application, user) = match change {
        Change::Of(application) => (Some(application), None),
        Change::Concerning(user) => (None, Some(user)),
        Change::Anywhere => (None, None),
    };
    loop {
        let found = core.store.lost_access(application, user, BATCH).await?;
        for (user, application) in &found {
            let mut unit = core.store.begin().await?;
            // The account first, as everything that ends grants does.
            unit.lock_user(*user).await?;
            if unit.has_lost_access(*user, application).await? {
                unit.end_visits(*user, Some(application), core.now()).await?;
                unit.end_grants(*user, Some(application)).await?;
            }
            unit.commit().await?;
        }
        if found.len() < usize::try_from(BATCH).unwrap_or_default() {
            return Ok(());
        }
    }
}
