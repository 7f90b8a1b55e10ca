//! Ends the access of users who may no longer use an application, and notifies the application (docs/RULES.md, 20). The
//! policy refuses them once it is committed; this ends what would become valid again if the policy changed back.

use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::{ApplicationId, UserId};

/// The number of rows that are read at a time.
const BATCH: u32 = 100;

/// The policies or memberships that changed.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    OfApplication(&'a ApplicationId),
    OfUser(UserId),
    /// All: a change may have been interrupted between its commit and [`end`].
    All,
}

/// Ends access after a change is committed, one user at a time, so that no request waits for all of them. A code that
/// is redeemed concurrently is either redeemed before the change and found here, or refused after it.
pub async fn end(core: &Core, change: Change<'_>) -> Result<(), Unavailable> {
    let (application, user) = match change {
        Change::OfApplication(application) => (Some(application), None),
        Change::OfUser(user) => (None, Some(user)),
        Change::All => (None, None),
    };
    loop {
        let found = core.store.lost_access(application, user, BATCH).await?;
        for (user, application) in &found {
            let mut unit = core.store.begin().await?;
            // Locks the account first, like everything else that ends grants.
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
