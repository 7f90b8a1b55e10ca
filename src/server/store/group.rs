use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::{Group, GroupName, InvitationId, UserId};
use crate::server::secret::TokenHash;
use async_trait::async_trait;
use std::collections::BTreeSet;

/// Reads of groups.
#[async_trait]
pub trait GroupReads: Send + Sync {
    /// At most `limit` groups with their member counts, ordered by name, starting after `after`.
    async fn groups(&self, after: Option<&GroupName>, limit: u32) -> Result<Vec<(Group, u64)>, Unavailable>;

    async fn group(&self, name: &GroupName) -> Result<Option<Group>, Unavailable>;

    /// The groups of a user.
    async fn groups_of(&self, user: UserId) -> Result<BTreeSet<GroupName>, Unavailable>;
}

/// Writes of groups and their members.
#[async_trait]
pub trait GroupWrites: Send {
    /// Locks a group until the unit of work ends, and reads it.
    async fn lock_group(&mut self, name: &GroupName) -> Result<Option<Group>, Unavailable>;

    /// The groups that `APPLICATIONS_FILE` named when it was last applied.
    async fn groups_from_file(&mut self) -> Result<Vec<Group>, Unavailable>;

    /// Adds a group, or updates the one with its name.
    async fn put_group(&mut self, group: &Group) -> Result<(), Unavailable>;

    /// Removes a group with all memberships; `false` when there is no such group.
    async fn remove_group(&mut self, name: &GroupName) -> Result<bool, Unavailable>;

    /// `false` when the user already belongs to the group, or there is no such group.
    async fn join_group(&mut self, user: UserId, name: &GroupName, now: Timestamp) -> Result<bool, Unavailable>;

    /// `false` when the user does not belong to the group.
    async fn leave_group(&mut self, user: UserId, name: &GroupName) -> Result<bool, Unavailable>;

    /// Adds a new account to the default groups and to the groups of its invitation.
    async fn join_initial_groups(
        &mut self,
        user: UserId,
        invitation: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    /// `false` when there is no such group.
    async fn add_group_to_invitation(&mut self, id: InvitationId, name: &GroupName) -> Result<bool, Unavailable>;
}
