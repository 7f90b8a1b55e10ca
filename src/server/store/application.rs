use super::Insertion;
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
    /// Adds an application.
    async fn add_application(&mut self, application: &Application) -> Result<Insertion, Unavailable>;

    /// Locks an application until the unit of work ends, and reads it.
    async fn lock_application(&mut self, id: &ApplicationId) -> Result<Option<Application>, Unavailable>;

    /// Changes an application that is locked.
    async fn change_application(&mut self, application: &Application) -> Result<(), Unavailable>;

    /// Writes the groups of an application's policy. Returns one that does not exist, if there is one; then the unit of work
    /// can only be dropped.
    async fn set_application_groups(&mut self, application: &Application) -> Result<Option<GroupName>, Unavailable>;

    /// `false` when there is none of that id.
    async fn remove_application(&mut self, id: &ApplicationId) -> Result<bool, Unavailable>;
}
