use super::UserId;
use crate::server::clock::Timestamp;

/// The permissions of an administrator; never derived from groups (docs/RULES.md, 18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Users, groups, invitations and sessions.
    People,
    /// Applications and their policy.
    Applications,
    /// Can see everything and change nothing.
    Auditor,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::People, Self::Applications, Self::Auditor];

    /// Its name in commands and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::People => "people",
            Self::Applications => "applications",
            Self::Auditor => "auditor",
        }
    }

    /// The inverse of [`Role::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A role that was granted to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    pub user_id: UserId,
    pub role: Role,
    pub granted_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_round_trips_through_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("admin"), None);
    }
}
