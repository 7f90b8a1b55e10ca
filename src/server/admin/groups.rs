use super::Refused;
use super::lost_access::{self, Change};
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::{Group, GroupName, User};
use crate::server::telemetry::AUDIT;
use crate::types::DisplayName;
use std::collections::BTreeSet;

/// Groups of users.
pub struct Groups<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Groups<'_> {
    /// At most `limit` groups with their member counts, sorted by name; only those after `after`, if it is given.
    pub async fn page(&self, after: Option<&GroupName>, limit: u32) -> Result<Vec<(Group, u64)>, Unavailable> {
        self.core.store.groups(after, limit).await
    }

    /// The group with this name.
    pub async fn get(&self, name: &GroupName) -> Result<Option<Group>, Unavailable> {
        self.core.store.group(name).await
    }

    /// The groups of a user.
    pub async fn of(&self, user: &User) -> Result<BTreeSet<GroupName>, Unavailable> {
        self.core.store.groups_of(user.id).await
    }

    /// Adds a group, or changes the one with this name: `None` keeps a value, or takes the default for a new group. A
    /// new group gives access to nothing.
    ///
    /// # Errors
    /// When it is defined in the file.
    pub async fn put(
        &self,
        name: &GroupName,
        title: Option<DisplayName>,
        is_default: Option<bool>,
    ) -> Result<Group, Refused> {
        let mut unit = self.core.store.begin().await?;
        let known = unit.lock_group(name).await?;
        refuse_from_file(known.as_ref())?;
        let title = title.or_else(|| known.as_ref().map(|known| known.title.clone())).or_else(|| name.as_title());
        let group = Group {
            name: name.clone(),
            title: title.ok_or(Refused::NoTitle)?,
            is_default: is_default.or(known.as_ref().map(|known| known.is_default)).unwrap_or(false),
            from_file: false,
            created_at: known.map_or_else(|| self.core.now(), |known| known.created_at),
        };
        unit.put_group(&group).await?;
        unit.commit().await?;
        let is_default = group.is_default;
        tracing::info!(target: AUDIT, group = %name, is_default, event = "group_changed", "group_changed");
        Ok(group)
    }

    /// Removes a group. Applications that were open only to it are then closed.
    ///
    /// # Errors
    /// When there is no such group, or the file defines it or an application that is open to it.
    pub async fn remove(&self, name: &GroupName) -> Result<(), Refused> {
        let mut unit = self.core.store.begin().await?;
        refuse_from_file(unit.lock_group(name).await?.as_ref())?;
        // Authorization codes for these are redeemed before the removal, or refused.
        let applications = unit.lock_applications_of(name).await?;
        if let Some(application) = applications.iter().find(|application| application.from_file) {
            return Err(Refused::GroupInFile(name.clone(), application.id.clone()));
        }
        if !unit.remove_group(name).await? {
            return Err(Refused::UnknownGroup(name.clone()));
        }
        unit.commit().await?;
        for application in &applications {
            lost_access::end(self.core, Change::OfApplication(&application.id)).await?;
        }
        tracing::info!(target: AUDIT, group = %name, event = "group_removed", "group_removed");
        Ok(())
    }

    /// Adds a user to a group; `false` if they already belong to it.
    ///
    /// # Errors
    /// When there is no such group.
    pub async fn join(&self, user: &User, name: &GroupName) -> Result<bool, Refused> {
        if self.core.store.group(name).await?.is_none() {
            return Err(Refused::UnknownGroup(name.clone()));
        }
        let mut unit = self.core.store.begin().await?;
        let has_joined = unit.join_group(user.id, name, self.core.now()).await?;
        unit.commit().await?;
        if has_joined {
            tracing::info!(target: AUDIT, user = %user.id.0, group = %name, event = "group_joined", "group_joined");
        }
        Ok(has_joined)
    }

    /// Removes a user from a group; `false` if they do not belong to it. Access that only this group gave ends, and the
    /// applications are notified (docs/RULES.md, 20).
    pub async fn leave(&self, user: &User, name: &GroupName) -> Result<bool, Unavailable> {
        let mut unit = self.core.store.begin().await?;
        unit.lock_user(user.id).await?;
        let has_left = unit.leave_group(user.id, name).await?;
        unit.commit().await?;
        lost_access::end(self.core, Change::OfUser(user.id)).await?;
        if has_left {
            tracing::info!(target: AUDIT, user = %user.id.0, group = %name, event = "group_left", "group_left");
        }
        Ok(has_left)
    }
}

fn refuse_from_file(known: Option<&Group>) -> Result<(), Refused> {
    match known {
        Some(group) if group.from_file => Err(Refused::DefinedInFile(group.name.to_string())),
        _ => Ok(()),
    }
}
