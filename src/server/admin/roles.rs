use super::Refused;
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::role::RoleGrant;
use crate::server::model::{Role, User, UserId};
use crate::server::telemetry::AUDIT;

/// Roles of administrators.
pub struct Roles<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Roles<'_> {
    /// At most `limit` users with a role, in the order of their ids: those behind `after`.
    pub async fn page(&self, after: Option<(UserId, Role)>, limit: u32) -> Result<Vec<(User, RoleGrant)>, Unavailable> {
        self.core.store.roles(after, limit).await
    }

    /// The roles of a user.
    pub async fn of(&self, user: &User) -> Result<Vec<Role>, Unavailable> {
        self.core.store.roles_of(user.id).await
    }

    /// Gives a user a role; `false` when they have it already.
    pub async fn grant(&self, user: &User, role: Role) -> Result<bool, Unavailable> {
        let mut unit = self.core.store.begin().await?;
        let grant = RoleGrant { user_id: user.id, role, granted_at: self.core.now() };
        let is_new = unit.grant_role(&grant).await?;
        unit.commit().await?;
        if is_new {
            let (user, role) = (user.id.0, role.name());
            tracing::info!(target: AUDIT, %user, role, event = "role_granted", "role_granted");
        }
        Ok(is_new)
    }

    /// Takes a role from a user.
    ///
    /// # Errors
    /// When the user does not have it or is the only owner who can sign in, or the database is away.
    pub async fn take(&self, user: &User, role: Role) -> Result<(), Refused> {
        let mut unit = self.core.store.begin().await?;
        if role == Role::Owner && unit.lock_owners().await? == [user.id] {
            return Err(Refused::LastOwner);
        }
        if !unit.take_role(user.id, role).await? {
            return Err(Refused::NoSuchRole(role));
        }
        unit.commit().await?;
        let (user, role) = (user.id.0, role.name());
        tracing::info!(target: AUDIT, %user, role, event = "role_taken", "role_taken");
        Ok(())
    }
}
