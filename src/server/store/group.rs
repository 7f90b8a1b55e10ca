use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Group, GroupName, InvitationId, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;
use std::collections::BTreeSet;

/// Reads of groups.
#[async_trait]
pub trait GroupReads: Send + Sync {
    /// All groups with the number of their members, in the order of their names: those behind `after`, at most `limit`.
    async fn groups(&self, after: Option<&GroupName>, limit: u32) -> Result<Vec<(Group, u64)>, Unavailable>;

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, Unavailable>;

    /// The groups of a user.
    async fn groups_of(&self, user: UserId) -> Result<BTreeSet<GroupName>, Unavailable>;
}

/// Writes of groups and of who belongs to them.
#[async_trait]
pub trait GroupWrites: Send {
    /// Locks a group until the unit of work ends, and reads it.
    async fn lock_group(&mut self, name: &GroupName) -> Result<Option<Group>, Unavailable>;

    /// The groups that `APPLICATIONS_FILE` named when it was applied last.
    async fn groups_from_file(&mut self) -> Result<Vec<Group>, Unavailable>;

    /// Adds a group, or changes title and default of the one that has its name.
    async fn put_group(&mut self, group: &Group) -> Result<(), Unavailable>;

    /// Removes a group with all memberships; `false` when there is none of that name.
    async fn remove_group(&mut self, name: &GroupName) -> Result<bool, Unavailable>;

    /// `false` when the user belongs to the group already, or there is no such group.
    async fn join_group(&mut self, user: UserId, name: &GroupName, now: Timestamp) -> Result<bool, Unavailable>;

    /// `false` when the user does not belong to the group.
    async fn leave_group(&mut self, user: UserId, name: &GroupName) -> Result<bool, Unavailable>;

    /// Has a new account join the default groups, and those of the invitation that it came with.
    async fn join_first_groups(
        &mut self,
        user: UserId,
        invitation: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// `false` when there is no such group.
    async fn add_group_to_invitation(&mut self, id: InvitationId, name: &GroupName) -> Result<bool, Unavailable>;
}
