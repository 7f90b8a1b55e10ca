use crate::server::Unavailable;
use crate::server::model::role::RoleGrant;
use crate::server::model::{Role, User, UserId};
use async_trait::async_trait;

/// Reads of roles.
#[async_trait]
pub trait RoleReads: Send + Sync {
    /// All users with a role, at most `limit`, in the order of their ids and roles: those behind `after`.
    async fn roles(&self, after: Option<(UserId, Role)>, limit: u32) -> Result<Vec<(User, RoleGrant)>, Unavailable>;

    /// The roles of a user.
    async fn roles_of(&self, user: UserId) -> Result<Vec<Role>, Unavailable>;
}

/// Writes of roles.
#[async_trait]
pub trait RoleWrites: Send {
    /// `false` when the user has the role already.
    async fn grant_role(&mut self, grant: &RoleGrant) -> Result<bool, Unavailable>;

    /// `false` when the user does not have the role.
    async fn take_role(&mut self, user: UserId, role: Role) -> Result<bool, Unavailable>;

    /// Locks the role of the owners until the unit of work ends. Returns each with whether the account can sign in.
    async fn lock_owners(&mut self) -> Result<Vec<(UserId, bool)>, Unavailable>;
}
