use crate::server::Unavailable;
use crate::server::model::role::RoleGrant;
use crate::server::model::{Role, User, UserId};
use async_trait::async_trait;

/// Reads of roles.
#[async_trait]
pub trait RoleReads: Send + Sync {
    /// At most `limit` users with a role, ordered by id and role, starting after `after`.
    async fn roles(&self, after: Option<(UserId, Role)>, limit: u32) -> Result<Vec<(User, RoleGrant)>, Unavailable>;

    /// The roles of a user.
    async fn roles_of(&self, user: UserId) -> Result<Vec<Role>, Unavailable>;
}

/// Writes of roles.
#[async_trait]
pub trait RoleWrites: Send {
    /// `false` when the user already has the role.
    async fn grant_role(&mut self, grant: &RoleGrant) -> Result<bool, Unavailable>;

    /// `false` when the user does not have the role.
    async fn revoke_role(&mut self, user: UserId, role: Role) -> Result<bool, Unavailable>;

    /// Locks the roles of all owners until the unit of work ends. Returns each owner and whether the account can sign
    /// in.
    async fn lock_owners(&mut self) -> Result<Vec<(UserId, bool)>, Unavailable>;
}
