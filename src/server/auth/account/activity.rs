use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::{Event, EventId, UserId, event};

/// The security events of an account.
pub struct Activity<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Activity<'_> {
    /// A page of an account's activity, newest first; `None` if the event `before` does not exist.
    pub async fn page(&self, user: UserId, before: Option<EventId>) -> Result<Option<Vec<Event>>, Unavailable> {
        self.core.store.events(user, before, event::PAGE).await
    }

    /// The newest events of an account, at most `limit`.
    pub async fn newest(&self, user: UserId, limit: u32) -> Result<Vec<Event>, Unavailable> {
        Ok(self.core.store.events(user, None, limit).await?.unwrap_or_default())
    }

    /// Records that strangers were refused, at most once an hour.
    pub(in crate::server::auth) async fn record_failed_attempt(&self, user: UserId) -> Result<(), Unavailable> {
        let kind = crate::server::model::EventKind::StrangersRefused;
        let mut unit = self.core.store.begin().await?;
        unit.record(&Event::once_an_hour(user, kind, self.core.now())).await?;
        unit.commit().await
    }
}
