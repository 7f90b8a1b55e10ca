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
    /// At most `limit` users with a role, sorted by id; only those after `after`, if it is given.
    pub async fn page(&self, after: Option<(UserId, Role)>, limit: u32) -> Result<Vec<(User, RoleGrant)>, Unavailable> {
        self.core.store.roles(after, limit).await
    }

    /// The roles of a user.
    pub async fn of(&self, user: &User) -> Result<Vec<Role>, Unavailable> {
        self.core.store.roles_of(user.id).await
    }

    /// Grants a user a role; `false` if they already have it.
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

    /// Revokes a role of a user.
    ///
    /// # Errors
    /// When the user does not have it, or is the last owner.
    pub async fn take(&self, user: &User, role: Role) -> Result<(), Refused> {
        let mut unit = self.core.store.begin().await?;
        if role == Role::Owner && is_last(&unit.lock_owners().await?, user.id) {
            return Err(Refused::LastOwner);
        }
        if !unit.revoke_role(user.id, role).await? {
            return Err(Refused::NoSuchRole(role));
        }
        unit.commit().await?;
        let (user, role) = (user.id.0, role.name());
        tracing::info!(target: AUDIT, %user, role, event = "role_taken", "role_taken");
        Ok(())
    }
}

/// Whether removing this owner would leave no owner, or none who can sign in although this one can. The flag of each
/// owner says whether they can sign in.
fn is_last(owners: &[(UserId, bool)], user: UserId) -> bool {
    let others = || owners.iter().filter(|(owner, _)| *owner != user);
    let can_sign_in = owners.contains(&(user, true));
    owners.iter().any(|(owner, _)| *owner == user)
        && (others().next().is_none() || (can_sign_in && !others().any(|(_, can)| *can)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_last_owner_who_can_sign_in_is_kept() {
        let [ada, eve] = [1, 2].map(|id| UserId(Uuid::from_u128(id)));
        for (owners, is_last_one) in [
            (vec![(ada, true)], true),
            (vec![(ada, false)], true),
            (vec![(ada, true), (eve, false)], true),
            (vec![(ada, false), (eve, false)], false),
            (vec![(ada, false), (eve, true)], false),
            (vec![(ada, true), (eve, true)], false),
            (vec![(eve, true)], false),
            (vec![], false),
        ] {
            assert_eq!(is_last(&owners, ada), is_last_one, "{owners:?}");
        }
    }
}
