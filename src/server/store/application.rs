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

    /// At most `limit` applications, ordered by id, starting after `after`.
    async fn applications(&self, after: Option<&ApplicationId>, limit: u32) -> Result<Vec<Application>, Unavailable>;

    /// The logo of an enabled application, if it has this version.
    async fn logo(&self, id: &ApplicationId, version: &str) -> Result<Option<Logo>, Unavailable>;

    /// At most `limit` users who have access to an application that is disabled or whose policy no longer allows them,
    /// for one application or all, and for one user or all.
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
    /// Reads all applications, ordered by id. Other units of work that call this wait until this one ends.
    async fn lock_applications(&mut self) -> Result<Vec<Application>, Unavailable>;

    /// Adds an application.
    async fn add_application(&mut self, application: &Application) -> Result<Insertion, Unavailable>;

    /// Locks an application until the unit of work ends, and reads it.
    async fn lock_application(&mut self, id: &ApplicationId) -> Result<Option<Application>, Unavailable>;

    /// Updates an application that is locked.
    async fn change_application(&mut self, application: &Application) -> Result<(), Unavailable>;

    /// Writes the groups of an application's policy. Returns a group that does not exist, if there is one; then the
    /// unit of work must be dropped.
    async fn set_application_groups(&mut self, application: &Application) -> Result<Option<GroupName>, Unavailable>;

    /// Writes the logo of an application, or removes it.
    async fn put_logo(&mut self, id: &ApplicationId, logo: Option<&Logo>) -> Result<(), Unavailable>;

    /// Whether a locked user has access to an application that is disabled or whose policy no longer allows them.
    async fn has_lost_access(&mut self, user: UserId, id: &ApplicationId) -> Result<bool, Unavailable>;

    /// An application with the groups of a user. The policy cannot change until the unit of work ends.
    async fn application_within(
        &mut self,
        id: &ApplicationId,
        user: UserId,
    ) -> Result<Option<(Application, BTreeSet<GroupName>)>, Unavailable>;

    /// Locks and reads the applications whose policies name a group, in the order of their ids.
    async fn lock_applications_of(&mut self, group: &GroupName) -> Result<Vec<Application>, Unavailable>;

    /// `false` when there is no such application.
    async fn remove_application(&mut self, id: &ApplicationId) -> Result<bool, Unavailable>;
}
