use crate::server::Unavailable;
use crate::server::model::{Application, ApplicationId, GroupName, UserId};
use async_trait::async_trait;
use std::collections::BTreeSet;

/// Reads of applications.
#[async_trait]
pub trait ApplicationReads: Send + Sync {
    async fn application(&self, id: &ApplicationId) -> Result<Option<Application>, Unavailable>;

    /// All applications in the order of their ids: those behind `after`, at most `limit`.
    async fn applications(&self, after: Option<&ApplicationId>, limit: u32) -> Result<Vec<Application>, Unavailable>;

    /// An application, and the groups of a user among those that it is open to.
    async fn application_for(
        &self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, BTreeSet<GroupName>)>, Unavailable>;
}

/// Writes of applications.
#[async_trait]
pub trait ApplicationWrites: Send {
    /// Adds an application, or changes the one that has its id. Returns a group of its policy that does not exist, if there is
    /// one; then the unit of work can only be dropped.
    async fn put_application(&mut self, application: &Application) -> Result<Option<GroupName>, Unavailable>;

    /// `false` when there is none of that id.
    async fn remove_application(&mut self, id: &ApplicationId) -> Result<bool, Unavailable>;
}
