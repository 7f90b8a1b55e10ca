use super::Insertion;
use crate::server::Unavailable;
use crate::server::model::logo::Logo;
use crate::server::model::{Application, ApplicationId, GroupName, UserId};
use async_trait::async_trait;
use std::collections::BTreeSet;

/// Reads of applications.
#[async_trait]
pub trait ApplicationReads: Send + Sync {
    async fn application(&self, id: &ApplicationId) -> Result<Option<Application>, Unavailable>;

    /// All applications in the order of their ids: those behind `after`, at most `limit`.
    async fn applications(&self, after: Option<&ApplicationId>, limit: u32) -> Result<Vec<Application>, Unavailable>;

    /// The logo of an enabled application, if this is its version.
    async fn logo(&self, id: &ApplicationId, version: &str) -> Result<Option<Logo>, Unavailable>;

    /// Users with access to an application whose policy no longer has them, or that is disabled: at one application or all, of
    /// one user or all, at most `limit`.
    async fn lost_access(
        &self,
        application: Option<&ApplicationId>,
        user: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, ApplicationId)>, Unavailable>;
}

/// Writes of applications.
#[async_trait]
pub trait ApplicationWrites: Send {
    /// Reads all applications, in the order of their ids. Other units of work that call this wait until this one ends.
    async fn lock_applications(&mut self) -> Result<Vec<Application>, Unavailable>;

    /// Adds an application.
    async fn add_application(&mut self, application: &Application) -> Result<Insertion, Unavailable>;

    /// Locks an application until the unit of work ends, and reads it.
    async fn lock_application(&mut self, id: &ApplicationId) -> Result<Option<Application>, Unavailable>;

    /// Changes an application that is locked.
    async fn change_application(&mut self, application: &Application) -> Result<(), Unavailable>;

    /// Writes the groups of an application's policy. Returns one that does not exist, if there is one; then the unit of work
    /// can only be dropped.
    async fn set_application_groups(&mut self, application: &Application) -> Result<Option<GroupName>, Unavailable>;

    /// Writes the logo of an application, or removes it.
    async fn put_logo(&mut self, id: &ApplicationId, logo: Option<&Logo>) -> Result<(), Unavailable>;

    /// As [`ApplicationReads::lost_access`], for a user who is locked.
    async fn has_lost_access(&mut self, user: UserId, id: &ApplicationId) -> Result<bool, Unavailable>;

    /// An application with the groups of a user. Its policy stays as it is until the unit of work ends.
    async fn application_within(
        &mut self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, BTreeSet<GroupName>)>, Unavailable>;

    /// Locks the applications that are open to a group, in the order of their ids, and reads them.
    async fn lock_applications_of(&mut self, group: &GroupName) -> Result<Vec<Application>, Unavailable>;

    /// `false` when there is none of that id.
    async fn remove_application(&mut self, id: &ApplicationId) -> Result<bool, Unavailable>;
}
